"""``WordsQuerySet``: the stored words of ranked searches, which follow the text and the topics of a memory."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, TextField, Value, When

from agno_memory.base_querysets import GuardedQuerySet, OwnedQuerySet
from agno_memory.batches import batched
from agno_memory.derived_fields import SearchTermsField
from agno_memory.fields import moves
from agno_memory.signals import by_owner

if TYPE_CHECKING:
    from agno_memory.models import UserMemory

# A statement has three parameters for each row.
BATCH_SIZE = 200


class WordsQuerySet(OwnedQuerySet["UserMemory"]):
    """Base of querysets of memories: keeps words in step with the content."""

    def compute_terms(self, changed: Collection[str] | None = None) -> int:
        """Compute the words of ranked searches again from text and topics, and return the number of memories.

        Neither ``version`` nor ``last_updated`` changes: the words are no content.

        Args:
            changed: the names of fields; nothing is done unless the words follow one of them.
        """
        if changed is not None and not self._terms_fields(changed):
            return 0
        self._for_write = True
        return self._compute_terms(list(self.order_by().values_list("user_id", "key")))

    compute_terms.alters_data = True  # type: ignore[attr-defined]

    def _compute_terms(self, keys: list[tuple[str, str]]) -> int:
        """Compute the words of the memories with these owners and keys, owner by owner."""
        plain: GuardedQuerySet[UserMemory] = GuardedQuerySet(self.model, using=self.db)
        for owner, owned in by_owner(keys).items():
            for batch in batched(owned, BATCH_SIZE):
                rows = plain.filter(user_id=owner, key__in=batch)
                memories = list(rows.only("key", "version", "memory", "topics"))
                if memories:
                    rows.update(**self._terms_of(memories))
        return len(keys)

    def _terms_of(self, memories: list[UserMemory]) -> dict[str, Any]:
        """Return the words of memories as values of an update. A memory that was written in between keeps its own."""
        return {
            field.name: Case(
                *(When(key=each.key, version=each.version, then=Value(field.of(each))) for each in memories),
                default=F(field.name),
                output_field=TextField(),
            )
            for field in self._fields_of(SearchTermsField)
        }

    def _terms_fields(self, names: Collection[str]) -> list[str]:
        """Return the names of the fields with words that follow some of these fields."""
        return [field.name for field in self._fields_of(SearchTermsField) if set(field.sources) & set(names)]

    def update_topics(self, topics: Any, terms: Mapping[str, str], moment: datetime.datetime) -> int:
        """Set the topics of these memories by an expression, and their words.

        Args:
            topics: the expression.
            terms: the words of each memory with its new topics, by key.
            moment: the time of the write.
        """
        words = Case(
            *(When(key=key, then=Value(value)) for key, value in terms.items()),
            default=Value(SearchTermsField.NOT_COMPUTED),
            output_field=TextField(),
        )
        return super().update(topics=topics, search_terms=words, **moves(self.model, moment))

    update_topics.alters_data = True  # type: ignore[attr-defined]

    def _fields_of(self, kind: type[Any]) -> list[Any]:
        return [field for field in self.model._meta.concrete_fields if isinstance(field, kind)]
