"""``AsOfQuerySet``: the memories as they were at a moment, from two tables.

What has not changed since is in the table of memories, the rest among their earlier versions. Filters, order and slice
go to both, and the two lists are merged, so a page costs no more than a page of each.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Sequence
from functools import partial
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Self, cast

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from agno_memory.db.connections import connection_to
from agno_memory.db.expiry import CurrentMoment, unexpired
from agno_memory.db.rows import created, read_names
from agno_memory.deleted_querysets import DeletedQuerySet
from agno_memory.revision_querysets import history_begins
from agno_memory.times import to_iso
from agno_memory.validators import check, refusal, stored_moment
from agno_memory.version_querysets import lookup_of_revisions

if TYPE_CHECKING:
    from agno_memory.models import UserMemory
    from agno_memory.revision_models import MemoryRevision


DEFAULT_ORDER: Final = ("-last_updated", "-memory_id", "-key")


def moment_of_history(moment: object) -> datetime.datetime:
    """Return a moment at which the memories are known.

    Raises:
        ValidationError: not an aware datetime, or before the history that ``HISTORY_DAYS`` keeps.
    """
    wanted = check("as_of", moment, stored_moment)
    first = history_begins()
    if wanted < first:
        message = _("The history is kept from %(first)s on. Ask for a later moment, or raise HISTORY_DAYS.")
        raise refusal("as_of", message, "before_history", first=to_iso(first))
    return wanted


class _Descending:
    """A value that sorts in the reverse order."""

    def __init__(self, value: Any) -> None:
        self.value = value

    # A tuple compares its next values only if these are equal.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(other.value == self.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)


def _sort_key(order: tuple[str, ...], memory: UserMemory) -> tuple[Any, ...]:
    """Return a key by which Python sorts memories as the database does."""
    values = ((name, getattr(memory, name.removeprefix("-"))) for name in order)
    return tuple(_Descending(value) if name.startswith("-") else value for name, value in values)


class AsOfQuerySet(DeletedQuerySet):
    """Base of ``UserMemoryQuerySet``: questions about an earlier moment.

    ``as_of()`` returns a queryset that can be filtered, ordered, sliced, counted and read. It cannot be written, and
    refuses what would need both tables in one statement.
    """

    def as_of(self, moment: datetime.datetime) -> Self:
        """Return the memories as they were at a moment: deleted ones included, later ones not.

        Args:
            moment: an aware datetime, at most ``HISTORY_DAYS`` ago.

        Raises:
            ValidationError: a moment before the history.
        """
        rows = self.all()
        rows._moment = moment_of_history(moment)
        return rows

    def current(self, moment: datetime.datetime | None = None) -> Self:
        """Narrow to the memories that have not expired, now or at a moment."""
        rows = super().current(moment)
        if moment is None:
            # It is about the memories of today: a version may have had another expiry.
            rows._conditions, rows._is_current = self._conditions, True
        return rows

    # Reading

    def _fetch_all(self) -> None:
        own: Any = self
        if self._moment is not None and own._result_cache is None:
            own._result_cache = self._values_of(self._memories())
        super()._fetch_all()

    def iterator(self, chunk_size: int | None = None) -> Any:
        return super().iterator(chunk_size) if self._moment is None else iter(self._values_of(self._memories()))

    async def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[Any]:
        if self._moment is None:
            async for row in super().aiterator(chunk_size):
                yield row
        else:
            for row in await sync_to_async(self.iterator)():
                yield row

    def count(self) -> int:
        if self._moment is None:
            return super().count()
        if self.query.is_sliced:
            return len(self._memories())
        current, earlier = self._parts()
        return current.count() + earlier.count() - self._count_still_current(current, earlier)

    def exists(self) -> bool:
        return super().exists() if self._moment is None else bool(self[:1].count())

    def _memories(self) -> list[UserMemory]:
        """Return the memories of both tables in the order of the queryset."""
        low, high = self.query.low_mark, self.query.high_mark
        order = tuple(map(_name_of, self.query.order_by)) or DEFAULT_ORDER
        if order[-1].removeprefix("-") != "key":
            order = (*order, "-key") if order[0].startswith("-") else (*order, "key")
        if not self.query.standard_ordering:
            order = tuple(map(_reversed, order))
        current, earlier = self._parts()
        memories = list(current.order_by(*dict.fromkeys(order))[:high])
        versions = list(earlier.defer("search_text").order_by(*_of_revision(order))[:high])
        return merged(memories, memories_of(versions, self.model), order)[low:high]

    def _parts(self) -> tuple[QuerySet[Any], QuerySet[Any]]:
        """Return the memories that have not changed since, and the earlier versions that held then."""
        assert self._moment is not None
        own: Any = self
        query = self.query.chain()
        query.clear_limits()
        query.standard_ordering = True
        if own._fields is not None:
            # values_list() takes its fields from whole memories.
            query.clear_select_fields()
            query.default_cols = True
        current = type(self)(self.model, query, own._db)
        current = current.order_by().filter(last_updated__lte=self._moment).current(self._moment)
        if self._is_without_deleted:
            current = current.current()
        # The moment is in the history, and so are the versions that held then.
        earlier = self.every_version().at(self._moment)
        return current, earlier.filter(unexpired(CurrentMoment())) if self._is_current else earlier

    def _count_still_current(self, current: QuerySet[Any], earlier: QuerySet[Any]) -> int:
        """Return the number of revisions of writes that were killed: only databases without transactions have any."""
        if connection_to(self.db).features.supports_transactions:
            return 0
        keys = list(earlier.values_list("memory_key", flat=True))
        return current.filter(key__in=keys).count() if keys else 0

    def _values_of(self, memories: list[UserMemory]) -> list[Any]:
        """Return memories, or tuples of their fields after ``values_list()``."""
        own: Any = self
        if own._fields is None:
            return list(memories)
        if own._iterable_class.__name__ == "FlatValuesListIterable":
            return [getattr(memory, own._fields[0]) for memory in memories]
        if own._iterable_class.__name__ != "ValuesListIterable" or not own._fields:
            self._refuse("values")
        return [tuple(getattr(memory, name) for name in own._fields) for memory in memories]

    # Refusing

    def update(self, **values: Any) -> int:
        self._refuse_at_a_moment("update")
        return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse_at_a_moment("delete")
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def erase(self, *, history: bool = True) -> int:
        self._refuse_at_a_moment("erase")
        return super().erase(history=history)

    erase.alters_data = True  # type: ignore[attr-defined]
    erase.queryset_only = True  # type: ignore[attr-defined]

    def aggregate(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse_at_a_moment("aggregate")
        return super().aggregate(*args, **kwargs)

    def annotate(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse_at_a_moment("annotate")
        return super().annotate(*args, **kwargs)

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        # A subquery would read the memories of today.
        self._refuse_at_a_moment("resolve_expression")
        return super().resolve_expression(*args, **kwargs)

    def _refuse_at_a_moment(self, method: str) -> None:
        if self._moment is not None:
            self._refuse(method)


def _name_of(order: Any) -> str:
    """Return an order as the name of a field, with a ``-`` if it is descending."""
    if isinstance(order, str):
        return order
    name: str = order.expression.name
    return f"-{name}" if order.descending else name


def _reversed(order: str) -> str:
    return order[1:] if order.startswith("-") else f"-{order}"


def _of_revision(order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the same order for revisions, which have the key of the memory beside their own."""
    return tuple(dict.fromkeys(lookup_of_revisions(name) for name in order))


def memory_of(revision: MemoryRevision, model: type[UserMemory]) -> UserMemory:
    """Return a version as the memory that it was."""
    return memories_of([revision], model)[0]


def memories_of(revisions: Sequence[MemoryRevision], model: type[UserMemory]) -> list[UserMemory]:
    """Return versions as the memories that they were."""
    if not revisions:
        return []
    names = read_names(model)
    values = attrgetter(*("memory_key" if name == "key" else name for name in names))
    alias = cast("str", revisions[0]._state.db)
    return cast("list[UserMemory]", created(model, alias, names, map(values, revisions)))


def merged(current: list[UserMemory], earlier: list[UserMemory], order: tuple[str, ...]) -> list[UserMemory]:
    """Return the memories of both tables in one order.

    Args:
        current: the memories that have not changed since, in the order.
        earlier: those that have, in the order.
        order: the names of fields, with a ``-`` if it is descending, as far as the key.
    """
    keys = {memory.key for memory in current}
    # The version of a write that was killed still holds.
    then = [memory for memory in earlier if memory.key not in keys]
    if not (current and then):
        return current or then
    return list(merge(current, then, key=partial(_sort_key, order)))
