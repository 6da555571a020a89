"""One bad row is rejected alone: the rows before and after it are imported."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections

from agno_memory.transfer import sources
from agno_memory.transfer.sources import files
from tests.databases import commits
from tests.transfer.commands import by_text, import_error, rejected, run

pytestmark = [commits]

BAD = {
    "a date without a time": '{"created_at": {"$date": {}}}',
    "a date of text": '{"created_at": {"$date": {"$numberLong": "soon"}}}',
    "a date beyond floats": '{"created_at": {"$date": 1' + "0" * 400 + "}}",
    "a number of text": '{"n": {"$numberInt": "x"}}',
    "a list of a number": '{"n": {"$numberLong": "' + "1" * 5_000 + '"}}',
    "nested 600 deep": '{"a":' * 600 + "1" + "}" * 600,
    "nested 100,000 deep": '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
    "not JSON": '{"id": nope, "text": "], \\" }"}',
    "brackets that do not match": '{"id": [}',
    "not an object": '"text, with ] and }"',
    "a number": "5",
    "without a memory": '{"id": "x"}',
}

PARSED = (BAD["without a memory"], BAD["nested 600 deep"])


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("separator", [",", "\n"], ids=["list", "lines"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_bad_row_is_rejected_alone(bad: str, separator: str, position: int) -> None:
    rows = [json.dumps({"id": name, "memory": f"About {name}", "user_id": "maya"}) for name in "ab"]
    rows.insert(position, bad)
    text = separator.join(rows)
    Path("in.json").write_text(f"[{text}]" if separator == "," else text)
    if separator == "\n" and position == 0 and not bad.startswith("{"):
        assert "neither JSON" in import_error("in.json", "--database=default")
        return
    options = ["--format=mem0"] if len(bad) > 100_000 else []
    import_error("in.json", *options, "--database=default")
    assert list(by_text("default")) == ["About a", "About b"]
    (row,) = rejected()
    assert row["where"] == f"{'item' if separator == ',' else 'line'} {position + 1}"
    # Python 3.13 parses more levels than 3.11 does; the row is refused all the same.
    parsed = json.loads(bad) if bad in PARSED and not isinstance(row["raw"], str) else bad
    assert row["raw"] == parsed


def test_items_are_found_in_chunks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ['"', "\\", "[", "}", "é🎈", "plain"]
    rows = [
        {"id": name, "memory": f"About {name} ,]}}\\", "user_id": "maya", "metadata": {"a": [[]]}} for name in names
    ]
    Path("in.json").write_text(f" [ {', '.join(json.dumps(row, ensure_ascii=False) for row in rows)} , ] ")
    for size in (2, 3, 7, 64):
        monkeypatch.setattr(sources, "CHUNK_SIZE", size)
        monkeypatch.setattr(files, "CHUNK_SIZE", size)
        imported = "6 imported" if size == 2 else "6 unchanged"
        assert imported in run("import_memories", "in.json", "--format=mem0", database="default")


def test_bad_rows_of_sqlite_are_rejected_alone() -> None:
    with sqlite3.connect("agno.db") as file:
        file.execute("CREATE TABLE agno_memories (memory_id, user_id, memory, topics, updated_at, created_at)")
        for name, memory in (("a", '"good"'), ("b", '{"a":' * 2_000), ("c", b"\xff"), ("d", '"good too"')):
            file.execute("INSERT INTO agno_memories VALUES (?, 'maya', ?, NULL, 1, 1)", [name, memory])
    file.close()
    import_error("agno.db", "--database=default")
    assert sorted(by_text("default")) == ["good", "good too"]


@pytest.mark.parametrize("alias", ["postgres"])
def test_bad_rows_of_postgresql_are_rejected_alone(alias: str) -> None:
    name = str(connections[alias].settings_dict["NAME"])
    url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}").geturl()
    deep = '{"a":' * 3_000 + "1" + "}" * 3_000
    rows = [
        ("a", '"good"', "2025-06-01 12:30:15.123+00"),
        ("b", deep, "2025-06-01"),
        ("c", '"x"', "infinity"),
        ("d", '"x"', "0044-03-15 BC"),
        ("e", '"good too"', "2025-06-02 12:00:00+05:30"),
    ]
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bad_rows (memory_id text, user_id text, memory json, topics json, updated_at timestamptz)"
        )
        cursor.executemany("INSERT INTO bad_rows VALUES (%s, 'maya', %s, NULL, %s)", rows)
    try:
        import_error(url, "--table=bad_rows", "--database=default")
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("DROP TABLE bad_rows")
    found = by_text("default")
    assert sorted(found) == ["good", "good too"]
    assert found["good"].last_updated == datetime.datetime(2025, 6, 1, 12, 30, 15, 123_000, datetime.UTC)
    assert [row["where"] for row in rejected()] == ["row 2", "row 3", "row 4"]


@pytest.mark.parametrize("alias", ["mongodb"])
def test_bad_rows_of_mongodb_are_rejected_alone(alias: str) -> None:
    from bson import DatetimeMS, encode
    from bson.raw_bson import RawBSONDocument

    database = cast("Any", connections["mongodb"]).database
    good = {"user_id": "maya", "topics": [], "updated_at": 1}
    documents: list[Any] = [
        {"memory_id": "a", "memory": "good", **good},
        {"memory_id": "b", "memory": "x", **good, "updated_at": DatetimeMS(2**60)},
        RawBSONDocument(encode({"_id": 1, "memory_id": "c", "memory": "xyz", **good}).replace(b"xyz", b"x\xffz")),
        {"memory_id": "d", "memory": "good too", **good},
    ]
    database["bad_rows"].insert_many(documents)
    host = str(settings.DATABASES["mongodb"]["HOST"])
    scheme, _, rest = host.partition("://")
    server, _, query = rest.partition("/")
    name = connections["mongodb"].settings_dict["NAME"]
    try:
        import_error(f"{scheme}://{server}/{name}?{query.partition('?')[2]}", "--table=bad_rows", "--database=default")
    finally:
        database["bad_rows"].drop()
    assert sorted(by_text("default")) == ["good", "good too"]
    assert [row["where"] for row in rejected()] == ["document 2", "document 3"]
