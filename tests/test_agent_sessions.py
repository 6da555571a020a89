"""Sessions and their runs: owners, content and the cost of a turn, on every database."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import ANYONE, NO_USER, AgentSessions
from agno_memory.db import statements
from agno_memory.exceptions import SessionExists, SessionNotFound
from agno_memory.json_texts import JSONText, json_text
from agno_memory.models import AgentRecord, AgentRun, AgentSession
from tests.databases import commits, each_database, errors, race, results

pytestmark = [commits]

BEGUN = datetime.datetime(2025, 6, 1, 12, 30, 15, 123000, tzinfo=datetime.UTC)
# Values that the JSON types of the databases refuse or change.
ODD: dict[str, Any] = {
    "z": "first",
    "a": "last",
    "nul": "\x00",
    "half": "\ud800",
    "large": 2**80,
    "$ref": {"dotted.key": [1.0, -0.0, 1e300, None, True]},
    "text": "Größe 🎈 \u202e",
}


def session(session_id: str = "s", **values: Any) -> AgentSession:
    return AgentSession(session_id=session_id, agent_id="chef", **values)


def run(run_id: str, **values: Any) -> AgentRun:
    return AgentRun(**{"run_id": run_id, "run_type": "agent", "data": {"said": run_id}, **values})


@each_database
def test_a_session_is_read_back_as_it_was_written(alias: str) -> None:
    sessions = AgentSessions(alias)
    unsaved = session(
        session_type="team",
        team_id="kitchen",
        name="Dinner",
        session_data=ODD,
        agent_data={},
        metadata=None,
        summary={"summary": "x"},
        extra=ODD,
        created_at=BEGUN,
        updated_at=BEGUN,
    )
    written = sessions.upsert_session(unsaved, "maya")
    found = sessions.get_session("s", "maya")
    assert found is not None
    for field in AgentSession._meta.concrete_fields:
        assert getattr(found, field.name) == getattr(written, field.name), field.name
    assert (found.session_data, found.agent_data, found.metadata) == (ODD, {}, None)
    assert list(found.session_data) == list(ODD)
    assert (found.user_id, found.created_at) == ("maya", BEGUN)
    assert found.updated_at > BEGUN
    assert unsaved.user_id is None


@each_database
def test_an_upsert_keeps_created_at_and_the_runs(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(created_at=BEGUN, session_data={"a": 1}), "maya")
    sessions.upsert_run("s", run("r"), "maya")
    written = sessions.upsert_session(session(name="New", session_data={"a": 2}), "maya")
    assert (written.created_at, written.name, written.session_data) == (BEGUN, "New", {"a": 2})
    assert [found.run_id for found in sessions.get_runs("s", "maya")] == ["r"]
    moved = sessions.upsert_session(session(created_at=BEGUN, updated_at=BEGUN), "maya", keep_times=True)
    assert (moved.created_at, moved.updated_at) == (BEGUN, BEGUN)


@each_database
def test_another_users_session_does_not_exist(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(session_data={"a": 1}), "maya")
    sessions.upsert_run("s", run("r"), "maya")
    for user in ("noah", NO_USER):
        with pytest.raises(SessionExists):
            sessions.upsert_session(session(session_data={"a": 2}), user)
        with pytest.raises(SessionNotFound):
            sessions.rename_session("s", "New", user)
        with pytest.raises(SessionNotFound):
            sessions.delete_session("s", user)
        for run_id in ("r", "another"):
            with pytest.raises(SessionNotFound):
                sessions.upsert_run("s", run(run_id, data={"said": "no"}), user)
        assert sessions.delete_sessions(["s"], user) == []
        assert sessions.delete_user_sessions(user) == 0
        assert sessions.get_session("s", user) is None
        assert list(sessions.get_runs("s", user)) == []
        assert list(sessions.rows(user)) == []
    found = sessions.get_session("s", ANYONE)
    assert found is not None
    assert (found.session_data, found.name) == ({"a": 1}, "")
    assert [found.data for found in sessions.get_runs("s", ANYONE)] == [{"said": "r"}]


@each_database
def test_a_session_without_a_user_becomes_the_writers(alias: str) -> None:
    sessions = AgentSessions(alias)
    assert sessions.upsert_session(session(), NO_USER).user_id is None
    assert sessions.get_session("s", "maya") is None
    sessions.upsert_run("s", run("r"), NO_USER)
    assert sessions.upsert_session(session(), "maya").user_id == "maya"
    assert sessions.get_session("s", NO_USER) is None
    assert sessions.get_runs("s", "maya").count() == 1


@each_database
def test_runs_keep_their_order_when_they_are_replaced(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    sessions.upsert_session(session("other"), "maya")
    sessions.upsert_run("other", run("c", data=ODD), "maya")
    for name in ("b", "c", "a"):
        sessions.upsert_run("s", run(name, status="RUNNING"), "maya")
    sessions.upsert_run("s", run("c", status="COMPLETED", data=ODD), "maya", run_index=9)
    runs = sessions.get_runs("s", "maya")
    assert [(found.run_id, found.run_index, found.status) for found in runs] == [
        ("b", 0, "RUNNING"),
        ("c", 1, "COMPLETED"),
        ("a", 2, "RUNNING"),
    ]
    assert [found.run_id for found in runs.tail(2)] == ["c", "a"]
    assert runs[1].data == ODD
    sessions.upsert_run("s", run("member", parent_run_id="a"), "maya")
    assert [found.run_id for found in runs.conversation(excluded_statuses=("COMPLETED",))] == ["b", "a"]
    assert [found.run_id for found in sessions.get_runs("other", "maya")] == ["c"]


@each_database
def test_many_new_sessions_take_as_many_statements_as_one(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session("taken"), "noah")
    costs = []
    for number, count in enumerate((1, 40)):
        batch = [session(f"{number} {each}", user_id="maya", session_data=ODD) for each in range(count)]
        batch += [session("taken", user_id="maya"), session(f"{number} 0", user_id="noah")]
        with CaptureQueriesContext(connections[alias]) as queries:
            added = sessions.add_sessions([*batch, session(f"{number} of nobody")])
        assert [each.session_data for each in added] == [ODD] * count + [None]
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert sessions.rows("maya").count() == 41
    assert sessions.rows("noah").get().session_id == "taken"
    assert sessions.rows(NO_USER).count() == 2
    found = sessions.get_session("1 7", "maya")
    assert found is not None
    assert (found.session_data, found.version) == (ODD, 1)


@each_database
def test_two_calls_add_each_session_once(alias: str) -> None:
    ids = [str(number) for number in range(20)]
    (outcome,) = race(1, lambda thread, _: AgentSessions(alias).add_sessions([session(each) for each in ids]))
    assert errors(outcome) == []
    added = [each.session_id for added in results(outcome) for each in added]
    assert sorted(added) == sorted(ids)


@each_database
def test_the_thousandth_turn_takes_as_many_statements_as_the_first(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    made = AgentSession.objects.using(alias).get()

    def cost(run_id: str) -> list[str]:
        with CaptureQueriesContext(connections[alias]) as queries:
            sessions.upsert_run("s", run(run_id), "maya")
            sessions.upsert_session(session(), "maya")
        return [query["sql"].split()[0] for query in queries]

    first = cost("first")
    filling = [run(f"r{number}", session=made, run_index=number) for number in range(1, 1000)]
    AgentRun.objects.using(alias).bulk_create(filling)
    assert cost("thousandth") == first
    assert len(first) <= 8
    assert sessions.get_runs("s", "maya").tail(1)[0].run_index == 1000


@each_database
def test_filters_of_sessions(alias: str) -> None:
    sessions = AgentSessions(alias)
    day = datetime.timedelta(days=1)
    for number, (name, agent, team) in enumerate([("Dinner", "chef", None), ("Straße", None, "chef"), ("", "b", None)]):
        made = AgentSession(session_id=f"s{number}", name=name, agent_id=agent, team_id=team)
        made.session_type = "team" if team else "agent"
        made.created_at = made.updated_at = BEGUN + number * day
        sessions.upsert_session(made, "maya", keep_times=True)
    rows = sessions.rows("maya").newest()

    def ids(found: Any) -> list[str]:
        return [each.session_id for each in found]

    assert ids(rows) == ["s2", "s1", "s0"]
    assert ids(rows.of_component("chef")) == ["s1", "s0"]
    assert ids(rows.of_component("chef", "team")) == ["s1"]
    assert ids(rows.named("STRASSE")) == ["s1"]
    assert ids(rows.begun(start=BEGUN + day)) == ["s2", "s1"]
    assert ids(rows.begun(BEGUN, BEGUN + day)) == ["s1", "s0"]
    renamed = sessions.rename_session("s2", "Frühstück", "maya")
    assert (renamed.name, ids(rows.named("FRÜHSTÜCK"))) == ("Frühstück", ["s2"])


@each_database
def test_sessions_are_deleted_with_their_runs(alias: str) -> None:
    sessions = AgentSessions(alias)
    for name in ("a", "b", "c"):
        sessions.upsert_session(session(name), "maya")
        sessions.upsert_run(name, run("r"), "maya")
    sessions.upsert_session(session("noah's"), "noah")
    sessions.upsert_run("noah's", run("r"), "noah")
    assert sessions.delete_sessions(["c", "none", "noah's", "c"], "maya") == ["c"]
    sessions.delete_session("b", "maya")
    with pytest.raises(SessionNotFound):
        sessions.delete_session("b", "maya")
    assert sessions.delete_user_sessions("maya") == 1
    assert [found.session_id for found in sessions.rows(ANYONE)] == ["noah's"]
    assert [found.session_id for found in AgentRun.objects.using(alias)] == ["noah's"]


@each_database
def test_bad_input_is_refused_before_anything_is_written(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    refused: dict[str, Callable[[], object]] = {
        "session_id": lambda: sessions.upsert_session(session(" "), "maya"),
        "session_type": lambda: sessions.upsert_session(session("t", session_type="crew"), "maya"),
        "session_data": lambda: sessions.upsert_session(session("t", session_data={"a": {1, 2}}), "maya"),
        "metadata": lambda: sessions.upsert_session(session("t", metadata={"a": "x" * 16 * 2**20}), "maya"),
        "name": lambda: sessions.rename_session("s", " ", "maya"),
        "run_id": lambda: sessions.upsert_run("s", run(""), "maya"),
        "data": lambda: sessions.upsert_run("s", run("r", data={"a": object()}), "maya"),
        "run_type": lambda: sessions.upsert_run("s", run("r", run_type=""), "maya"),
        "user_id": lambda: sessions.upsert_session(session("t"), ANYONE),
        "session_ids": lambda: sessions.delete_sessions(["s", ""], "maya"),
    }
    for name, verb in refused.items():
        with pytest.raises(ValidationError) as caught:
            verb()
        assert set(caught.value.message_dict) == {name}
    assert AgentSession.objects.using(alias).count() == 1
    assert not AgentRun.objects.using(alias).exists()


@each_database
def test_concurrent_runs_get_positions_of_their_own(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    rounds = race(5, lambda thread, number: sessions.upsert_run("s", run(f"{thread}-{number}"), "maya"))
    assert [errors(outcomes) for outcomes in rounds] == [[]] * 5
    runs = list(sessions.get_runs("s", "maya"))
    assert len(runs) == 40
    if alias != "standalone":
        # It has no transactions: two runs may share a position, but none is lost.
        assert [found.run_index for found in runs] == list(range(40))


@each_database
def test_a_session_id_belongs_to_one_of_two_concurrent_users(alias: str) -> None:
    def write(thread: int, number: int) -> AgentSession:
        return AgentSessions(alias).upsert_session(session(f"s{number}", agent_data={"by": thread}), f"user {thread}")

    for number, outcomes in enumerate(race(5, write)):
        (winner,) = results(outcomes)
        assert {type(error) for error in errors(outcomes)} == {SessionExists}
        found = AgentSessions(alias).get_session(f"s{number}", ANYONE)
        assert found is not None
        assert found.user_id == winner.user_id == f"user {found.agent_data['by']}"


@each_database
def test_a_run_written_during_the_deletion_of_its_session_is_deleted(alias: str) -> None:
    sessions = AgentSessions(alias)

    def work(thread: int, number: int) -> object:
        if thread == 0:
            sessions.delete_session(f"s{number}", "maya")
            return None
        return sessions.upsert_run(f"s{number}", run(f"r{thread}"), "maya")

    for number in range(5):
        sessions.upsert_session(session(f"s{number}"), "maya")
    for outcomes in race(5, work, threads=4):
        assert {type(error) for error in errors(outcomes)} <= {SessionNotFound}
    assert not AgentSession.objects.using(alias).exists()
    assert not AgentRun.objects.using(alias).exists()


@each_database
def test_a_walk_yields_each_session_once_over_many_pages(alias: str, settings: Any) -> None:
    moment = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    for number in range(5):
        # Three at the same moment, in one page and the next.
        created = moment + datetime.timedelta(hours=number // 3)
        AgentSessions(alias).upsert_session(session(f"s{number}", created_at=created), "maya", keep_times=True)
    AgentSessions(alias).upsert_session(session("other"), "noah")
    settings.AGNO_MEMORY = {"BATCH_SIZE": 2}
    walked = [each.session_id for each in AgentSessions(alias).rows("maya").walk()]
    assert walked == ["s0", "s1", "s2", "s3", "s4"]


@each_database
def test_the_texts_of_runs_are_those_that_were_written(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    for run_id, data in (("b", ODD), ("a", {"said": "a"})):
        sessions.upsert_run("s", run(run_id, data=data), "maya")
    texts = sessions.get_run_texts("s", "maya")
    assert [(run_id, json.loads(text)) for run_id, text in texts] == [("b", ODD), ("a", {"said": "a"})]
    assert list(sessions.get_run_texts("s", ANYONE)) == list(texts)
    for other in ("noah", NO_USER):
        assert sessions.get_run_texts("s", other) == []
    assert sessions.get_run_texts("none", ANYONE) == []


@each_database
def test_json_that_is_encoded_already_is_stored_as_it_is(alias: str) -> None:
    sessions = AgentSessions(alias)
    for metadata in ({"a": 1}, {"a": 2}):
        written = sessions.upsert_session(session(metadata=json_text(metadata)), "maya")
        found = sessions.get_session("s", "maya")
        assert found is not None
        assert (written.metadata, found.metadata) == (metadata, metadata)
    for text in ('{"a":  1}', '{"a":  2}'):
        sessions.upsert_run("s", run("r", data=JSONText(text)), "maya")
        assert sessions.get_run_texts("s", "maya") == [("r", text)]


def end(found: AgentRun) -> bool:
    found.status, found.data = "ENDED", {**found.data, "ended": True}
    return True


@each_database
def test_a_run_is_changed_as_it_was_read(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    sessions.upsert_run("s", run("r", status="RUNNING", data=ODD), "maya")
    sessions.upsert_run("s", run("other"), "maya")
    assert sessions.change_run("s", "r", end, "noah") is sessions.change_run("s", "gone", end, "maya") is None
    version = sessions.rows("maya").get().version
    assert sessions.change_run("s", "r", lambda found: False, "maya") is None
    assert sessions.rows("maya").get().version == version
    changed = sessions.change_run("s", "r", end, "maya")
    found = sessions.get_runs("s", "maya").get(run_id="r")
    assert changed is not None
    assert (found.status, found.data, found.run_index) == ("ENDED", {**ODD, "ended": True}, 0)
    assert (changed.data, changed.updated_at) == (found.data, found.updated_at)
    assert sessions.get_runs("s", "maya").get(run_id="other").status is None


@each_database
def test_a_run_that_another_call_writes_meanwhile_is_not_changed(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    sessions.upsert_run("s", run("r", status="RUNNING"), "maya")

    def too_late(found: AgentRun) -> bool:
        if found.status == "RUNNING":
            # As another process does before this one has the session.
            AgentRun.objects.using(alias).filter(run_id="r").update(status="COMPLETED")
            return True
        return False

    assert sessions.change_run("s", "r", too_late, "maya") is None
    assert sessions.get_runs("s", "maya").get().status == "COMPLETED"


@each_database
def test_a_session_is_given_to_another_user_while_it_is_idle(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(name="Dinner"), "maya")
    sessions.upsert_run("s", run("r", status="RUNNING"), "maya")
    before = sessions.rows("maya").get()
    assert not sessions.reassign_session("s", "noah", "noah")
    assert not sessions.reassign_session("s", "maya", "noah", unless=["RUNNING"])
    assert sessions.reassign_session("s", "maya", "noah", unless=["PAUSED"])
    assert not sessions.rows("maya").exists()
    after = sessions.rows("noah").get()
    assert (after.name, after.updated_at, after.version) == ("Dinner", before.updated_at, before.version + 1)
    assert sessions.get_runs("s", "noah").count() == 1
    assert sessions.reassign_session("s", ANYONE, NO_USER)
    assert sessions.rows(NO_USER).get().user_id is None
    with pytest.raises(ValidationError):
        sessions.reassign_session("s", NO_USER, " ")


@each_database
def test_the_parts_of_a_conversation_are_deleted_with_it(alias: str) -> None:
    sessions = AgentSessions(alias)
    records = AgentRecord.objects.using(alias)
    for session_id in ("s", "t"):
        sessions.upsert_session(session(session_id), "maya")
        for kind in ("compaction", "transcript", "learning"):
            AgentRecords(kind, alias).add_record(AgentRecord(session_id=session_id, data={}))
    sessions.delete_session("s", "maya")
    assert sorted(records.filter(session_id="s").values_list("kind", flat=True)) == ["learning"]
    assert records.filter(session_id="t").count() == 3


@each_database
def test_a_database_that_returns_no_written_rows(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "returns_written_rows", lambda connection: False)
    sessions = AgentSessions(alias)
    for session_id in ("r", "s", "t"):
        sessions.upsert_session(session(session_id, metadata={"of": session_id}), "maya")
    written = sessions.upsert_session(session(session_data=ODD, created_at=BEGUN), "maya")
    found = sessions.get_session("s", "maya")
    assert found is not None
    assert (written.session_id, written.session_data, written.metadata, written.version) == ("s", ODD, None, 2)
    assert (found.session_data, found.created_at) == (ODD, written.created_at)
    with pytest.raises(SessionExists):
        sessions.upsert_session(session(), "noah")
