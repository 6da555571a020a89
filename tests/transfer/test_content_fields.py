"""Every content field of a memory survives an export, an import and a copy, on every database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.transfer.duplicates import ALREADY_STORED, REPEATED_IN_SOURCE
from tests.databases import RUNNING, commits, each_database
from tests.samples import json_sample, sample, sample_memory
from tests.transfer.commands import output_of_failed_import, rejected, run

pytestmark = [commits]

each_field = pytest.mark.parametrize("name", CONTENT_FIELDS)


def stored_value(alias: str, name: str) -> object:
    memory = Memory(db=alias).get_user_memory("m", "maya")
    assert memory is not None
    return getattr(memory, name)


@each_field
@each_database
def test_a_field_survives_an_export_and_an_import(alias: str, name: str) -> None:
    Memory(db=alias).add_user_memory(sample_memory(name, memory_id="m"), "maya")
    run("export_memories", "--output=out.jsonl", database=alias)
    _header, row, _end = map(json.loads, Path("out.jsonl").read_text().split("\n")[:-1])
    assert row[name] == json_sample(name)
    Memory(db=alias).clear()
    assert "1 imported" in run("import_memories", "out.jsonl", database=alias)
    assert stored_value(alias, name) == sample(name)


@each_field
@each_database
def test_a_field_survives_a_copy(alias: str, name: str) -> None:
    target = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    Memory(db=alias).add_user_memory(sample_memory(name, memory_id="m"), "maya")
    run("copy_memories", f"--from={alias}", f"--to={target}")
    assert stored_value(target, name) == sample(name)
    assert UserMemory.objects.using(target).count() == 1


@each_field
def test_a_row_that_differs_only_in_this_field_is_rejected(name: str) -> None:
    row = {"memory_id": "m", "user_id": "maya", "memory": "x"}
    row |= dict.fromkeys(("created_at", "last_updated"), "2026-11-25T09:30:00.125Z")
    other = {**row, name: json_sample(name)}
    write_export(row, other)
    assert "1 imported, 0 unchanged, 1 rejected." in output_of_failed_import("in.jsonl", "--database=default")
    assert rejected()[0]["reason"] == REPEATED_IN_SOURCE
    write_export(other)
    assert "0 imported, 0 unchanged, 1 rejected." in output_of_failed_import("in.jsonl", "--database=default")
    assert rejected()[0]["reason"] == ALREADY_STORED


def write_export(*rows: dict[str, Any]) -> None:
    lines = [{"format": "agno_memory", "version": 1}, *rows, {"end": len(rows)}]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, lines)))
