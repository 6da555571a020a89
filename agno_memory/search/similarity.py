"""Near duplicates: memories with nearly the same words."""

from __future__ import annotations

import re

from agno_memory.search.analyser import current_analyser
from agno_memory.validators import fold

# Two memories are near duplicates if they share at least this part of their words. "Prefers dark mode in every app" and
# "Prefers light mode in every app" share four of six.
NEAR_DUPLICATE = 0.8
# Another number is another fact: "Rent is due on the 8th", "Rent is due on the 9th".
_DIGITS = re.compile(r"\d+")


class Words:
    """The words of a text, to compare it with others.

    Args:
        text: of a memory.
    """

    def __init__(self, text: str) -> None:
        folded = fold(text)
        # A text of stop words alone is the same only as itself.
        self._words = frozenset(current_analyser().terms(text)) or frozenset([folded])
        self._numbers = frozenset(_DIGITS.findall(folded))

    def nearly_same(self, other: Words) -> bool:
        """Return whether the texts share most of their words, and all of their numbers."""
        if self._numbers != other._numbers:
            return False
        shared = len(self._words & other._words)
        return shared >= NEAR_DUPLICATE * len(self._words | other._words)
