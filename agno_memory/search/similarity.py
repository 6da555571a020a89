"""Memories that say the same in nearly the same words."""

from __future__ import annotations

import re

from agno_memory.validators import fold

# Two memories are near duplicates if they share at least this part of their words. "Prefers dark mode in every app" and
# "Prefers light mode in every app" share five of seven.
NEAR_DUPLICATE = 0.8
# Another number is another fact: "Rent is due on the 8th", "Rent is due on the 9th".
_DIGITS = re.compile(r"\d+")
# Chinese and Japanese have no blanks between words, so each of their characters counts as one.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


class Words:
    """The words of a text, to compare it with others.

    Args:
        text: of a memory.
    """

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self._words = frozenset(_WORDS.findall(folded)) or frozenset([folded])
        self._numbers = frozenset(_DIGITS.findall(folded))

    def nearly_same(self, other: Words) -> bool:
        """Return whether the texts share most of their words, and all of their numbers."""
        if self._numbers != other._numbers:
            return False
        shared = len(self._words & other._words)
        return shared >= NEAR_DUPLICATE * len(self._words | other._words)
