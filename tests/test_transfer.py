"""Moving in from where people are, out into a file, and between databases, on every database."""

from __future__ import annotations

import datetime
import io
import json
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.db.store import Store
from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.transfer import sources
from agno_memory.transfer.progress import Progress
from tests.databases import ROOT, RUNNING, commits, each_database

pytestmark = [commits]

DATA = ROOT / "tests" / "data"
DARK, CAFE = "The user prefers dark mode in applications", "Préfère le café sans sucre ☕"
# What each source has of these two, by its file: the owner of the first, its topics, and when it was written.
SOURCES = {
    "agno-1.8.4-memory.sqlite3": (["preferences", "ui"], 1795338585),
    "agno-1.8.4-memory.mongo.jsonl": (["preferences", "ui"], 1795338585),
    "agno-2.9.0.sqlite3": (["preferences", "ui"], 1795607557),
    "agno-3.1.10.sqlite3": (["preferences", "ui"], 1795338591),
    "agno-3.1.10.mongo.jsonl": (["preferences", "ui"], 1795338591),
    "djongo-1.3.7.mongo.jsonl": (["preferences", "ui"], 1795338620.184),
    "mem0.json": (["preferences", "ui"], 1748781015.123),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(command: str, *arguments: object, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def refusal(*arguments: object) -> str:
    with pytest.raises(CommandError) as caught:
        run("import_memories", *arguments)
    assert "\n" not in str(caught.value).partition(":\n")[0]
    return str(caught.value)


def rejected() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("rejected.jsonl").read_text().splitlines()]


def rows(alias: str) -> dict[str, dict[str, Any]]:
    return {memory.memory_id: as_dict(memory) for memory in UserMemory.objects.using(alias)}


def by_text(alias: str) -> dict[str, UserMemory]:
    return {memory.memory: memory for memory in UserMemory.objects.using(alias)}


# From where people are


@pytest.mark.parametrize("name", SOURCES)
@each_database
def test_every_memory_arrives_once(alias: str, name: str) -> None:
    topics, written = SOURCES[name]
    assert " 0 unchanged, 0 rejected." in run("import_memories", DATA / name, database=alias)
    found = by_text(alias)
    assert (found[DARK].topics, found[DARK].user_id) == (topics, "user@example.com")
    assert found[DARK].last_updated == datetime.datetime.fromtimestamp(written, datetime.UTC)
    assert found[CAFE].user_id == "amélie@example.fr"
    assert found[CAFE].search_text == CAFE.casefold()
    before = rows(alias)
    said = run("import_memories", DATA / name, database=alias)
    assert f"{len(before)} read: 0 imported, {len(before)} unchanged, 0 rejected." in said
    assert rows(alias) == before


@pytest.fixture
def served() -> Iterator[str]:
    """The address of a PostgreSQL server with what others wrote."""
    with connections["postgres"].cursor() as cursor:
        cursor.execute((DATA / "postgres.sql").read_text())
    yield urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{settings_name('postgres')}").geturl()
    with connections["postgres"].cursor() as cursor:
        cursor.execute("DROP SCHEMA ai CASCADE")


def settings_name(alias: str) -> str:
    return str(connections[alias].settings_dict["NAME"])


@pytest.mark.parametrize("alias", ["postgres"])
@pytest.mark.parametrize("table", ["ai.user_memories", "agno_memories", "ai.agno2_memories"])
def test_from_a_postgresql_server(alias: str, served: str, table: str) -> None:
    assert "3 read: 3 imported" in run("import_memories", served, table=table, database="default")
    found = by_text("default")
    assert (found[DARK].topics, found[DARK].user_id) == (["preferences", "ui"], "user@example.com")
    assert found[CAFE].topics == ["café", "食事"]
    assert {"No topics were given", '{"not": "json"}'} & found.keys()
    assert "3 unchanged" in run("import_memories", served, table=table, database="default")
    assert "several tables" in refusal(served)


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
    url = f"{scheme}://{server}/{settings_name('mongodb')}?{query.partition('?')[2]}"
    try:
        assert " 0 unchanged, 0 rejected." in run("import_memories", url, table="of_others", database="default")
    finally:
        collection.drop()
    run("import_memories", DATA / f"{name}.mongo.jsonl", database="postgres" if "postgres" in RUNNING else "default")
    assert by_text("default")[DARK].topics == ["preferences", "ui"]


@each_database
def test_from_langgraph(alias: str) -> None:
    said = refusal(DATA / "langgraph-3.1.2.sqlite3", f"--database={alias}")
    assert "rejected.jsonl" in said
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
    assert found[DARK].memory_id == "0b2f4c1e-5a57-4a1b-9a43-0c5f3a1f0001"
    (one,) = rejected()
    assert (one["where"], "score" in one["reason"]) == ("row 4", True)


@pytest.mark.parametrize("alias", ["postgres"])
def test_from_langgraph_on_postgresql(alias: str, served: str) -> None:
    refusal(served, "--table=ai.store", "--database=default", "--owner-part=1")
    assert {memory.user_id for memory in by_text("default").values()} == {"memories"}


# Bad input


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
    refusal("agno.db", "--database=default")
    assert not trap.exists()
    assert list(by_text("default")) == ["good"]
    assert [each["where"] for each in rejected()] == ["row 1", "row 2", "row 4", "row 5"]


def test_what_cannot_be_read_is_told_with_line_and_reason() -> None:
    good = json.dumps({"id": "a", "memory": "Likes tea", "hash": "x", "user_id": "maya"}).encode()
    noahs = json.dumps({"id": "a", "memory": "Likes tea", "hash": "x", "user_id": "noah"}).encode()
    other = json.dumps({"id": "a", "memory": "Likes beer", "hash": "x", "user_id": "maya"}).encode()
    lines = [
        good,
        b'{"id": "b", "memory": "caf\xe9"}',
        b"[1, 2]",
        b"",
        good,
        noahs,
        other,
        b'{"id": "c", "memory": " ", "hash": ""}',
        b'{"id": "d", "memory": 5.5}',
        b'{"id": "e", "memory": "x", "created_at": "soon"}',
        b'{"id": "f", "memory": "cut sho',
    ]
    Path("in.jsonl").write_bytes(b"\n".join(lines))
    refusal("in.jsonl", "--database=default")
    reasons = {each["where"]: each["reason"] for each in rejected()}
    assert reasons == {
        "line 2": mock.ANY,
        "line 3": "not an object",
        "line 6": "the same id came before under another owner",
        "line 7": "the same id came before with another content",
        "line 8": "memory: This cannot be blank.",
        "line 9": "memory is no text, but float",
        "line 10": "'soon' is no time",
        "line 11": mock.ANY,
    }
    assert "UTF-8" in reasons["line 2"]
    assert "no JSON" in reasons["line 11"]
    assert stat.S_IMODE(Path("rejected.jsonl").stat().st_mode) == 0o600
    assert list(by_text("default")) == ["Likes tea"]


@each_database
def test_what_is_here_is_never_written_over(alias: str) -> None:
    memory = Memory(db=alias)
    memory.add_user_memory(UserMemory(memory_id="a", memory="Maya's"), "maya")
    memory.add_user_memory(UserMemory(memory_id="b", memory="Before"), "noah")
    lines = [{"id": name, "memory": "Noah's", "hash": "", "user_id": "noah"} for name in ("a", "b", "c")]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    refusal("in.jsonl", f"--database={alias}")
    assert [each["where"] for each in rejected()] == ["line 1", "line 2"]
    assert {name: row["memory"] for name, row in rows(alias).items()} == {"a": "Maya's", "b": "Before", "c": "Noah's"}
    memory.replace_user_memory("c", UserMemory(memory="Put right by staff"), "noah")
    Path("in.jsonl").write_text(json.dumps(lines[2]))
    assert "1 unchanged" in run("import_memories", "in.jsonl", database=alias)
    assert rows(alias)["c"]["memory"] == "Put right by staff"


def test_sources_that_cannot_be_read_are_told_in_a_line(tmp_path: Path) -> None:
    Path("empty").write_bytes(b"")
    Path("text").write_text("Dear diary")
    Path("wide").write_bytes(json.dumps({"id": "a", "memory": "x"}).encode("utf-16"))
    Path("broken.db").write_bytes(sources.SQLITE_HEADER + b"x" * 2_000)
    Path("other.jsonl").write_text('{"a": 1}')
    refused = {
        "nowhere": "nowhere cannot be read: No such file or directory",
        "empty": "empty is empty.",
        "text": "neither JSON nor a SQLite file",
        "wide": "UTF-16",
        "broken.db": "cannot be read as a SQLite file",
        "other.jsonl": "mem0: the output of get_all()",
    }
    for name, words in refused.items():
        assert words in refusal(name, "--database=default")
    wrong_table = refusal(DATA / "agno-3.1.10.sqlite3", "--table=memories", "--database=default")
    assert "There: agno_memories, agno_schema_versions." in wrong_table
    assert not UserMemory.objects.using("default").exists()


@pytest.mark.parametrize("alias", ["mongodb"])
def test_a_password_is_never_told(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PATIENCE_MILLISECONDS", 1_000)
    mongodb = str(settings.DATABASES["mongodb"]["HOST"]).partition("://")[2].partition("/")[0]
    postgres = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(netloc="maya:hun%24ter2@").geturl()
    for url, words in {
        "postgresql://maya:hun%24ter2@127.0.0.1:1/x": "Connection refused",
        postgres: '"maya" does not exist',
        "mongodb://maya:hun%24ter2@127.0.0.1:1/x": "Connection refused",
        f"mongodb://maya:hun%24ter2@{mongodb}/x?authSource=admin": "Authentication failed",
    }.items():
        said = refusal(url, "--database=default")
        assert words in said
        assert ("hun%24ter2" in said, "hun$ter2" in said, "maya@" in said) == (False, False, True)


def test_a_source_that_cannot_be_written_is_read(tmp_path: Path) -> None:
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


# How it goes


@each_database
def test_a_dry_run_says_what_would_happen_and_writes_nothing(alias: str) -> None:
    lines = [{"id": name, "memory": f"About {name}", "hash": "", "user_id": "maya"} for name in "abcab"]
    lines[4]["memory"] = "Another"
    Path("in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    Memory(db=alias).add_user_memory(UserMemory(memory_id="c", memory="About c"), "maya")
    before = rows(alias)
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 2}):
        said = refusal_and_output("in.jsonl", "--dry-run", f"--database={alias}")
        assert "5 read: 2 would be imported, 2 unchanged, 1 would be rejected." in said
        assert rows(alias) == before
        assert "5 read: 2 imported, 2 unchanged, 1 rejected." in refusal_and_output("in.jsonl", f"--database={alias}")


def refusal_and_output(*arguments: object) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_memories", *map(str, arguments), stdout=out, stderr=io.StringIO())
    assert caught.value.returncode == 3
    return out.getvalue()


@each_database
@override_settings(AGNO_MEMORY={"BATCH_SIZE": 10})
def test_a_run_that_was_stopped_goes_on(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"id": f"m{n}", "memory": f"About {n}", "hash": "", "user_id": f"u{n % 3}"} for n in range(50)]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    writing = Store.move_in

    def stops(self: Store, moved: list[UserMemory], **options: Any) -> None:
        if moved[0].memory_id == "m20":
            raise DatabaseError("the server goes down")
        writing(self, moved, **options)

    monkeypatch.setattr(Store, "move_in", stops)
    with pytest.raises(DatabaseError, match="goes down"):
        run("import_memories", "in.jsonl", database=alias)
    assert UserMemory.objects.using(alias).count() == 20
    monkeypatch.setattr(Store, "move_in", writing)
    assert "50 read: 30 imported, 20 unchanged, 0 rejected." in run("import_memories", "in.jsonl", database=alias)


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", mock.Mock(buffer=io.BytesIO((DATA / "mem0.json").read_bytes())))
    monkeypatch.setattr(sources, "CHUNK", 64)
    assert "2 read: 2 imported" in run(
        "import_memories", "-", "--format=mem0", "--table=standard input", database="default"
    )


