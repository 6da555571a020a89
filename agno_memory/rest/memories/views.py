"""Memories over HTTP. Subclass the viewset to narrow or extend it."""

from __future__ import annotations

import builtins
from itertools import chain
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.exceptions import MemoryChanged, MemoryExists
from agno_memory.models import UserMemory
from agno_memory.rest.base import ME
from agno_memory.rest.converters import validate_reachable
from agno_memory.rest.endpoints import Endpoint, Route
from agno_memory.rest.etags import check_preconditions, creates, etag_of, is_current, is_guarded
from agno_memory.rest.exceptions import Conflict, PreconditionFailed, by_position, detail_of
from agno_memory.rest.memories import openapi, search
from agno_memory.rest.memories.bodies import validated_memories
from agno_memory.rest.memories.filters import MemoryFilterBackend, UserMemoryFilter
from agno_memory.rest.memories.history import HistoryActions, read_all
from agno_memory.rest.memories.pagination import MemoryPagination
from agno_memory.rest.memories.serializers import DeletedSerializer, DeleteSerializer, UserMemorySerializer
from agno_memory.rest.openapi.parameters import (
    AS_OF,
    CURSOR,
    DELETED,
    IF_MATCH,
    IF_NONE_MATCH,
    MEMORY_ID,
    ORDERING,
    PAGE_SIZE,
    PERMANENTLY,
    USER_ID,
    WITH_HISTORY,
)
from agno_memory.rest.renderers import CSVRenderer, NDJSONRenderer
from agno_memory.retries import retry
from agno_memory.search.methods import RANKED
from agno_memory.search.recall import Search
from agno_memory.streaming import attachment

MEMORIES: Final = Route("memories/", "agno-memory-list", "Memories")
BULK: Final = Route("memories/bulk/", "agno-memory-bulk", "Add many")
DELETE: Final = Route("memories/delete/", "agno-memory-delete", "Delete many")
SEARCH: Final = Route("memories/search/", "agno-memory-search", "Search")
EXPORT: Final = Route("memories/export/", "agno-memory-export", "Export")
MEMORY: Final = Route("memories/<agno_memory_id:memory_id>/", "agno-memory-detail", "Memory")


