"""The search of a person's page: the memories that answer a question, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.translation import gettext as _

from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.methods import RANKED
from agno_memory.search.recall import Explanation, Match, Search

# Of the query string.
PARAMETER: Final = "ask"
MAX_RESULTS: Final = 20


class Found(NamedTuple):
    """A memory on the page.

    Args:
        memory: the memory.
        url: of its form.
        reasons: the parts of its score, the largest words first.
    """

    memory: UserMemory
    url: str
    reasons: list[str]


def person_search(
    request: HttpRequest, rows: UserMemoryQuerySet, owner: str, url_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return the question of a request and the memories that it finds, for the template; empty without a question.

    Args:
        request: with the question in ``?ask=``.
        rows: the person's memories that this staff user may see.
        owner: the person.
        url_of: returns the URL of the form of a memory with a key.
    """
    question = request.GET.get(PARAMETER, "")
    if not question.strip():
        return {}
    try:
        matches = Search(question, RANKED).ranked(rows, MAX_RESULTS, owner)
    except ValidationError as error:
        return {"question": question, "errors": error.messages, "found": []}
    found = [Found(match.memory, url_of(match.memory.key), list(_reasons(match))) for match in matches]
    return {"question": question, "found": found}


def _reasons(match: Match) -> Iterator[str]:
    """Yield the parts of a score as short texts."""
    explanation = match.explanation
    if explanation.order != "score":
        yield _("The question has no words to search for: newest first")
        return
    yield _("Score %(score)s") % {"score": _rounded(match.score)}
    yield from (f"{word} {_rounded(weight)}" for word, weight in _largest(explanation.words))
    near = {word: weight for word, (weight, _memory_id) in explanation.neighbours.items()}
    yield from (_("%(word)s %(weight)s, from a neighbour") % _weighed(word, weight) for word, weight in _largest(near))
    yield from _other_reasons(explanation)


def _other_reasons(explanation: Explanation) -> Iterator[str]:
    named = {
        _("session"): explanation.session,
        _("speaker"): explanation.speaker,
        _("names a time"): explanation.time,
        _("asks something itself"): explanation.question,
        _("model"): explanation.model,
    }
    yield from (f"{name} {_rounded(weight)}" for name, weight in named.items() if weight)
    for topic in explanation.topics:
        yield _("topic “%(topic)s”") % {"topic": topic}
    for written, meant in explanation.repairs.items():
        yield _("“%(written)s” read as “%(meant)s”") % {"written": written, "meant": meant}


def _largest(weights: Any) -> list[tuple[str, float]]:
    return sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))


def _weighed(word: str, weight: float) -> dict[str, str]:
    return {"word": word, "weight": _rounded(weight)}


def _rounded(number: float) -> str:
    return str(localize(round(number, 1)))
