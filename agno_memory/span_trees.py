"""The spans of a trace as a tree of steps, for pages that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agno_memory.agent_trace_models import AgentSpan
from agno_memory.agent_trace_querysets import ERROR
from agno_memory.durations import duration_text
from agno_memory.exact_times import MICROSECOND
from agno_memory.json_texts import json_object

# Steps that are deeper stand beside each other, so that a page has a limited depth.
MAX_DEPTH: Final = 12
# The attributes with the input and the output of a step, its model, and the numbers of tokens.
INPUT: Final = "input.value"
OUTPUT: Final = "output.value"
MODEL: Final = "llm.model_name"
TOKENS: Final = ("llm.token_count.prompt", "llm.token_count.completion")
ERROR_TEXT: Final = "exception.message"


@dataclass
class Step:
    """A span with the steps that it called, in the order in which they began.

    Args:
        span: the row.
        children: the steps that it called.
        depth: 0 for a step that no other one called.
        begin: when it began, in percent of the time of all steps.
        share: its duration, in percent of the time of all steps.
    """

    span: AgentSpan
    children: list[Step] = field(default_factory=list)
    depth: int = 0
    begin: float = 0.0
    share: float = 100.0

    @property
    def duration(self) -> str:
        """The duration, for people."""
        return duration_text((self.span.end_time - self.span.start_time) // MICROSECOND)

    @property
    def has_failed(self) -> bool:
        return self.span.status_code == ERROR

    @property
    def input(self) -> str:
        return self._text(INPUT)

    @property
    def output(self) -> str:
        """The output; "" for a failed step, which has an error instead."""
        return "" if self.has_failed else self._text(OUTPUT)

    @property
    def error(self) -> str:
        return (self.span.status_message or self._text(ERROR_TEXT)) if self.has_failed else ""

    @property
    def model(self) -> str:
        return self._text(MODEL)

    @property
    def tokens(self) -> int:
        """The number of tokens of a call of a model."""
        values = [self._attributes.get(name) for name in TOKENS]
        return sum(value for value in values if isinstance(value, int))

    @property
    def _attributes(self) -> dict[str, Any]:
        return json_object(self.span.attributes)

    def _text(self, name: str) -> str:
        value = self._attributes.get(name)
        return "" if value is None else str(value)


def tree(spans: Sequence[AgentSpan]) -> list[Step]:
    """Return the steps that no other one called, each with those that it called.

    A step whose caller is missing is one of them, and so is the first of steps that call each other in a circle.

    Args:
        spans: of one trace, in the order in which they began.
    """
    steps = {span.span_id: Step(span) for span in spans}
    roots: list[Step] = []
    for step in steps.values():
        parent = steps.get(step.span.parent_span_id or "")
        if parent is None or _calls(step, parent, steps):
            roots.append(step)
        else:
            parent.children.append(step)
    _measure(roots, spans)
    return roots


def _calls(step: Step, other: Step, steps: dict[str, Step]) -> bool:
    """Return whether a step has called another one, directly or not, and stands before it."""
    seen: set[str] = set()
    while other.span.span_id not in seen:
        if other is step:
            # Of a circle, one step alone is a root: the first in the order.
            circle = seen | {step.span.span_id}
            first = next(span_id for span_id in steps if span_id in circle)
            return bool(first == step.span.span_id)
        seen.add(other.span.span_id)
        parent = steps.get(other.span.parent_span_id or "")
        if parent is None:
            return False
        other = parent
    return False


def _measure(roots: Sequence[Step], spans: Sequence[AgentSpan]) -> None:
    """Set the depth and the place in time of all steps."""
    if not spans:
        return
    start, end = min(span.start_time for span in spans), max(span.end_time for span in spans)
    total = (end - start) or MICROSECOND
    remaining = [(step, 0) for step in roots]
    while remaining:
        step, depth = remaining.pop()
        step.depth = depth
        step.begin = 100 * ((step.span.start_time - start) / total)
        step.share = 100 * ((step.span.end_time - step.span.start_time) / total)
        if depth == MAX_DEPTH - 1:
            _flatten(step)
        remaining += [(child, depth + 1) for child in step.children]


def _flatten(step: Step) -> None:
    """Put the steps that a step called, directly or not, beside each other."""
    flat: list[Step] = []
    remaining = list(reversed(step.children))
    while remaining:
        each = remaining.pop()
        remaining += reversed(each.children)
        each.children = []
        flat.append(each)
    step.children = flat
