"""The analyser: the words of a text, in the form in which a search compares them.

Words are folded as ``validators.fold`` has it, without accents and without the stop words of a language, and stemmed.
Chinese, Japanese, Korean and Thai have no blanks between words: their words are all pairs of neighbouring characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Final, NamedTuple

from django.core.exceptions import ImproperlyConfigured

from agno_memory.conf import conf
from agno_memory.search.english import IRREGULAR_FORMS, STOP_WORDS, light_stem
from agno_memory.validators import fold

# Rises with every change of this file that changes the words of a text, so that stored words can be recognised as old.
VERSION: Final = 1

# So many stop words of another language make a query one in that language.
MIN_FOREIGN_WORDS: Final = 2

_NO_BLANKS: Final = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Also the full stop, the exclamation mark and the question mark of Chinese and Japanese, and an ellipsis.
_END: Final = r".!?\u3002\uff01\uff1f\u2026\n"
_SENTENCE: Final = re.compile(rf"[^{_END}]+[{_END}]*")
_ASCII_TOKEN: Final = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_QUESTION_MARK: Final = re.compile(r"[?\uff1f]")


class Words(NamedTuple):
    """The words of a memory, as they are stored.

    Args:
        counts: how often the text and the topics have a word.
        asked: how often of these in a question. A question has words of its answer, which is in the next row.
    """

    counts: Counter[str]
    asked: Counter[str]


class Analyser:
    """The words of texts in one language.

    Args:
        language: the name of a stemmer of Snowball, such as ``"english"``.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._stop_words = _stop_words(language)
        stemmer, self._stem_word = _stemmer(language)
        stop = "stop" if self._stop_words else "all"
        # Stored with the words: those of another analyser are not comparable.
        self.name = f"{language}-{stemmer}-{stop}-{VERSION}"
        self._stem = lru_cache(maxsize=50_000)(self._stem_folded)
        # Many memories have the same topics.
        self._terms_of_topic = lru_cache(maxsize=10_000)(lambda topic: tuple(self.terms(topic)))
        self.asked_of_topic = lru_cache(maxsize=10_000)(self._all_spelt)

    def words(self, text: str, topics: Iterable[str] = ()) -> Words:
        """Return the words of a memory. The words of topics count as its own, and never as a question."""
        terms = [term for topic in topics for term in self._terms_of_topic(topic)]
        if not _QUESTION_MARK.search(text):
            return Words(Counter(terms + self.terms(text)), Counter())
        asked: list[str] = []
        for sentence in _SENTENCE.findall(text):
            found = self.terms(sentence)
            terms += found
            if _QUESTION_MARK.search(sentence):
                asked += found
        return Words(Counter(terms), Counter(asked))

    def terms(self, text: str, *, is_query: bool = False) -> list[str]:
        """Return the words of a text in their order.

        Args:
            text: of a memory or of a query.
            is_query: a query has single characters of languages without blanks only if nothing stands beside them, and
                no stop words of another language if it is in that one.
        """
        folded = fold(text)
        tokens = _tokens(folded)
        if is_query and (foreign := self._foreign_stop_words(set(tokens))):
            tokens = [token for token in tokens if token not in foreign]
        return self._terms(tokens, is_query=is_query) if not folded.isascii() else self._stems(tokens)

    def _terms(self, tokens: Iterable[str], *, is_query: bool) -> list[str]:
        terms: list[str] = []
        for token in tokens:
            if _no_blanks_pattern().match(token):
                terms += map("".join, pairwise(token))
                if not is_query or len(token) == 1:
                    terms += token
            else:
                terms += self._stems([token])
        return terms

    def _foreign_stop_words(self, tokens: set[str]) -> frozenset[str]:
        """Return the stop words of another language if a query has more of them than of this one."""
        if len(tokens) < MIN_FOREIGN_WORDS:
            return frozenset()
        lists = _stop_lists()
        own = tokens & self._stop_words | tokens & lists.get(self.language, frozenset())
        number, language = max(((len(tokens & words), language) for language, words in lists.items()), default=(0, ""))
        return lists[language] if number >= max(len(own) + 1, MIN_FOREIGN_WORDS) else frozenset()

    def spelt(self, text: str) -> list[tuple[str, list[str]]]:
        """Return the words of a text as they are spelt, each with its terms; those that say nothing are left out."""
        words = ((without_accents(token), self._terms([token], is_query=True)) for token in _tokens(fold(text)))
        return [(word, terms) for word, terms in words if terms]

    def _all_spelt(self, topic: str) -> tuple[str, ...]:
        return tuple(term for _word, terms in self.spelt(topic) for term in terms)

    def _stems(self, tokens: Iterable[str]) -> list[str]:
        """Return the stems of words, without the stop words among them."""
        stems: list[str] = []
        for token in tokens:
            if token in self._stop_words:
                continue
            if "'" in token:
                stems += self._parts(token)
            else:
                stems.append(self._stem(token))
        return stems

    def _parts(self, token: str) -> Iterable[str]:
        """Yield the stems of a word with an apostrophe: "caroline's" and "l'ecole" are one word each."""
        for part in token.split("'"):
            if part not in self._stop_words and len(part) >= 3:
                yield self._stem(part)

    def _stem_folded(self, word: str) -> str:
        plain = without_accents(word)
        if self.language == "english":
            plain = IRREGULAR_FORMS.get(plain, plain)
        return self._stem_word(plain)