def test_a_list_that_ends_too_soon_is_told() -> None:
    Path("cut.json").write_text((DATA / "mem0.json").read_text()[:-120])
    refusal("cut.json", "--database=default")
    assert [(each["where"], each["reason"]) for each in rejected()] == [
        ("item 2", "the file ends before the list does")
    ]
    assert list(by_text("default")) == [DARK]


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = mock.Mock(side_effect=[0.0, 0.05, 20.0, 0.0, 5.0, 20.0])
    monkeypatch.setattr("agno_memory.transfer.progress.time.monotonic", clock)
    for is_terminal, told in (
        (True, "\r[#######.......................]  25%  1,000 memories, 50 a second, 1:00 left\x1b[K\r\x1b[K"),
        (False, "25%, 1,000 memories, 50 a second, 1:00 left\n"),
    ):
        stream = mock.Mock(isatty=lambda is_terminal=is_terminal: is_terminal)
        written: list[str] = []
        stream.write = lambda text, style, ending, written=written: written.append(style(text) + ending)
        progress = Progress(stream)
        progress.tell(1, 1, 4_000)
        progress.tell(1_000, 1_000, 4_000)
        progress.close()
        assert "".join(written) == told


# Out


def fill(alias: str) -> None:
    memory = Memory(db=alias)
    memory.add_user_memory(
        UserMemory(
            memory_id="a", memory="Größe\n🎈\u2028", topics=["x", "y"], metadata={"n": [1.5, None]}, feedback="Good"
        ),
        "maya",
    )
    memory.add_user_memory(UserMemory(memory_id="b", memory="b", topics=["x"]), "noah")
    memory.add_user_memory(UserMemory(memory_id="c", memory="c", input="said", agent_id="chef"), "maya")
    memory.replace_user_memory(
        "a", UserMemory(memory="Größe\n🎈", topics=["x", "y"], metadata={"n": [1.5, None]}), "maya"
    )


