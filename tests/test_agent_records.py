"""``AgentRecords``: owners, content, and writes at the same time, on every database."""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, models, transaction

from agno_memory.agent_records import ANYONE, NO_USER, AgentRecords
from agno_memory.db import SqliteMemoryDb
from agno_memory.exceptions import RecordChanged, RecordExists, RecordNotFound
from agno_memory.models import AgentRecord
from tests.databases import commits, each_database, errors, handles_allowed, race, results
from tests.test_agent_sessions import BEGUN, ODD
from tests.test_session_shapes import READS_ALL, SORTS, winning

pytestmark = [commits]


def record(record_id: str = "r", user_id: str | None = "maya", **values: Any) -> AgentRecord:
    return AgentRecord(record_id=record_id, user_id=user_id, **{"data": {"n": 0}, **values})


def ids(rows: Any) -> list[str]:
    return [row.record_id for row in rows]


def increment(found: AgentRecord) -> bool:
    found.data = {"n": found.data["n"] + 1}
    return True


@each_database
def test_a_record_is_read_back_as_it_was_written(alias: str) -> None:
    records = AgentRecords("learning", alias)
    text = {"record_type": "t", "status": "s", "parent_id": "p", "reference_id": "r", "reference_type": "x"}
    values: dict[str, Any] = {
        **text,
        **{f"{name}_id": name for name in ("agent", "team", "workflow", "session", "run")},
        "namespace": "global",
        "name": "Größe" * 300,
        "sort_number": 2**40,
        "claimed_by": "worker",
        **dict.fromkeys(("due_at", "claimed_at", "created_at", "updated_at"), BEGUN),
        "data": ODD,
    }
    written = records.add_record(record(**values))
    found = records.get_record("r", "maya")
    assert found is not None
    for field in AgentRecord._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(written, field.attname), field
    assert {name: getattr(found, name) for name in values} == values
    assert (found.kind, found.version) == ("learning", 1)


@each_database
def test_another_users_record_does_not_exist(alias: str) -> None:
    records = AgentRecords("learning", alias)
    records.add_record(record())
    refusals: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: records.replace_record(record(user_id="noah"), "noah"), RecordNotFound),
        (lambda: records.replace_record(record(user_id="noah"), "noah", version=1), RecordNotFound),
        (lambda: records.upsert_record(record(user_id="noah"), increment, "noah"), RecordExists),
        (lambda: records.add_record(record(user_id="noah")), RecordExists),
        (lambda: records.delete_record("r", "noah"), RecordNotFound),
        (lambda: records.delete_record("r", NO_USER), RecordNotFound),
    ]
    for refused, error in refusals:
        with pytest.raises(error, match="'r'"):
            refused()
    assert records.get_record("r", "noah") is None
    assert records.change_record("r", increment, "noah") is None
    assert records.delete_records(["r"], "noah") == records.delete_user_records("noah") == 0
    (kept,) = records.rows(ANYONE)
    assert (kept.user_id, kept.data, kept.version) == ("maya", {"n": 0}, 1)


@each_database
def test_records_without_a_user_are_visible_to_all(alias: str) -> None:
    records = AgentRecords("knowledge", alias)
    for name, owner in (("maya's", "maya"), ("noah's", "noah"), ("shared", None)):
        records.add_record(record(name, owner))
    assert set(ids(records.rows(ANYONE).visible_to("maya"))) == {"maya's", "shared"}
    assert ids(records.rows("maya")) == ["maya's"]
    assert ids(records.rows(NO_USER)) == ["shared"]
    assert records.delete_user_records("maya") == 1
    assert set(ids(records.rows(ANYONE))) == {"noah's", "shared"}


@each_database
def test_kinds_are_apart(alias: str) -> None:
    first, second, every = (AgentRecords(kind, alias) for kind in ("learning", "schedule", None))
    first.add_record(record(data={"n": 1}))
    second.add_record(record(data={"n": 2}))
    assert [found.data for found in second.rows("maya")] == [{"n": 2}]
    assert first.delete_records(["r", "gone"], "maya") == 1
    assert [found.data for found in every.rows("maya")] == [{"n": 2}]
    with pytest.raises(TypeError, match="Name the kind"):
        every.get_record("r", "maya")
    with pytest.raises(TypeError, match="Name the kind"):
        every.ids_of_run("run")
    assert every.delete_user_records("maya") == 1


@each_database
def test_the_ids_of_a_run_are_those_of_its_kind(alias: str) -> None:
    first, second = (AgentRecords(kind, alias) for kind in ("approval", "learning"))
    for own in ("first", "second"):
        first.add_record(record(own, run_id="run"))
    first.add_record(record("c", run_id="another"))
    first.add_record(record("d"))
    second.add_record(record("e", run_id="run"))
    assert sorted(first.ids_of_run("run")) == ["first", "second"]
    assert first.ids_of_run("gone") == []


