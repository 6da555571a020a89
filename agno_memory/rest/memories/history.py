"""Earlier versions, deleted memories and duplicates over HTTP."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.acting import acting
from agno_memory.as_of_querysets import memory_of
from agno_memory.conf import conf
from agno_memory.exceptions import MemoryChanged, VersionNotFound
from agno_memory.formats import ending_as_dict
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.endpoints import Endpoint, Route
from agno_memory.rest.etags import check_preconditions, is_guarded
from agno_memory.rest.exceptions import Conflict, PreconditionFailed
from agno_memory.rest.memories import openapi
from agno_memory.rest.memories.pagination import DeletedPagination, HistoryPagination, ReadVersions
from agno_memory.rest.memories.rows import MemoryRows
from agno_memory.rest.memories.serializers import MergeSerializer, RestoreSerializer
from agno_memory.rest.openapi.parameters import (
    CURSOR,
    DEFAULT_GROUPS,
    GROUPS,
    IF_MATCH,
    IF_NONE_MATCH,
    MEMORY_ID,
    PAGE_SIZE,
    USER_ID,
)
from agno_memory.retries import retry
from agno_memory.revision_models import MemoryRevision
from agno_memory.search.duplicates import groups_of_duplicates

MERGE: Final = Route("memories/merge/", "agno-memory-merge", "Merge")
DUPLICATES: Final = Route("memories/duplicates/", "agno-memory-duplicates", "Duplicates")
HISTORY: Final = Route("memories/<agno_memory_id:memory_id>/history/", "agno-memory-history", "History")
RESTORE: Final = Route("memories/<agno_memory_id:memory_id>/restore/", "agno-memory-restore", "Restore")

# The memories that a request reads as a whole, to compare or to rank them.
MAX_READ: Final = 10_000


class HistoryActions(MemoryRows):
    """The actions of ``MemoryViewSet`` on earlier versions and on several memories."""

    @Endpoint("get", HISTORY, parameters=(USER_ID, MEMORY_ID, PAGE_SIZE, CURSOR), operation=openapi.HISTORY)
    def history(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the versions of a memory."""
        self.refuse_unknown_parameters()
        if self.find_memory() is None and self.find_deleted() is None:
            raise exceptions.NotFound
        paginator = HistoryPagination()
        entries = paginator.paginate_queryset(self._history(), request)
        return paginator.get_paginated_response(self.represented(self._shown(entries)))

    @Endpoint(
        "post",
        RESTORE,
        permission="change",
        scope="write",
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
        names_user_in_body=True,
        operation=openapi.RESTORE,
    )
    def restore(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Restore an earlier version of a memory, or a deleted memory."""
        self.refuse_unknown_parameters()
        serializer = RestoreSerializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        with acting(reason=serializer.validated_data["reason"]):
            version = serializer.validated_data["version"]
            # Without a precondition, the version is restored over a concurrent change.
            return retry(lambda: self._restore(version), MemoryChanged, unless=lambda error: is_guarded(request))

    def _restore(self, version: int | None) -> Response:
        memory = self.find_memory()
        if memory is not None:
            check_preconditions(self.request, memory)
        elif self.find_deleted() is None:
            raise exceptions.NotFound
        elif "If-Match" in self.request.headers:
            # No version of a deleted memory is the current one.
            raise PreconditionFailed
        if self.is_narrowed:
            version = self._shown_version(version)
        at_version = memory if is_guarded(self.request) else None
        return self.respond(self.memory.restore_user_memory(self.memory_id, self.owner, version, at_version=at_version))

    @Endpoint(
        "post",
        MERGE,
        permission="change",
        also=("delete",),
        scope="write",
        parameters=(USER_ID,),
        names_user_in_body=True,
        operation=openapi.MERGE,
    )
    def merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Merge memories into the newest of them."""
        self.refuse_unknown_parameters()
        serializer = MergeSerializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        ids, text = serializer.validated_data["memory_ids"], serializer.validated_data["memory"]
        if self.is_narrowed and self.with_ids(ids).count() < len(set(ids)):
            raise exceptions.NotFound
        try:
            return self.respond(self.memory.merge_user_memories(ids, self.owner, text))
        except MemoryChanged as error:
            raise Conflict(_("Another request wrote one of the memories. Read them again.")) from error

    @Endpoint("get", DUPLICATES, parameters=(USER_ID, GROUPS), operation=openapi.DUPLICATES)
    def duplicates(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return groups of memories that say the same, the most similar first."""
        limit = self._number_of_groups()
        rows: Any = self.filter_queryset(self.get_queryset())
        groups = groups_of_duplicates(read_all(rows))
        represent, most = self.get_serializer().to_representation, conf.REST_MAX_PAGE_SIZE
        return Response({"results": [[represent(memory) for memory in group[:most]] for group in groups[:limit]]})

    def list_deleted(self) -> Response:
        """Return a page of the deleted memories."""
        if not self.sees_deleted:
            raise exceptions.PermissionDenied
        paginator = DeletedPagination()
        rows: Any = self.filter_queryset(self.get_queryset())
        page = paginator.paginate_queryset(rows, self.request)
        return paginator.get_paginated_response(self.represented(page))

    def represented(self, versions: Iterable[MemoryRevision]) -> builtins.list[dict[str, Any]]:
        """Return versions as JSON: the memory as it was, by the serializer, and how the version ended."""
        represent = self.get_serializer().to_representation
        return [{**represent(memory_of(each, UserMemory)), **ending_as_dict(each)} for each in versions]

    # The versions of one memory

    def _history(self) -> ReadVersions:
        """Return a function that reads versions of the memory of the path."""
        memory, memory_id, owner = self.memory, self.memory_id, self.owner
        return lambda limit, position: memory.get_user_memory_history(memory_id, owner, limit=limit, position=position)

    def _shown(self, entries: builtins.list[MemoryRevision]) -> builtins.list[MemoryRevision]:
        """Return the versions that the viewset shows: a subclass may hide some of them."""
        if not self.is_narrowed:
            return entries
        earlier = [each.key for each in entries if each.key]
        shown = set(self.versions().filter(user_id=self.owner, key__in=earlier).values_list("key", flat=True))
        shown |= {each.key for each in self.with_ids([self.memory_id]).deleted_page(1)}
        # The version that holds now has no key of its own, and was looked up before.
        return [each for each in entries if not each.key or each.key in shown]

    def _shown_version(self, version: int | None) -> int:
        """Return the number of a version to restore, of which the content may be shown."""
        read, position = self._history(), None
        while entries := read(100, position):
            for entry in entries:
                # The version that holds now has no key.
                is_earlier = bool(entry.key) and not entry.is_event
                is_wanted = is_earlier if version is None else entry.version == version
                if is_wanted and self._shown([entry]):
                    return entry.version
                if is_wanted:
                    raise VersionNotFound(self.memory_id, version)
            position = entries[-1].last_updated, entries[-1].version
        raise VersionNotFound(self.memory_id, version)

    def _number_of_groups(self) -> int:
        name = GROUPS.name
        if name not in self.request.query_params:
            return DEFAULT_GROUPS
        try:
            limit = serializers.IntegerField(min_value=0, max_value=GROUPS.schema(self)["maximum"])
            return int(limit.run_validation(self.request.query_params[name]))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from error


def read_all(rows: UserMemoryQuerySet) -> builtins.list[UserMemory]:
    """Return memories, the newest first.

    Raises:
        ValidationError: more than ``MAX_READ``; the filters of a list narrow them.
    """
    memories = rows.page(MAX_READ + 1)
    if len(memories) > MAX_READ:
        message = _("More than %(limit)d memories: narrow them by a filter, such as topic or updated_after.")
        raise serializers.ValidationError({"non_field_errors": [message % {"limit": MAX_READ}]})
    return memories