class MemoryViewSet(mixins.ListModelMixin, HistoryActions):
    """The memories of one user."""

    serializer_class = UserMemorySerializer
    filter_backends = (MemoryFilterBackend,)
    filterset_class = UserMemoryFilter
    pagination_class = MemoryPagination
    lookup_field = "memory_id"
    openapi_tag = "memories"

    @Endpoint(
        "get", MEMORIES, parameters=(USER_ID, AS_OF, DELETED, ORDERING, PAGE_SIZE, CURSOR), operation=openapi.LIST
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List memories."""
        if not self.flag(DELETED.name):
            return super().list(request, *args, **kwargs)
        for other in (AS_OF, ORDERING):
            if other.name in request.query_params:
                raise serializers.ValidationError({other.name: [_("Leave it out with `deleted`.")]})
        return self.list_deleted()

    @Endpoint(
        "post",
        MEMORIES,
        permission="add",
        scope="write",
        parameters=(USER_ID,),
        names_user_in_body=True,
        operation=openapi.CREATE,
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a memory."""
        return self._create(self.memory_in_body())

    @Endpoint(
        "post",
        BULK,
        permission="add",
        scope="write",
        parameters=(USER_ID,),
        names_user_in_body=True,
        operation=openapi.CREATE_MANY,
    )
    def bulk(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add many memories: all or none."""
        memories = validated_memories(self.body(), self.get_serializer(), self._check_reachable)
        try:
            added = self.memory.add_user_memories(memories, self.owner)
        except ValidationError as error:
            raise serializers.ValidationError(by_position(detail_of(error))) from error
        except MemoryExists as error:
            taken = [position for position, memory in enumerate(memories) if memory.memory_id in error.memory_ids]
            raise Conflict({str(position): {"memory_id": [Conflict.default_detail]} for position in taken}) from error
        return Response(self.get_serializer(added, many=True).data, status.HTTP_201_CREATED)

    @Endpoint("get", MEMORY, parameters=(USER_ID, MEMORY_ID, AS_OF, IF_NONE_MATCH), operation=openapi.RETRIEVE)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one memory."""
        self.refuse_unknown_parameters()
        memory = self.get_object()
        if is_current(request, memory) and self._is_tagged():
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag_of(memory)})
        return self.respond(memory)

    @Endpoint(
        "put",
        MEMORY,
        permission="change",
        scope="write",
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
        names_user_in_body=True,
        operation=openapi.REPLACE,
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace the content of a memory, or create it with ``If-None-Match: *``."""
        if creates(request):
            return self._create_only(self.memory_in_body())
        memory = self.get_object()
        new = self.memory_in_body(memory)
        check_preconditions(request, memory)
        version = memory if is_guarded(request) else None
        return self.respond(self.memory.replace_user_memory(memory.memory_id, new, self.owner, version=version))

    @Endpoint(
        "patch",
        MEMORY,
        permission="change",
        scope="write",
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
        names_user_in_body=True,
        operation=openapi.CHANGE,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some fields of a memory, and keep concurrent changes of the others."""
        # Without a precondition, a change of another client is merged by the next attempt.
        return self.respond(retry(self._merge, MemoryChanged, unless=lambda error: is_guarded(request)))

    def _merge(self) -> UserMemory:
        memory = self.get_object()
        check_preconditions(self.request, memory)
        current = {name: getattr(memory, name) for name in UserMemory.content_fields}
        new = UserMemory(**{**current, **self._values(memory, partial=True)})
        return self.memory.replace_user_memory(memory.memory_id, new, self.owner, version=memory)

    @Endpoint(
        "delete",
        MEMORY,
        permission="delete",
        scope="write",
        parameters=(USER_ID, MEMORY_ID, PERMANENTLY, IF_MATCH, IF_NONE_MATCH),
        operation=openapi.DELETE,
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete one memory."""
        self.refuse_unknown_parameters()
        permanently, memory = self.flag(PERMANENTLY.name), self.find_memory()
        if memory is not None:
            check_preconditions(request, memory)
        elif not permanently or self.find_deleted() is None:
            raise exceptions.NotFound
        elif "If-Match" in request.headers:
            raise PreconditionFailed
        version = memory if is_guarded(request) else None
        self.memory.delete_user_memory(self.memory_id, self.owner, version=version, permanently=permanently)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @Endpoint(
        "post",
        DELETE,
        permission="delete",
        scope="write",
        parameters=(USER_ID,),
        names_user_in_body=True,
        operation=openapi.DELETE_MANY,
    )
    def delete_many(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete many memories; unknown ids are ignored."""
        serializer = DeleteSerializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        requested_ids, permanently = (serializer.validated_data[name] for name in ("memory_ids", "permanently"))
        existing = set(self.with_ids(requested_ids).values_list("memory_id", flat=True))
        if permanently and self.sees_deleted:
            existing.update(version.memory_id for version in self.with_ids(requested_ids).deleted_page(None))
        ids = [each for each in requested_ids if each in existing]
        deleted = self.memory.delete_user_memories(ids, self.owner, permanently=permanently)
        return Response(DeletedSerializer({"deleted": deleted}).data)

    @Endpoint("get", SEARCH, parameters=(USER_ID, AS_OF, *search.PARAMETERS), operation=openapi.SEARCH)
    def search(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the memories that answer a question, the best first."""
        rows = search.SearchFilterBackend().filter_queryset(request, self.get_queryset(), self)
        parameters = search.SearchParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        query, limit, explain, precise, share = parameters.validated_data.values()
        ranking = Search(query, RANKED, min_relative=share, precise=precise)
        # Of an earlier moment, all memories are read.
        is_earlier = self.moment is not None
        matches = ranking.ranked_among(read_all(rows), limit) if is_earlier else ranking.ranked(rows, limit, self.owner)
        represent = self.get_serializer().to_representation
        return Response({"results": search.results(matches, represent, explain=explain)})

    @Endpoint(
        "get",
        EXPORT,
        permission="export",
        scope="export",
        parameters=(USER_ID, WITH_HISTORY),
        operation=openapi.EXPORT,
    )
    def export(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Download all memories as a file, oldest first, as NDJSON or CSV."""
        renderer: Any = request.accepted_renderer
        memories: Any = self.filter_queryset(self.get_queryset())
        rows = self.visible(memories)
        versions = rows.walk_versions() if self.flag(WITH_HISTORY.name, default=True) else ()
        # Sent while it is read.
        return attachment(
            request._request,
            chain(renderer.lines(memories.walk()), renderer.history(versions)),
            content_type=f"{renderer.media_type}; charset=utf-8",
            filename=f"memories.{renderer.format}",
        )

    def get_renderers(self) -> builtins.list[BaseRenderer]:
        return [NDJSONRenderer(), CSVRenderer()] if self.action == "export" else super().get_renderers()

    def required_permission(self) -> str:
        return "add" if self.action == "update" and creates(self.request) else super().required_permission()

    def memory_in_body(self, memory: UserMemory | None = None) -> UserMemory:
        """Return the unsaved memory of the body, with the id of the path if there is one.

        Args:
            memory: the stored one that the body replaces.
        """
        return UserMemory(**self._values(memory, partial=False))

    def _values(self, memory: UserMemory | None, *, partial: bool) -> dict[str, Any]:
        serializer = self.get_serializer(memory, data=self.body(), partial=partial)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        memory_id = self.kwargs.get("memory_id", values.get("memory_id"))
        if values.get("memory_id", memory_id) != memory_id:
            raise serializers.ValidationError({"memory_id": [_("Leave it out, or repeat the memory_id of the path.")]})
        return values if memory_id is None else {**values, "memory_id": memory_id}

    def _check_reachable(self, memory: UserMemory) -> None:
        validate_reachable("memory_id", memory.memory_id, self.reserved_ids, self.reserved_endings)
        if self.concerns_others():
            validate_reachable("user_id", self.owner, (ME,))

    def _create(self, new: UserMemory) -> Response:
        self._check_reachable(new)
        added = self.memory.add_user_memory(new, self.owner)
        # With ON_DUPLICATE "return", the memory may be one that was there.
        is_new = added.memory_id == new.memory_id
        return self.respond(added, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    def _is_tagged(self) -> bool:
        """Return whether the tag of a memory covers all that a response shows: not the fields that a site adds."""
        serializer = self.get_serializer()
        return isinstance(serializer, UserMemorySerializer) and serializer.depends_on_memory_alone()

    def _create_only(self, new: UserMemory) -> Response:
        if "If-Match" in self.request.headers:
            # If-None-Match: * matches only a missing memory, and If-Match only an existing one.
            raise PreconditionFailed
        try:
            return self._create(new)
        except MemoryExists as error:
            raise PreconditionFailed from error