@each_database
def test_replace_only_the_version_that_was_read(alias: str) -> None:
    records = AgentRecords("learning", alias)
    records.add_record(record(record_type="note", created_at=BEGUN))
    assert records.replace_record(record(data={"n": 1}), "maya", version=1).version == 2
    with pytest.raises(RecordChanged, match="version 1"):
        records.replace_record(record(data={"n": 2}), "maya", version=1)
    with pytest.raises(RecordNotFound):
        records.replace_record(record("gone"), "maya")
    replaced = records.replace_record(record(user_id="noah", data={"n": 3}), "maya")
    # The whole row is replaced, with its owner.
    assert (replaced.version, replaced.record_type, replaced.user_id) == (3, None, "noah")
    assert records.rows("noah").get().data == {"n": 3}


@each_database
def test_change_and_upsert(alias: str) -> None:
    records = AgentRecords("learning", alias)
    assert records.change_record("r", increment, "maya") is None
    assert records.upsert_record(record(), increment, "maya").version == 1
    assert records.upsert_record(record(), increment, "maya").data == {"n": 1}
    changed = records.change_record("r", increment, ANYONE)
    assert changed is not None
    assert (changed.data, changed.version) == ({"n": 2}, 3)
    assert records.upsert_record(record(), lambda found: False, "maya").version == 3
    assert records.change_record("r", lambda found: False, "maya") is None
    assert records.rows("maya").get().version == 3


@each_database
def test_no_change_is_lost_at_the_same_time(alias: str) -> None:
    records = AgentRecords("learning", alias)
    outcomes = race(3, lambda thread, number: records.upsert_record(record(), increment, "maya"), threads=4)
    assert [errors(each) for each in outcomes] == [[], [], []]
    # The first call adds the record.
    assert (records.rows("maya").get().data, records.rows("maya").get().version) == ({"n": 11}, 12)


@each_database
def test_of_several_workers_one_claims_a_record(alias: str) -> None:
    records = AgentRecords("schedule", alias)
    for number in range(6):
        records.add_record(record(f"r{number}", None, status="waiting", due_at=BEGUN))

    def claim(worker: int, number: int) -> AgentRecord | None:
        def take(found: AgentRecord) -> bool:
            found.status, found.claimed_by = "claimed", f"w{worker}"
            return True

        waiting = records.rows_to_write(ANYONE).filter(status="waiting", due_at__lte=BEGUN)
        return records.claim_record(waiting.earliest_due()[:6], take)

    outcomes = race(3, claim, threads=4)
    assert [errors(each) for each in outcomes] == [[], [], []]
    claimed = [found for each in outcomes for found in results(each) if found is not None]
    assert sorted(ids(claimed)) == [f"r{number}" for number in range(6)]
    stored = {found.record_id: found.claimed_by for found in records.rows(ANYONE)}
    assert stored == {found.record_id: found.claimed_by for found in claimed}


@each_database
def test_search_and_order(alias: str) -> None:
    records = AgentRecords("learning", alias)
    for number, content in enumerate(({"fact": "Likes TEA, Sarah Chen"}, {"sarah-chen": "100% Größe_x"}, None)):
        moment = BEGUN + datetime.timedelta(seconds=number)
        data = {} if content is None else {"content": content}
        records.add_record(
            record(f"r{number}", data=data, sort_number=-number, created_at=moment, updated_at=moment, due_at=moment)
        )
    rows = records.rows("maya")
    assert ids(rows.mentioning("tea")) == ["r0"]
    assert ids(rows.mentioning("0% grÖsse_")) == ids(rows.mentioning("GRÖßE x")) == ["r1"]
    assert set(ids(rows.mentioning("sarah__chen"))) == set(ids(rows.mentioning("SARAH CHEN"))) == {"r0", "r1"}
    assert ids(rows.mentioning("%")) == ["r1"]
    assert ids(rows.mentioning("null")) == []
    with pytest.raises(ValidationError):
        rows.mentioning(" ")
    assert ids(rows.newest()) == ids(rows.latest_made()) == ids(rows.by_number()) == ["r2", "r1", "r0"]
    assert ids(rows.earliest_due()) == ["r0", "r1", "r2"]


@each_database
def test_bad_input_is_refused(alias: str) -> None:
    records = AgentRecords("learning", alias)
    bad: list[dict[str, Any]] = [
        {"record_id": " "},
        {"user_id": ""},
        {"record_type": "x" * 256},
        {"name": "\x00"},
        {"data": object()},
        {"kind": "x" * 41},
    ]
    for values in bad:
        kind = AgentRecords(values.pop("kind", "learning"), alias)
        with pytest.raises(ValidationError):
            kind.add_record(record(**values))
    assert not records.rows(ANYONE).exists()


def test_a_handle_is_refused() -> None:
    with handles_allowed(), pytest.raises(TypeError, match="memories only"):
        AgentRecords("learning", SqliteMemoryDb())  # type: ignore[arg-type]


