"""The importer rejects invalid and duplicate rows, overwrites nothing, and can be repeated, on every database."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError
from django.test import override_settings

from agno_memory.db.store import Store
from agno_memory.exceptions import MemoryExists
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added
from agno_memory.times import to_iso
from agno_memory.transfer.duplicates import ALREADY_STORED, REPEATED_IN_SOURCE
from tests.databases import RUNNING, commits, each_database
from tests.transfer.commands import (
    by_text,
    import_error,
    output_of_failed_import,
    owned,
    rejected,
    run,
    stored,
    write_mem0,
)

pytestmark = [commits]


def test_each_rejected_row_has_a_position_and_a_reason() -> None:
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
        b'{"id": "g", "memory": "x", "created_at": "2999-01-01", "updated_at": "2999-01-01"}',
        b'{"id": "h", "memory": "x", "created_at": "2001-01-01", "updated_at": "2999-01-01"}',
    ]
    Path("in.jsonl").write_bytes(b"\n".join(lines))
    import_error("in.jsonl", "--database=default")
    reasons = {row["where"]: row["reason"] for row in rejected()}
    assert reasons == {
        "line 2": mock.ANY,
        "line 3": "not an object",
        "line 7": REPEATED_IN_SOURCE,
        "line 8": "memory: This cannot be blank.",
        "line 9": "memory is not a text, but float",
        "line 10": "'soon' is not a time",
        "line 11": mock.ANY,
        "line 12": "created_at: This time is in the future.",
        "line 13": "last_updated: This time is in the future.",
    }
    assert "UTF-8" in reasons["line 2"]
    assert "not JSON" in reasons["line 11"]
    assert stat.S_IMODE(Path("rejected.jsonl").stat().st_mode) == 0o600
    assert owned("default") == [("maya", "a", "Likes tea"), ("noah", "a", "Likes tea")]


@each_database
def test_a_stored_memory_is_never_overwritten(alias: str) -> None:
    memory = Memory(db=alias)
    memory.add_user_memory(UserMemory(memory_id="a", memory="Maya's"), "maya")
    memory.add_user_memory(UserMemory(memory_id="b", memory="Before"), "noah")
    noahs = [{"id": name, "memory": "Noah's", "user_id": "noah"} for name in ("b", "c")]
    write_mem0(*noahs)
    import_error("in.jsonl", f"--database={alias}")
    assert [(row["where"], row["reason"]) for row in rejected()] == [("line 1", ALREADY_STORED)]
    texts = {name: row["memory"] for name, row in stored(alias).items()}
    assert texts == {"a": "Maya's", "b": "Before", "c": "Noah's"}
    memory.replace_user_memory("c", UserMemory(memory="Corrected by staff"), "noah")
    write_mem0(noahs[1])
    assert "1 unchanged" in run("import_memories", "in.jsonl", database=alias)
    assert stored(alias)["c"]["memory"] == "Corrected by staff"


@each_database
@override_settings(AGNO_MEMORY={"BATCH_SIZE": 2})
def test_each_owner_has_ids_of_their_own(alias: str) -> None:
    target = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    time = {"created_at": "2001-01-01T00:00:00.125Z", "updated_at": "2002-01-01T00:00:00.5Z"}
    users = ["maya", "noah", "zoe"]
    write_mem0(*({"id": "m", "memory": f"{user}'s", "user_id": user, **time} for user in [*users, "maya"]))
    expected = [(user, "m", f"{user}'s") for user in users]
    # Zoe has the memory already, and Noah's would be written after hers.
    Memory(db=alias).add_user_memory(UserMemory(memory_id="m", memory="zoe's"), "zoe")
    assert "4 read: 2 imported, 2 unchanged, 0 rejected." in run("import_memories", "in.jsonl", database=alias)
    assert owned(alias) == expected
    mayas = Memory(db=alias).get_user_memory("m", "maya")
    assert mayas is not None
    assert (to_iso(mayas.created_at), to_iso(mayas.last_updated)) == (time["created_at"], "2002-01-01T00:00:00.500Z")
    run("export_memories", "--output=out.jsonl", database=alias)
    assert "3 read: 0 imported, 3 unchanged, 0 rejected." in run("import_memories", "out.jsonl", database=alias)
    assert "3 read: 3 copied" in run("copy_memories", f"--from={alias}", f"--to={target}")
    assert owned(target) == expected
    assert "3 read: 0 imported, 3 unchanged, 0 rejected." in run("import_memories", "out.jsonl", database=target)
    Memory(db=target).clear()
    assert "3 read: 3 imported, 0 unchanged, 0 rejected." in run("import_memories", "out.jsonl", database=target)
    assert owned(target) == expected


@each_database
def test_a_dry_run_shows_the_result_and_writes_nothing(alias: str) -> None:
    lines = [{"id": name, "memory": f"About {name}", "user_id": "maya"} for name in "abcab"]
    lines[4]["memory"] = "Another"
    write_mem0(*lines)
    Memory(db=alias).add_user_memory(UserMemory(memory_id="c", memory="About c"), "maya")
    before = stored(alias)
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 2}):
        output = output_of_failed_import("in.jsonl", "--dry-run", f"--database={alias}")
        assert "5 read: 2 would be imported, 2 unchanged, 1 would be rejected." in output
        assert stored(alias) == before
        output = output_of_failed_import("in.jsonl", f"--database={alias}")
        assert "5 read: 2 imported, 2 unchanged, 1 rejected." in output


@each_database
@override_settings(AGNO_MEMORY={"BATCH_SIZE": 10})
def test_an_interrupted_run_continues(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mem0(*({"id": f"m{n}", "memory": f"About {n}", "user_id": f"u{n % 3}"} for n in range(50)))
    move_in = Store.move_in

    def stop_at_20(self: Store, memories: list[UserMemory], **options: Any) -> None:
        if memories[0].memory_id == "m20":
            raise DatabaseError("the server goes down")
        move_in(self, memories, **options)

    monkeypatch.setattr(Store, "move_in", stop_at_20)
    with pytest.raises(DatabaseError, match="goes down"):
        run("import_memories", "in.jsonl", database=alias)
    assert UserMemory.objects.using(alias).count() == 20
    monkeypatch.setattr(Store, "move_in", move_in)
    assert "50 read: 30 imported, 20 unchanged, 0 rejected." in run("import_memories", "in.jsonl", database=alias)


@each_database
def test_an_id_taken_between_comparison_and_write_is_compared_again(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mem0(*({"id": name, "memory": f"About {name}", "user_id": "maya"} for name in "ab"))
    move_in = Store.move_in

    def take_a(self: Store, memories: list[UserMemory], **options: Any) -> None:
        monkeypatch.setattr(Store, "move_in", move_in)
        Memory(db=alias).add_user_memory(UserMemory(memory_id="a", memory="About a"), "maya")
        move_in(self, memories, **options)

    monkeypatch.setattr(Store, "move_in", take_a)
    assert "2 read: 1 imported, 1 unchanged, 0 rejected." in run("import_memories", "in.jsonl", database=alias)


def test_a_conflict_that_does_not_end_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    write_mem0({"id": "a", "memory": "x", "user_id": "maya"})
    refuse = mock.Mock(side_effect=MemoryExists(["a"]))
    monkeypatch.setattr(Store, "move_in", refuse)
    with pytest.raises(MemoryExists):
        run("import_memories", "in.jsonl", database="default")
    assert refuse.call_count > 1


def test_each_owner_is_announced_once_per_batch() -> None:
    write_mem0(*({"id": f"m{n}", "memory": "x", "user_id": f"u{n % 2}"} for n in range(4)))
    announced: list[tuple[Any, ...]] = []

    def receive(sender: object, user_id: str, memory_ids: list[str], using: str, **_: Any) -> None:
        announced.append((sender, user_id, memory_ids, using))

    memory_added.connect(receive)
    try:
        run("import_memories", "in.jsonl", database="default")
    finally:
        memory_added.disconnect(receive)
    assert announced == [
        (UserMemory, "u0", ["m0", "m2"], "default"),
        (UserMemory, "u1", ["m1", "m3"], "default"),
    ]


def test_memories_without_owner_and_id_get_both() -> None:
    row = {"memory": "Likes tea", "id": None}
    write_mem0(row)
    assert "1 imported" in run("import_memories", "in.jsonl", "--user=maya", database="default")
    assert "1 unchanged" in run("import_memories", "in.jsonl", "--user=maya", database="default")
    (memory,) = by_text("default").values()
    assert (memory.user_id, len(memory.memory_id)) == ("maya", 32)
    assert import_error("in.jsonl", "--user= ", "--database=default") == "user_id: This cannot be blank."
