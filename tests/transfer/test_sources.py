"""Sources are only read, and errors of sources are one line without a password."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import struct
import sys
from contextlib import closing
from pathlib import Path
from unittest import mock
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings as site_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_memory.models import UserMemory
from agno_memory.transfer import sources
from agno_memory.transfer.sources import SourceError, files, open_source, sqlite
from agno_memory.transfer.sources.servers import URL, ServerSource, redacted, without_secrets
from tests.databases import commits
from tests.transfer.commands import DARK, DATA, by_text, import_error, rejected, run

pytestmark = [commits]


def test_the_error_of_an_unreadable_source_is_one_line() -> None:
    Path("empty").write_bytes(b"")
    Path("text").write_text("Dear diary")
    Path("wide").write_bytes(json.dumps({"id": "a", "memory": "x"}).encode("utf-16"))
    Path("broken.db").write_bytes(sqlite.HEADER + b"x" * 2_000)
    Path("other.jsonl").write_text('{"a": 1}')
    expected = {
        "nowhere": "nowhere cannot be read: No such file or directory",
        "empty": "empty is empty.",
        "text": "neither JSON nor CSV nor a SQLite file",
        "wide": "UTF-16",
        "broken.db": "cannot be read as a SQLite file",
        "other.jsonl": "mem0: the output of get_all()",
    }
    for name, words in expected.items():
        assert words in import_error(name, "--database=default")
    wrong_table = import_error(DATA / "agno-3.1.10.sqlite3", "--table=memories", "--database=default")
    assert "Choose one of: agno_memories, agno_schema_versions." in wrong_table
    assert not UserMemory.objects.using("default").exists()


@pytest.mark.parametrize("alias", ["mongodb"])
def test_an_error_contains_no_password(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerSource, "connect_timeout", 1)
    mongodb = str(site_settings.DATABASES["mongodb"]["HOST"]).partition("://")[2].partition("/")[0]
    postgres = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(netloc="maya:hun%24ter2@").geturl()
    for url, words in {
        "postgresql://maya:hun%24ter2@127.0.0.1:1/x": "Connection refused",
        postgres: '"maya" does not exist',
        "mongodb://maya:hun%24ter2@127.0.0.1:1/x": "Connection refused",
        f"mongodb://maya:hun%24ter2@{mongodb}/x?authSource=admin": "Authentication failed",
    }.items():
        error = import_error(url, "--database=default")
        assert words in error
        assert ("hun%24ter2" in error, "hun$ter2" in error, "maya@" in error) == (False, False, True)


def test_a_file_in_a_read_only_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    source = folder / "agno.db"
    source.write_bytes((DATA / "agno-3.1.10.sqlite3").read_bytes())
    with sqlite3.connect(source) as file:
        file.execute("PRAGMA journal_mode=WAL")
    file.close()
    before = source.read_bytes()
    folder.chmod(0o500)
    try:
        assert "6 imported" in run("import_memories", source, database="default")
    finally:
        folder.chmod(0o700)
    assert source.read_bytes() == before


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", mock.Mock(buffer=io.BytesIO((DATA / "mem0.json").read_bytes())))
    monkeypatch.setattr(sources, "CHUNK_SIZE", 64)
    monkeypatch.setattr(files, "CHUNK_SIZE", 64)
    assert "2 read: 2 imported" in run(
        "import_memories", "-", "--format=mem0", "--table=standard input", database="default"
    )


def test_an_incomplete_list_is_reported() -> None:
    Path("cut.json").write_text((DATA / "mem0.json").read_text()[:-120])
    import_error("cut.json", "--database=default")
    assert [(row["where"], row["reason"]) for row in rejected()] == [("item 2", "the file ends before the list does")]
    assert list(by_text("default")) == [DARK]


SECRET = "hun$ter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://maya:{SECRET}/x@db.example.com/x",
        f"postgresql://maya:x/{SECRET}@db.example.com/x",
        f"postgresql://maya:1/{SECRET}@db.example.com/x",
        f"postgresql://maya:1?{SECRET}@db.example.com/x",
        f"postgresql://maya:{SECRET}@1@db.example.com/x",
        f"postgresql://maya:100%{SECRET}@db.example.com/x",
        f"postgresql://maya:[{SECRET}@db.example.com/x",
        f"postgresql://maya:{SECRET}@db.example.com:port/x",
        f"postgresql://maya:{SECRET}@127.0.0.1:1/x?nonsense=1",
        f"postgresql://127.0.0.1:1/x?user=maya&password={SECRET}",
        f"postgresql://127.0.0.1:1/x?user=maya&password={SECRET}&nonsense=1",
        f"postgresql://maya:{SECRET}",
        f"postgresql:/maya:{SECRET}@db.example.com/x",
        f"postgresql:maya:{SECRET}@db.example.com/x",
        f"Postgresql://maya:{SECRET}@db.example.com/x",
        f"postgres+psycopg//maya:{SECRET}@db.example.com/x",
        f"postgres//maya/{SECRET}@db.example.com/x",
        f"postgresql://maya@db.example.com:{SECRET}/x",
        f"postgresql://maya%3A{SECRET}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?password:{SECRET}",
        f"postgresql:maya:{SECRET}",
        f" postgresql://maya:{SECRET}@db.example.com/x",
        f"mysql://maya:{SECRET}@db.example.com/x",
        f"maya:{SECRET}@db.example.com/x",
        f"host=db.example.com user=maya password={SECRET}",
        f"host=db.example.com password='my {SECRET} words' dbname=x",
        f"mongodb://maya:{SECRET}/x@db.example.com/x",
        f"mongodb://maya:{SECRET}@127.0.0.1:1:2/x",
        f"mongodb://maya:{SECRET}@127.0.0.1:100000/x",
        f"mongodb://maya:a:{SECRET}@127.0.0.1:1/x",
        f"mongodb://maya:{SECRET}@127.0.0.1:1/",
        f"mongodb://maya:{SECRET}@127.0.0.1:1/a b.c?nonsense=%zz",
        f"mongodb+srv://maya:{SECRET}@127.0.0.1/x",
        f"mongodb:/maya:{SECRET}@127.0.0.1/x",
    ],
)
def test_no_malformed_url_shows_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerSource, "connect_timeout", 1)
    error = import_error(url, "--database=default")
    for part in (SECRET, "hun", "ter2"):
        assert part not in error


# What stands between the parts of a URL, and what people write there by mistake.
MARKS = st.sampled_from(
    ["", ":", "::", ":/", ":///", "//", "/", "@", "@@", ",", ";", "|", "=", " ", "?", "#", "%", "\\", "%40", "[", "'"]
)


@settings(max_examples=150)
@given(
    st.sampled_from(
        ["postgresql", "postgres", "postgresql+psycopg", "mongodb", "mongodb+srv", "Postgres", " mongodb", "mysql"]
    ),
    st.tuples(st.sampled_from([0, 1, 2, 3]), MARKS),
    st.text("ab:/@?#[]%&=;,+ '\"$", max_size=4),
    st.text("ab:/@?#[]%&=;,+ '\"$", max_size=4),
)
def test_no_url_with_a_wrong_character_shows_its_password(
    scheme: str, mistake: tuple[int, str], before: str, after: str
) -> None:
    marks = ["://", ":", "@", "/"]
    marks[mistake[0]] = mistake[1]
    password = f"{before}{SECRET}{after}"
    url = scheme + "".join(
        mark + part for mark, part in zip(marks, ("maya", password, "127.0.0.1:1", "x"), strict=True)
    )
    assert SECRET not in without_secrets(url)
    if valid := URL.fullmatch(url):
        # A driver shows any part of it.
        text = (
            f'no "{valid["password"]}" or {unquote(valid["password"] or "")} in {url}, {unquote(valid["user"] or "")}'
        )
        assert SECRET not in redacted(text, url)
    else:
        with pytest.raises(SourceError) as refused:
            open_source(url)
        assert SECRET not in str(refused.value)


def test_a_path_with_an_at_sign_is_shown() -> None:
    for name in ("memories@home.json", "C:\\memories.json", "a: b.json", "home/maya@example.com/agno.db"):
        assert name in import_error(name, "--database=default")


def test_a_view_of_a_file_is_not_read() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS memory_id FROM n"
    with sqlite3.connect("agno.db") as file:
        file.execute(f"CREATE VIEW a AS {endless} WHERE i < 0")
        file.execute(f"CREATE VIEW agno_views AS {endless}")
        file.execute("CREATE TABLE agno_memories (memory_id, user_id, memory, topics, updated_at)")
        file.execute("""INSERT INTO agno_memories VALUES ('m', 'maya', '"x"', '[]', 1)""")
    file.close()
    assert "1 imported" in run("import_memories", "agno.db", database="default")
    for view in ("a", "agno_views"):
        error = import_error("agno.db", f"--table={view}", "--database=default")
        assert error.endswith("Choose one of: agno_memories.")


def test_a_virtual_table_of_a_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "memory_id, user_id, memory, topics, updated_at"
    endless = (
        f"WITH RECURSIVE n(rowid, {columns}) AS (SELECT 1, 2, 3, 4, '[]', 6 UNION ALL SELECT rowid + 1, 2, 3, 4, 5, 6"
    )
    with sqlite3.connect("agno.db") as file:
        file.execute(f"CREATE VIEW v AS {endless} FROM n) SELECT * FROM n WHERE rowid < 0")
        file.execute(f"CREATE VIRTUAL TABLE agno_memories USING fts5({columns}, content='v', content_rowid='rowid')")
    file.close()
    assert "Choose a format" in import_error("agno.db", "--database=default")
    assert "has no table" in import_error("agno.db", "--table=agno_memories", "--database=default")
    # Nor can a view that a forged file calls a table run for ever.
    monkeypatch.setattr(sqlite, "MAX_UNITS", 5)
    with closing(sqlite.SqliteSource(Path("agno.db"))) as source:
        assert "v" not in source.tables()
        with pytest.raises(SourceError, match="interrupted"):
            list(source.rows("v"))


def test_pages_of_a_file_that_repeat_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_UNITS", 5)
    with sqlite3.connect("agno.db") as file:
        file.execute("PRAGMA page_size=512")
        file.execute("CREATE TABLE agno_memories (memory_id, memory)")
        rows = [(f"m{number}", "x" * 30) for number in range(500)]
        file.executemany("INSERT INTO agno_memories VALUES (?, ?)", rows)
    file.close()
    data = bytearray(Path("agno.db").read_bytes())
    # The second page lists other pages; so do copies of it, each of which names the next one many times.
    index = data[512:1024]
    for page in range(2, 6):
        for cell in struct.unpack_from(f">{int.from_bytes(index[3:5])}H", index, 12):
            struct.pack_into(">I", index, cell, page + 1)
        struct.pack_into(">I", index, 8, page + 1)
        data[(page - 1) * 512 : page * 512] = index
    Path("agno.db").write_bytes(data)
    with closing(sqlite.SqliteSource(Path("agno.db"))) as source, pytest.raises(SourceError, match="more rows than"):
        for _ in source.rows("agno_memories"):
            pass


def test_a_computed_column_is_not_read() -> None:
    with sqlite3.connect("agno.db") as file:
        file.execute("CREATE TABLE agno_memories (memory_id, memory, topics, updated_at, x AS (zeroblob(900000000)))")
        file.execute("INSERT INTO agno_memories VALUES ('m', '\"x\"', '[]', 1)")
    file.close()
    assert "1 imported" in run("import_memories", "agno.db", "--user=maya", database="default")


def test_a_value_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_VALUE_SIZE", 1_000)
    with sqlite3.connect("agno.db") as file:
        file.execute("CREATE TABLE agno_memories (memory_id, memory, topics, updated_at)")
        file.execute("INSERT INTO agno_memories VALUES ('m', ?, '[]', 1)", ("x" * 2_000,))
    file.close()
    assert "too big" in import_error("agno.db", "--database=default")
