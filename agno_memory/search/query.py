"""The query of a ranked search: its words, with repairs of their spelling."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from agno_memory.search.analyser import current_analyser
from agno_memory.search.ranking import Query
from agno_memory.search.stored_words import marker

# The words of a query that are searched for. Each has a bit of a 64-bit number, and a question has a dozen words.
MAX_TERMS: Final = 48
# A word is repaired only if it is at least this long, and only to a word with the same first letters.
MIN_REPAIRED_LENGTH: Final = 4
KEPT_LETTERS: Final = 2

_ASKS_WHEN: Final = re.compile(r"\s*(when\b|((on|in) )?(what|which) (date|day|month|year)\b)", re.IGNORECASE)


def parse_query(text: str) -> Query:
    """Return the words of a query."""
    terms = list(dict.fromkeys(current_analyser().terms(text, is_query=True)))
    return Query(terms[:MAX_TERMS], bool(_ASKS_WHEN.match(text)))


def with_repairs(query: Query, repairs: Mapping[str, str]) -> Query:
    """Return a query with other words in the place of some."""
    return query._replace(terms=list(dict.fromkeys(repairs.get(term, term) for term in query.terms)))


def repairable(term: str) -> bool:
    """Return whether the spelling of a word may be repaired if no memory has it."""
    return len(term) >= MIN_REPAIRED_LENGTH and not term.isdecimal()


def beginning(term: str) -> str:
    """Return the text with which the words that may repair a word begin in stored words."""
    return marker(term[:KEPT_LETTERS]).removesuffix(":")


def repair(term: str, stored: Iterable[str]) -> str | None:
    """Return the word of some memories that differs from an unknown word by one edit, or None.

    Args:
        term: a word that no memory has.
        stored: stored words of memories. Of several words, the one of most memories is chosen.
    """
    pattern = re.compile(rf"{re.escape(beginning(term))}\S*?(?=:)")
    found = Counter(word[1:] for words in stored for word in pattern.findall(words))
    near = [word for word in found if may_repair(term, word)]
    return min(near, key=lambda word: (-found[word], word)) if near else None


def may_repair(term: str, word: str) -> bool:
    """Return whether a word may take the place of an unknown one that is long enough: see ``repairable()``."""
    return repairable(word) and term[:KEPT_LETTERS] == word[:KEPT_LETTERS] and is_one_edit(term, word)


def is_one_edit(one: str, other: str) -> bool:
    """Return whether words differ by one letter: added, left out, replaced, or swapped with the next one."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or one == other:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[same:] == other[same + 1 :]
    swapped = other[same + 1 : same + 2] + other[same : same + 1] + other[same + 2 :]
    return one[same + 1 :] == other[same + 1 :] or one[same:] == swapped
