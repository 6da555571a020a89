"""Memories of a dozen invented people."""

from __future__ import annotations

import json
from pathlib import Path

from agno_memory.memory import Memory
from agno_memory.models import UserMemory

FILE = Path(__file__).resolve().parent / "memories.jsonl"


def read(file: Path = FILE) -> dict[str, list[UserMemory]]:
    """Return unsaved memories by the id of their person, from a file of one JSON object a line."""
    people: dict[str, list[UserMemory]] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            people.setdefault(fields.pop("user_id"), []).append(UserMemory(**fields))
    return people


def load() -> int:
    """Add the memories of the people in the file who have none yet, and return the number of added memories.

    The memories of one person are added all or not at all, so the next call completes a load that was interrupted.
    """
    people = read()
    present = set(UserMemory.objects.filter(user_id__in=people).values_list("user_id", flat=True).distinct())
    return sum(
        len(Memory().add_user_memories(memories, user_id=person))
        for person, memories in people.items()
        if person not in present
    )
