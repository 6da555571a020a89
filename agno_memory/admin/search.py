"""The syntax of the list's search field."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Final, NamedTuple

from django.db.models import Q

from agno_memory.admin.accounts import Account
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import MAX_IDENTIFIER_LENGTH, fold, validate_query

# user:maya topic:"dark mode" likes "green tea"
TERM: Final = re.compile(r'(?:(user|name|topic|agent|id|text):)?(?:"([^"]*)"|(\S+))')

# The prefixes that an index serves.
INDEXED: Final = {"user", "name", "id"}


class Term(NamedTuple):
    """A part of a query.

    Args:
        kind: its prefix, without the colon; "" without one.
        value: the text after the prefix, without quotes.
    """

    kind: str
    value: str


class Search:
    """A search among memories.

    ``user:``, ``topic:``, ``agent:`` and ``id:`` match a whole value, ``text:`` matches a part of the text, ``name:``
    matches the people whom the admin of users finds by these words; quotes keep words together. Each word without a
    prefix matches a part of the text or of the user id, or a whole topic; all words together also match as a name.

    One exception: a query that equals an existing memory id or user id finds only the memories with that id, of which
    several people may have one, or that person's memories, at once by an index.

    Args:
        rows: the memories to search.
        query: the text of the search field.
        accounts: returns the accounts with a name. It is called once at most.

    Raises:
        ValidationError: the query is too long or cannot be stored.
    """

    def __init__(self, rows: UserMemoryQuerySet, query: str, accounts: Callable[[str], list[Account]]) -> None:
        self.rows, self.query, self._accounts = rows, query.strip(), accounts
        if self.query:
            validate_query(self.query)

    def __bool__(self) -> bool:
        return bool(self.query)

    @cached_property
    def _parsed_terms(self) -> list[Term]:
        terms = (Term(kind, (quoted or plain).strip()) for kind, quoted, plain in TERM.findall(self.query))
        return [term for term in terms if term.value]

    @cached_property
    def _exact_term(self) -> Term | None:
        """The whole query as a memory id or a user id, if one exists."""
        if any(term.kind for term in self._parsed_terms) or not 0 < len(self.query) <= MAX_IDENTIFIER_LENGTH:
            return None
        for term in (Term("id", self.query), Term("user", self.query)):
            if self.rows.filter(self._condition(term)).exists():
                return term
        return None

    @cached_property
    def accounts(self) -> list[Account]:
        """The accounts with the name of the terms ``name:``, or of the whole query if it has no prefixes."""
        names = [term.value for term in self._parsed_terms if term.kind == "name"]
        if names:
            return self._accounts(" ".join(names))
        has_prefixes = any(term.kind for term in self._parsed_terms)
        return [] if has_prefixes or not self._parsed_terms or self._exact_term else self._accounts(self.query)

    @property
    def user_id(self) -> str | None:
        """The whole query, if it is a user id without a prefix."""
        return self._exact_term.value if self._exact_term and self._exact_term.kind == "user" else None

    @property
    def memory_id(self) -> str | None:
        """The whole query, if it is a memory id without a prefix."""
        return self._exact_term.value if self._exact_term and self._exact_term.kind == "id" else None

    @property
    def as_text_search(self) -> str:
        """The query that searches texts for the same words."""
        return " ".join(f'text:"{term.value}"' for term in self._parsed_terms)

    @property
    def _terms(self) -> list[Term]:
        return [self._exact_term] if self._exact_term else self._parsed_terms

    @property
    def is_indexed(self) -> bool:
        """Whether an index serves all terms."""
        return all(term.kind in INDEXED for term in self._terms)

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow to the memories that match."""
        condition = Q()
        for term in self._terms:
            condition &= self._condition(term)
        if self._terms and not any(term.kind for term in self._terms):
            if len(self._terms) > 1:
                condition |= Q(topics__about_any=[self.query])
            if self.accounts:
                condition |= self._of_accounts
        return rows.filter(condition)

    def narrow_by_index(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow by the terms that an index serves, and by no others."""
        for term in self._terms:
            rows = rows.filter(self._condition(term)) if term.kind in INDEXED else rows
        return rows

    @property
    def _of_accounts(self) -> Q:
        return Q(user_id__in=[account.user_id for account in self.accounts])

    def _condition(self, term: Term) -> Q:
        match term.kind:
            case "user":
                return Q(user_id=term.value)
            case "name":
                return self._of_accounts
            case "id":
                return Q(memory_id=term.value)
            case "agent":
                return Q(agent_id=term.value)
            case "topic":
                return Q(topics__about=[term.value])
        in_text = Q(search_text__contains=fold(term.value))
        if term.kind == "text":
            return in_text
        return in_text | Q(user_id__contains=term.value) | Q(topics__about_any=[term.value])
