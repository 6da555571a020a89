"""Rows that another program wrote: no list, count, page, search or export fails, and the admin shows them as damaged.

It covers db/readable.py and db/sqlite_times.py, on each database and at each door.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Count, Q

from agno_memory import formats, people
from agno_memory.admin.keyset import PageReader, Position
from agno_memory.agent_sessions import AgentSessions
from agno_memory.bulk import BulkMemory
from agno_memory.db.keyset import ORDERS
from agno_memory.db.stored_rows import KEY
from agno_memory.exceptions import MemoryExists
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentSession, AgentSpan, AgentTrace, UserMemory
from agno_memory.pruning import prune
from agno_memory.times import EPOCH
from agno_memory.transfer.person_exporter import PersonExport
from tests.admin import LIST, add, memory_url, now, page, save, staff
from tests.databases import RUNNING, attempt, commits, each_database
from tests.test_admin_person import person

pytestmark = commits

ON_MONGODB = ("mongodb", "standalone")
# JSON that a column of each SQL database takes.
TOPICS: dict[str, Any] = {
    "text": "a,b",
    "null": None,
    "object": {"a": "b"},
    "number": 7,
    "mixed": ["tea", 5, None, ["x"], {"y": 1}],
}
METADATA: dict[str, Any] = {"text": "x", "null": None, "list": [1], "number": 1.5}

# Times that SQLite and PostgreSQL store, and that no datetime is.
TIMES = ("created_at", "last_updated", "expires_at")
STORED_TIMES: dict[str, dict[str, Any]] = {
    "default": {
        "no day": dict.fromkeys(TIMES, "2036-13-45 00:00:00"),
        "no time": dict.fromkeys(TIMES, "soon"),
        "ISO 8601": dict.fromkeys(TIMES, "2036-11-20T10:00:00"),
        "number": dict.fromkeys(TIMES[:2], 7),
    },
    "postgres": {
        "infinity": dict.fromkeys(TIMES, "infinity"),
        "-infinity": dict.fromkeys(TIMES[:2], "-infinity"),
        "year 20000": dict.fromkeys(TIMES, "20000-01-01 00:00+00"),
        "year 400 BC": dict.fromkeys(TIMES[:2], "0400-01-01 00:00+00 BC"),
        "expires never": {"expires_at": "infinity"},
    },
}
BARE = {"memory_id": "m", "user_id": "maya", "memory": "Likes tea"}
# Stands for a time in microseconds where milliseconds belong: the year 57868.
LATE = "late"
# A text that is replaced in the BSON of a document.
NOT_UTF_8 = "not UTF-8 tea"
OTHERS = [field.name for field in UserMemory._meta.concrete_fields if field.name != "key"]
# Documents without most fields, and with fields of other types.
DOCUMENTS: dict[str, dict[str, Any]] = {
    "bare": BARE,
    "no text": {"memory_id": "m", "user_id": "maya"},
    "nulls": {**dict.fromkeys(OTHERS), "user_id": "maya"},
    "numbers": {**dict.fromkeys(OTHERS, 7), "user_id": "maya"},
    "texts": {**dict.fromkeys(OTHERS, "x"), "user_id": "maya"},
    "objects": {**{name: {"x": 1} for name in OTHERS}, "user_id": "maya"},
    "times in metadata": {"memory_id": "m", "user_id": "maya", "memory": "x", "metadata": {"at": EPOCH, "n": [EPOCH]}},
    "a number as the id": {**BARE, "memory_id": 7, "created_at": EPOCH, "last_updated": EPOCH},
    "nameless": {"memory": "x"},
    "late": {**BARE, "created_at": LATE},
    "late everywhere": {**dict.fromkeys(OTHERS, LATE), **BARE, "metadata": {"at": LATE, "n": [LATE]}},
    "not UTF-8": {**BARE, "memory": NOT_UTF_8, "topics": [NOT_UTF_8], "metadata": {"at": NOT_UTF_8}},
}
CASES = [
    *[(alias, "topics", name) for alias in RUNNING for name in TOPICS],
    *[(alias, "metadata", name) for alias in RUNNING for name in METADATA],
    *[(alias, "times", name) for alias in RUNNING for name in STORED_TIMES.get(alias, ())],
    *[(alias, "document", name) for alias in RUNNING if alias in ON_MONGODB for name in DOCUMENTS],
]
each_row = pytest.mark.parametrize(("alias", "kind", "name"), CASES, ids=["-".join(case) for case in CASES])


def write(alias: str, kind: str, name: str) -> None:
    """Write a row as another program, beside two sound ones of the same person."""
    add("Likes green tea", topics=["tea", "drinks"])
    add("Likes rice", topics=["food"])
    if kind == "document":
        insert(alias, DOCUMENTS[name])
        # Zoe has no other row.
        insert(alias, {**DOCUMENTS[name], "user_id": "zoe"})
        return
    damaged = add("Likes tea", topics=["tea"])
    if kind == "times":
        set_times(alias, damaged, STORED_TIMES[alias][name])
        return
    set_json(alias, damaged, kind, {"topics": TOPICS, "metadata": METADATA}[kind][name])


def collection(alias: str) -> Any:
    return connections[alias].get_collection(UserMemory._meta.db_table)  # type: ignore[attr-defined]


def insert(alias: str, document: dict[str, Any]) -> None:
    # MongoDB's driver is not installed in each lane.
    from bson import ObjectId, encode
    from bson.datetime_ms import DatetimeMS
    from bson.raw_bson import RawBSONDocument

    def stored(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stored(each) for key, each in value.items()}
        if isinstance(value, list):
            return [stored(each) for each in value]
        return DatetimeMS(1_764_000_000_000_000) if value is LATE else value

    encoded = encode({"_id": ObjectId(), **stored(document)})
    # As many bytes, three of which are no text.
    collection(alias).insert_one(RawBSONDocument(encoded.replace(b"not UTF-8", b"not \xff\xfe\xff-8")))


def set_times(alias: str, memory: UserMemory, values: dict[str, Any]) -> None:
    with connections[alias].cursor() as cursor:
        for column, value in values.items():
            cursor.execute(f"UPDATE agno_memory_usermemory SET {column} = %s WHERE _id = %s", [value, memory.key])


def set_json(alias: str, memory: UserMemory, column: str, value: Any) -> None:
    if alias in ON_MONGODB:
        collection(alias).update_one({"_id": memory.key}, {"$set": {column: value}})
        return
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"UPDATE agno_memory_usermemory SET {column} = %s WHERE _id = %s", [json.dumps(value), memory.key]
        )


def _command(name: str, *args: str) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue()


DOORS: dict[str, Callable[[], Any]] = {
    "list": lambda: Memory().get_user_memories("maya"),
    "list by topic": lambda: Memory().get_user_memories("maya", topics=["tea"]),
    "list by topics": lambda: Memory().get_user_memories("maya", any_topics=["tea", "a,b"]),
    "list by metadata": lambda: Memory().get_user_memories("maya", metadata={"plan": "pro"}),
    "another list": lambda: Memory().get_user_memories("zoe"),
    "counts by condition": lambda: UserMemory.objects.all().aggregate(
        with_all=Count("pk", filter=Q(topics__about=["tea"])), with_any=Count("pk", filter=Q(topics__about_any=["tea"]))
    ),
    "search by words": lambda: Memory().search_user_memories("tea", user_id="maya"),
    "search by text": lambda: Memory().search_user_memories("tea", None, "keyword", user_id="maya"),
    "newest": lambda: Memory().search_user_memories(None, 2, "last_n", user_id="maya"),
    "oldest": lambda: Memory().search_user_memories(None, 2, "first_n", user_id="maya"),
    "topic counts": lambda: UserMemory.objects.all().topic_counts(),
    "stats": lambda: UserMemory.objects.all().stats(),
    "owners": lambda: UserMemory.objects.all().owners(limit=10),
    "walk": lambda: list(UserMemory.objects.all().walk(size=1)),
    "fewer topics": lambda: list(UserMemory.objects.all().filter(topics__fewer_than=3)),
    "JSON Lines": lambda: [json.loads(line) for line in formats.json_lines(UserMemory.objects.all())],
    "CSV": lambda: list(formats.csv_lines(UserMemory.objects.all())),
    "overview": lambda: _command("memory_overview"),
    "export": lambda: _command("export_memories"),
    "reindex": lambda: _command("reindex_memories"),
}
PAGES = (
    LIST,
    f"{LIST}?q=tea",
    f"{LIST}?topic=tea",
    f"{LIST}?o=created_at",
    f"{LIST}dashboard/",
    f"{LIST}complete/topics/?q=t",
    f"{LIST}complete/people/?q=m",
    f"{LIST}complete/agents/?q=m",
    "/api/memories/?user_id=maya",
    "/api/memories/?user_id=zoe",
    "/api/stats/?user_id=zoe",
    "/api/memories/?user_id=maya&topic=tea",
    "/api/memories/search/?user_id=maya&q=tea",
    "/api/memories/export/?user_id=maya",
    "/api/topics/?user_id=maya",
    "/api/topics/",
    "/api/users/",
    "/api/stats/?user_id=maya",
)


@each_row
def test_no_door_fails(alias: str, kind: str, name: str, site: str) -> None:
    write(alias, kind, name)
    outcomes = {door: attempt(work) for door, work in DOORS.items()}
    assert {door: outcome for door, outcome in outcomes.items() if isinstance(outcome, Exception)} == {}
    client = staff()
    responses = {url: attempt(lambda url=url: read(client, url)) for url in (*PAGES, person("maya"), person("zoe"))}  # type: ignore[misc]
    assert {url: response for url, response in responses.items() if response != 200} == {}


@each_row
def test_pages_have_each_row_once_and_an_end(alias: str, kind: str, name: str, site: str) -> None:
    write(alias, kind, name)
    client, rows = staff(), UserMemory.objects.all()
    keys = sorted(rows.values_list("key", flat=True))
    owned = sorted(rows.filter(user_id="maya").values_list("key", flat=True))
    # MongoDB compares a time with times alone: after a sound one, descending, it has no other values.
    orders = [order for order in ORDERS if alias not in ON_MONGODB or not order.startswith("-")]
    for order in orders:
        for size in (1, 2):
            assert sorted(memory.key for memory in islice(rows.walk(order, size), 20)) == keys
        paged: list[UserMemory] = []
        while len(paged) < 20 and (
            batch := Memory().page("maya", size=1, position=paged[-1] if paged else None, order=order)
        ):
            paged += batch
        assert sorted(memory.key for memory in paged) == owned
        url = f"/api/memories/?user_id=maya&page_size=1&ordering={order}"
        assert read_links(client, url, "next") == len(owned)
        reader, position, shown = PageReader(rows, rows, order, 1, is_filtered=False), None, []
        for _number in range(20):
            admin_page = reader.read(Position.parse(position.token) if position else None)
            shown += admin_page.rows
            position = admin_page.older
            if position is None:
                break
        assert sorted(memory.key for memory in shown) == keys


def read_links(client: Any, url: str | None, link: str) -> int:
    """Return the number of memories on a page and those after it."""
    number = 0
    while url and number < 20:
        answer = client.get(url).json()
        number, url = number + len(answer["results"]), answer[link]
    return number


def read(client: Any, url: str) -> int:
    """Return the status of a page, of which everything is read."""
    response = client.get(url)
    return int(response.status_code) if b"".join(response) else 0


@each_row
def test_the_admin_shows_it_as_damaged(alias: str, kind: str, name: str, site: str) -> None:
    write(alias, kind, name)
    client = staff()
    damaged = [memory for memory in UserMemory.objects.all() if memory.damaged_fields]
    assert len(damaged) == (2 if kind == "document" else 1)
    assert page(client).count("am-damaged") == len(damaged)
    for memory in damaged:
        content = page(client, memory_url(memory))
        assert "Another program wrote this memory." in content
        # The service reaches those that have an owner, an id, a version and times.
        assert ('name="_save"' in content) == (kind in ("topics", "metadata") or name == "expires never")
        assert client.post(memory_url(memory, "delete"), {"post": "yes"}).status_code == 302
    assert UserMemory.objects.count() == 2


@pytest.mark.parametrize("name", TOPICS)
@each_database
def test_topics_are_read_as_far_as_they_can_be(alias: str, name: str, site: str) -> None:
    memory = add("Likes tea")
    set_json(alias, memory, "topics", TOPICS[name])
    expected = {"text": ["a,b"], "mixed": ["tea"]}.get(name, [])
    (found,) = Memory().get_user_memories("maya")
    assert (found.topics, found.damaged_fields) == (expected, ["topics"])
    assert [count.topic for count in UserMemory.objects.all().topic_counts()] == expected
    for topic in expected:
        assert Memory().get_user_memories("maya", topics=[topic]) == [found]
    sound = add("Likes rice", topics=["food"])
    beside = {each.memory: (each.topics, each.damaged_fields) for each in Memory().get_user_memories("maya")}
    assert beside == {found.memory: (expected, ["topics"]), sound.memory: (["food"], [])}


@pytest.mark.parametrize("name", TOPICS)
@each_database
def test_bulk_changes_of_topics_mend_them(alias: str, name: str, site: str) -> None:
    memory = add("Likes tea")
    set_json(alias, memory, "topics", TOPICS[name])
    bulk = BulkMemory(UserMemory.objects.all())
    assert bulk.add_topic("new") == 1
    assert "new" in now(memory).topics
    # Elements that are no texts may stay.
    assert now(memory).damaged_fields == [] or name == "mixed"
    assert bulk.remove_topic("new") == 1
    assert now(memory).topics == {"text": ["a,b"], "mixed": ["tea"]}.get(name, [])


@pytest.mark.parametrize("name", METADATA)
@each_database
def test_a_save_in_the_admin_mends_content(alias: str, name: str, site: str) -> None:
    memory = add("Likes tea")
    set_json(alias, memory, "metadata", METADATA[name])
    assert now(memory).damaged_fields == ["metadata"]
    assert save(staff(), memory, memory="Likes coffee").status_code == 302
    assert (now(memory).memory, now(memory).metadata, now(memory).damaged_fields) == ("Likes coffee", {}, [])


@pytest.mark.parametrize("version", ["1", {"number": 1}, None])
@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias in ON_MONGODB])
def test_bulk_changes_count_a_version_that_is_no_number_as_the_first(alias: str, version: Any, site: str) -> None:
    insert(alias, {**BARE, "version": version})
    sound = add("Likes rice")
    bulk = BulkMemory(UserMemory.objects.all())
    assert bulk.add_topic("new") == 2
    found = {each.memory: (each.topics, each.version) for each in UserMemory.objects.all()}
    assert found == {"Likes tea": (["new"], 2), sound.memory: (["new"], 2)}
    assert BulkMemory(UserMemory.objects.all()).remove_topic("new") == 2
    assert {each.version for each in UserMemory.objects.all()} == {3}


@pytest.mark.parametrize("key", [None, 7, "other"], ids=["ObjectId", "number", "text"])
@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias == "mongodb"])
def test_a_copy_reports_documents_with_keys_of_other_programs(alias: str, key: Any) -> None:
    # The server's driver makes an ObjectId.
    collection(alias).insert_one({**BARE} if key is None else {"_id": key, **BARE})
    Memory(alias).add_user_memory(UserMemory(memory_id="n", memory="Likes rice"), "maya")
    # As often as it runs.
    for _number in range(2):
        with pytest.raises(CommandError, match=r"1 memories were not overwritten, .*: m of maya"):
            _command("copy_memories", "--from", alias, "--to", "default", "--what", "memories")
        assert [memory.memory_id for memory in UserMemory.objects.using("default")] == ["n"]


@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias in ON_MONGODB])
def test_a_document_with_three_fields(alias: str, site: str) -> None:
    collection(alias).insert_one(dict(DOCUMENTS["bare"]))
    (found,) = Memory().get_user_memories("maya")
    assert (found.memory_id, found.memory, found.topics, found.metadata) == ("m", "Likes tea", [], {})
    assert (found.version, found.created_at, found.last_updated, found.input) == (1, EPOCH, EPOCH, None)
    assert found.damaged_fields == ["topics", "metadata", "pinned", "key", "version", "last_updated", "created_at"]
    assert Memory().search_user_memories("tea", user_id="maya") == [found]
    assert Memory().clear_user_memories("maya") == 1


@each_database
def test_a_sound_row_is_not_damaged(alias: str, site: str) -> None:
    memory = add("x", topics=["a"], metadata={"n": [2**40, 1.5, None, True, {"a": "b"}]}, agent_id="bot")
    for found in (now(memory), *Memory().get_user_memories("maya")):
        assert found.damaged_fields == []
        assert type(found.metadata) is dict
        assert type(found.topics) is list
    assert "am-damaged" not in page(staff())


@pytest.mark.parametrize("alias", ON_MONGODB)
def test_the_id_of_a_document_that_expires_at_no_time_is_taken(alias: str) -> None:
    memory, memories = Memory(alias), [UserMemory(memory_id="m", memory="x")]
    key = KEY.digest("maya", "m")
    collection(alias).insert_one({"_id": key, **DOCUMENTS["bare"], "expires_at": "soon"})
    for write in (
        lambda: memory.add_user_memory(memories[0], "maya"),
        lambda: memory.add_user_memories(memories, "maya"),
    ):
        with pytest.raises(MemoryExists):
            write()
    assert prune(alias).expired == 0
    assert memory.upsert_user_memory(memories[0], "maya").memory == "x"


@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias in ON_MONGODB])
def test_documents_without_an_id_are_exported_moved_and_erased_with_their_person(alias: str) -> None:
    table = connections[alias].get_collection(AgentSession._meta.db_table)  # type: ignore[attr-defined]
    for own in ({}, {"session_id": 5}):
        table.insert_one({"user_id": "maya", "session_type": "agent", **own})
    for model in (AgentTrace, AgentSpan, AgentRecord):
        others = connections[alias].get_collection(model._meta.db_table)  # type: ignore[attr-defined]
        others.insert_one({"user_id": "maya", "trace_id": "t"})
    for user, session_id in (("maya", "s"), ("zoe", "t")):
        AgentSessions(alias).upsert_session(AgentSession(session_id=session_id), user)
    export = PersonExport("maya", alias)
    assert all(map(json.loads, "".join(export.lines()).splitlines()))
    assert [export.counts[name] for name in ("sessions", "traces", "spans", "records")] == [3, 1, 1, 1]
    for before, owner in (("maya", "noah"), ("noah", "maya")):
        moved, left, conflicts = people.reassign(before, owner, alias)
        assert [moved[name] for name in ("sessions", "traces", "spans", "records")] == [3, 1, 1, 1]
        assert (any(left.values()), conflicts) == (False, {})
    erasure = people.erase("maya", alias)
    assert (erasure.erased["sessions"], erasure.is_complete) == (3, True)
    assert table.count_documents({}) == 1
