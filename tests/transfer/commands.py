"""The commands of the transfer room, and the rows that they leave, for its tests."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import ROOT

DATA = ROOT / "tests" / "data"
# The texts that each file of DATA contains.
DARK, CAFE = "The user prefers dark mode in applications", "Préfère le café sans sucre ☕"


def run(command: str, *arguments: object, **options: Any) -> str:
    """Run a command, and return its output."""
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def import_error(*arguments: object) -> str:
    """Run import_memories, check that the first part of its error is one line, and return the error."""
    with pytest.raises(CommandError) as caught:
        run("import_memories", *arguments)
    assert "\n" not in str(caught.value).partition(":\n")[0]
    return str(caught.value)


def output_of_failed_import(*arguments: object) -> str:
    """Run import_memories, which must reject rows, and return its output."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_memories", *map(str, arguments), stdout=out, stderr=io.StringIO())
    assert caught.value.returncode == 3
    return out.getvalue()


def rejected() -> list[dict[str, Any]]:
    """Return the rows of the last file of rejected rows."""
    last = max(Path().glob("rejected*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line) for line in last.read_text().split("\n")[:-1]]


def write_mem0(*rows: dict[str, Any]) -> None:
    """Write ``in.jsonl`` in the format mem0."""
    Path("in.jsonl").write_text("\n".join(json.dumps({"hash": "", **row}) for row in rows))


def stored(alias: str) -> dict[str, dict[str, Any]]:
    """Return all memories of a database by their ids."""
    return {memory.memory_id: as_dict(memory) for memory in UserMemory.objects.using(alias)}


def owned(alias: str) -> list[tuple[str, str, str]]:
    """Return owner, id and text of all memories of a database, in this order."""
    return sorted((memory.user_id, memory.memory_id, memory.memory) for memory in UserMemory.objects.using(alias))


def by_text(alias: str) -> dict[str, UserMemory]:
    """Return all memories of a database by their texts."""
    return {memory.memory: memory for memory in UserMemory.objects.using(alias)}


def fill(alias: str) -> None:
    """Add three memories of two people; one of them has version 2."""
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
