"""The words of a memory as one text, which its row stores: written once, read at every search.

``english-snowball-stop-1 4 q tea:1 green:2 pet:1/1`` has the name of the analyser, the number of words, flags, and each
word with its count; after a slash, the count of the word in questions. A search finds a word by ``" tea:"``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from agno_memory.search.analyser import Analyser, current_analyser

# Flags of a text.
QUESTION: Final = "q"
TIME: Final = "t"
NO_FLAG: Final = "-"

_TIME: Final = (
    r"\b(?=[adefjlmnorstwy])(?:yesterday|today|tomorrow|tonight|ago|last|next|week(?:s|end)?|months?|years?|days?|morning"
    r"|evening|night|since|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august"
    r"|september|october|november|december|spring|summer|autumn|winter|soon|recently)\b"
)
_TIME_WORD: Final = re.compile(_TIME, re.IGNORECASE)
# Without regard to case, a pattern takes four times as long.
_LOWER_TIME_WORD: Final = re.compile(_TIME)


class Entry(NamedTuple):
    """How often a memory has a word, and how often of these in a question."""

    total: int
    asked: int


class StoredWords(NamedTuple):
    """The part of a memory's words that a query asks for.

    Args:
        length: the number of all words.
        entries: by the words of the query.
        has_question: whether the memory asks something.
        has_time: whether the memory names a time.
    """

    length: int
    entries: dict[str, Entry]
    has_question: bool
    has_time: bool


NOTHING: Final = StoredWords(0, {}, False, False)


def stored_words(memory: str, topics: Iterable[object], analyser: Analyser | None = None) -> str:
    """Return the words of a memory as they are stored.

    Args:
        memory: the text.
        topics: a row of another program may have others than texts, which have no words.
        analyser: that of the settings by default.
    """
    analyser = analyser or current_analyser()
    words = analyser.words(memory, [topic for topic in topics if isinstance(topic, str)])
    flags = (QUESTION if words.asked else "") + (TIME if _names_time(memory) else "")
    entries = [
        f"{word}:{count}/{words.asked[word]}" if word in words.asked else f"{word}:{count}"
        for word, count in words.counts.items()
    ]
    return " ".join((analyser.name, str(words.counts.total()), flags or NO_FLAG, *entries))


def _names_time(text: str) -> bool:
    return bool(_LOWER_TIME_WORD.search(text.lower()) if text.isascii() else _TIME_WORD.search(text))


def marker(word: str) -> str:
    """Return the text by which the database finds a word in the stored words."""
    return f" {word}:"


class Reader:
    """Reads the words of a query from stored words.

    Args:
        words: of the query.
    """

    def __init__(self, words: Collection[str]) -> None:
        alternatives = "|".join(map(re.escape, words)) or "(?!)"
        self._pattern = re.compile(rf" ({alternatives}):(\d+)(?:/(\d+))?")

    def read(self, stored: str) -> StoredWords:
        """Return the words of the query in a memory, or ``NOTHING`` if the text is not of ``stored_words()``."""
        head = stored.split(" ", 3)
        if len(head) < 3 or not head[1].isdecimal():
            return NOTHING
        entries = {word: Entry(int(count), int(asked or 0)) for word, count, asked in self._pattern.findall(stored)}
        return StoredWords(int(head[1]), entries, QUESTION in head[2], TIME in head[2])


def analyser_of(stored: str) -> str:
    """Return the name of the analyser of stored words; "" if the memory has not been analysed."""
    return stored.partition(" ")[0]