@each_database
def test_what_is_exported_comes_back_on_any_database(alias: str) -> None:
    fill(alias)
    other = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    assert "3 memories" in run("export_memories", "--output=out.jsonl", database=alias)
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600
    assert "3 read: 3 imported" in run("import_memories", "out.jsonl", database=other)
    kept = {name: {**row, "version": 1} for name, row in rows(alias).items()}
    assert rows(other) == kept
    assert run("export_memories", database=alias) == Path("out.jsonl").read_text()


@each_database
def test_an_export_is_narrowed_by_owner_topic_and_date(alias: str) -> None:
    fill(alias)
    UserMemory.objects.using(alias).filter(memory_id="b").set_times(
        *[datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)] * 2
    )

    def ids(*arguments: str) -> list[str]:
        told = [json.loads(line) for line in run("export_memories", *arguments, database=alias).splitlines()]
        assert (told[0], told[-1]) == ({"format": "agno_memory", "version": 1}, {"end": len(told) - 2})
        return [row["memory_id"] for row in told[1:-1]]

    assert ids("--user=maya") == ["a", "c"]
    assert ids("--topic=x", "--topic=y") == ["a"]
    assert ids("--until=2025-06-02") == ["b"]
    assert ids("--since=2025-06-01T12:00:00+00:00", "--until=2025-06-01T12:00:01+00:00") == ["b"]
    with pytest.raises(CommandError, match="is no date"):
        ids("--since=yesterday")