def test_every_verb_has_an_async_twin() -> None:
    verbs = {name for name, each in vars(AgentRecords).items() if inspect.isfunction(each) and name[0] != "_"}
    # These run no statement.
    verbs -= {"rows", "rows_to_write", "key_of"}
    assert {name for name in verbs if f"a{name}" in verbs} | {
        f"a{name}" for name in verbs if f"a{name}" in verbs
    } == verbs


QUESTIONS: dict[str, Callable[[AgentRecords], models.QuerySet[AgentRecord]]] = {
    "one record": lambda records: records._at(records.rows("user 5"), "r5"),
    "a user's newest": lambda records: records.rows("user 5").newest()[:5],
    "a user's latest": lambda records: records.rows("user 5").latest_made()[:5],
    "everybody's newest": lambda records: records.rows(ANYONE).newest()[:5],
    "everybody's latest": lambda records: records.rows(ANYONE).latest_made()[:5],
    "parts": lambda records: records.rows(ANYONE).filter(parent_id="p5").by_number()[:2],
    "due": lambda records: records.rows(ANYONE).filter(status="s1", due_at__lte=BEGUN).earliest_due()[:5],
    "referring": lambda records: records.rows(ANYONE).filter(reference_id="r5"),
    "a session's": lambda records: records.rows(ANYONE).filter(session_id="s5"),
    "a run's": lambda records: records.rows(ANYONE).filter(run_id="t5"),
    "the next kind": lambda records: (
        AgentRecords(None, records.db).rows(ANYONE).order_by("kind").filter(kind__gt="k0")[:1]  # type: ignore[arg-type]
    ),
    "of sessions": lambda records: (
        AgentRecords(None, records.db)  # type: ignore[arg-type]
        .rows(ANYONE)
        .filter(kind__in=["k0", "k1"], session_id__in=["s5", "s6"])
    ),
    "of every kind": lambda records: AgentRecords(None, records.db).rows("user 5"),  # type: ignore[arg-type]
}


@each_database
def test_shapes(alias: str, subtests: Any) -> None:
    AgentRecord.objects.using(alias).bulk_create(
        AgentRecord(
            kind=f"k{number % 2}",
            record_id=f"r{number}",
            user_id=f"user {number % 50}",
            **{f"{name}_id": f"{name[0]}{number % 100}" for name in ("parent", "reference", "session")},
            run_id=f"t{number}",
            status=f"s{number % 50}",
            sort_number=number,
            due_at=BEGUN + datetime.timedelta(seconds=number % 1000),
            created_at=BEGUN + datetime.timedelta(hours=number),
            updated_at=BEGUN + datetime.timedelta(hours=number),
            data={},
        )
        for number in range(2000)
    )
    vendor = connections[alias].vendor
    if vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_agentrecord")
    for name, question in QUESTIONS.items():
        with subtests.test(name):
            explained = question(AgentRecords("k1", alias)).explain()
            plan = winning(explained) if vendor == "mongodb" else explained
            assert not re.search(READS_ALL[vendor], plan), plan
            assert not re.search(SORTS[vendor], plan), plan
            assert name != "of sessions" or "agno_record_session" in plan, plan


@each_database
def test_no_two_records_have_one_unique_key(alias: str) -> None:
    records = AgentRecords("schedule", alias)
    records.add_record(record("r", unique_key="k"))
    for free in ("s", "t"):
        records.add_record(record(free))
    with pytest.raises(RecordExists):
        records.add_record(record("u", "noah", unique_key="k"))

    def take(found: AgentRecord) -> bool:
        found.unique_key = "k"
        return True

    with pytest.raises(RecordExists):
        records.change_record("s", take, "maya")
    with pytest.raises(RecordExists):
        records.replace_record(record("t", unique_key="k"), "maya")
    assert list(records.rows(ANYONE).filter(unique_key="k").values_list("record_id", flat=True)) == ["r"]
    records.delete_record("r", "maya")
    (outcome,) = race(
        1, lambda thread, _: AgentRecords("schedule", alias).change_record("st"[thread % 2], take, "maya")
    )
    assert len({each.record_id for each in results(outcome) if each is not None}) == 1
    assert records.rows(ANYONE).filter(unique_key="k").count() == 1


@each_database
def test_a_unique_key_that_is_taken_leaves_the_transaction_of_the_caller_usable(alias: str) -> None:
    records = AgentRecords("schedule", alias)
    records.add_record(record("r", unique_key="k"))
    records.add_record(record("s"))
    with transaction.atomic(using=alias):
        with pytest.raises(RecordExists):
            records.replace_record(record("s", unique_key="k"), "maya")
        records.replace_record(record("s", name="N"), "maya")
    found = records.get_record("s", "maya")
    assert found is not None
    assert (found.name, found.unique_key) == ("N", None)


def test_each_kind_is_named_once() -> None:
    for kind, record_id in (("note", "a"), ("note", "b"), ("own", "a")):
        AgentRecords(kind, "default").add_record(AgentRecord(record_id=record_id, data={}))
    assert AgentRecord.objects.using("default").kinds() == ["note", "own"]
