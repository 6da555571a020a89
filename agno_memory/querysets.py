"""Querysets: a method for each question about memories. The service, admin, REST and commands use only these."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

from django.db import NotSupportedError

from agno_memory.as_of_querysets import AsOfQuerySet
from agno_memory.conditions import conditions, mentions
from agno_memory.conf import conf
from agno_memory.db.aggregates import OwnerCount, OwnerCounts, TopicCount, TopicCounts
from agno_memory.db.damaged import Damaged
from agno_memory.db.keyset import ORDERS, Order, after, in_order
from agno_memory.db.lookups import is_of_one_owner
from agno_memory.db.transactions import all_or_nothing
from agno_memory.derived_fields import FoldedTextField, SearchTermsField, TextKeyField
from agno_memory.exceptions import AmbiguousMemory
from agno_memory.fields import MachineWritten, is_expression, moves
from agno_memory.times import now
from agno_memory.validators import (
    check,
    fold,
    validate_limit,
)

if TYPE_CHECKING:
    from agno_memory.models import UserMemory

# A memory, or the time, the id and the key of one, which need not exist any more.
Position: TypeAlias = "UserMemory | tuple[datetime.datetime, str] | tuple[datetime.datetime, str, str]"


class Stats(NamedTuple):
    """The number of memories, the time of the first addition and that of the last write; None without memories."""

    total: int
    first_created: datetime.datetime | None
    last_updated: datetime.datetime | None


class UserMemoryQuerySet(AsOfQuerySet):
    """Memories. Every method that narrows or orders can be chained, and reads nothing before the result is used."""

    def matching(self, **filters: Any) -> Self:
        """Narrow by filters of ``names.FILTERS``; see ``conditions()`` for arguments and errors."""
        return self.filter(**conditions(**filters))

    def about(self, *topics: str) -> Self:
        """Narrow to memories that have all of these topics; without arguments, do not narrow."""
        return self.filter(topics__about=topics)

    def about_any(self, *topics: str) -> Self:
        """Narrow to memories that have at least one of these topics; without arguments, to no memories."""
        return self.filter(topics__about_any=topics)

    def mentioning(self, *texts: str) -> Self:
        """Narrow to memories with all of these in their text, in any case. Special characters are plain characters.

        Case and compatibility characters are folded by Unicode's rules (``validators.fold``), the same on every
        database.

        Raises:
            ValidationError: blank, longer than 1,000 characters, or not storable.
        """
        return self.filter(**mentions(*texts))

    def with_id(self, memory_id: str) -> UserMemory | None:
        """Return the memory with this id, or None. For readers that have no owner: several owners may use one id.

        Raises:
            AmbiguousMemory: several owners have a memory with this id.
        """
        found = list(self.filter(memory_id=memory_id)[:2])
        if len(found) > 1:
            raise AmbiguousMemory(memory_id)
        return found[0] if found else None

    def newest(self) -> Self:
        """Order by ``last_updated``, the newest first; ties by ``memory_id``, which is time-ordered."""
        return self.sorted_by("-last_updated")

    def oldest(self) -> Self:
        """Order by ``last_updated``, the oldest first: the exact reverse of ``newest()``."""
        return self.sorted_by("last_updated")

    def sorted_by(self, order: Order) -> Self:
        """Order by a time, ties by ``memory_id`` in the same direction. Narrow to an owner before, not afterwards.

        Several owners may use one id at the same time, so the memories of several owners are ordered by ``key`` too.
        """
        return self.order_by(*in_order(*self._columns(order)))

    def _columns(self, order: Order) -> Sequence[str]:
        """Return the fields of an order, which together are unique among these memories."""
        time, identifier = ORDERS[order]
        if is_of_one_owner(self.query.where):
            return time, identifier
        return time, identifier, "-key" if order.startswith("-") else "key"

    def after(self, position: Position, order: Order = "-last_updated") -> Self:
        """Narrow to the memories after a position in an order. A page costs the same wherever it begins.

        Args:
            position: a memory, or the time, the id and the key of one, which need not exist any more. The key is needed
                only in a list of several owners.
            order: of the list; pass the same one to ``sorted_by()``.
        """
        values = sort_key(position, order)
        columns = self._columns(order)[: len(values)]
        return self.filter(after(columns, values[: len(columns)]))

    def page(
        self, size: int | None, position: Position | None = None, order: Order = "-last_updated"
    ) -> list[UserMemory]:
        """Return the first of these memories in an order, or the first after a position.

        For the whole list of one user, ``Memory.page()`` is faster: its statement is compiled once.

        Args:
            size: the maximum number of memories; None for all.
            position: as of ``after()``; None for the first page.
            order: of the list.
        """
        rows = self.sorted_by(order)
        return list((rows if position is None else rows.after(position, order))[:size])

    def walk(self, order: Order = "created_at", size: int | None = None) -> Iterator[UserMemory]:
        """Yield all of these memories in an order, read page by page: memory use is constant and no cursor stays open.

        No write changes ``created_at``, so in that order each memory that exists throughout the walk is yielded once.

        Args:
            order: the order of the walk.
            size: the number of rows of a page; ``BATCH_SIZE`` by default.
        """
        size = size or conf.BATCH_SIZE
        page = self.page(size, order=order)
        while page:
            yield from page
            # A short page was the last one.
            page = self.page(size, page[-1], order) if len(page) == size else []

    def topic_counts(self, limit: int | None = None) -> list[TopicCount]:
        """Return the number of these memories for each topic, computed in the database.

        Args:
            limit: the maximum number of topics; all by default.

        Returns:
            ``TopicCount(topic, count)``, the most frequent first, ties by topic.

        Raises:
            ValidationError: a limit below 0.
        """
        check("limit", limit, validate_limit)
        self._refuse_at_a_moment("topic_counts")
        return self.read(TopicCounts(self, limit).run)

    def stats(self) -> Stats:
        """Return the number of these memories, the time of the first addition and that of the last write.

        Takes three statements, because an index answers each of them without reading the rows.
        """
        first, last = self.sorted_by("created_at").first(), self.newest().first()
        if first is None or last is None:
            return Stats(0, None, None)
        return Stats(self.count(), first.created_at, last.last_updated)

    def owners(self, *, after: str = "", limit: int) -> list[OwnerCount]:
        """Return owners with the number of their memories and the time of the last write, ordered by their ids.

        Args:
            after: an id; only owners with ids after it are returned.
            limit: the maximum number of owners.
        """
        check("limit", limit, validate_limit)
        self._refuse_at_a_moment("owners")
        return self.read(OwnerCounts(self, after, limit).run)

    def update(self, **values: Any) -> int:
        """Set values on all of these memories; ``version`` and ``last_updated`` change with them.

        Raises:
            TypeError: the owner or the id, a machine-written field, or a text as a database expression.
        """
        values = self._with_folded(values)
        # They follow several fields, so the rows need words of their own. An update may also end their selection.
        changed = self._terms_fields(set(values))
        self._for_write = True
        keys = list(self.order_by().values_list("user_id", "key")) if changed else []
        derived: dict[str, Any] = dict.fromkeys(changed, SearchTermsField.NOT_COMPUTED)
        for field in self._fields_of(TextKeyField):
            if field.text in values:
                derived[field.name] = None

        def update() -> int:
            moment = now()
            rows = self if self.query.is_sliced else self.order_by().keep("replaced", moment=moment)
            count = super(UserMemoryQuerySet, rows).update(**values, **derived, **moves(self.model, moment))
            self._compute_terms(keys)
            return count

        return all_or_nothing(self.db, update) if conf.HISTORY_DAYS else update()

    update.alters_data = True  # type: ignore[attr-defined]

    def set_times(self, created_at: datetime.datetime, last_updated: datetime.datetime) -> int:
        """Set only the times, for memories that come from another store. Returns the number of memories."""
        return super().update(created_at=created_at, last_updated=last_updated)

    set_times.alters_data = True  # type: ignore[attr-defined]

    def _with_folded(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values, with the search text of a new text among them; raises TypeError, see ``update()``."""
        followers = {field.source: field for field in self._fields_of(FoldedTextField)}
        self._refuse_identity(values)
        self._refuse_derived(values)
        folded = {}
        for source, field in followers.items():
            if field.name in values and source not in values:
                raise TypeError(f"{field.name} follows {source}; set {source} instead.")
            if source in values and field.name not in values:
                if is_expression(values[source]):
                    raise TypeError(
                        f"{source} cannot be set to a database expression, because the search text follows it: "
                        "give a text, or set it on each memory and call bulk_update()."
                    )
                folded[field.name] = fold(values[source])
        return {**values, **folded}

    def _refuse_derived(self, names: Collection[str]) -> None:
        """Raise TypeError for fields that change by themselves."""
        for field in self._fields_of(MachineWritten):
            if field.name in names:
                raise TypeError(f"{field.name} changes by itself at every write; leave it out.")
        for field in self._fields_of(SearchTermsField):
            if field.name in names:
                raise TypeError(f"{field.name} follows {' and '.join(field.sources)}; set those instead.")

    def _refuse_identity(self, names: Iterable[str]) -> None:
        """Raise TypeError for the fields that a memory keeps for good."""
        key: Any = self.model._meta.pk
        refused = sorted({key.name, *key.of} & set(names))
        if refused:
            raise TypeError(
                f"{', '.join(refused)} cannot be set: a memory keeps its owner and its id. To change the owner, call "
                "BulkMemory(rows).reassign(user); to change the id, add a copy and delete the memory."
            )

    def _read_identities(self, memories: Iterable[UserMemory]) -> None:
        """Read the owner or the id where only one of them is loaded: together, not one by one."""
        key: Any = self.model._meta.pk
        missing = [(memory, memory.get_deferred_fields() & set(key.of)) for memory in memories]
        partial = [(memory, name) for memory, names in missing if len(names) == 1 for name in names]
        self._for_write = True
        stored = self.model._base_manager.using(self.db).in_bulk([memory.key for memory, _name in partial])
        for memory, name in partial:
            if memory.key in stored:
                setattr(memory, name, getattr(stored[memory.key], name))

    def bulk_update(self, objs: Iterable[UserMemory], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Save these fields of many memories; ``version`` and ``last_updated`` change with them.

        Raises:
            TypeError: the owner or the id among the fields.
            ValueError: a memory with another owner or id than it was read with.
        """
        memories, names = list(objs), list(fields)
        self._refuse_identity(names)
        self._read_identities(memories)
        for memory in memories:
            memory.check_identity()
        for field in self._fields_of(FoldedTextField):
            if field.source in names:
                names.append(field.name)
                for memory in memories:
                    field.pre_save(memory, add=False)
        # It calls update(), which computes the words of ranked searches.
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
        """Add many memories without checks; ``Memory.add_user_memories`` checks them first.

        Raises:
            NotSupportedError: ``update_conflicts``, which would overwrite without changing the version.
        """
        if update_conflicts:
            raise NotSupportedError(
                "bulk_create(update_conflicts=True) would overwrite memories without changing their version: "
                "use Memory.upsert_user_memory()."
            )
        return super().bulk_create(objs, batch_size=batch_size, ignore_conflicts=ignore_conflicts)

    bulk_create.alters_data = True  # type: ignore[attr-defined]


def sort_key(position: Position, order: Order) -> tuple[Any, ...]:
    """Return the time, the id and, if it is known, the key of a position in an order."""
    if isinstance(position, tuple):
        return position
    return getattr(position, order.removeprefix("-")), position.memory_id, position.key


def is_damaged(position: Position, order: Order) -> bool:
    """Return whether a position in an order has a value of another program."""
    return any(isinstance(value, Damaged) for value in sort_key(position, order)[:2])
