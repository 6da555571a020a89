"""A dozen people who do not exist, and what is known about them."""

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
    """Remember what the file says about people of whom nothing is known yet, and return how many memories that were.

    A person comes whole or not at all, so a load that was interrupted is completed by the next one.
    """
    people = read()
    known = set(UserMemory.objects.filter(user_id__in=people).values_list("user_id", flat=True).distinct())
    return sum(
        len(Memory().add_user_memories(memories, user_id=person))
        for person, memories in people.items()
        if person not in known
    )
