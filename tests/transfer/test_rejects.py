"""The file of rejected rows is always a new one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from agno_memory.models import UserMemory
from agno_memory.transfer.records import Rejected
from agno_memory.transfer.rejects import RejectsFile
from agno_memory.transfer.sources import SourceError
from tests.databases import commits
from tests.transfer.commands import import_error, output_of_failed_import, rejected, run, write_mem0

pytestmark = [commits]


@pytest.mark.parametrize("name", ["in.jsonl", "notes.txt", "link", "dangling"])
def test_no_existing_file_is_overwritten(name: str) -> None:
    write_mem0({"id": "a", "memory": "x"}, {"id": "b", "memory": " "})
    Path("notes.txt").write_text("Mine")
    Path("link").symlink_to("notes.txt")
    Path("dangling").symlink_to("elsewhere")
    before = Path("in.jsonl").read_text()
    assert "exists already" in import_error("in.jsonl", f"--rejects={name}", "--database=default")
    assert (Path("in.jsonl").read_text(), Path("notes.txt").read_text()) == (before, "Mine")
    assert not Path("elsewhere").exists()
    assert not UserMemory.objects.using("default").exists()


def test_without_a_name_the_next_free_one_is_taken() -> None:
    write_mem0({"id": "a", "memory": " "})
    for name in ("rejected.jsonl", "rejected-2.jsonl", "rejected-3.jsonl"):
        assert f" {name}," in import_error("in.jsonl", "--database=default")
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    # A file of rejected rows can be a source, too.
    before = Path("rejected.jsonl").read_text()
    import_error("rejected.jsonl", "--format=mem0", "--database=default")
    assert Path("rejected.jsonl").read_text() == before


def test_a_file_that_appears_during_the_import_stays() -> None:
    file = RejectsFile("mine.jsonl")
    Path("mine.jsonl").write_text("Mine")
    with pytest.raises(SourceError, match="exists already"):
        file.add(Rejected("row 1", "bad", {}))
    assert Path("mine.jsonl").read_text() == "Mine"


def test_a_folder_that_does_not_exist_is_an_error_before_the_import() -> None:
    write_mem0({"id": "a", "memory": "x"})
    assert "cannot be written" in import_error("in.jsonl", "--rejects=nowhere/x.jsonl", "--database=default")
    assert not UserMemory.objects.using("default").exists()


@pytest.mark.parametrize("kind", [str, Path])
def test_programs_pass_a_text_or_a_path(kind: Any) -> None:
    write_mem0({"id": "a", "memory": "x"}, {"id": "b", "memory": " "})
    with pytest.raises(Exception, match=r"own\.jsonl"):
        call_command("import_memories", kind("in.jsonl"), rejects=kind("own.jsonl"), database="default")
    assert json.loads(Path("own.jsonl").read_text())["where"] == "line 2"
    run("export_memories", output=kind("out.jsonl"), database="default")
    assert '"memory": "x"' in Path("out.jsonl").read_text()


def test_a_row_that_is_not_json_is_reported() -> None:
    file = RejectsFile()
    file.add(Rejected("row 1", "bad", {(1, 2): "x"}))
    file.add(Rejected("row 2", "bad", {"a": b"\xff"}))
    file.close()
    assert [row["where"] for row in rejected()] == ["row 1", "row 2"]


def test_an_import_without_rejected_rows_leaves_no_file() -> None:
    write_mem0({"id": "a", "memory": "x"})
    assert "1 imported" in run("import_memories", "in.jsonl", database="default")
    write_mem0({"id": "b", "memory": " "})
    assert not list(Path().glob("rejected*"))
    assert "1 would be rejected" in output_of_failed_import("in.jsonl", "--dry-run", "--database=default")
