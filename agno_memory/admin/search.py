"""What the search field of the list means."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final, NamedTuple

from django.db.models import Q

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import MAX_IDENTIFIER_LENGTH, fold, validate_query

# user:maya topic:"dark mode" likes "green tea"
TERM: Final = re.compile(r'(?:(user|topic|agent|id|text):)?(?:"([^"]*)"|(\S+))')

# What an index finds.
SERVED: Final = {"user", "id"}


class Term(NamedTuple):
    kind: str
    value: str


class Search:
    """A search among memories.

    ``user:``, ``topic:``, ``agent:`` and ``id:`` ask for exactly that, ``text:`` for what the text mentions; quotes
    keep words together. Everything else is looked for in text, owner and topics, each word of it in any of them. Except
    that a search which is an id or an owner as it stands means that memory or person: they come at once, by an index.

    Args:
        rows: among which.
        query: what was typed.

    Raises:
        ValidationError: too long, or not storable.
    """

    def __init__(self, rows: UserMemoryQuerySet, query: str) -> None:
        self.rows, self.query = rows, query.strip()
        if self.query:
            validate_query(self.query)

    def __bool__(self) -> bool:
        return bool(self.query)

    @cached_property
    def _typed(self) -> list[Term]:
        found = (Term(kind, (quoted or plain).strip()) for kind, quoted, plain in TERM.findall(self.query))
        return [term for term in found if term.value]

    @cached_property
    def _meant(self) -> Term | None:
        """The memory or the person that the query names as it stands."""
        if any(term.kind for term in self._typed) or not 0 < len(self.query) <= MAX_IDENTIFIER_LENGTH:
            return None
        for term in (Term("id", self.query), Term("user", self.query)):
            if self.rows.filter(_condition(term)).exists():
                return term
        return None

    @property
    def owner(self) -> str | None:
        """The person that the query names without saying so."""
        return self._meant.value if self._meant and self._meant.kind == "user" else None

    @property
    def elsewhere(self) -> str:
        """The query that looks for the same words in texts."""
        return " ".join(f'text:"{term.value}"' for term in self._typed)

    @property
    def _terms(self) -> list[Term]:
        return [self._meant] if self._meant else self._typed

    @property
    def is_served(self) -> bool:
        """Whether an index finds all of it."""
        return all(term.kind in SERVED for term in self._terms)

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow to what is looked for."""
        condition = Q()
        for term in self._terms:
            condition &= _condition(term)
        if len(self._terms) > 1 and not any(term.kind for term in self._terms):
            condition |= Q(topics__about_any=[self.query])
        return rows.filter(condition)

    def narrow_by_index(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow to what an index finds of it."""
        for term in self._terms:
            rows = rows.filter(_condition(term)) if term.kind in SERVED else rows
        return rows


def _condition(term: Term) -> Q:
    match term.kind:
        case "user":
            return Q(user_id=term.value)
        case "id":
            return Q(memory_id=term.value)
        case "agent":
            return Q(agent_id=term.value)
        case "topic":
            return Q(topics__about=[term.value])
    mentioned = Q(search_text__contains=fold(term.value))
    if term.kind == "text":
        return mentioned
    return mentioned | Q(user_id__contains=term.value) | Q(topics__about_any=[term.value])
