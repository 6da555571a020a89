"""Upserts of an agent's memories: a field that agno does not set keeps its value. The same for each major of agno."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError

from agno_memory.conf import conf
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.retries import retry


def upsert(memory: Memory, values: dict[str, Any], user_id: str | None) -> UserMemory:
    """Replace the user's memory of this id, or add it.

    Args:
        memory: the service.
        values: by the names of ``UserMemory``'s fields; None keeps the current value.
        user_id: the owner.

    Raises:
        ValidationError: bad input; nothing was written.
    """
    memory_id = values.get("memory_id")

    def write() -> UserMemory:
        current = memory.get_user_memory(memory_id, user_id) if memory_id else None
        candidate = _candidate(values, current)
        if current is None:
            return memory.add_user_memory(candidate, user_id)
        return memory.replace_user_memory(current.memory_id, candidate, user_id, version=current.version)

    def is_final(error: Exception) -> bool:
        return isinstance(error, MemoryExists) and not _can_read(memory, error.memory_ids[0], user_id)

    # Another call may write, delete or add the same memory between the two statements.
    return retry(write, (MemoryChanged, MemoryNotFound, MemoryExists), unless=is_final)


def _can_read(memory: Memory, memory_id: str, user_id: str | None) -> bool:
    """Return whether another attempt may succeed: a failed write may have aborted the caller's transaction."""
    try:
        memory.get_user_memory(memory_id, user_id)
    except DatabaseError:
        return False
    return True


def _candidate(values: dict[str, Any], current: UserMemory | None) -> UserMemory:
    values = {name: value for name, value in values.items() if value is not None}
    # Some models pass a single topic as a string.
    if isinstance(values.get("topics"), str):
        values["topics"] = [values["topics"]]
    if "input" in values:
        values["input"] = _storable(values["input"])
    if current is not None:
        values = {name: getattr(current, name) for name in CONTENT_FIELDS} | values
    return UserMemory(**values)


def _storable(message: str) -> str:
    """Return the message without the characters that no database stores, cut to ``MAX_INPUT_LENGTH``.

    A memory is worth more than the message that it came from, so a bad message does not prevent the write.
    """
    return message.replace("\x00", "").encode(errors="ignore").decode()[: conf.MAX_INPUT_LENGTH]
