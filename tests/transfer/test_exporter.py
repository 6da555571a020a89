"""An export is complete or has no file, is narrowed by every filter, and can be imported, on every database."""

from __future__ import annotations

import datetime
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.transfer.exporter import atomic_file
from tests.databases import ROOT, RUNNING, commits, each_database
from tests.transfer.commands import fill, run, stored

pytestmark = [commits]


def exported(*arguments: str, **options: Any) -> list[str]:
    """Check the first and the last line of an export, and return the ids of its memories."""
    rows = [json.loads(line) for line in run("export_memories", *arguments, **options).split("\n")[:-1]]
    ids = [row["memory_id"] for row in rows[1:-1] if "valid_until" not in row]
    assert (rows[0], rows[-1]) == ({"format": "agno_memory", "version": 1}, {"end": len(ids)})
    return ids


@each_database
def test_an_export_is_imported_on_another_database(alias: str) -> None:
    fill(alias)
    other = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    assert "3 memories" in run("export_memories", "--output=out.jsonl", database=alias)
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600
    assert "3 read: 3 imported" in run("import_memories", "out.jsonl", database=other)
    assert stored(other) == {name: {**row, "version": 1} for name, row in stored(alias).items()}
    assert run("export_memories", database=alias) == Path("out.jsonl").read_text()


@each_database
def test_an_export_is_narrowed_by_owner_topic_and_date(alias: str) -> None:
    fill(alias)
    UserMemory.objects.using(alias).filter(memory_id="b").set_times(
        *[datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)] * 2
    )
    assert exported("--user=maya", database=alias) == ["a", "c"]
    assert exported("--topic=x", "--topic=y", database=alias) == ["a"]
    assert exported("--until=2025-06-02", database=alias) == ["b"]
    assert exported("--since=2025-06-01T12:00:00+00:00", "--until=2025-06-01T12:00:01+00:00", database=alias) == ["b"]
    # The same as keyword arguments of call_command().
    assert exported(user="maya", topic=["x"], since="2025-06-02", until=None, database=alias) == ["a"]
    with pytest.raises(CommandError, match="is not a date"):
        exported("--since=yesterday", database=alias)


@each_database
def test_the_export_of_a_person_has_the_history(alias: str) -> None:
    """The importer leaves it out without complaint."""
    memory = Memory(db=alias)
    for owner in ("maya", "noah"):
        memory.add_user_memory(UserMemory(memory_id="a", memory="one", topics=["x"]), owner)
        memory.replace_user_memory("a", UserMemory(memory="two"), owner)
        memory.add_user_memory(UserMemory(memory_id="b", memory="gone"), owner)
        memory.delete_user_memory("b", owner)
    assert "1 memories" in run("export_memories", "--user=maya", "--output=out.jsonl", database=alias)
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row.get("memory") for row in rows[:2]] == [None, "two"]
    assert {(row["user_id"], row["memory"], row["action"]) for row in rows[2:-1]} == {
        ("maya", "one", "replaced"),
        ("maya", "gone", "deleted"),
    }
    assert exported("--user=maya", "--topic=x", database=alias) == []
    assert "one" not in run("export_memories", database=alias)
    memory.clear()
    assert "1 read: 1 imported" in run("import_memories", "out.jsonl", database=alias)
    assert [each.memory for each in memory.get_user_memories("maya")] == ["two"]


@pytest.mark.parametrize("each", FILTERS, ids=lambda each: each.name)
@each_database
def test_each_filter_is_an_option(alias: str, each: Filter) -> None:
    value, other = {
        Kind.TOPICS: ("food", "sports"),
        Kind.IDENTIFIER: ("seven", "eight"),
        Kind.TEXT: ("seven", "eight"),
        Kind.MOMENT: ("2025-06-02T00:00:00+00:00",) * 2,
    }[each.kind]
    memory = Memory(db=alias)
    identifiers = [each.lookup for each in FILTERS if each.kind is Kind.IDENTIFIER]
    for memory_id, word, day in (("a", value, 1), ("b", other, 3)):
        fields: dict[str, Any] = dict.fromkeys(identifiers, word)
        topics = [word] if each.kind is Kind.TOPICS else []
        memory.add_user_memory(UserMemory(memory_id=memory_id, memory=word, topics=topics, **fields), "maya")
        moment = datetime.datetime(2025, 6, day, tzinfo=datetime.UTC)
        UserMemory.objects.using(alias).filter(memory_id=memory_id).set_times(moment, moment)
    kept = ["b"] if each.name.endswith("_after") else ["a"]
    assert exported(f"--{each.parameter.replace('_', '-')}={value}", database=alias) == kept