def test_nothing_half_written_has_the_name_of_an_export(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("default")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("agno_memory.transfer.exporter.os.fsync", full)
        with pytest.raises(CommandError, match=r"out\.jsonl cannot be written: No space left"):
            run("export_memories", "--output=out.jsonl", database="default")
    assert list(Path().iterdir()) == []
    Path("out.jsonl").write_text("mine")
    with pytest.raises(CommandError, match="--overwrite"):
        run("export_memories", "--output=out.jsonl", database="default")
    assert Path("out.jsonl").read_text() == "mine"
    run("export_memories", "--output=out.jsonl", "--overwrite", database="default")
    assert Path("out.jsonl").read_text().endswith('{"end": 3}\n')


def test_an_export_that_was_cut_short_is_told() -> None:
    fill("default")
    run("export_memories", "--output=out.jsonl", database="default")
    lines = Path("out.jsonl").read_text().splitlines(keepends=True)
    for cut, reason in (
        (lines[:-1], "the last line is missing: the file was cut short"),
        (lines[:2] + lines[3:], "the last line tells of 3 memories, and there are 2"),
    ):
        Path("cut.jsonl").write_text("".join(cut))
        refusal("cut.jsonl", "--database=default")
        assert rejected()[-1]["reason"] == reason
    Path("next.jsonl").write_text(lines[0].replace("1", "2") + "".join(lines[1:]))
    refusal("next.jsonl", "--database=default")
    assert "version 2" in rejected()[0]["reason"]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    str.strip
)


