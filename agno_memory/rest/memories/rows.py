"""The memories and earlier versions that a request may see, and a memory as a response."""

from __future__ import annotations

import builtins
import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.encoding import escape_uri_path
from django.utils.functional import cached_property
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from agno_memory.as_of_querysets import memory_of
from agno_memory.cleaning import KEY
from agno_memory.db.keyset import Order
from agno_memory.models import UserMemory
from agno_memory.querysets import Position, UserMemoryQuerySet
from agno_memory.rest.base import UserScopedViewSet
from agno_memory.rest.converters import in_path
from agno_memory.rest.endpoints import is_id
from agno_memory.rest.etags import etag_of
from agno_memory.rest.memories.filters import EarlierMomentField
from agno_memory.rest.openapi.parameters import AS_OF
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.validators import validate_identifier

# The permission to see memories that have been deleted, also the caller's own.
VIEW_DELETED: Final = "agno_memory.view_deleted"


class MemoryRows(UserScopedViewSet):
    """Base of ``MemoryViewSet``: its rows. Narrow them by ``get_queryset()``; earlier versions follow it."""

    # The rows of the current request that nothing has narrowed.
    _whole_list: UserMemoryQuerySet | None = None

    # Parameters

    @cached_property
    def moment(self) -> datetime.datetime | None:
        """The moment of ``?as_of=``, or None for now.

        Raises:
            ValidationError: not a time.
        """
        if AS_OF not in self.endpoint.parameters or AS_OF.name not in self.request.query_params:
            return None
        try:
            moment: datetime.datetime = EarlierMomentField().clean(self.request.query_params[AS_OF.name])
        except ValidationError as error:
            raise serializers.ValidationError({AS_OF.name: error.messages}) from error
        return moment

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the value of a parameter that is true or false.

        Raises:
            ValidationError: another value.
        """
        if name not in self.request.query_params:
            return default
        try:
            return bool(serializers.BooleanField().run_validation(self.request.query_params[name]))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from error

    @cached_property
    def sees_deleted(self) -> bool:
        """Whether the caller may see deleted memories, whichever permission classes the site has."""
        user: Any = self.request.user
        return bool(user.has_perm(VIEW_DELETED))

    # Rows

    @property
    def is_narrowed(self) -> bool:
        """Whether a subclass narrows the rows."""
        return type(self).get_queryset is not MemoryRows.get_queryset

    def get_queryset(self) -> UserMemoryQuerySet:
        """Return the memories of the user that the request acts for, at the moment of ``?as_of=``. Narrow them."""
        rows = UserMemory.objects.for_user(self.owner)
        if self.moment is not None:
            return self.visible(rows.as_of(self.moment))
        self._whole_list = rows.current()
        return self._whole_list

    def visible(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Leave out what a caller without the permission may not see: deleted memories."""
        return rows if self.sees_deleted else rows.without_deleted()

    def versions(self) -> RevisionQuerySet:
        """Return the earlier versions that meet the conditions of ``get_queryset()`` and the caller may see."""
        return self.visible(self.get_queryset()).versions()

    def read_page(
        self, rows: UserMemoryQuerySet, size: int, position: Position | None, order: Order
    ) -> builtins.list[UserMemory]:
        """Return a page of a list; see ``UserMemoryQuerySet.page``.

        A user's whole list is the most frequent request, and ``Memory.page()`` has a faster statement for it.
        """
        if rows is self._whole_list:
            return self.memory.page(self.owner, size=size, position=position, order=order)
        return rows.page(size, position, order)

    # One memory

    @property
    def memory_id(self) -> str:
        """The id of the path.

        Raises:
            NotFound: no memory has such an id.
        """
        memory_id: str = self.kwargs["memory_id"]
        try:
            validate_identifier(memory_id)
        except ValidationError:
            raise exceptions.NotFound from None
        return memory_id

    def get_object(self) -> UserMemory:
        memory = self._read(self.memory_id)
        if memory is None:
            raise exceptions.NotFound
        self.check_object_permissions(self.request, memory)
        return memory

    def find_memory(self) -> UserMemory | None:
        """Return the memory of the path, or None if the user has none, or none that this viewset shows."""
        try:
            return self.get_object()
        except (exceptions.NotFound, Http404):
            return None

    def find_deleted(self) -> MemoryRevision | None:
        """Return the last version of the memory of the path if it has been deleted and the caller may see that."""
        if not self.sees_deleted or self.memory.get_user_memory(self.memory_id, self.owner) is not None:
            return None
        found = self.with_ids([self.memory_id]).deleted_page(1)
        last = found[0] if found else None
        if last is not None:
            self.check_object_permissions(self.request, memory_of(last, UserMemory))
        return last

    def _read(self, memory_id: str) -> UserMemory | None:
        """Return the user's memory with this id, or None.

        ``Memory`` has a compiled statement for it. A viewset that defines ``get_queryset()`` may narrow the rows.
        """
        if self.is_narrowed or self.moment is not None:
            return self.with_ids([memory_id]).first()
        return self.memory.get_user_memory(memory_id, self.owner)

    def with_ids(self, memory_ids: builtins.list[str]) -> UserMemoryQuerySet:
        """Return the user's memories with these ids, found by the primary key."""
        return self.get_queryset().filter(key__in=[KEY.digest(self.owner, each) for each in memory_ids])

    # Responses

    def respond(self, memory: UserMemory, status: int = 200) -> Response:
        """Return a memory with its tag, and with its address if the request went to another one."""
        headers = {"ETag": etag_of(memory)}
        if self.kwargs.get("memory_id") != memory.memory_id:
            headers["Location"] = self._address_of(memory)
        return Response(self.get_serializer(memory).data, status, headers=headers)

    def _address_of(self, memory: UserMemory) -> str:
        """Return the address of a memory of the user: that of the list, followed by the id."""
        here, route = self.request._request.path, self.endpoint.route
        for segment in reversed(route.segments[1:] if route else []):
            part = self.kwargs["memory_id"] if is_id(segment) else segment
            here = here.removesuffix(f"{part}/")
        query = f"?user_id={in_path(self.owner)}" if self.concerns_others() else ""
        return self.request.build_absolute_uri(f"{escape_uri_path(here)}{in_path(memory.memory_id)}/{query}")
