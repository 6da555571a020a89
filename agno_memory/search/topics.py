"""The topics that a query names in whole, also misspelt by one letter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from agno_memory.search.analyser import current_analyser
from agno_memory.search.query import may_repair, repairable

# The words of a query of which the spelling is compared with topics: a message may have thousands.
MAX_UNKNOWN: Final = 48


class Named(NamedTuple):
    """The topics that a query names.

    Args:
        topics: as the memories have them.
        repairs: by misspelt word of the query, the word of a topic that took its place.
    """

    topics: list[str]
    repairs: dict[str, str]


# A word as it is spelt, with its terms.
Spelt = tuple[str, list[str]]


def named_topics(text: str, topics: Iterable[str], known: Callable[[Sequence[str]], set[str]]) -> Named:
    """Return those of some topics of which a query has every word.

    A word that neither the topics nor the memories of the person have may differ by one letter.

    Args:
        text: of the query.
        topics: of the person's memories.
        known: returns those of some words that the memories have.
    """
    analyser = current_analyser()
    asked = set(analyser.terms(text))
    by_topic = {topic: analyser.spelt(topic) for topic in topics}
    of_topics = {term for words in by_topic.values() for _word, terms in words for term in terms}
    unknown = [each for each in analyser.spelt(text)[:MAX_UNKNOWN] if of_topics.isdisjoint(each[1])]
    meant = {word: list(_may_mean(word, terms, unknown)) for words in by_topic.values() for word, terms in words}
    misspelt = sorted({term for words in meant.values() for _word, terms in words for term in terms})
    of_memories = known(misspelt) if misspelt else set()

    def misspellings(word: str) -> list[str]:
        return [term for _word, terms in meant[word] if of_memories.isdisjoint(terms) for term in terms]

    def is_named(word: str, terms: list[str]) -> bool:
        return asked.issuperset(terms) or bool(misspellings(word))

    named = [topic for topic, words in by_topic.items() if words and all(is_named(*each) for each in words)]
    of_named = [each for topic in named for each in by_topic[topic] if not asked.issuperset(each[1])]
    return Named(named, {wrong: terms[0] for word, terms in of_named for wrong in misspellings(word)})


def _may_mean(word: str, terms: list[str], unknown: Iterable[Spelt]) -> Iterator[Spelt]:
    """Yield those of a query's unknown words that may be this word of a topic."""
    # A letter may be wrong in an ending, which the stem has not; or make another ending, so that the stem is right.
    forms = [word, *terms]
    for spelt, stems in unknown:
        if any(repairable(one) and any(may_repair(one, other) for other in forms) for one in (spelt, *stems)):
            yield spelt, stems


def topics_with_words(topics: object, terms: Iterable[str]) -> tuple[str, ...]:
    """Return those of a memory's topics of which some words are all.

    Args:
        topics: a row of another program may have something else than a list of texts.
        terms: of the query, with repairs.
    """
    asked = set(terms)
    listed = [topic for topic in topics if isinstance(topic, str)] if isinstance(topics, list) else []
    words = {topic: current_analyser().asked_of_topic(topic) for topic in listed}
    return tuple(topic for topic, of_topic in words.items() if of_topic and asked.issuperset(of_topic))