def current_analyser() -> Analyser:
    """Return the analyser of the setting ``LANGUAGE``.

    Raises:
        ImproperlyConfigured: an unknown language.
    """
    return analyser(conf.LANGUAGE)


@cache
def analyser(language: str) -> Analyser:
    """Return the analyser of a language."""
    return Analyser(language)


def _tokens(folded: str) -> list[str]:
    """Return the words of a folded text, and its runs of characters without blanks."""
    # The pattern for ASCII finds the same in a fifth of the time.
    if folded.isascii():
        return _ASCII_TOKEN.findall(folded)
    return _token_pattern().findall(folded.replace("\u2019", "'"))


def without_accents(word: str) -> str:
    """Return a folded word without its combining marks: "café" becomes "cafe"."""
    if word.isascii():
        return word
    return "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))


def languages() -> list[str]:
    """Return the values that the setting ``LANGUAGE`` can have, with the packages that are installed."""
    try:
        import snowballstemmer
    except ImportError:
        return ["english"]
    return sorted(snowballstemmer.algorithms())


def unknown_language(language: str) -> ImproperlyConfigured:
    """Return the error of a language without a stemmer."""
    return ImproperlyConfigured(
        f"AGNO_MEMORY['LANGUAGE'] is {language!r}. Choose one of: {', '.join(languages())}. "
        'Languages other than English need packages: pip install "agno-memory[search]".'
    )


def _stemmer(language: str) -> tuple[str, Callable[[str], str]]:
    """Return the name and the function of a stemmer."""
    if language not in languages():
        raise unknown_language(language)
    try:
        import snowballstemmer
    except ImportError:
        return "light", light_stem
    stem: Callable[[str], str] = snowballstemmer.stemmer(language).stemWord
    return "snowball", stem


def _stop_words(language: str) -> frozenset[str]:
    """Return the words of a language that say nothing about a text, folded, with and without accents."""
    return STOP_WORDS if language == "english" else _stop_lists().get(language, frozenset())


@cache
def _stop_lists() -> dict[str, frozenset[str]]:
    """Return the stop words by language, without the package of an extra none."""
    try:
        from stop_words import LANGUAGE_MAPPING, get_stop_words
    except ImportError:
        return {}
    lists = {language: list(map(fold, get_stop_words(language))) for language in LANGUAGE_MAPPING.values()}
    return {language: frozenset([*words, *map(without_accents, words)]) for language, words in lists.items()}


@cache
def _token_pattern() -> re.Pattern[str]:
    """Return the pattern of a word: letters, digits and marks, with apostrophes inside; or a run without blanks."""
    letter = rf"(?:[^\W_{_NO_BLANKS}]|[{_marks()}])"
    return re.compile(rf"[{_NO_BLANKS}]+|{letter}+(?:'{letter}+)*")


@cache
def _no_blanks_pattern() -> re.Pattern[str]:
    return re.compile(rf"[{_NO_BLANKS}]")


# The code points among which combining marks are. To look at all of Unicode takes a tenth of a second of each process.
MARKED: Final = (range(0x20000), range(0xE0000, 0xE1000))


def _marks() -> str:
    """Return the combining marks outside of ``_NO_BLANKS`` as ranges: Python's ``\\w`` has none of them."""
    ranges: list[list[int]] = []
    for point in chain(*MARKED):
        mark = unicodedata.category(chr(point)) in ("Mn", "Mc") and not re.match(rf"[{_NO_BLANKS}]", chr(point))
        if mark and ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        elif mark:
            ranges.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
