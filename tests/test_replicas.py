"""A site with a real streaming replica, the replay of which is paused: it lags as long as the test wants."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from unittest import mock

import environ
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import Count, Model
from django.test import AsyncClient, Client, override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from agno_memory import replicas
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.bulk import BulkMemory
from agno_memory.checks import MIDDLEWARE, check_replicas
from agno_memory.db.store import Store
from agno_memory.memory import Memory
from agno_memory.models import AgentMetric, AgentRun, AgentSession, UserMemory
from agno_memory.stats.cache import SnapshotCache
from tests import servers
from tests.admin import form_data, memory_url
from tests.databases import commits, handles_allowed
from tests.settings import MIDDLEWARE as SITE_MIDDLEWARE

pytestmark = [commits, pytest.mark.xdist_group("replicas")]

PRIMARY, REPLICA = "primary", "replica"
ROUTERS = ["agno_memory.routers.MemoryRouter", "tests.routers.EveryDatabase"]
MEMORIES = "/api/memories/"


class SitesOwnRouter:
    """A router as many sites have it: writes on one alias, reads on the other."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return REPLICA if model._meta.app_label == "agno_memory" else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return PRIMARY if model._meta.app_label == "agno_memory" else None


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Any]]:
    with servers.postgres() as primary, servers.streaming_replica(primary) as replica:
        yield {PRIMARY: primary, REPLICA: replica, "migrated": False}


@pytest.fixture
def replicated(running: dict[str, Any], transactional_db: None) -> Iterator[None]:
    """An empty store, and a replica that has replayed all writes and is paused."""
    forget_writes()
    cache.clear()
    with handles_allowed():
        for alias in (PRIMARY, REPLICA):
            defaults = {**connections.settings["default"], "OPTIONS": {}}
            connections.settings[alias] = defaults | environ.Env.db_url_config(running[alias])
        with override_settings(DATABASE_ROUTERS=["tests.routers.EveryDatabase"]):
            if not running["migrated"]:
                call_command("migrate", "agno_memory", database=PRIMARY, verbosity=0)
                running["migrated"] = True
        for model in (UserMemory, AgentRun, AgentSession):
            model._default_manager.using(PRIMARY).all().delete()
        catch_up()
        yield
        connections[REPLICA].close()
    forget_writes()


def forget_writes() -> None:
    """As if this process had just begun."""
    replicas.begin(None)
    replicas._process["wrote"] = float("-inf")
    replicas._down.clear()


