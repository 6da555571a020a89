"""The outcomes of a benchmark's target."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest

from agno_memory.memory import Memory


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Any:
    # The package sets Django up with settings of its own, unless the environment names others.
    monkeypatch.setenv("BENCHMARK_SETTINGS", os.environ["DJANGO_SETTINGS_MODULE"])
    return import_module("benchmarks.verbs")


@pytest.mark.parametrize(
    ("value", "floor", "outcome"),
    [
        (1.5, None, "pass"),
        (1.5, 9.0, "pass"),
        (1.51, None, "FAIL"),
        # The floor reaches the limit, so this project could reach it too.
        (1.51, 1.5, "FAIL"),
        (3.3, 3.0, "floor"),
        (3.31, 3.0, "FAIL"),
        (2.0, 3.0, "floor"),
    ],
)
def test_outcome(benchmarks: Any, value: float, floor: float | None, outcome: str) -> None:
    found = benchmarks.Verdict("growth", value, 1.5, floor)
    assert found.outcome == outcome
    assert found.text().startswith(f"{outcome} (at most 1.5")


def test_floor_of_one_row(benchmarks: Any) -> None:
    times = {"ours": 400.0, "driver": 100.0, "Django's cursor": 380.0}
    on_postgres = benchmarks.verdict("postgres", "get_user_memory", times, "10 rows")
    assert (on_postgres.value, on_postgres.limit, on_postgres.floor) == (4.0, 2.0, 3.8)
    on_sqlite = benchmarks.verdict("sqlite", "get_user_memory", times, "10 rows")
    assert (on_sqlite.value, on_sqlite.limit, on_sqlite.floor) == (300.0, 150.0, 280.0)


def test_a_verb_without_a_cursor_of_django_has_no_floor(benchmarks: Any) -> None:
    found = benchmarks.verdict("mongodb", "get_user_memory", {"ours": 3.0, "driver": 1.0}, "10 rows")
    assert (found.outcome, found.floor) == ("FAIL", None)


def test_growth_is_compared_with_the_drivers(benchmarks: Any, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"get_user_memory": {"ours": 100.0, "driver": 10.0}}
    large = {"get_user_memory": {"ours": 300.0, "driver": 31.0}}
    (found,) = benchmarks.compare_sizes("postgres", small, large, "1 to 2 rows")
    assert (found.value, found.floor, found.outcome) == (3.0, 3.1, "floor")
    assert "floor (at most 1.5, floor 3.10)" in capsys.readouterr().out


def test_summary(benchmarks: Any) -> None:
    made = [benchmarks.Verdict("a", 1, 2), benchmarks.Verdict("b", 3, 2, 3), benchmarks.Verdict("c", 3, 2, 1)]
    total, floor, missed = benchmarks.summary(made)
    assert total == "\n1 of 3 targets reached, 1 at the floor."
    assert floor.startswith("at the floor: b: 3.00")
    assert missed.startswith("missed: c: 3.00")
    assert benchmarks.summary([]) == []


@pytest.mark.django_db
def test_each_question_about_the_demos_people_has_answers_among_their_memories(benchmarks: Any) -> None:
    recall = import_module("benchmarks.recall")
    texts = {(record["user_id"], record["memory"]) for record in recall.json_lines(recall.DEMO)}
    questions = recall.json_lines(recall.QUESTIONS)
    assert len({(each["user_id"], each["question"]) for each in questions}) == 100
    assert all(each["answers"] for each in questions)
    assert {(each["user_id"], text) for each in questions for text in each["answers"]} <= texts


@pytest.mark.django_db
def test_the_demos_questions_are_answered(benchmarks: Any, capsys: pytest.CaptureFixture[str]) -> None:
    recall = import_module("benchmarks.recall")
    recall.measure_demo(Memory(db="default"))
    at_10, at_20, reciprocal = map(float, capsys.readouterr().out.split()[5:8])
    assert at_10 >= 94
    assert at_20 >= 94
    assert reciprocal >= 91
    recall.measure_topics(Memory(db="default"))
    right, misspelt = (int(line.split()[-1]) for line in capsys.readouterr().out.splitlines())
    assert right == 100
    assert misspelt >= 95
