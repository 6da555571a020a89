"""The vocabulary: which memories. The service, the admin, REST and commands ask with these words alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import NotSupportedError, models, transaction

from agno_memory.aggregates import TopicCount, TopicCounts
from agno_memory.fields import FoldedTextField, MachineWritten, is_expression, moves, now
from agno_memory.lookups import in_order
from agno_memory.validators import check, fold, owner_id, validate_limit, validate_query

if TYPE_CHECKING:
    from agno_memory.models import UserMemory


Item = TypeVar("Item")

NEWEST = ("-last_updated", "-memory_id")
OLDEST = ("last_updated", "memory_id")


class UserMemoryQuerySet(models.QuerySet["UserMemory"]):
    """Memories, to be narrowed down. Every method can be chained; nothing is read before the result is used."""

    def for_user(self, user: object) -> Self:
        """Narrow to one owner.

        Args:
            user: a string, an int, a Django user, or None for the user named by ``DEFAULT_USER_ID``.

        Raises:
            ValidationError: an anonymous user, or something that is no user.
        """
        return self.filter(user_id=owner_id(user))

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
        return self.order_by(*in_order(*NEWEST))

    def oldest(self) -> Self:
        """Order by ``last_updated``, the oldest first: the exact reverse of ``newest()``."""
        return self.order_by(*in_order(*OLDEST))

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


def in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield the items in order, so many at a time; the last batch may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def existing_ids(rows: UserMemoryQuerySet, memory_ids: Sequence[str], batch_size: int) -> list[str]:
    """Return those of the ids that the rows have, whoever owns them, in the order given."""
    found: set[str] = set()
    for batch in in_batches(memory_ids, batch_size):
        found.update(rows.filter(memory_id__in=batch).values_list("memory_id", flat=True))
    return [memory_id for memory_id in memory_ids if memory_id in found]
