"""The vocabulary: which memories. The service, the admin, REST and commands ask with these words alone."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, TypeVar, cast

from django.db import NotSupportedError, models, transaction

from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.aggregates import OwnerCount, OwnerCounts, TopicCount, TopicCounts
from agno_memory.db.keyset import ORDERS, Order, after, in_order
from agno_memory.db.statements import SelectMany
from agno_memory.fields import FoldedTextField, MachineWritten, is_expression, moves
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.times import now
from agno_memory.validators import check, fold, items, owner_id, validate_identifier, validate_limit, validate_query

if TYPE_CHECKING:
    from agno_memory.models import UserMemory


Item = TypeVar("Item")
# A memory, or the time and the id of one, which need not be there any more.
Position: TypeAlias = "UserMemory | tuple[datetime.datetime, str]"


class Stats(NamedTuple):
    """How many memories there are, and when the first was added and the last written; None where there are none."""

    total: int
    first_created: datetime.datetime | None
    last_updated: datetime.datetime | None


class UserMemoryQuerySet(models.QuerySet["UserMemory"]):
    """Memories, to be narrowed down. Every method can be chained; nothing is read before the result is used."""

    # The owner, where this is all that one has and nothing but that: whatever is done to it makes a set that is not.
    _whole_of: str | None = None

    def __init__(self, model: Any = None, query: Any = None, using: str | None = None, hints: Any = None) -> None:
        super().__init__(model, query, using, hints)
        # A manager begins without a query, everything else with one.
        self._is_everything = query is None

    def using(self, alias: str | None) -> Self:
        rows = super().using(alias)
        rows._is_everything, rows._whole_of = self._is_everything, self._whole_of
        return rows

    def for_user(self, user: object) -> Self:
        """Narrow to one owner.

        Args:
            user: a string, an int, a Django user, or None for the user named by ``DEFAULT_USER_ID``.

        Raises:
            ValidationError: an anonymous user, or something that is no user.
        """
        owner = owner_id(user)
        rows = self.filter(user_id=owner)
        rows._whole_of = owner if self._is_everything else None
        return rows

    def matching(self, **filters: Any) -> Self:
        """Narrow by filters of ``names.FILTERS``: the one vocabulary of service, REST, admin and export.

        Args:
            filters: values by a filter's name; None does not narrow.

        Raises:
            TypeError: a name that is not a filter.
            ValidationError: a value of the wrong kind, by the filter's name.
        """
        conditions = {}
        for name, value in filters.items():
            if name not in _FILTERS:
                raise TypeError(f"{name!r} is not a filter. Choose from: {', '.join(_FILTERS)}.")
            if value is not None:
                conditions[_FILTERS[name].lookup] = _filter_value(_FILTERS[name], value)
        return self.filter(**conditions)

    def about(self, *topics: str) -> Self:
        """Narrow to memories that have all of these topics; without any, everything stays."""
        return self.filter(topics__about=topics)

    def about_any(self, *topics: str) -> Self:
        """Narrow to memories that have at least one of these topics; without any, nothing stays."""
        return self.filter(topics__about_any=topics)

    def mentioning(self, text: str) -> Self:
        """Narrow to memories whose text contains this, in any case. Special characters are plain ones.

        Case and compatibility forms are folded as Unicode says (``validators.fold``), the same on every database.

        Raises:
            ValidationError: blank, longer than 1,000 characters, or not storable.
        """
        validate_query(text)
        return self.filter(search_text__contains=fold(text))

    def newest(self) -> Self:
        """Order by ``last_updated``, the newest first; ties by ``memory_id``, which is time-ordered."""
        return self.sorted_by("-last_updated")

    def oldest(self) -> Self:
        """Order by ``last_updated``, the oldest first: the exact reverse of ``newest()``."""
        return self.sorted_by("last_updated")

    def sorted_by(self, order: Order) -> Self:
        """Order by a time, ties by ``memory_id`` in the same direction."""
        return self.order_by(*in_order(*ORDERS[order]))

    def after(self, position: Position, order: Order = "-last_updated") -> Self:
        """Narrow to what comes behind a position in an order, so that a page costs the same wherever it begins.

        Args:
            position: a memory, or the time and the id of one, which need not be there any more.
            order: of the list; ``sorted_by()`` with the same one brings its rows.
        """
        return self.filter(after(ORDERS[order], _place(position, order)))

    def page(self, size: int, position: Position | None = None, order: Order = "-last_updated") -> list[UserMemory]:
        """Return the first of these memories, in an order, or the first behind a position.

        Args:
            size: most memories to return.
            position: as ``after()`` takes it; None for the first page.
            order: of the list.
        """
        if self._whole_of is not None:
            # A person's whole list, asked most and always alike.
            values: dict[str, Any] = {"user_id": self._whole_of}
            if position is not None:
                values[order.removeprefix("-")], values["memory_id"] = _place(position, order)
            found = select_page(order, position is not None).first(size, self.model, self.db, values)
            return cast("list[UserMemory]", found)
        rows = self.sorted_by(order)
        return list((rows if position is None else rows.after(position, order))[:size])

    def walk(self, order: Order = "created_at", size: int | None = None) -> Iterator[UserMemory]:
        """Yield all of these memories, in an order, read page by page: memory stays flat and no cursor stays open.

        Ordered by ``created_at``, which no write moves, each memory that is there from start to end comes exactly once.

        Args:
            order: of the walk.
            size: rows of a page; ``BATCH_SIZE`` by default.
        """
        size = size or conf.BATCH_SIZE
        page = self.page(size, order=order)
        while page:
            yield from page
            # A short page was the last one.
            page = self.page(size, page[-1], order) if len(page) == size else []

    def topic_counts(self, limit: int | None = None) -> list[TopicCount]:
        """Return how many of these memories each topic has, computed in the database.

        Args:
            limit: most topics to return; all of them by default.

        Returns:
            ``TopicCount(topic, count)``, the most frequent first, ties by topic.

        Raises:
            ValidationError: a limit below 0.
        """
        check("limit", limit, validate_limit)
        return TopicCounts(self, limit).run()

    def stats(self) -> Stats:
        """Return how many these are, when the first was added and when the last was written.

        Three questions, because an index answers each of them without reading the rows.
        """
        first, last = self.sorted_by("created_at").first(), self.newest().first()
        if first is None or last is None:
            return Stats(0, None, None)
        return Stats(self.count(), first.created_at, last.last_updated)

    def owners(self, *, after: str = "", limit: int) -> list[OwnerCount]:
        """Return owners with the number of their memories and the last write, ordered by their ids.

        Args:
            after: only owners whose ids come behind this one.
            limit: most owners to return.
        """
        check("limit", limit, validate_limit)
        return OwnerCounts(self, after, limit).run()

    def erase(self) -> int:
        """Delete what is found in one statement, and return how many there were.

        No row is loaded and no cascade looked for, so ``pre_delete`` and ``post_delete`` are not sent.
        """
        if self.query.is_sliced or self.query.combinator:
            raise TypeError("erase() takes neither a slice nor a union: it would delete more than they show.")
        self._for_write = True
        with transaction.mark_for_rollback_on_error(using=self.db):
            return int(self._raw_delete(self.db) or 0)

    erase.alters_data = True  # type: ignore[attr-defined]
    # As delete(): a manager without a filter must not have it.
    erase.queryset_only = True  # type: ignore[attr-defined]

    def update(self, **values: Any) -> int:
        """Set values on every memory found; ``version`` and ``last_updated`` move with them.

        Raises:
            TypeError: a machine-written field is named, or text is given as a database expression.
        """
        return super().update(**self._with_folded(values), **moves(self.model, now()))

    update.alters_data = True  # type: ignore[attr-defined]

    def set_times(self, created_at: datetime.datetime, last_updated: datetime.datetime) -> int:
        """Set the times of memories that come from elsewhere, and nothing but these. Returns how many were found."""
        return super().update(created_at=created_at, last_updated=last_updated)

    set_times.alters_data = True  # type: ignore[attr-defined]

    def _with_folded(self, values: dict[str, Any]) -> dict[str, Any]:
        followers = {field.source: field for field in self._fields_of(FoldedTextField)}
        for field in self._fields_of(MachineWritten):
            if field.name in values:
                raise TypeError(f"{field.name} moves by itself at every write; leave it out.")
        folded = {}
        for source, field in followers.items():
            if field.name in values and source not in values:
                raise TypeError(f"{field.name} follows {source}; set that.")
            if source in values and field.name not in values:
                if is_expression(values[source]):
                    raise TypeError(
                        f"{source} cannot be set to a database expression, because the search text follows it: "
                        "give a text, or set it on each memory and call bulk_update()."
                    )
                folded[field.name] = fold(values[source])
        return {**values, **folded}

    def _fields_of(self, kind: type[Any]) -> list[Any]:
        return [field for field in self.model._meta.concrete_fields if isinstance(field, kind)]

    def bulk_update(self, objs: Iterable[UserMemory], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Save these fields of many memories; ``version`` and ``last_updated`` move with them."""
        memories, names = list(objs), list(fields)
        for field in self._fields_of(FoldedTextField):
            if field.source in names:
                names.append(field.name)
                for memory in memories:
                    field.pre_save(memory, add=False)
        return super().bulk_update(memories, names, batch_size=batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(
        self,
        objs: Iterable[UserMemory],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[UserMemory]:
        """Add many memories as they are; ``Memory.add_user_memories`` checks them first.

        Raises:
            NotSupportedError: ``update_conflicts``, which would overwrite without moving the version.
        """
        if update_conflicts:
            raise NotSupportedError(
                "bulk_create(update_conflicts=True) would overwrite memories without moving their version: "
                "use Memory.upsert_user_memory()."
            )
        return super().bulk_create(objs, batch_size=batch_size, ignore_conflicts=ignore_conflicts)

    bulk_create.alters_data = True  # type: ignore[attr-defined]


_FILTERS = {each.name: each for each in FILTERS}


def _filter_value(each: Filter, value: Any) -> Any:
    """Return a filter's value, checked by its kind."""
    match each.kind:
        case Kind.TOPICS:
            return items(each.name, value)
        case Kind.IDENTIFIER:
            check(each.name, value, validate_identifier)
    return value


@cache
def select_page(order: Order, is_behind: bool) -> SelectMany:
    """Return the statement for a page of everything that one person has."""
    return SelectMany("user_id", order=order, is_behind=is_behind)


def _place(position: Position, order: Order) -> tuple[datetime.datetime, str]:
    if isinstance(position, tuple):
        return position
    return getattr(position, order.removeprefix("-")), position.memory_id


def existing_ids(rows: UserMemoryQuerySet, memory_ids: Sequence[str], batch_size: int) -> list[str]:
    """Return those of the ids that the rows have, whoever owns them, in the order given."""
    found: set[str] = set()
    for batch in batched(memory_ids, batch_size):
        found.update(rows.filter(memory_id__in=batch).values_list("memory_id", flat=True))
    return [memory_id for memory_id in memory_ids if memory_id in found]
