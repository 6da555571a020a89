"""``DjangoStorage``: its methods and its rows, on every database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agno.storage.session.agent import AgentSession as AgnoSession
from agno.storage.session.v2.workflow import WorkflowSession
from django.core.exceptions import ValidationError

from agno_memory.contrib.agno import DjangoStorage
from agno_memory.models import AgentRun
from tests.databases import commits, each_database

pytestmark = [commits]


@each_database
@pytest.mark.parametrize("blank", ["", " "])
def test_every_method_refuses_a_blank_user(alias: str, blank: str) -> None:
    storage = DjangoStorage(alias)
    storage.upsert(AgnoSession(session_id="s", user_id="maya"))
    calls: list[Callable[[], object]] = [
        lambda: storage.read("s", user_id=blank),
        lambda: storage.get_all_session_ids(blank),
        lambda: storage.get_all_sessions(blank),
        lambda: storage.get_recent_sessions(blank),
        lambda: storage.upsert(AgnoSession(session_id="s", user_id=blank)),
        lambda: storage.upsert(AgnoSession(session_id="t", user_id=blank)),
    ]
    for call in calls:
        with pytest.raises(ValidationError):
            call()
    assert storage.get_all_session_ids() == storage.get_all_session_ids("maya") == ["s"]


@each_database
def test_the_store_of_sessions(alias: str) -> None:
    storage = DjangoStorage(alias)
    runs = [{"run_id": f"r{number}", "session_id": "s", "content": f"Größe {number}"} for number in range(3)]
    session = AgnoSession(
        session_id="s",
        user_id="maya",
        agent_id="chef",
        memory={"memories": {}, "runs": runs},
        session_data={"session_name": "Dinner", "$odd": "\x00"},
        extra_data={"a": 1},
        team_session_id="t",
        created_at=1_748_781_015,
    )
    storage.upsert(session)
    found = storage.read("s")
    assert found is not None
    assert found.to_dict() == {**session.to_dict(), "updated_at": found.updated_at}
    stamps = dict(AgentRun.objects.using(alias).values_list("run_id", "updated_at"))
    runs[1]["content"] = "changed"
    session.memory = {"memories": {}, "runs": [*runs[:2], {"run_id": "r3", "session_id": "s"}]}
    storage.upsert(session)
    after = dict(AgentRun.objects.using(alias).values_list("run_id", "updated_at"))
    assert (set(after), after["r0"]) == ({"r0", "r1", "r3"}, stamps["r0"])
    assert [run["run_id"] for run in storage.read("s").memory["runs"]] == ["r0", "r1", "r3"]
    assert storage.read("s", user_id="noah") is None
    storage.upsert(AgnoSession(session_id="later", user_id="maya", agent_id="baker", created_at=1_800_000_000))
    assert storage.get_all_session_ids("maya") == ["later", "s"]
    assert storage.get_all_session_ids(entity_id="chef") == ["s"]
    assert [each.session_id for each in storage.get_recent_sessions(limit=1)] == ["later"]
    assert [each.session_id for each in storage.get_all_sessions("noah")] == []
    storage.mode = "workflow_v2"
    storage.upsert(WorkflowSession(session_id="w", workflow_id="flow", workflow_name="Flow", user_id="maya"))
    assert (storage.get_all_session_ids(), storage.read("w").workflow_name) == (["w"], "Flow")
    with pytest.raises(NotImplementedError, match="migrate"):
        storage.drop()
    storage.delete_session("s")
    assert not AgentRun.objects.using(alias).exists()
