"""Pages that stay exact while rows are written, and cost the same wherever they begin.

A cursor is the position where a page ended, not a count of rows before it. It contains only values that its holder has
seen. A cursor of another user is the same position in the caller's own rows.
"""

from __future__ import annotations

import base64
from typing import Any, ClassVar, NamedTuple, Self

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from agno_memory.conf import conf
from agno_memory.db.keyset import after, parse_position, position_token

# A number and an id, as ``keyset.position_token()`` takes them.
Position = tuple[int, str]


class Cursor(NamedTuple):
    """A position in a list, and the direction in which to read.

    Args:
        order: the order of the list. A cursor is not accepted by a list of another order.
        is_backwards: whether the page ends before the position, not begins after it.
        position: the position of a row. None is the end of the list.
    """

    order: str
    is_backwards: bool = False
    position: Position | None = None

    def encode(self) -> str:
        """Return the cursor as one word that a URL can carry."""
        direction = "b" if self.is_backwards else "f"
        token = position_token(*self.position) if self.position else ""
        return encoded(self.order, direction, token)

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the cursor of ``encode()``.

        Raises:
            ValueError: not such a word.
        """
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        order, direction, token = raw.split("|", 2)
        position = parse_position(token) if token else None
        if direction not in ("b", "f") or (position and not position[1]):
            raise ValueError("not a cursor")
        return cls(order, direction == "b", position)


def encoded(*parts: str) -> str:
    """Return parts as one word that a URL can carry. Only the last part may contain a bar."""
    return base64.urlsafe_b64encode("|".join(parts).encode()).decode().rstrip("=")


class SizedPagination(CursorPagination):
    """Base of pages with a cursor and a size that a client may choose, up to a limit."""

    page_size_query_param = "page_size"
    # The links beside the results, with their descriptions.
    links: ClassVar[dict[str, str]] = {
        "next": "The next page, or null at the end.",
        "previous": "The previous page, or null at the beginning.",
    }
    base_url: str
    page: list[Any]
    has_more: bool

    def key(self, position: Position) -> tuple[Any, Any]:
        """Return the sort key of a position.

        Raises:
            ValueError: outside the range of the column.
        """
        raise NotImplementedError("A pagination class defines key().")

    def position_of(self, row: Any) -> Position:
        """Return the position of a row."""
        raise NotImplementedError("A pagination class defines position_of().")

    def start(self, request: Request) -> int:
        """Keep the request for the links, and return the size of its page."""
        self.request = request
        self.base_url = request.build_absolute_uri()
        return self.get_page_size(request)

    def get_page_size(self, request: Request) -> int:
        """Return the size of a page.

        Raises:
            ValidationError: not a number within the limit.
        """
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return conf.REST_PAGE_SIZE
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= conf.REST_MAX_PAGE_SIZE):
            message = _("Give a whole number from 1 to %(most)d.") % {"most": conf.REST_MAX_PAGE_SIZE}
            raise serializers.ValidationError({self.page_size_query_param: [message]})
        return int(text)

    def requested_cursor(self, request: Request, order: str) -> Cursor:
        """Return the cursor of a request, or that of the first page.

        Raises:
            ValidationError: the cursor comes from another list, or is none.
        """
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return Cursor(order)
        try:
            cursor = Cursor.decode(text)
            self.key_of(cursor)
        except ValueError:
            raise bad_cursor() from None
        if cursor.order != order:
            raise bad_cursor()
        return cursor

    def key_of(self, cursor: Cursor) -> tuple[Any, Any] | None:
        """Return the sort key of a cursor's position."""
        return self.key(cursor.position) if cursor.position else None

    def link(self, cursor: Cursor) -> str:
        """Return the address of another page of the list."""
        return replace_query_param(self.base_url, self.cursor_query_param, cursor.encode())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI schema of a page."""
        link = {"type": "string", "format": "uri", "nullable": True}
        links = {name: {**link, "description": description} for name, description in self.links.items()}
        return {"type": "object", "required": [*links, "results"], "properties": {**links, "results": schema}}


class ForwardPagination(SizedPagination):
    """Base of pages that only go forwards."""

    links = {"next": SizedPagination.links["next"]}
    order: ClassVar[str]

    def rows(self, queryset: Any, limit: int, key: Any) -> list[Any]:
        """Return the first rows after a sort key, or the first of all if it is None."""
        raise NotImplementedError("A pagination class defines rows().")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = self.start(request)
        cursor = self.requested_cursor(request, self.order)
        if cursor.is_backwards:
            raise bad_cursor()
        rows = self.rows(queryset, size + 1, self.key_of(cursor))
        self.page, self.has_more = rows[:size], len(rows) > size
        self.display_page_controls = False
        return self.page

    def get_next_link(self) -> str | None:
        if not self.has_more:
            return None
        return self.link(Cursor(self.order, position=self.position_of(self.page[-1])))

    def get_previous_link(self) -> None:
        return None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})


class KeysetPagination(ForwardPagination):
    """Base of pages of a queryset that is ordered by two columns.

    ``columns`` are the sort key and the id that breaks its ties, both with ``-`` or both without.
    """

    columns: ClassVar[tuple[str, str]]

    def rows(self, queryset: Any, limit: int, key: tuple[Any, str] | None) -> list[Any]:
        return list((queryset if key is None else queryset.filter(after(self.columns, key)))[:limit])


def bad_cursor() -> serializers.ValidationError:
    """Return the error for a cursor that does not come from this list."""
    message = _(
        "This cursor does not belong to this list. Take it from `next` or `previous`, with the same ordering, or "
        "leave it out."
    )
    return serializers.ValidationError({"cursor": [message]})
