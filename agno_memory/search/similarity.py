"""Near duplicates: memories with nearly the same words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

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
        return self.similarity(other) >= NEAR_DUPLICATE

    def similarity(self, other: Words) -> float:
        """Return the part of the words that the texts share, 0 to 1; 0 if they have other numbers."""
        if self._numbers != other._numbers:
            return 0.0
        return len(self._words & other._words) / len(self._words | other._words)

    def signature(self, frequencies: Mapping[str, int]) -> list[tuple[str, frozenset[str]]]:
        """Return keys of which near duplicates share at least one: the rarest words, with the numbers.

        Two sets that share the part ``NEAR_DUPLICATE`` of their words share one of the first words in any fixed order
        (prefix filtering: Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity Search", 2007).

        Args:
            frequencies: the number of texts with each word.
        """
        rarest = sorted(self._words, key=lambda word: (frequencies[word], word))
        count = len(rarest) - math.ceil(NEAR_DUPLICATE * len(rarest)) + 1
        return [(word, self._numbers) for word in rarest[:count]]

    @property
    def words(self) -> frozenset[str]:
        """The words that are compared."""
        return self._words
