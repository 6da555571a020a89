"""Pages that stay exact while rows are written, and cost the same wherever they begin.

A cursor names the place where a page ended, not how many rows came before it. It says nothing that its holder has not
seen, and whoever sends somebody else's stands at that place in their own memories.
"""

from __future__ import annotations

import base64
import datetime
from typing import Any, ClassVar, Final, NamedTuple, Self

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from agno_memory.conf import conf
from agno_memory.db.keyset import ORDERS, Order
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)
REVERSED: Final[dict[Order, Order]] = {
    "-last_updated": "last_updated",
    "last_updated": "-last_updated",
    "-created_at": "created_at",
    "created_at": "-created_at",
}


class Cursor(NamedTuple):
    """A place in a list.

    Args:
        order: of the list.
        back: whether the page lies before the place, not behind it.
        place: a time and an id; None is the end of the list.
    """

    order: Order
    back: bool
    place: tuple[datetime.datetime, str] | None

    def encoded(self) -> str:
        """Return the cursor as it is sent."""
        time, key = self.place or (EPOCH, "")
        return encoded("b" if self.back else "f", self.order, str((time - EPOCH) // MILLISECOND), key)

    @classmethod
    def decoded(cls, text: str) -> Self:
        """Return the cursor that a client sent back; raises ValueError."""
        direction, order, milliseconds, key = decoded(text)
        (known,) = (each for each in ORDERS if each == order)
        place = EPOCH + int(milliseconds) * MILLISECOND, key
        return cls(known, {"b": True, "f": False}[direction], place if key else None)


def encoded(*parts: str) -> str:
    """Return parts as one opaque word that a URL can carry; the last one may hold anything."""
    return base64.urlsafe_b64encode("|".join(parts).encode()).decode().rstrip("=")


def decoded(text: str) -> list[str]:
    """Return the four parts of such a word; raises ValueError."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    if "\x00" in raw:
        raise ValueError("no database takes null characters")
    return raw.split("|", 3)


class SizedPagination(CursorPagination):
    """Pages of a size that a client may choose, up to a limit."""

    page_size_query_param = "page_size"
    # What a page says beside its results.
    links: ClassVar[dict[str, str]] = {
        "next": "The next page; null is the end.",
        "previous": "The page before; null is the beginning.",
    }
    base_url: str
    page: list[Any]

    def get_page_size(self, request: Request) -> int:
        """Return the page size that is asked for; raises ValidationError for one that is not allowed."""
        given = request.query_params.get("page_size")
        if given is None:
            return conf.REST_PAGE_SIZE
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= conf.REST_MAX_PAGE_SIZE):
            message = _("Give a whole number from 1 to %(most)d.") % {"most": conf.REST_MAX_PAGE_SIZE}
            raise serializers.ValidationError({"page_size": [message]})
        return int(given)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI schema of a page."""
        link = {"type": "string", "format": "uri", "nullable": True}
        links = {name: {**link, "description": described} for name, described in self.links.items()}
        return {"type": "object", "required": [*links, "results"], "properties": {**links, "results": schema}}


class MemoryPagination(SizedPagination):
    """Pages of memories by time, forwards and back.

    A memory that is written while somebody pages through ``-last_updated`` moves to the front, where their next first
    page has it; every other one comes exactly once. ``created_at`` does not move.
    """

    cursor_query_description = "Where the page begins: taken from `next` or `previous`."
    page_size_query_description = "Memories on a page."
    ordering_param = "ordering"
    default_ordering: Order = "-last_updated"

    def paginate_queryset(  # type: ignore[override]
        self, queryset: UserMemoryQuerySet, request: Request, view: Any = None
    ) -> list[UserMemory]:
        self.request = request
        self.base_url = request.build_absolute_uri()
        size = self.get_page_size(request)
        self.order = self.order_of(request)
        self.place = self.cursor_of(request)
        back, position = self.place.back, self.place.place
        order = REVERSED[self.order] if back else self.order
        found = queryset.page(size + 1, position, order)
        self.goes_on = len(found) > size
        self.page = found[:size][::-1] if back else found[:size]
        self.display_page_controls = self.goes_on or position is not None
        return self.page

    def order_of(self, request: Request) -> Order:
        given = request.query_params.get(self.ordering_param, self.default_ordering)
        for order in ORDERS:
            if order == given:
                return order
        message = _("Memories cannot be ordered so. Known: %(known)s.") % {"known": ", ".join(ORDERS)}
        raise serializers.ValidationError({self.ordering_param: [message]})

    def cursor_of(self, request: Request) -> Cursor:
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return Cursor(self.order, False, None)
        try:
            cursor = Cursor.decoded(given)
        except (ValueError, KeyError, OverflowError):
            raise bad_cursor() from None
        if cursor.order != self.order:
            raise bad_cursor()
        return cursor

    def get_next_link(self) -> str | None:
        if self.place.back:
            # Nothing is left before the place: what is behind it begins anew.
            return self._link(False, self.page[-1]) if self.page else remove_query_param(self.base_url, "cursor")
        return self._link(False, self.page[-1]) if self.goes_on else None

    def get_previous_link(self) -> str | None:
        if self.place.back:
            return self._link(True, self.page[0]) if self.goes_on else None
        if self.place.place is None:
            return None
        return self._link(True, self.page[0] if self.page else None)

    def _link(self, back: bool, memory: UserMemory | None) -> str:
        place = None if memory is None else (getattr(memory, self.order.removeprefix("-")), memory.memory_id)
        cursor = Cursor(self.order, back, place)
        return replace_query_param(self.base_url, self.cursor_query_param, cursor.encoded())


class OwnerPagination(SizedPagination):
    """Pages of owners by their ids, forwards."""

    page_size_query_description = "Owners on a page."
    links = {"next": SizedPagination.links["next"]}

    def paginate_queryset(  # type: ignore[override]
        self, queryset: UserMemoryQuerySet, request: Request, view: Any = None
    ) -> list[Any]:
        self.base_url = request.build_absolute_uri()
        self.request = request
        size = self.get_page_size(request)
        found = queryset.owners(after=self.place_of(request), limit=size + 1)
        self.page = found[:size]
        self.goes_on = len(found) > size
        self.display_page_controls = False
        return self.page

    def place_of(self, request: Request) -> str:
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return ""
        try:
            kind, _order, _time, place = decoded(given)
        except ValueError:
            raise bad_cursor() from None
        if kind != "o" or not place:
            raise bad_cursor()
        return place

    def get_next_link(self) -> str | None:
        if not self.goes_on:
            return None
        cursor = encoded("o", "", "", self.page[-1].user_id)
        return replace_query_param(self.base_url, self.cursor_query_param, cursor)

    def get_previous_link(self) -> None:
        return None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})


def bad_cursor() -> serializers.ValidationError:
    """Return the error for a cursor that this list did not make."""
    message = _("No cursor of this list: take it from `next` or `previous`, with the same ordering, or leave it out.")
    return serializers.ValidationError({"cursor": [message]})
