"""The commands and the file in docs/transfer.md work as they are written there."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, load_command_class

from agno_memory.memory import Memory
from agno_memory.transfer.readers import READERS
from tests.databases import ROOT, commits

pytestmark = [commits]

PAGE = (ROOT / "docs" / "transfer.md").read_text()


def blocks(language: str) -> list[str]:
    return [block.partition("```")[0] for block in PAGE.split(f"```{language}\n")[1:]]


def commands() -> list[list[str]]:
    return [shlex.split(line.partition(" | ")[0])[2:] for block in blocks("sh") for line in block.splitlines()]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_is_valid(command: list[str]) -> None:
    name, *arguments = command
    aliases = {"memories": "default", "default": "default"}
    parser = load_command_class("agno_memory", name).create_parser("manage.py", name)
    assert vars(parser.parse_args([aliases.get(each, each) for each in arguments]))


def test_every_format_is_documented() -> None:
    assert all(f"| `{name}` |" in PAGE for name in READERS)


def test_the_file_is_imported(tmp_path: Path, capsys: Any) -> None:
    (memory,) = blocks("json")
    first, last = '{"format": "agno_memory", "version": 1}', '{"end": 1}'
    assert f"`{first}`" in PAGE
    source = tmp_path / "memories.jsonl"
    source.write_text(f"{first}\n{memory}{last}\n")
    call_command("import_memories", str(source), database="default")
    found = Memory(db="default").get_user_memory("m-1", "maya")
    assert found is not None
    assert found.memory == json.loads(memory)["memory"]
