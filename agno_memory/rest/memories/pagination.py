"""Pages of memories by time, forwards and backwards."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param

from agno_memory.db.keyset import DAMAGED, ORDERS, Order, reverse
from agno_memory.deleted_querysets import DeletedPosition
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet, is_damaged
from agno_memory.rest.pagination import Cursor, ForwardPagination, Position, SizedPagination, bad_cursor
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import VersionPosition, version_position
from agno_memory.times import EPOCH, from_milliseconds, to_milliseconds

# Reads versions of a memory: at most a number of them, those after a position.
ReadVersions = Callable[[int, VersionPosition | None], list[MemoryRevision]]


class HistoryPagination(ForwardPagination):
    """Pages of the versions of one memory, newest first. The queryset is a function that reads them."""

    page_size_query_description = "Versions on a page."
    order = "-version"

    def rows(self, queryset: ReadVersions, limit: int, key: VersionPosition | None) -> list[MemoryRevision]:
        return queryset(limit, key)

    def key(self, position: Position) -> VersionPosition:
        return version_position(*position)

    def position_of(self, row: MemoryRevision) -> Position:
        return to_milliseconds(row.last_updated), str(row.version)


class DeletedPagination(ForwardPagination):
    """Pages of deleted memories, the last deleted one first."""

    page_size_query_description = "Memories on a page."
    order = "-valid_until"

    def rows(self, queryset: UserMemoryQuerySet, limit: int, key: DeletedPosition | None) -> list[MemoryRevision]:
        return queryset.deleted_page(limit, key)

    def key(self, position: Position) -> DeletedPosition:
        milliseconds, key = position
        return from_milliseconds(milliseconds), key

    def position_of(self, row: MemoryRevision) -> Position:
        moment, key = row.deletion
        return to_milliseconds(moment), key

    def get_paginated_response(self, data: Any) -> Response:
        # As the list of memories has it.
        return Response({"next": self.get_next_link(), "previous": None, "results": data})


class MemoryPagination(SizedPagination):
    """Pages of memories.

    A memory that is written while a client pages through ``-last_updated`` moves to the front, where the next first
    page has it. Every other one comes exactly once. ``created_at`` never moves.
    """

    cursor_query_description = "The start of the page: take it from `next` or `previous`."
    page_size_query_description = "Memories on a page."
    ordering_param = "ordering"
    default_ordering: Order = "-last_updated"

    def paginate_queryset(  # type: ignore[override]
        self, queryset: UserMemoryQuerySet, request: Request, view: Any = None
    ) -> list[UserMemory]:
        size = self.start(request)
        self.order = self.requested_order(request)
        self.page_cursor = self.requested_cursor(request, self.order)
        order = reverse(self.order) if self.page_cursor.is_backwards else self.order
        read_page = getattr(view, "read_page", UserMemoryQuerySet.page)
        rows = read_page(queryset, size + 1, self._start(queryset), order)
        self.has_more = len(rows) > size
        self.page = rows[:size][::-1] if self.page_cursor.is_backwards else rows[:size]
        self.display_page_controls = self.has_more or self.page_cursor.position is not None
        return self.page

    def requested_order(self, request: Request) -> Order:
        """Return the order of a request.

        Raises:
            ValidationError: no index serves it.
        """
        name = request.query_params.get(self.ordering_param, self.default_ordering)
        for order in ORDERS:
            if order == name:
                return order
        message = _("Unknown ordering. Choose from: %(accepted)s.") % {"accepted": ", ".join(ORDERS)}
        raise serializers.ValidationError({self.ordering_param: [message]})

    def _start(self, queryset: UserMemoryQuerySet) -> UserMemory | tuple[datetime.datetime, str] | None:
        """Return the position of the request.

        Raises:
            ValidationError: a memory with a damaged time, which is gone.
        """
        position = self.page_cursor.position
        if position is None or position[0] != DAMAGED:
            return self.key_of(self.page_cursor)
        row = queryset.filter(key=position[1]).first()
        if row is None:
            raise bad_cursor()
        return row

    def key(self, position: Position) -> tuple[datetime.datetime, str]:
        number, identifier = position
        return EPOCH if number == DAMAGED else from_milliseconds(number), identifier

    def position_of(self, row: UserMemory) -> Position:
        if is_damaged(row, self.order):
            return DAMAGED, row.key
        return to_milliseconds(getattr(row, self.order.removeprefix("-"))), row.memory_id

    def get_next_link(self) -> str | None:
        if self.page_cursor.is_backwards:
            # Without rows before the position, the next page is the first one.
            return self._link_after(self.page[-1]) if self.page else remove_query_param(self.base_url, "cursor")
        return self._link_after(self.page[-1]) if self.has_more else None

    def get_previous_link(self) -> str | None:
        if self.page_cursor.is_backwards:
            return self._link_before(self.page[0]) if self.has_more else None
        if self.page_cursor.position is None:
            return None
        return self._link_before(self.page[0] if self.page else None)

    def _link_after(self, memory: UserMemory) -> str:
        return self.link(Cursor(self.order, position=self.position_of(memory)))

    def _link_before(self, memory: UserMemory | None) -> str:
        return self.link(Cursor(self.order, is_backwards=True, position=self.position_of(memory) if memory else None))