def sql(alias: str, statement: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def catch_up() -> None:
    """Let the replica replay all that was written until now, and no more."""
    end = sql(PRIMARY, "SELECT pg_current_wal_flush_lsn()")
    sql(REPLICA, "SELECT pg_wal_replay_resume()")
    servers.wait_until(lambda: sql(REPLICA, f"SELECT pg_last_wal_replay_lsn() >= '{end}'"))
    sql(REPLICA, "SELECT pg_wal_replay_pause()")
    servers.wait_until(lambda: sql(REPLICA, "SELECT pg_get_wal_replay_pause_state()") == "paused")


@pytest.fixture
def own_router(replicated: None) -> Iterator[None]:
    with override_settings(DATABASE_ROUTERS=["tests.test_replicas.SitesOwnRouter"]):
        yield


@pytest.fixture
def read_databases(replicated: None) -> Iterator[None]:
    with override_settings(
        DATABASE_ROUTERS=ROUTERS,
        AGNO_MEMORY={"DATABASE": PRIMARY, "READ_DATABASES": [REPLICA], "USER_ID_FIELD": "username"},
        MIDDLEWARE=[*SITE_MIDDLEWARE, MIDDLEWARE],
    ):
        yield


def add(memory_id: str = "a", user: object = "ann", text: str = "likes tea") -> UserMemory:
    return Memory().add_user_memory(UserMemory(memory_id=memory_id, memory=text), user)


def by_session(name: str = "ann", **attributes: Any) -> Client:
    user = User.objects.filter(username=name).first() or User.objects.create_user(name, **attributes)
    client = Client()
    client.force_login(user)
    return client


def by_token(name: str = "ann") -> APIClient:
    token, _ = Token.objects.get_or_create(user=User.objects.create_user(name))
    return APIClient(headers={"Authorization": f"Token {token.key}"})


each_router = pytest.mark.parametrize("router", ["own_router", "read_databases"])


# What a write depends on


@each_router
def test_writes_of_the_api_do_not_depend_on_a_replica(router: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(router)
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ann"))
    with override_settings(AGNO_MEMORY={**_settings(), "USER_ID_FIELD": "username"}):
        for memory_id in ("a", "b", "c"):
            assert client.post(MEMORIES, {"memory_id": memory_id, "memory": "x"}, format="json").status_code == 201
        forget_writes()
        assert client.patch(f"{MEMORIES}a/", {"memory": "y"}, format="json").status_code == 200
        forget_writes()
        assert client.put(f"{MEMORIES}a/", {"memory": "z"}, format="json").status_code == 200
        forget_writes()
        assert client.delete(f"{MEMORIES}a/").status_code == 204
        forget_writes()
        response = client.post(f"{MEMORIES}delete/", {"memory_ids": ["a", "b", "c"]}, format="json")
        assert response.json() == {"deleted": ["b", "c"]}
    assert UserMemory.objects.using(PRIMARY).count() == 0


def _settings() -> dict[str, Any]:
    from django.conf import settings

    return dict(getattr(settings, "AGNO_MEMORY", {}))


WRITES: dict[str, Callable[[], object]] = {
    "replace": lambda: Memory().replace_user_memory("a", UserMemory(memory="y"), "ann", version=1).memory,
    "upsert": lambda: Memory().upsert_user_memory(UserMemory(memory_id="a", memory="y"), "ann").version,
    "delete": lambda: Memory().delete_user_memory("a", "ann"),
    "delete many": lambda: Memory().delete_user_memories(["a"], "ann"),
    "clear": lambda: Memory().clear_user_memories("ann"),
    "add a topic": lambda: BulkMemory(UserMemory.objects.for_user("ann")).add_topic("x"),
    "reassign": lambda: BulkMemory(Memory().rows("ann")).reassign("bob"),
    "update": lambda: Memory().rows("ann").update(agent_id="x"),
    "update the text": lambda: Memory().rows("ann").update(memory="likes coffee"),
    "update many": lambda: UserMemory.objects.bulk_update(
        UserMemory.objects.using(PRIMARY).defer("memory_id"), ["agent_id"]
    ),
    "erase": lambda: UserMemory.objects.for_user("ann").erase(),
    "erase a person": lambda: UserMemory.objects.all().erase_of("ann"),
    "delete rows": lambda: UserMemory.objects.for_user("ann").delete()[0],
    "expire": lambda: UserMemory.objects.all().expire("ann", ["x"]),
    "restore": lambda: Memory().restore_user_memory("a", "ann", version=1).version,
    "keep a version": lambda: UserMemory.objects.for_user("ann").keep("replaced").count(),
    "run": lambda: AgentSessions().upsert_run("s", AgentRun(run_id="r", run_type="agent", data={"x": 1}), "ann").run_id,
    "delete sessions": lambda: AgentSessions().delete_sessions(["s"], "ann"),
    "rename a session": lambda: AgentSessions().rename_session("s", "tea", "ann").name,
}
RESULTS = {
    "replace": "y",
    "upsert": 2,
    "delete": None,
    "delete many": ["a"],
    "expire": [],
    "restore": 2,
    "run": "r",
    "delete sessions": ["s"],
    "rename a session": "tea",
}


@each_router
@pytest.mark.parametrize("write", WRITES)
def test_writes_reach_rows_that_a_replica_does_not_have_yet(
    router: str, write: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(router)
    add()
    AgentSessions().upsert_session(AgentSession(session_id="s"), "ann")
    forget_writes()
    assert Memory().get_user_memories("ann") == []
    with CaptureQueriesContext(connections[REPLICA]) as read:
        assert WRITES[write]() == RESULTS.get(write, 1)
    assert not read.captured_queries


def test_a_memory_that_was_read_from_a_replica_is_saved_on_the_primary(read_databases: None) -> None:
    add()
    catch_up()
    forget_writes()
    memory = Memory().get_user_memory("a", "ann")
    assert memory is not None
    assert memory._state.db == REPLICA
    memory.memory = "likes coffee"
    memory.save()
    assert UserMemory.objects.using(PRIMARY).get().memory == "likes coffee"


def test_usage_is_counted_from_the_primary(read_databases: None) -> None:
    """Also if the count takes longer than ``READ_YOUR_WRITES_SECONDS``."""
    sessions = AgentSessions()
    sessions.upsert_session(AgentSession(session_id="s"), "ann")
    sessions.upsert_run("s", AgentRun(run_id="r", run_type="agent", data={"content": "x"}), "ann")
    with mock.patch.object(replicas, "needs_primary", return_value=False):
        (metric,) = AgentMetrics().calculate() or []
    assert (metric.data["agent_sessions_count"], metric.data["agent_runs_count"]) == (1, 1)
    AgentMetric.objects.using(PRIMARY).all().delete()


# Own writes


def test_without_a_write_reads_go_to_the_replica(read_databases: None) -> None:
    add()
    catch_up()
    add("b")
    forget_writes()
    assert [memory.memory_id for memory in Memory().get_user_memories("ann")] == ["a"]
    assert UserMemory.objects.count() == 1
    assert Memory().page("ann", size=5)[0]._state.db == REPLICA
    assert AgentSessions().rows(ANYONE).db == REPLICA


@each_router
def test_a_process_without_requests_reads_its_own_writes(
    router: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue(router)
    add()
    assert len(Memory().get_user_memories("ann")) == Memory().rows("ann").count() == 1
    assert asyncio.run(_read_later()) == 1
    replicas._process["wrote"] -= 11
    assert Memory().get_user_memories("ann") == []


async def _read_later() -> int:
    return len((await asyncio.gather(Memory().aget_user_memories("ann")))[0])


def test_a_write_is_recorded_at_its_end() -> None:
    """One that waits for a lock may take longer than ``READ_YOUR_WRITES_SECONDS``."""

    def add_slowly(store: Store, candidate: UserMemory) -> tuple[UserMemory, bool]:
        added = add_at_once(store, candidate)
        forget_writes()
        return added

    add_at_once = Store.add
    with mock.patch.object(Store, "add", add_slowly):
        Memory().add_user_memory(UserMemory(memory="x"))
    assert replicas.needs_primary("default")
    forget_writes()


@pytest.mark.parametrize("client", [by_session, by_token])
def test_a_caller_reads_its_own_writes_in_the_next_requests(
    read_databases: None, client: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = client()
    other = by_session("eve", is_superuser=True)
    body = {"memory_id": "a", "memory": "x"}
    assert ann.post(MEMORIES, body, content_type="application/json" if client is by_session else None, **_json(client))
    assert ann.get(f"{MEMORIES}a/").status_code == 200
    assert ann.get(MEMORIES).json()["results"][0]["memory_id"] == "a"
    # Reads of others, which do not depend on this write, stay on the replica.
    assert other.get(f"{MEMORIES}a/?user_id=ann").status_code == 404
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 11)
    cache.clear()
    assert ann.get(f"{MEMORIES}a/").status_code == 404


def test_a_caller_who_has_just_logged_in_reads_its_own_writes(read_databases: None) -> None:
    """The first request has no session yet; the next one has it."""
    User.objects.create_superuser("ann")
    client = Client()
    with override_settings(ROOT_URLCONF="tests.test_middleware"):
        assert client.get("/login/").status_code == 200
        cache.clear()
        assert client.get(f"{MEMORIES}m/?user_id=maya").status_code == 200


def _json(client: object) -> dict[str, Any]:
    return {"format": "json"} if client is by_token else {}


def test_a_caller_reads_its_own_writes_under_asgi(read_databases: None) -> None:
    headers = {"authorization": f"Token {Token.objects.create(user=User.objects.create_user('ann')).key}"}

    async def requests() -> list[int]:
        client = AsyncClient()
        body = {"memory_id": "a", "memory": "x"}
        responses = [
            await client.post(MEMORIES, body, content_type="application/json", headers=headers),
            await client.get(f"{MEMORIES}a/", headers=headers),
        ]
        await sync_to_async(connections.close_all)()
        return [response.status_code for response in responses]

    assert asyncio.run(requests()) == [201, 200]


def test_a_read_does_not_begin_a_session(read_databases: None) -> None:
    response = by_token().get(MEMORIES)
    assert response.status_code == 200
    assert not response.cookies
    assert not response.wsgi_request.session.accessed


def test_inside_a_transaction_all_reads_see_its_writes(read_databases: None) -> None:
    with transaction.atomic(using=PRIMARY):
        assert Memory().rows("ann").db == PRIMARY


def test_staff_edit_what_the_replica_does_not_have_yet(read_databases: None) -> None:
    memory = add(user="ann")
    catch_up()
    client = by_session("staff", is_staff=True, is_superuser=True)
    url = memory_url(memory)
    data = form_data(client, url)
    response = client.post(url, {**data, "memory": "likes coffee"})
    assert response.status_code == 302
    assert "likes coffee" in client.get(response["Location"]).content.decode()
    replace = {**form_data(client, url), "memory": "likes water"}
    assert client.post(url, replace).status_code == 302
    assert UserMemory.objects.using(PRIMARY).get().version == 3


# Failures


def lose(alias: str) -> None:
    connection: Any = connections[alias]
    connection.ensure_connection()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


READS: dict[str, Callable[[], object]] = {
    "get": lambda: Memory().get_user_memory("a", "ann"),
    "list": lambda: Memory().get_user_memories("ann")[0],
    "page": lambda: Memory().page("ann", size=1)[0],
    "queryset": lambda: list(Memory().rows("ann"))[0],  # noqa: RUF015
    "first": lambda: UserMemory.objects.newest().first(),
    "count": lambda: Memory().rows("ann").count(),
    "exists": lambda: Memory().rows("ann").exists(),
    "aggregate": lambda: UserMemory.objects.aggregate(n=Count("key"))["n"] == 1,
    "topics": lambda: UserMemory.objects.topic_counts() == [],
    "snapshot": lambda: SnapshotCache(UserMemory.objects.all()).refresh(),
    "api": lambda: by_session("ann").get(MEMORIES).status_code == 200,
}


@each_router
@pytest.mark.parametrize("read", READS)
def test_a_read_that_loses_the_replica_is_answered_by_the_primary(
    router: str, read: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    request.getfixturevalue(router)
    add()
    catch_up()
    forget_writes()
    assert READS["get"]()
    lose(REPLICA)
    with caplog.at_level(logging.WARNING, "agno_memory"):
        assert READS[read]()
    assert REPLICA in caplog.text
    assert "likes tea" not in caplog.text


@each_router
def test_a_replica_that_is_down_is_not_asked(
    router: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue(router)
    add()
    forget_writes()
    connections[REPLICA].close()
    address = {"HOST": "127.0.0.1", "PORT": str(servers.free_port())}
    with monkeypatch.context() as patch:
        for name, value in address.items():
            patch.setitem(connections.settings[REPLICA], name, value)
        assert len(Memory().get_user_memories("ann")) == 1
        assert by_session("ann").get(MEMORIES).status_code == 200
        asked = replicas._down[REPLICA]
        assert Memory().rows("ann").count() == 1
        assert replicas._down[REPLICA] == asked
    replicas._down[REPLICA] -= replicas.DOWN_SECONDS
    assert Memory().get_user_memories("ann") == []


# Checks


def test_the_checks_of_replicas() -> None:
    with override_settings(
        AGNO_MEMORY={"READ_DATABASES": ["default", "nowhere"]}, DATABASE_ROUTERS=["tests.routers.EveryDatabase"]
    ):
        assert [message.id for message in check_replicas()] == [
            f"agno_memory.{name}" for name in ("E011", "W011", "W012")
        ]
    with override_settings(
        AGNO_MEMORY={"READ_DATABASES": ["default"]}, DATABASE_ROUTERS=ROUTERS, MIDDLEWARE=[MIDDLEWARE]
    ):
        assert check_replicas() == []
    assert check_replicas() == []
