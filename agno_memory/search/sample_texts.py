"""Made-up texts and questions, to measure the speed of searches: few words are frequent, and most are rare."""

from __future__ import annotations

import random
from typing import Final

_SYLLABLES: Final = ("ba", "co", "di", "fe", "gu", "ka", "lo", "mi", "nu", "po", "ra", "se", "ti", "vo", "ze")
# Of 15 * 15 * 15 made-up words.
VOCABULARY: Final = tuple(one + two + three for one in _SYLLABLES for two in _SYLLABLES for three in _SYLLABLES)
TEXT_LENGTH: Final = 14
QUESTION_LENGTH: Final = 4


def sample_text(number: int) -> str:
    """Return a text; the same for the same number."""
    source = random.Random(number)  # noqa: S311
    # The third power: the first tenth of the words are half of a text.
    return " ".join(VOCABULARY[int(len(VOCABULARY) * source.random() ** 3)] for _ in range(TEXT_LENGTH))


def sample_question(number: int) -> str:
    """Return a question with words of the text of a number."""
    words = sample_text(number).split()
    return f"What about {' and '.join(words[:QUESTION_LENGTH])}?"