@given(
    st.lists(st.tuples(texts, texts, st.lists(texts, max_size=2), st.dictionaries(st.text("ab.é"), texts)), max_size=3)
)
def test_any_memory_survives_the_way_out_and_in(told: list[Any]) -> None:
    Memory(db="default").clear()
    for text, owner, topics, metadata in told:
        Memory(db="default").add_user_memory(UserMemory(memory=text, topics=topics, metadata=metadata), owner)
    before = rows("default")
    run("export_memories", "--output=out.jsonl", "--overwrite", database="default")
    Memory(db="default").clear()
    run("import_memories", "out.jsonl", database="default")
    assert rows("default") == before


# From one database to another


@each_database
def test_a_copy_is_the_same_and_may_be_repeated(alias: str) -> None:
    for target in set(RUNNING) - {alias}:
        Memory(db=alias).clear()
        fill(alias)
        Memory(db=target).add_user_memory(UserMemory(memory_id="stays", memory="x"))
        before = rows(alias)
        said = copy(alias, target)
        assert "3 read: 3 copied, 0 updated, 0 unchanged." in said
        assert said.endswith("Done: the copy is the same.\n")
        assert {name: row for name, row in rows(target).items() if name != "stays"} == before == rows(alias)
        Memory(db=alias).replace_user_memory("c", UserMemory(memory="new"), "maya")
        assert "0 copied, 1 updated, 2 unchanged." in copy(alias, target)
        Memory(db=target).replace_user_memory("c", UserMemory(memory="newer"), "maya")
        Memory(db=target).delete_user_memory("a", "maya")
        with pytest.raises(CommandError, match="1 ids are other memories there, which are not written over: c"):
            copy(alias, target)
        assert rows(target)["c"]["memory"] == "newer"
        assert rows(target)["a"] == before["a"]
    with pytest.raises(CommandError, match="the same database"):
        copy(alias, alias)


def copy(source: str, target: str) -> str:
    return run("copy_memories", f"--from={source}", f"--to={target}")


def test_a_copy_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("default")
    other = RUNNING[1]
    writing: Callable[..., None] = Store.move_in

    def changes(self: Store, moved: list[UserMemory], **options: Any) -> None:
        moved[0].memory += "!"
        writing(self, moved, **options)

    monkeypatch.setattr(Store, "move_in", changes)
    with pytest.raises(CommandError, match="They differ"):
        copy("default", other)
