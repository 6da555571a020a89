"""Memories of other systems are imported completely and once, on every database.

The files in tests/data were written by the systems themselves.
"""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections

from agno_memory.memory import Memory
from tests.databases import RUNNING, commits, each_database
from tests.transfer.commands import CAFE, DARK, DATA, by_text, fill, import_error, rejected, run, stored

pytestmark = [commits]

# By file: the topics of the first memory, and the time of its last update.
FILES = {
    "agno-1.8.4-memory.sqlite3": (["preferences", "ui"], 1795338585),
    "agno-1.8.4-memory.mongo.jsonl": (["preferences", "ui"], 1795338585),
    "agno-2.9.0.sqlite3": (["preferences", "ui"], 1795607557),
    "agno-3.1.10.sqlite3": (["preferences", "ui"], 1795338591),
    "agno-3.1.10.mongo.jsonl": (["preferences", "ui"], 1795338591),
    "djongo-1.3.7.mongo.jsonl": (["preferences", "ui"], 1795338620.184),
    "mem0.json": (["preferences", "ui"], 1748781015.123),
}


@pytest.mark.parametrize("name", FILES)
@each_database
def test_every_memory_is_imported_once(alias: str, name: str) -> None:
    topics, written = FILES[name]
    assert " 0 unchanged, 0 rejected." in run("import_memories", DATA / name, database=alias)
    found = by_text(alias)
    assert (found[DARK].topics, found[DARK].user_id) == (topics, "user@example.com")
    assert found[DARK].last_updated == datetime.datetime.fromtimestamp(written, datetime.UTC)
    assert found[CAFE].user_id == "amélie@example.fr"
    assert found[CAFE].search_text == CAFE.casefold()
    before = stored(alias)
    output = run("import_memories", DATA / name, database=alias)
    assert f"{len(before)} read: 0 imported, {len(before)} unchanged, 0 rejected." in output
    assert stored(alias) == before


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL database with the tables of other systems."""
    with connections["postgres"].cursor() as cursor:
        cursor.execute((DATA / "postgres.sql").read_text())
    yield urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{database_name('postgres')}").geturl()
    with connections["postgres"].cursor() as cursor:
        cursor.execute("DROP SCHEMA ai CASCADE")


def database_name(alias: str) -> str:
    return str(connections[alias].settings_dict["NAME"])


@pytest.mark.parametrize("alias", ["postgres"])
@pytest.mark.parametrize("table", ["ai.user_memories", "agno_memories", "ai.agno2_memories"])
def test_from_a_postgresql_server(alias: str, postgresql_url: str, table: str) -> None:
    assert "3 read: 3 imported" in run("import_memories", postgresql_url, table=table, database="default")
    found = by_text("default")
    assert (found[DARK].topics, found[DARK].user_id) == (["preferences", "ui"], "user@example.com")
    assert found[CAFE].topics == ["café", "食事"]
    assert {"No topics were given", '{"not": "json"}'} & found.keys()
    assert "3 unchanged" in run("import_memories", postgresql_url, table=table, database="default")
    assert "Several tables hold memories: " in import_error(postgresql_url)


@pytest.mark.parametrize("alias", ["mongodb"])
@pytest.mark.parametrize("name", ["agno-1.8.4-memory", "agno-3.1.10", "djongo-1.3.7"])
def test_from_a_mongodb_server(alias: str, name: str) -> None:
    from bson import json_util

    database = cast("Any", connections["mongodb"]).database
    collection = database["of_others"]
    collection.insert_many([json_util.loads(line) for line in (DATA / f"{name}.mongo.jsonl").read_text().splitlines()])
    host = str(settings.DATABASES["mongodb"]["HOST"])
    scheme, _, rest = host.partition("://")
    server, _, query = rest.partition("/")
    url = f"{scheme}://{server}/{database_name('mongodb')}?{query.partition('?')[2]}"
    try:
        assert " 0 unchanged, 0 rejected." in run("import_memories", url, table="of_others", database="default")
    finally:
        collection.drop()
    run("import_memories", DATA / f"{name}.mongo.jsonl", database="postgres" if "postgres" in RUNNING else "default")
    assert by_text("default")[DARK].topics == ["preferences", "ui"]


@each_database
def test_from_langgraph(alias: str) -> None:
    assert "rejected.jsonl" in import_error(DATA / "langgraph-3.1.2.sqlite3", f"--database={alias}")
    found = by_text(alias)
    assert {text: memory.user_id for text, memory in found.items()} == {
        DARK: "maya",
        CAFE: "amélie",
        "Likes tea": "noah",
    }
    assert found["Likes tea"].metadata == {
        "namespace": "memories.noah",
        "key": "profile",
        "value": {"context": "chat"},
    }
    assert found[DARK].metadata["key"] == "0b2f4c1e-5a57-4a1b-9a43-0c5f3a1f0001"
    (row,) = rejected()
    assert (row["where"], "score" in row["reason"]) == ("row 4", True)


@each_database
def test_every_key_of_every_langgraph_namespace_is_imported(alias: str) -> None:
    keys = ["profile", "0b2f4c1e-5a57-4a1b-9a43-0c5f3a1f0001"]
    namespaces = ["facts.maya", "facts.noah", "habits.maya"]
    texts = {f"{namespace} {key}": (namespace, key) for namespace in namespaces for key in keys}
    rows = [{"prefix": prefix, "key": key, "value": {"text": text}} for text, (prefix, key) in texts.items()]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for part, owners in (("2", {"maya", "noah"}), ("1", {"facts", "habits"})):
        Memory(db=alias).clear()
        options = {"owner_part": part, "database": alias}
        assert "6 read: 6 imported" in run("import_memories", "in.jsonl", **options)
        found = by_text(alias)
        assert found.keys() == texts.keys()
        assert {memory.user_id for memory in found.values()} == owners
        assert "0 imported, 6 unchanged, 0 rejected." in run("import_memories", "in.jsonl", **options)


@pytest.mark.parametrize("alias", ["postgres"])
def test_from_langgraph_on_postgresql(alias: str, postgresql_url: str) -> None:
    import_error(postgresql_url, "--table=ai.store", "--database=default", "--owner-part=1")
    assert {memory.user_id for memory in by_text("default").values()} == {"memories"}


def test_an_expression_is_rejected_and_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    texts = [
        f"{{'memory': open({str(trap)!r}, 'w').write('x')}}",
        "{" * 5_000 + "}" * 5_000,
        "{'memory': 'good', 'topics': None}",
        "{'memory': ",
        "{1, 2}",
    ]
    with sqlite3.connect("agno.db") as file:
        file.execute("CREATE TABLE memories (id VARCHAR PRIMARY KEY, user_id VARCHAR, memory VARCHAR)")
        file.executemany("INSERT INTO memories VALUES (?, 'maya', ?)", enumerate(texts))
    file.close()
    import_error("agno.db", "--database=default")
    assert not trap.exists()
    assert list(by_text("default")) == ["good"]
    assert [row["where"] for row in rejected()] == ["row 1", "row 2", "row 4", "row 5"]


def test_an_incomplete_export_is_recognized() -> None:
    fill("default")
    run("export_memories", "--output=out.jsonl", database="default")
    lines = Path("out.jsonl").read_text().splitlines(keepends=True)
    for cut, reason in (
        (lines[:-1], "the last line is missing: the file is incomplete"),
        (lines[:2] + lines[3:], "the last line counts 3 memories, but the file has 2"),
    ):
        Path("cut.jsonl").write_text("".join(cut))
        import_error("cut.jsonl", "--database=default")
        assert rejected()[-1]["reason"] == reason
    Path("next.jsonl").write_text(lines[0].replace("1", "2") + "".join(lines[1:]))
    import_error("next.jsonl", "--database=default")
    assert "version 2" in rejected()[0]["reason"]
