"""The tree of a trace's steps, and durations for people. No test needs a database."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from agno_memory.durations import duration_text
from agno_memory.span_trees import MAX_DEPTH, Step, tree
from tests.test_agent_traces import span


def outline(steps: list[Step]) -> list[object]:
    return [[step.span.span_id, *outline(step.children)] if step.children else step.span.span_id for step in steps]


def test_steps_are_below_their_callers_in_their_order() -> None:
    spans = [span("a"), span("b", parent_span_id="a"), span("c", parent_span_id="b"), span("d", parent_span_id="a")]
    assert outline(tree(spans)) == [["a", ["b", "c"], "d"]]
    assert tree([]) == []


def test_no_step_is_lost() -> None:
    spans = [span("a", parent_span_id="gone"), span("b", parent_span_id="b"), span("c", parent_span_id="e")]
    spans += [span("d", parent_span_id="c"), span("e", parent_span_id="d"), span("f", parent_span_id="e")]
    assert outline(tree(spans)) == ["a", "b", ["c", ["d", ["e", "f"]]]]


def test_the_depth_is_limited() -> None:
    spans = [span(f"s{number}", parent_span_id=f"s{number - 1}") for number in range(500)]
    steps, depth, count = tree(spans), 0, 0
    while steps:
        count += len(steps)
        assert {step.depth for step in steps} == {depth}
        steps, depth = [child for step in steps for child in step.children], depth + 1
    assert (depth, count) == (MAX_DEPTH + 1, 500)


def test_each_step_has_its_place_in_time() -> None:
    (whole,) = tree([span("a", end=1_000), span("b", begin=250, end=500, parent_span_id="a")])
    part = whole.children[0]
    assert (whole.begin, whole.share, part.begin, part.share) == (0, 100, 25, 25)
    (instant,) = tree([span("a", end=0)])
    assert (instant.begin, instant.share) == (0, 0)


def test_a_step_has_texts_of_its_attributes() -> None:
    attributes = {"input.value": "Tee?", "output.value": 5, "llm.model_name": "gpt", "llm.token_count.prompt": 7}
    (step,) = tree([span("a", attributes={**attributes, "llm.token_count.completion": 3})])
    assert (step.input, step.output, step.model, step.tokens, step.error) == ("Tee?", "5", "gpt", 10, "")
    (failed,) = tree([span("a", status_code="ERROR", attributes={**attributes, "exception.message": "No tea"})])
    assert (failed.output, failed.error) == ("", "No tea")
    values: list[Any] = [None, [], "text", {"llm.token_count.prompt": "many"}]
    for damaged in values:
        (step,) = tree([span("a", attributes=damaged)])
        assert (step.input, step.output, step.model, step.tokens, step.error) == ("", "", "", 0, "")


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0.00 ms"),
        (250, "0.25 ms"),
        (250_999, "250 ms"),
        (2_540_000, "2.5 s"),
        (125_000_000, "2 min 5 s"),
    ],
)
def test_a_duration_has_a_short_number(microseconds: int, text: str) -> None:
    with translation.override("en"):
        assert duration_text(microseconds) == text
