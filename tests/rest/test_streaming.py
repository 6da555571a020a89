"""An export is sent while it is read: exact while rows are written, memory flat, under WSGI and under ASGI."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from rest_framework.authtoken.models import Token

from agno_memory.agent_sessions import AgentSessions
from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.names import FIELDS
from tests.rest.api import Caller, add, add_many, each_database, on_sqlite, on_sqlite_commits, site

NDJSON = "application/x-ndjson"
CSV = "text/csv"


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def oldest_first(owner: str = "ana") -> list[UserMemory]:
    return list(UserMemory.objects.for_user(owner).sorted_by("created_at"))


@each_database
def test_one_memory_a_line_the_oldest_first(alias: str, ana: Caller) -> None:
    add_many("ana", 3, topics=["caf\u00e9"], metadata={"a": [1]})
    add("ana", "two\nlines \u2028")
    add("bob")
    memories = oldest_first()
    UserMemory.objects.filter(memory_id=memories[0].memory_id).update(feedback="good")
    for accept in (NDJSON, "*/*", "application/*", f"text/csv;q=0.5, {NDJSON}", "text/html, */*;q=0.8"):
        response = ana.call("GET", "memories/export/", headers={"Accept": accept}, history="false")
        assert response["Content-Type"] == f"{NDJSON}; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="memories.ndjson"'
        assert response["Cache-Control"] == "private, no-store"
        assert "Content-Length" not in response
        assert [json.loads(line) for line in text_of(response).split("\n")[:-1]] == [
            as_dict(each) for each in oldest_first()
        ]


@each_database
def test_csv_if_accept_names_it(alias: str, ana: Caller) -> None:
    add("ana", "=HYPERLINK(1)", topics=["a, b"], agent_id="@SUM(1)")
    add("ana", 'says "hi",\r\nt\u00e9a')
    asked: list[dict[str, Any]] = [{"headers": {"Accept": CSV}}, {"headers": {"Accept": "text/*"}}, {"format": "csv"}]
    for how in asked:
        response = ana.call("GET", "memories/export/", **how)
        assert response["Content-Type"] == f"{CSV}; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="memories.csv"'
        text = text_of(response)
        assert text.startswith("\ufeff")
        header, first, second = csv.reader(io.StringIO(text[1:], newline=""))
        assert header == list(FIELDS)
        assert (first[2], first[6]) == ("'=HYPERLINK(1)", "'@SUM(1)")
        assert second[2] == 'says "hi",\r\nt\u00e9a'


@each_database
def test_nothing_is_an_empty_file(alias: str, ana: Caller) -> None:
    add("bob")
    assert text_of(ana.call("GET", "memories/export/")) == ""
    assert text_of(ana.call("GET", "memories/export/", headers={"Accept": CSV})).strip("\ufeff\r\n").split(",") == list(
        FIELDS
    )


@each_database
def test_every_old_memory_is_there_once_while_another_client_writes(alias: str, ana: Caller) -> None:
    with site(alias, BATCH_SIZE=20):
        add_many("ana", 200, input="x" * 5_000)
        old = [memory.memory_id for memory in oldest_first()]
        response = ana.call("GET", "memories/export/")
        new: list[str] = []
        text = b""
        for block in response.streaming_content:
            text += block
            new.append(add("ana").memory_id)
            Memory().replace_user_memory(old[0], UserMemory(memory="again"), "ana")
            Memory().replace_user_memory(old[-1], UserMemory(memory="again"), "ana")
            if len(new) % 2:
                Memory().delete_user_memory(new[-1], "ana")
        assert len(new) > 10
        # The versions that the writes ended come after the memories.
        lines = [json.loads(line) for line in text.splitlines()]
        exported = [line["memory_id"] for line in lines if "valid_until" not in line]
    assert exported[: len(old)] == old
    assert len(set(exported)) == len(exported)


@on_sqlite
def test_memory_stays_flat(alias: str, ana: Caller) -> None:
    """Four times as many rows take no more memory."""
    peaks = []
    with site(alias, BATCH_SIZE=50):
        for more in (500, 1_500):
            add_many("ana", more, input="x" * 5_000)
            # The least of three: other threads and the garbage collector can only add to it.
            responses = [ana.call("GET", "memories/export/") for _ in range(3)]
            peaks.append(min(peak_of(iter(response.streaming_content)) for response in responses))
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 3_000_000


@on_sqlite
def test_a_long_conversation_is_sent_turn_by_turn(alias: str, ana: Caller) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="s"), "ana")
    data = {"messages": [{"role": "user", "content": "x" * 20_000}]}
    runs = [AgentRun(session_id="s", run_id=str(n), run_index=n, run_type="agent", data=data) for n in range(400)]
    AgentRun.objects.bulk_create(runs)
    response: Any = ana.call("GET", "sessions/export/")
    assert peak_of(iter(response.streaming_content)) < 5_000_000
    response = ana.call("GET", "sessions/export/")
    [session] = map(json.loads, text_of(response).splitlines())
    assert [run["run_id"] for run in session["runs"]] == [str(n) for n in range(400)]


def peak_of(content: Iterator[bytes]) -> int:
    """Return how much memory reading a file to its end takes, at most, in bytes."""
    tracemalloc.start()
    try:
        length = sum(len(block) for block in content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length > 2_500_000
    return peak


@on_sqlite
def test_an_error_is_no_file(alias: str, ana: Caller) -> None:
    add("ana")
    for accept in (NDJSON, CSV, "*/*"):
        for query, status in (("x=1", 400), ("user_id=bob", 403), ("topic=", 400)):
            response = ana.call("GET", f"memories/export/?{query}", headers={"Accept": accept})
            assert (response.status_code, response["Content-Type"]) == (status, "application/json")
            assert "Content-Disposition" not in response
        response = Caller().call("GET", "memories/export/", headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (401, "application/json")


# Under ASGI


class AsyncCaller:
    """A client of the API of a site under ASGI."""

    def __init__(self, who: Caller) -> None:
        self.client = AsyncClient()
        self.token = {"Authorization": f"Token {Token.objects.get(user=who.user).key}"}  # type: ignore[misc]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, bytes]:
        given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        url = path if path.startswith("http:") else f"/api/{path}"
        response: Any = await getattr(self.client, method.lower())(url, headers={**self.token, **headers}, **given)
        if not response.streaming:
            return response, response.content
        assert response.is_async
        return response, b"".join([block async for block in response.streaming_content])


@each_database
def test_the_same_under_asgi(alias: str, ana: Caller) -> None:
    add_many("ana", 300, input="x" * 1_000)
    add("bob")
    client = AsyncCaller(ana)
    with site(alias, BATCH_SIZE=20):
        wsgi = {
            accept: text_of(ana.call("GET", "memories/export/", headers={"Accept": accept})) for accept in (NDJSON, CSV)
        }
        for accept, expected in wsgi.items():
            response, content = async_to_sync(client.call)("GET", "memories/export/", Accept=accept)
            assert response["Content-Type"] == f"{accept}; charset=utf-8"
            assert content.decode() == expected

    async def life() -> list[int]:
        created, _content = await client.call("POST", "memories/", {"memory": "x", "memory_id": "a/b %"})
        where = created["Location"]
        answers = [
            created,
            *[
                (await client.call(*each))[0]
                for each in (("GET", where), ("PATCH", where, {"memory": "y"}), ("DELETE", where))
            ],
            (await client.call("GET", where))[0],
            (await client.call("GET", "memories/export/?x=1"))[0],
            (await client.call("GET", "memories/export/?user_id=bob"))[0],
        ]
        return [answer.status_code for answer in answers]

    assert async_to_sync(life)() == [201, 200, 200, 204, 404, 400, 403]


@on_sqlite_commits
def test_a_client_that_goes_away_leaves_nothing_behind(alias: str, ana: Caller) -> None:
    add_many("ana", 300, input="x" * 1_000)
    response = ana.call("GET", "memories/export/")
    assert next(iter(response.streaming_content))
    response.close()
    client = AsyncCaller(ana)

    async def leave() -> None:
        response: Any = await client.client.get("/api/memories/export/", headers=client.token)
        content: AsyncIterator[bytes] = aiter(response.streaming_content)
        assert await anext(content)
        response.close()

    async_to_sync(leave)()
    assert len(oldest_first()) == 300


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
@pytest.mark.django_db(databases=["default"])
def test_under_asgi_a_database_that_is_down_is_a_503(alias: str, ana: Caller, down: None) -> None:
    response, content = async_to_sync(AsyncCaller(ana).call)("GET", "memories/export/")
    assert (response.status_code, response["Retry-After"], response["Content-Type"]) == (503, "5", "application/json")
    assert b"try again" in content
