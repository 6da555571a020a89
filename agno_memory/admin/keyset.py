"""Pages of the list: found by where the last one ended, of bounded cost however many memories there are."""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple, Self, cast

from agno_memory.db.keyset import Order
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet

# How many memories one page looks at for those that match, where no index leads to them; on demand, how many more.
WINDOW: Final = 10_000
FAR_WINDOW: Final = 100_000

EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MILLISECOND: Final = datetime.timedelta(milliseconds=1)

# What the list shows of a memory; texts that it does not show may be long.
COLUMNS: Final = ("memory_id", "user_id", "memory", "topics", "agent_id", "created_at", "last_updated")


# How the query string says whether a place looks back, and whether it looks far.
FLAGS: Final = {
    "after": (False, False),
    "before": (True, False),
    "far-after": (False, True),
    "far-before": (True, True),
}


def reverse(order: Order) -> Order:
    """Return the opposite order."""
    return cast("Order", order.removeprefix("-") if order.startswith("-") else f"-{order}")


class Place(NamedTuple):
    """Where a page begins: behind this memory, or before it where the list is walked back."""

    moment: datetime.datetime
    memory_id: str
    back: bool = False
    # Look at more memories than a page usually does.
    far: bool = False

    @classmethod
    def of(cls, memory: UserMemory, order: Order, *, back: bool = False, far: bool = False) -> Self:
        return cls(getattr(memory, order.removeprefix("-")), memory.memory_id, back, far)

    @classmethod
    def parse(cls, token: str) -> Self:
        """Return the place that a token of the query string names.

        Raises:
            ValueError: none.
        """
        flag, milliseconds, memory_id = token.split(".", 2)
        if flag not in FLAGS:
            raise ValueError("no place")
        try:
            moment = EPOCH + int(milliseconds) * MILLISECOND
        except OverflowError as error:
            raise ValueError("out of time") from error
        return cls(moment, memory_id, *FLAGS[flag])

    @property
    def token(self) -> str:
        flag = next(name for name, meant in FLAGS.items() if meant == (self.back, self.far))
        return f"{flag}.{(self.moment - EPOCH) // MILLISECOND}.{self.memory_id}"


class Page(NamedTuple):
    """Some memories, and where to go from them."""

    rows: list[UserMemory]
    newer: Place | None = None
    older: Place | None = None
    # How far this page looked, when it ends for that reason and not because it is full.
    looked_to: datetime.datetime | None = None


class Reader:
    """Reads pages.

    Args:
        base: the memories that an index finds in this order.
        found: those of them to show.
        order: of the list.
        size: most memories on a page.
        narrows: whether ``found`` is less than ``base``. Then a page looks at no more than ``WINDOW`` memories.
        has_index: whether an index of another kind finds them where that is not enough.
    """

    def __init__(
        self,
        base: UserMemoryQuerySet,
        found: UserMemoryQuerySet,
        order: Order,
        size: int,
        *,
        narrows: bool,
        has_index: bool = False,
    ) -> None:
        self.base, self.found, self.order, self.size = base, found, order, size
        self.narrows, self.has_index = narrows, has_index

    def read(self, place: Place | None = None) -> Page:
        """Return the page at a place; the first one by default."""
        back = place is not None and place.back
        rows, further, looked_to = self._walk(place, reverse(self.order) if back else self.order)
        if back:
            if further is None:
                # The beginning: a whole page of it rather than what is left.
                return self.read()
            rows.reverse()
        behind = None if place is None else place._replace(back=not back)
        if rows and place:
            behind = Place.of(rows[-1 if back else 0], self.order, back=not back, far=place.far)
        onward, backward = further, behind
        return Page(rows, onward if back else backward, backward if back else onward, looked_to)

    def _walk(
        self, place: Place | None, order: Order
    ) -> tuple[list[UserMemory], Place | None, datetime.datetime | None]:
        """Return rows in an order, from where to go on if there may be more, and how far this looked."""
        base, found = self.base.sorted_by(order), self.found.sorted_by(order).only(*COLUMNS)
        back = order != self.order
        if place:
            base, found = (rows.after((place.moment, place.memory_id), order) for rows in (base, found))
        edge = self._edge(base, FAR_WINDOW if place and place.far else WINDOW) if self.narrows else []
        near = found.after(edge[1], reverse(order)) if edge else found
        rows = list(near[: self.size + 1])
        if edge and self.has_index and len(rows) <= self.size:
            rows, edge = list(found[: self.size + 1]), []
        if len(rows) > self.size:
            rows = rows[: self.size]
            return rows, Place.of(rows[-1], order, back=back), None
        if edge:
            further = Place.of(edge[0], order, back=back, far=True)
            return rows, further, further.moment
        return rows, None, None

    @staticmethod
    def _edge(base: UserMemoryQuerySet, window: int) -> list[UserMemory]:
        """Return the last memory to look at and the next one, or nothing if all of them can be looked at."""
        edge = list(base.only("memory_id", "created_at", "last_updated")[window - 1 : window + 1])
        return edge if len(edge) == 2 else []
