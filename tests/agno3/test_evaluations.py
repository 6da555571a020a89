"""Evaluation runs: as on agno's own store, with owners, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agno.db.base import BaseDb
from agno.db.schemas.evals import EvalFilterType, EvalRunRecord, EvalType

from agno_memory.contrib.agno import DjangoDb
from agno_memory.exceptions import RecordExists
from tests.agno3.pairs import Steps, differences
from tests.databases import commits, each_database

pytestmark = [commits]


def run(run_id: str, eval_type: EvalType = EvalType.ACCURACY, **values: Any) -> EvalRunRecord:
    data = {"results": [{"score": 7, "text": "Größe 🎈"}]}
    return EvalRunRecord(**{"run_id": run_id, "eval_type": eval_type, "eval_data": data, "eval_input": {}, **values})


def listed(**arguments: Any) -> Steps:
    """Return a step that lists runs in an order that both stores define."""
    return lambda db: db.get_eval_runs(**{"sort_by": "name", "sort_order": "asc", **arguments})


def own(run_id: str, user_id: str) -> Steps:
    def give(db: BaseDb) -> None:
        db.create_eval_run(run(run_id, name=f"Of {user_id}", agent_id="chef"))
        db.update_eval_run_user_id(run_id, user_id)

    return give


STEPS: list[Steps] = [
    lambda db: db.create_eval_run(run("r1", name="A", agent_id="chef", model_id="m1", model_provider="p")),
    lambda db: db.create_eval_run(run("r2", EvalType.PERFORMANCE, name="B", team_id="kitchen", model_id="m2")),
    lambda db: db.create_eval_run(run("r3", EvalType.RELIABILITY, name="C", workflow_id="dinner")),
    own("r4", "maya"),
    own("r5", "noah"),
    lambda db: db.get_eval_run("r1"),
    lambda db: db.get_eval_run("r2", deserialize=False),
    lambda db: db.get_eval_run("gone"),
    lambda db: db.get_eval_run("r4", user_id="maya", deserialize=False),
    lambda db: db.get_eval_run("r4", user_id="noah"),
    # A run without a user is not shared.
    lambda db: db.get_eval_run("r1", user_id="maya"),
    listed(),
    listed(deserialize=False),
    listed(sort_order="desc", limit=2, page=2, deserialize=False),
    listed(user_id="maya", deserialize=False),
    listed(agent_id="chef"),
    listed(team_id="kitchen"),
    listed(workflow_id="dinner", agent_id="chef"),
    listed(model_id="m1"),
    listed(eval_type=[EvalType.PERFORMANCE, EvalType.RELIABILITY]),
    listed(eval_type=[]),
    *(listed(filter_type=each) for each in EvalFilterType),
    listed(page=1),
    lambda db: db.rename_eval_run("r1", "Z", deserialize=False),
    lambda db: db.rename_eval_run("r4", "Mine", user_id="noah"),
    lambda db: db.rename_eval_run("r4", "Mine", user_id="maya"),
    lambda db: db.rename_eval_run("gone", "Mine"),
    lambda db: db.delete_eval_runs(["r4", "r1"], user_id="noah"),
    lambda db: db.delete_eval_runs(["r2", "gone"]),
    lambda db: db.delete_eval_run("r3"),
    lambda db: db.delete_eval_runs([]),
    listed(),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_the_newest_is_first_and_an_id_is_taken_once(alias: str) -> None:
    db = DjangoDb(alias)
    for number in range(3):
        db.create_eval_run(run(f"r{number}"))
    assert [each.run_id for each in db.get_eval_runs()] == ["r2", "r1", "r0"]
    with pytest.raises(RecordExists, match="'r1'"):
        db.create_eval_run(run("r1", name="Another"))


@each_database
def test_a_run_of_a_user_is_not_given_to_another(alias: str) -> None:
    db = DjangoDb(alias)
    own("r", "maya")(db)
    db.update_eval_run_user_id("r", "noah")
    assert db.get_eval_run("r", user_id="noah") is None
    assert db.get_eval_run("r", user_id="maya") is not None