@each_database
def test_an_export_is_narrowed_by_metadata(alias: str) -> None:
    memory = Memory(db=alias)
    contents: dict[str, dict[str, Any]] = {"a": {"plan": "pro", "seats": 5}, "b": {"seats": "5", "x.y": "="}, "c": {}}
    for memory_id, metadata in contents.items():
        memory.add_user_memory(UserMemory(memory_id=memory_id, memory="x", metadata=metadata), "maya")
    assert exported("--metadata=plan=pro", database=alias) == ["a"]
    assert exported("--metadata=seats=5", database=alias) == ["a", "b"]
    assert exported("--metadata=seats=5", "--metadata=x.y==", database=alias) == ["b"]
    assert exported(metadata=["plan=pro"], user="maya", database=alias) == ["a"]
    assert exported("--metadata=plan=pro", "--user=noah", database=alias) == []


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (["plan"], "Write a key and a value"),
        (["=pro"], "Write a key and a value"),
        (["a=1", "a=2"], "Name each key once"),
        (["$where=1"], "cannot begin with a dollar sign"),
        (["a=1e400"], "64 bits"),
        ([f"k{number}=x" for number in range(11)], "At most 10"),
    ],
)
def test_metadata_that_cannot_be_compared_is_refused(pairs: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=rf"^metadata: .*{reason}"):
        exported(*(f"--metadata={pair}" for pair in pairs), database="default")


def test_an_invalid_value_of_a_filter_is_refused_by_name() -> None:
    with pytest.raises(CommandError, match=r"^agent_id: This cannot be blank\.$"):
        exported("--agent-id= ", database="default")


def test_an_incomplete_export_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("default")

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("agno_memory.transfer.exporter.os.fsync", no_space)
        with pytest.raises(CommandError, match=r"out\.jsonl cannot be written: No space left"):
            run("export_memories", "--output=out.jsonl", database="default")
    assert list(Path().iterdir()) == []
    Path("out.jsonl").write_text("mine")
    with pytest.raises(CommandError, match="--overwrite"):
        run("export_memories", "--output=out.jsonl", database="default")
    assert Path("out.jsonl").read_text() == "mine"
    run("export_memories", "--output=out.jsonl", "--overwrite", database="default")
    assert Path("out.jsonl").read_text().endswith('{"end": 3}\n')


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    str.strip
)


@given(
    st.lists(st.tuples(texts, texts, st.lists(texts, max_size=2), st.dictionaries(st.text("ab.é"), texts)), max_size=3)
)
def test_any_memory_survives_export_and_import(memories: list[Any]) -> None:
    Memory(db="default").clear()
    for text, owner, topics, metadata in memories:
        Memory(db="default").add_user_memory(UserMemory(memory=text, topics=topics, metadata=metadata), owner)
    before = stored("default")
    run("export_memories", "--output=out.jsonl", "--overwrite", database="default")
    Memory(db="default").clear()
    run("import_memories", "out.jsonl", database="default")
    assert stored("default") == before


KILLED = """
import os, signal, sys
from pathlib import Path
from agno_memory.transfer.exporter import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write("Likes tea")
    file.flush()
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
"""


@pytest.mark.parametrize("kind", ["SIGKILL", "SIGTERM", "SIGHUP"])
def test_a_killed_export_leaves_no_file(kind: str) -> None:
    script = f"import django; django.setup()\n{KILLED}"
    result = subprocess.run([sys.executable, "-c", script, "out.jsonl", kind], env=child_environment(), check=False)
    assert result.returncode == -getattr(signal, kind)
    left = [path.name for path in Path().iterdir()]
    # Only Linux has files without a name; elsewhere the incomplete file is a hidden one.
    assert left == [] if hasattr(os, "O_TMPFILE") else all(name.startswith(".") for name in left)


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.mark.parametrize("nameless", [True, False])
def test_a_file_gets_its_name_when_it_is_complete(nameless: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no files without a name as well."""
    if not nameless:
        monkeypatch.setattr("agno_memory.transfer.exporter.DESCRIPTORS", Path("no/such/folder"))
    path = Path("out.txt")
    for text in ("first", "second"):
        with atomic_file(path) as file:
            file.write(text)
            file.flush()
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
        file.write(str(1 / 0))
    assert [each.name for each in Path().iterdir()] == ["out.txt"]
    assert path.read_text() == "second"


def test_a_dash_is_the_standard_output() -> None:
    fill("default")
    assert run("export_memories", "--output", "-", database="default") == run("export_memories", database="default")
    assert run("export_memories", output="-", database="default").count("\n") == 5
    assert not list(Path().iterdir())


def test_programs_pass_moments_as_they_have_them() -> None:
    fill("default")
    moment = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    for value in (moment, moment.date(), "2001-01-01"):
        assert run("export_memories", updated_after=value, database="default").count("\n") == 5
        assert run("export_memories", updated_before=value, database="default").count("\n") == 2
