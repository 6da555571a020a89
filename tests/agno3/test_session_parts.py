"""Compactions, transcripts and tokens: as on agno's own store; they end with their session, on every database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agno.agents.claude.session_store import AgnoSessionStore
from agno.compaction.archive import stores_compaction_records
from agno.db.base import BaseDb
from agno.session import AgentSession as AgnoSession

from agno_memory import people
from agno_memory.agent_sessions import AgentSessions
from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb
from agno_memory.exceptions import ValidationError
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, comparable, differences
from tests.databases import commits, each_database, race, results

pytestmark = [commits]

MADE = 1_700_000_000


def compacted(compaction_id: str, **values: Any) -> Steps:
    row = {"compaction_id": compaction_id, "session_id": "s", "summary": "About tea", "created_at": MADE, **values}
    return lambda db: db.upsert_compaction(row)


def searched(query: Any, session_id: str = "s", **arguments: Any) -> Steps:
    return lambda db: db.search_compactions(session_id, query, **arguments)


COMPACTIONS: list[Steps] = [
    compacted("c1", archived_messages="user: Does Sarah like Green tea?", tokens_before=900, tokens_after=100),
    compacted("c2", archived_messages="assistant: Größe 🎈", created_at=MADE + 1, user_id="maya", run_id="r"),
    compacted("c3", session_id="t", archived_messages="green", created_at=MADE + 2),
    compacted("c4", created_at=MADE + 3),
    # A compaction does not change.
    compacted("c1", summary="Another"),
    *(lambda db, each=each: db.get_compaction(each) for each in ("c1", "c4", "gone")),
    lambda db: db.get_compactions_for_session("s"),
    lambda db: db.get_compactions_for_session("s", limit=1),
    lambda db: db.get_compactions_for_session("gone"),
    searched("green"),
    searched("GREEN TEA"),
    searched(["green", "größe"]),
    searched(["nothing", "", "balloon"]),
    searched("green", limit=1),
    searched("a", limit=1),
    searched(""),
    searched([]),
    searched("green", "t"),
    searched("green", "gone"),
    lambda db: db.delete_compactions_for_session("s"),
    lambda db: db.delete_compactions_for_session("s"),
    lambda db: [db.get_compaction(each) is None for each in ("c1", "c3")],
]


def appended(*entries: Any, session_id: str = "sdk", subpath: str | None = None, project_key: str = "p") -> Steps:
    return lambda db: db.append_transcript_entries("claude", project_key, session_id, list(entries), "s", subpath)


def read(session_id: str = "sdk", subpath: str | None = None) -> Steps:
    return lambda db: db.get_transcript_entries("claude", "p", session_id, subpath)


def listed(db: BaseDb) -> Any:
    found = db.list_transcript_sessions("claude", "p")
    return sorted((each["session_id"], each["mtime"] > MADE * 1000) for each in found)


TRANSCRIPTS: list[Steps] = [
    appended({"uuid": "1", "text": "Größe 🎈", "n": [1, None, 2.5]}, {"type": "no uuid"}, {"uuid": "2"}),
    appended(),
    read(),
    appended({"uuid": "2", "text": "again"}, {"uuid": "3"}, {"uuid": "3"}, {"type": "no uuid"}),
    read(),
    appended({"uuid": "1"}, subpath="agents/b"),
    appended({"uuid": "1"}, subpath="agents/a"),
    appended({"uuid": "1"}, session_id="sdk 2"),
    appended({"uuid": "1"}, project_key="q"),
    read(subpath="agents/a"),
    read("gone"),
    listed,
    lambda db: db.list_transcript_sessions("claude", "gone"),
    lambda db: db.list_transcript_subpaths("claude", "p", "sdk"),
    lambda db: db.list_transcript_subpaths("claude", "p", "sdk 2"),
    lambda db: db.delete_transcript("claude", "p", "sdk", "agents/a"),
    lambda db: db.list_transcript_subpaths("claude", "p", "sdk"),
    read(),
    lambda db: db.delete_transcript("claude", "p", "sdk"),
    read(),
    lambda db: db.list_transcript_subpaths("claude", "p", "sdk"),
    listed,
]


def kept(user_id: str | None, token: str, provider: str = "google", **values: Any) -> Steps:
    row = {"provider": provider, "user_id": user_id, "service": "mail", "token_data": {"token": token}}
    row |= {"granted_scopes": None, **values}

    def keep(db: BaseDb) -> Any:
        written = db.upsert_auth_token(row)
        assert written is not None
        return sorted(written), written["token_data"], written["user_id"]

    return keep


def token(user_id: str | None, provider: str = "google", service: str = "mail") -> Steps:
    def get(db: BaseDb) -> Any:
        found = db.get_auth_token(provider, user_id, service)
        return found and {**found, "id": bool(found["id"])}

    return get


TOKENS: list[Steps] = [
    kept("maya", "1", granted_scopes=["read", "🎈"]),
    kept("noah", "2"),
    kept(None, "3"),
    kept("maya", "4", "xai"),
    kept("maya", "5"),
    *(token(each) for each in ("maya", "noah", None, "", "gone")),
    token("maya", "xai"),
    token("maya", service="calendar"),
    lambda db: [db.delete_auth_token("google", each, "mail") for each in ("maya", "maya", "", None, "gone")],
    *(token(each) for each in ("maya", "noah", None)),
]


@pytest.mark.parametrize("steps", [COMPACTIONS, TRANSCRIPTS, TOKENS], ids=["compactions", "transcripts", "tokens"])
@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, steps: list[Steps], tmp_path: Path) -> None:
    assert differences(steps, alias, tmp_path) == []


def conversation(alias: str, session_id: str = "s", user_id: str | None = "maya") -> DjangoDb:
    db = DjangoDb(alias)
    db.upsert_session(AgnoSession(session_id=session_id, user_id=user_id, agent_id="chef"))
    compacted(f"c of {session_id}", session_id=session_id, archived_messages="secret")(db)
    db.append_transcript_entries("claude", "p", f"sdk of {session_id}", [{"uuid": "1"}], session_id)
    return db


@each_database
def test_they_end_with_their_session(alias: str) -> None:
    db = conversation(alias)
    conversation(alias, "t")
    assert not db.delete_session("s", user_id="noah")
    assert db.get_compaction("c of s") is not None
    assert db.delete_session("s")
    assert {each.session_id for each in AgentRecord.objects.using(alias)} == {"t"}
    # By every other way, too: staff delete a session, or a person is erased.
    AgentSessions(alias).delete_user_sessions("maya")
    assert not AgentRecord.objects.using(alias).exists()
    conversation(alias)
    people.erase("maya", db=alias)
    assert not AgentRecord.objects.using(alias).exists()


@each_database
def test_the_entries_of_a_person_are_counted(alias: str) -> None:
    conversation(alias)
    # The entry of the transcript, and the compaction, which names the session alone.
    assert people.count("maya", alias)["records"] == 2


@each_database
def test_concurrent_entries_are_all_kept_once(alias: str) -> None:
    def append(thread: int, _number: int) -> None:
        entries = [{"uuid": "shared"}, *({"uuid": f"{thread} {number}"} for number in range(3))]
        DjangoDb(alias).append_transcript_entries("claude", "p", "sdk", entries, "s")

    (outcome,) = race(1, append, threads=4)
    assert results(outcome) == outcome
    found = [each["uuid"] for each in DjangoDb(alias).get_transcript_entries("claude", "p", "sdk")]
    assert sorted(found) == sorted(["shared", *(f"{thread} {number}" for thread in range(4) for number in range(3))])
    for thread in range(4):
        own = [each for each in found if each.startswith(f"{thread} ")]
        assert own == sorted(own)


@each_database
def test_another_users_token_does_not_exist(alias: str) -> None:
    db = DjangoDb(alias)
    kept("maya", "1")(db)
    assert db.get_auth_token("google", "noah", "mail") is None
    assert not db.delete_auth_token("google", "noah", "mail")
    kept("noah", "2")(db)
    assert comparable(db.get_auth_token("google", "maya", "mail"))["token_data"] == {"token": "1"}
    with pytest.raises(ValidationError):
        db.get_auth_token("google", " ", "mail")
    people.erase("maya", db=alias)
    assert [each.user_id for each in AgentRecord.objects.using(alias)] == ["noah"]


@each_database
def test_the_last_token_wins(alias: str) -> None:
    (outcome,) = race(1, lambda thread, _: kept("maya", str(thread))(DjangoDb(alias)))
    assert results(outcome) == outcome
    assert AgentRecord.objects.using(alias).count() == 1


@pytest.mark.parametrize("store", [DjangoDb, AsyncDjangoDb])
@each_database
def test_agno_keeps_the_transcripts_of_claude(store: Any, alias: str) -> None:
    async def use() -> Any:
        sdk = AgnoSessionStore(store(alias), "p", "s")
        key = {"session_id": "sdk", "project_key": "other"}
        await sdk.append(key, [{"uuid": "1", "text": "Größe"}])
        await sdk.append({**key, "subpath": "agents/a"}, [{"uuid": "2"}])
        found = await sdk.load(key), await sdk.list_subkeys(key), len(await sdk.list_sessions("p"))
        await sdk.delete(key)
        return *found, await sdk.load(key)

    assert asyncio.run(use()) == ([{"uuid": "1", "text": "Größe"}], ["agents/a"], 1, None)


def test_agno_sees_that_compactions_are_kept() -> None:
    assert stores_compaction_records(DjangoDb())
