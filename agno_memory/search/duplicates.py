"""Groups of memories that say the same, found in time that grows with their number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from agno_memory.models import UserMemory
from agno_memory.search.similarity import NEAR_DUPLICATE, Words
from agno_memory.validators import fold

# The memories with one rare word that a memory is compared with. More of them say many different things.
MAX_COMPARED: Final = 50


class _Groups:
    """Numbers in disjoint groups, and the least similarity in each (union-find)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self.scores: dict[int, float] = {}

    def root(self, number: int) -> int:
        """Return the number that stands for a group."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def join(self, one: int, other: int, score: float) -> None:
        """Join the groups of two numbers."""
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first
        self.scores[first] = min(score, self.scores.get(first, 1.0), self.scores.get(second, 1.0))


def groups_of_duplicates(memories: Sequence[UserMemory]) -> list[list[UserMemory]]:
    """Return groups of memories that say the same, the most similar first.

    Args:
        memories: of one person, in the order that a group has.
    """
    # Of many equal texts, one is compared with others.
    same: dict[str, list[int]] = {}
    for number, memory in enumerate(memories):
        same.setdefault(" ".join(fold(memory.memory).split()), []).append(number)
    groups = _Groups(len(memories))
    for first, *others in same.values():
        for number in others:
            groups.join(first, number, 1.0)
    for one, other, score in _near([(numbers[0], memories[numbers[0]].memory) for numbers in same.values()]):
        groups.join(one, other, score)

    members: dict[int, list[UserMemory]] = defaultdict(list)
    for number, memory in enumerate(memories):
        members[groups.root(number)].append(memory)
    found = [(-groups.scores[number], number) for number, group in members.items() if len(group) > 1]
    return [members[number] for _score, number in sorted(found)]


def _near(texts: list[tuple[int, str]]) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of numbers of texts with nearly the same words, and their similarity."""
    words = [(number, Words(text)) for number, text in texts]
    frequencies = Counter(word for _number, each in words for word in each.words)
    postings: dict[object, list[tuple[int, Words]]] = defaultdict(list)
    for number, each in words:
        compared: set[int] = set()
        for key in each.signature(frequencies):
            for other, others_words in postings[key][-MAX_COMPARED:]:
                if other not in compared:
                    compared.add(other)
                    similarity = each.similarity(others_words)
                    if similarity >= NEAR_DUPLICATE:
                        yield other, number, similarity
            postings[key].append((number, each))
