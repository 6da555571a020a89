"""The ranked search over HTTP: its parameters, and its results with their explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.rest.memories.filters import MemoryFilterBackend
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.parameters import Parameter
from agno_memory.search.recall import Explanation, Match
from agno_memory.validators import validate_question

DEFAULT_LIMIT: Final = 10
QUERY: Final = "q"


def _limit(view: Any) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": conf.REST_MAX_PAGE_SIZE, "default": DEFAULT_LIMIT}


def _flag(view: Any) -> Schema:
    return {"type": "boolean", "default": False}


def _share(view: Any) -> Schema:
    return {"type": "number", "minimum": 0, "maximum": 1}


def _question(view: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": conf.MAX_INPUT_LENGTH}


PARAMETERS: Final = (
    Parameter("query", QUERY, "A question, a message or words.", _question, is_required=True),
    Parameter("query", "limit", "The maximum number of memories.", _limit),
    Parameter("query", "explain", "Add `score` and `explanation` to each memory.", _flag),
    Parameter("query", "precise", "Return only memories with a topic that the query names in whole.", _flag),
    Parameter("query", "min_relative", "Return only memories with at least this part of the best score.", _share),
)


class SearchParameters(serializers.Serializer[Any]):
    """The parameters of a search."""

    q = serializers.CharField(trim_whitespace=False, validators=[validate_question])
    limit = serializers.IntegerField(min_value=0, default=DEFAULT_LIMIT)
    explain = serializers.BooleanField(default=False)
    precise = serializers.BooleanField(default=False)
    min_relative = serializers.FloatField(min_value=0, max_value=1, default=None)

    def validate_limit(self, limit: int) -> int:
        most = conf.REST_MAX_PAGE_SIZE
        if limit > most:
            raise ValidationError(_("At most %(limit)d.") % {"limit": most})
        return limit


class SearchFilterBackend(MemoryFilterBackend):
    """The filters of a list, without ``q``, which is the question here."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        whole, view.filterset_class = view.filterset_class, without_query(view.filterset_class)
        try:
            return super().filter_queryset(request, queryset, view)
        finally:
            view.filterset_class = whole

    def get_schema_operation_parameters(self, view: Any) -> Any:
        parameters: Any = super().get_schema_operation_parameters(view)
        return [each for each in parameters if each["name"] != QUERY]


@cache
def without_query(filterset: Any) -> Any:
    """Return a set of filters without ``q``."""
    narrowed = type(filterset.__name__, (filterset,), {})
    for filters in ("declared_filters", "base_filters"):
        setattr(narrowed, filters, {name: each for name, each in getattr(narrowed, filters).items() if name != QUERY})
    return narrowed


def results(
    matches: Iterable[Match], represent: Callable[[UserMemory], dict[str, Any]], *, explain: bool
) -> list[dict[str, Any]]:
    """Return matches as JSON.

    Args:
        matches: of the search.
        represent: returns a memory as JSON.
        explain: add the score and its parts.
    """
    if not explain:
        return [represent(match.memory) for match in matches]
    return [
        {**represent(match.memory), "score": match.score, "explanation": explanation_as_json(match.explanation)}
        for match in matches
    ]


def explanation_as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON: the weight of a neighbour with the id of its memory."""
    neighbours = {
        word: {"weight": weight, "memory_id": memory_id} for word, (weight, memory_id) in explanation.neighbours.items()
    }
    return {**asdict(explanation), "topics": list(explanation.topics), "neighbours": neighbours}
