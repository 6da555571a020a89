"""Pages of the list by keyset pagination: their cost is bounded, however many memories there are."""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple, Self

from agno_memory import times
from agno_memory.db.keyset import DAMAGED, Order, parse_position, position_token, reverse
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet, is_damaged

# How many memories one page searches for matches where no index finds them; and how many on demand.
WINDOW: Final = 10_000
FAR_WINDOW: Final = 100_000

# The columns that the list shows; other texts may be long.
COLUMNS: Final = (
    "memory_id",
    "user_id",
    "memory",
    "topics",
    "metadata",
    "agent_id",
    "expires_at",
    "pinned",
    "created_at",
    "last_updated",
)


# The first part of a token, for the two flags of a position: back, far.
DIRECTIONS: Final = {
    "after": (False, False),
    "before": (True, False),
    "far-after": (False, True),
    "far-before": (True, True),
}


class Position(NamedTuple):
    """Where a page begins.

    Args:
        moment: sort key of a memory.
        memory_id: id of that memory.
        key: key of that memory, for lists of several people, who may use one id in the same millisecond.
        back: whether the page ends before that memory, instead of beginning after it.
        far: whether to search ``FAR_WINDOW`` memories instead of ``WINDOW``.
        is_damaged: whether another program wrote the sort key, so that it must be read from the memory.
    """

    moment: datetime.datetime
    memory_id: str
    key: str
    back: bool = False
    far: bool = False
    is_damaged: bool = False

    @classmethod
    def of(cls, memory: UserMemory, order: Order, *, back: bool = False, far: bool = False) -> Self:
        moment = getattr(memory, order.removeprefix("-"))
        return cls(moment, memory.memory_id, memory.key, back, far, is_damaged(memory, order))

    @classmethod
    def parse(cls, token: str) -> Self:
        """Return the position of a token in a query string.

        Raises:
            ValueError: not such a token.
        """
        direction, _dot, position = token.partition(".")
        if direction not in DIRECTIONS:
            raise ValueError("The token begins with an unknown direction.")
        milliseconds, identifier = parse_position(position)
        # A key is base64url, which has no dot; an id may have any characters.
        key, dot, memory_id = identifier.partition(".")
        if not dot:
            raise ValueError("The token has no key.")
        moment = times.EPOCH if milliseconds == DAMAGED else times.from_milliseconds(milliseconds)
        return cls(moment, memory_id, key, *DIRECTIONS[direction], is_damaged=milliseconds == DAMAGED)

    @property
    def token(self) -> str:
        direction = next(name for name, flags in DIRECTIONS.items() if flags == (self.back, self.far))
        identifier = f"{self.key}.{self.memory_id}"
        number = DAMAGED if self.is_damaged else times.to_milliseconds(self.moment)
        return f"{direction}.{position_token(number, identifier)}"

    def start(self, rows: UserMemoryQuerySet) -> UserMemory | tuple[datetime.datetime, str, str]:
        """Return where the page begins in the order of these rows."""
        row = rows.filter(key=self.key).first() if self.is_damaged else None
        return row or (self.moment, self.memory_id, self.key)


class Page(NamedTuple):
    """Memories, and the positions of the pages beside this one.

    ``searched_to`` is the time of the last memory that was searched, if the page ends there without being full.
    """

    rows: list[UserMemory]
    newer: Position | None = None
    older: Position | None = None
    searched_to: datetime.datetime | None = None


class PageReader:
    """Reads pages of a list.

    Args:
        candidates: the memories that an index finds in this order.
        matches: those of the candidates that the list shows.
        order: the order of the list.
        size: maximum number of memories on a page.
        is_filtered: whether ``matches`` is a subset of ``candidates``; a page then searches ``WINDOW`` candidates only.
        has_index: whether another index finds the matches, for pages that are not full after the window.
    """

    def __init__(
        self,
        candidates: UserMemoryQuerySet,
        matches: UserMemoryQuerySet,
        order: Order,
        size: int,
        *,
        is_filtered: bool,
        has_index: bool = False,
    ) -> None:
        self.candidates, self.matches, self.order, self.size = candidates, matches, order, size
        self.is_filtered, self.has_index = is_filtered, has_index

    def read(self, position: Position | None = None) -> Page:
        """Return the page at a position; the first page by default."""
        back = position is not None and position.back
        rows, next_position, searched_to = self._walk(position, reverse(self.order) if back else self.order)
        if back:
            if next_position is None:
                # The beginning of the list: a full first page instead of the few rows before the position.
                return self.read()
            rows.reverse()
        opposite = None if position is None else position._replace(back=not back)
        if rows and position:
            opposite = Position.of(rows[-1 if back else 0], self.order, back=not back, far=position.far)
        newer, older = (next_position, opposite) if back else (opposite, next_position)
        return Page(rows, newer, older, searched_to)

    def _walk(
        self, position: Position | None, order: Order
    ) -> tuple[list[UserMemory], Position | None, datetime.datetime | None]:
        """Return rows in an order, the position to continue from if there may be more, and how far this searched."""
        candidates, matches = self.candidates.sorted_by(order), self.matches.sorted_by(order).only(*COLUMNS)
        back = order != self.order
        if position:
            start = position.start(self.candidates)
            candidates, matches = candidates.after(start, order), matches.after(start, order)
        window = FAR_WINDOW if position and position.far else WINDOW
        edge = self._edge(candidates, window) if self.is_filtered else []
        in_window = matches.after(edge[1], reverse(order)) if edge else matches
        rows = list(in_window[: self.size + 1])
        if edge and self.has_index and len(rows) <= self.size:
            rows, edge = list(matches[: self.size + 1]), []
        if len(rows) > self.size:
            rows = rows[: self.size]
            return rows, Position.of(rows[-1], order, back=back), None
        if edge:
            next_position = Position.of(edge[0], order, back=back, far=True)
            return rows, next_position, next_position.moment
        return rows, None, None

    @staticmethod
    def _edge(candidates: UserMemoryQuerySet, window: int) -> list[UserMemory]:
        """Return the last candidate of a window and the one after it, or nothing if all candidates are in it."""
        edge = list(candidates.only("memory_id", "created_at", "last_updated")[window - 1 : window + 1])
        return edge if len(edge) == 2 else []
