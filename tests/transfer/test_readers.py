"""Memories of other systems are imported completely and once, on every database.

The files in tests/data were written by the systems themselves.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from agno_memory.formats import csv_lines, json_lines
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FIELDS
from agno_memory.transfer.sources import files
from tests.databases import RUNNING, commits, each_database
from tests.transfer.commands import (
    CAFE,
    DARK,
    DATA,
    by_text,
    fill,
    import_error,
    output_of_failed_import,
    rejected,
    run,
    stored,
)

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


BARE = {"id": "m", "memory": "Likes tea", "user_id": "maya"}


PAGE = {"count": 1, "next": None, "previous": None, "results": [BARE]}
FORMS = [
    [BARE],
    {"results": [BARE]},
    BARE,
    [{**BARE, "role": "user"}],
    [{**BARE, "immutable": False}],
    PAGE,
    {"a\u00e9[": [[], {"results": []}], **PAGE, "relations": []},
]


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_a_bare_export_of_mem0_is_recognized(form: Any) -> None:
    Path("mem0.json").write_text(json.dumps(form))
    assert "in the format mem0.\n" in run("import_memories", "mem0.json", database="default")
    assert by_text("default")["Likes tea"].user_id == "maya"


@pytest.mark.parametrize("form", [{"relations": [1], **PAGE, "next": "2"}, {**PAGE, "next": "2", "relations": [1]}])
def test_what_belongs_to_no_memory_is_named(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_SIZE", 90)
    Path("mem0.json").write_text(json.dumps(form, indent=1))
    output = run("import_memories", "mem0.json", database="default")
    assert "Not imported, because it belongs to no memory: next, relations.\n1 read: 1 imported" in output


@pytest.mark.parametrize("text", ['{"results": [%s]', '{"results": [%s]}{}', "[%s]\n[{}]", "[%s] rest"])
def test_text_after_a_list_is_rejected(text: str) -> None:
    Path("mem0.json").write_text(text % json.dumps(BARE))
    assert "1 imported, 0 unchanged, 1 rejected" in output_of_failed_import("mem0.json", "--database=default")
    assert rejected()[0]["reason"] == "other text after the list"


@pytest.mark.parametrize("text", ['{"results": []}', "[]", " [\n] ", '{"results":[], "relations": []}'])
def test_an_empty_export_of_mem0_is_no_error(text: str) -> None:
    Path("mem0.json").write_text(text)
    output = "0 read: 0 imported, 0 unchanged, 0 rejected."
    assert output in run("import_memories", "mem0.json", database="default")
    assert output in run("import_memories", "mem0.json", "--format=mem0", database="default")


@each_database
def test_fields_without_a_place_are_kept_in_the_metadata(alias: str) -> None:
    others = {"actor_id": "zoe", "role": "user"}
    rows = [
        {**BARE, **others, "hash": "h", "score": 0.5, "app_id": None},
        {**BARE, "id": "n", "memory": "Likes cake", "role": "assistant", "metadata": {"role": "cook", "a": 1}},
    ]
    Path("mem0.json").write_text(json.dumps({"results": rows}))
    output = run("import_memories", "mem0.json", database=alias)
    assert "Kept in the metadata: actor_id, role.\n" in output
    assert by_text(alias)["Likes tea"].metadata == others
    assert by_text(alias)["Likes cake"].metadata == {"role": "cook", "a": 1, "source_role": "assistant"}
    assert "2 unchanged" in run("import_memories", "mem0.json", database=alias)


OBJECT = {"memory": "Likes tea", "mood": 1, "topics": ["t"]}


@pytest.mark.parametrize(
    ("row", "metadata"),
    [
        ({"memory_id": "m", "memory": OBJECT, "topics": None, "updated_at": 1}, {"mood": 1, "org": "x"}),
        (
            {"memory_id": "m", "memory": "Likes tea", "topics": ["t"], "updated_at": 1, "metadata": {"a": 1}},
            {"a": 1, "org": "x"},
        ),
        ({"id": "m", "memory": OBJECT, "user_id": "maya"}, {"mood": 1, "org": "x"}),
    ],
    ids=["agno3 object", "agno3", "agno1"],
)
def test_columns_and_keys_that_agno_has_not_are_kept(row: dict[str, Any], metadata: dict[str, Any]) -> None:
    Path("agno.jsonl").write_text(json.dumps({**row, "org": "x", "_id": "1", "last_updated": "2026-01-01"}))
    output = run("import_memories", "agno.jsonl", database="default")
    assert f"Kept in the metadata: {', '.join(sorted(metadata.keys() - {'a'}))}.\n" in output
    memory = by_text("default")["Likes tea"]
    assert (memory.metadata, memory.topics) == (metadata, ["t"])


@each_database
def test_a_memory_of_mem0_expires_after_its_last_day(alias: str) -> None:
    dates = {"a": "2030-01-31", "b": "2030-01-31T10:00:00+02:00", "c": None, "d": "2020-01-01", "e": "9999-12-31"}
    rows = [{**BARE, "id": name, "expiration_date": date} for name, date in {**dates, "f": "soon"}.items()]
    Path("mem0.jsonl").write_text("\n".join(map(json.dumps, rows)))
    output = output_of_failed_import("mem0.jsonl", f"--database={alias}")
    assert "6 read: 3 imported, 0 unchanged, 1 expired and left out, 2 rejected." in output
    assert "Kept" not in output
    assert {name: row["expires_at"] for name, row in stored(alias).items()} == {
        "a": "2030-02-01T00:00:00.000Z",
        "b": "2030-01-31T08:00:00.000Z",
        "c": None,
    }
    assert [row["reason"] for row in rejected()] == ["'9999-12-31' is not a time", "'soon' is not a time"]
    assert all(row["metadata"] == {} for row in stored(alias).values())
    again = output_of_failed_import("mem0.jsonl", f"--database={alias}")
    assert "6 read: 0 imported, 3 unchanged, 1 expired and left out, 2 rejected." in again


@each_database
def test_a_memory_of_langgraph_keeps_its_time_to_live(alias: str) -> None:
    # As put() writes it, and as a read writes it that extends it.
    times = {"a": "2030-01-31 08:00:00.123456+00:00", "b": "2030-01-31 08:00:00", "c": None, "d": "2020-01-01 00:00:00"}
    shutil.copyfile(DATA / "langgraph-3.1.2.sqlite3", "store.sqlite3")
    with closing(sqlite3.connect("store.sqlite3")) as file, file:
        file.execute("DELETE FROM store")
        for name, moment in times.items():
            row = ("memories.maya", name, json.dumps({"text": name}).encode(), moment, moment and 30.0)
            file.execute("INSERT INTO store (prefix, key, value, expires_at, ttl_minutes) VALUES (?, ?, ?, ?, ?)", row)
    output = run("import_memories", "store.sqlite3", database=alias)
    assert "4 read: 3 imported, 0 unchanged, 1 expired and left out, 0 rejected." in output
    assert {row["memory"]: row["expires_at"] for row in stored(alias).values()} == {
        "a": "2030-01-31T08:00:00.123Z",
        "b": "2030-01-31T08:00:00.000Z",
        "c": None,
    }
    assert "0 imported, 3 unchanged, 1 expired" in run("import_memories", "store.sqlite3", database=alias)


@override_settings(AGNO_MEMORY={"EXPIRE_AFTER": {"trip": "30 days"}})
def test_a_repeated_import_does_not_compare_when_memories_expire_here() -> None:
    Path("mem0.json").write_text(json.dumps([{**BARE, "categories": ["trip"]}]))
    run("import_memories", "mem0.json", database="default")
    assert stored("default")["m"]["expires_at"] is not None
    assert "0 imported, 1 unchanged, 0 rejected." in run("import_memories", "mem0.json", database="default")


def test_fields_of_the_sites_own_djongo_model_are_kept() -> None:
    row = {"_id": {"$oid": "6" * 24}, "memory_id": "m", "memory": "x", "topics": "[]", "metadata": '{"a": 1}'}
    row |= {"last_updated": {"$date": "2025-06-01T12:30:15Z"}, "mood": "good", "seen": {"$date": 0}}
    Path("djongo.jsonl").write_text(json.dumps(row))
    assert "Kept in the metadata: mood, seen." in run("import_memories", "djongo.jsonl", database="default")
    assert by_text("default")["x"].metadata == {"a": 1, "mood": "good", "seen": 0.0}


def test_without_such_fields_nothing_is_said_about_them() -> None:
    assert "Kept" not in run("import_memories", DATA / "mem0.json", database="default")
    assert "Kept" not in run("import_memories", DATA / "djongo-1.3.7.mongo.jsonl", database="default")


def texts() -> list[str]:
    formulas = ["=1+1", "'=1+1", "''=1", " =1", "' @x", "-", "+49 30", "\u3000=1", "'' '=1", "\uff1d1"]
    return [
        *formulas,
        "'plain'",
        "it's",
        'say "a, b; c"',
        "a\r\nb\rc\nd",
        "Größe 🎈\u2028",
        "\ufeffx",
        "[1, 2]",
        "null",
    ]


@each_database
@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_download_of_the_admin_is_read_back(alias: str, file_format: str) -> None:
    memory = Memory(db=alias)
    fill(alias)
    for number, text in enumerate(texts()):
        values = {"topics": [text.strip() or "x"], "feedback": text, "input": text, "metadata": {"n": text}}
        memory.add_user_memory(UserMemory(memory_id=f"m{number}", memory=text, **values), f"'={number}")
    before = stored(alias)
    lines = {"csv": csv_lines, "jsonl": json_lines}[file_format]
    Path("in.txt").write_text("".join(lines(UserMemory.objects.using(alias).walk())), newline="")
    memory.clear()
    assert f"{len(before)} imported, 0 unchanged, 0 rejected" in run("import_memories", "in.txt", database=alias)
    # Versions start at 1 again.
    assert stored(alias) == {name: {**values, "version": 1} for name, values in before.items()}
    assert f"0 imported, {len(before)} unchanged" in run("import_memories", "in.txt", database=alias)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_csv_of_a_spreadsheet_in_another_language_is_read(separator: str) -> None:
    fill("default")
    rows = csv.reader(
        "".join(csv_lines(UserMemory.objects.using("default").walk())).removeprefix("\ufeff").splitlines(True)
    )
    with Path("in.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    assert "3 read: 0 imported, 3 unchanged, 0 rejected" in run("import_memories", "in.csv", database="default")


def test_bad_rows_of_csv_are_rejected_alone() -> None:
    fill("default")
    lines = list(csv_lines(UserMemory.objects.using("default").walk()))
    Memory(db="default").clear()
    cells = [name if name.endswith("_id") else "" for name in FIELDS]
    bad = ["a,b\r\n", ",".join(cells) + "\r\n", "\r\n", ",".join(cells).replace("user_id", "\udcff") + "\r\n"]
    Path("in.csv").write_bytes("".join([*lines[:2], *bad, *lines[2:]]).encode(errors="surrogateescape"))
    import_error("in.csv", "--database=default")
    assert stored("default").keys() == {"a", "b", "c"}
    assert [row["where"] for row in rejected()] == ["row 2", "row 3", "row 5"]
    Path("in.csv").write_text(lines[0])
    assert "0 read: 0 imported" in run("import_memories", "in.csv", database="default")
