"""Writing what an agent says of a memory: what it does not say stays as it was. The same for both majors of agno."""

from __future__ import annotations

from typing import Any, Final

from django.db import DatabaseError

from agno_memory.conf import conf
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory

# How often an upsert tries again when somebody writes the same memory between its two statements.
ATTEMPTS: Final = 20
# What stays where agno says nothing of it: in one of its releases or in all.
KEPT: Final = ("topics", "feedback", "metadata", "session_id", "agent_id", "team_id", "input")


def upsert(memory: Memory, said: dict[str, Any], user_id: str | None) -> UserMemory:
    """Write over the user's memory of this id, or add it.

    Args:
        memory: the store.
        said: by the names of ``UserMemory``'s fields; None is not said.
        user_id: the owner.

    Raises:
        MemoryExists: the id belongs to another user; nothing was written.
        ValidationError: bad input; nothing was written.
    """
    memory_id = said.get("memory_id")
    for attempt in range(ATTEMPTS):
        current = memory.get_user_memory(memory_id, user_id) if memory_id else None
        candidate = _candidate(said, current)
        try:
            if current is None:
                return memory.add_user_memory(candidate, user_id)
            return memory.replace_user_memory(current.memory_id, candidate, user_id, version=current.version)
        except (MemoryChanged, MemoryNotFound):
            # Somebody wrote or deleted it meanwhile.
            if attempt + 1 == ATTEMPTS:
                raise
        except MemoryExists:
            if attempt + 1 == ATTEMPTS or not _is_theirs(memory, candidate.memory_id, user_id):
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _is_theirs(memory: Memory, memory_id: str, user_id: str | None) -> bool:
    try:
        return memory.get_user_memory(memory_id, user_id) is not None
    except DatabaseError:
        # The failed write took the transaction with it, so there is nothing to be tried again.
        return False


def _candidate(said: dict[str, Any], current: UserMemory | None) -> UserMemory:
    values = {name: value for name, value in said.items() if value is not None}
    # Models write one topic as a text now and then.
    if isinstance(values.get("topics"), str):
        values["topics"] = [values["topics"]]
    if "input" in values:
        values["input"] = _storable(values["input"])
    if current is not None:
        values = {name: getattr(current, name) for name in KEPT} | values
    return UserMemory(**values)


def _storable(message: str) -> str:
    """Return as much of a message as fits beside a memory: no memory is lost for what it came from."""
    return message.replace("\x00", "").encode(errors="ignore").decode()[: conf.MAX_INPUT_LENGTH]
