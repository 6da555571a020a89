"""What the service raises, beside Django's own ``DatabaseError``.

The names are API. Texts carry ids and what to do, never the text of a memory. ``ValidationError`` is Django's, and
``MemoryNotFound`` one of its ``ObjectDoesNotExist``. Agents that use ``agno_memory.client`` need no Django; where it is
not installed, two classes of the same names stand in.
"""

from __future__ import annotations

try:
    from django.core.exceptions import ObjectDoesNotExist, ValidationError
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    from agno_memory._compat import ObjectDoesNotExist, ValidationError  # type: ignore[assignment]

__all__ = [
    "AgnoMemoryError",
    "MemoryChanged",
    "MemoryExists",
    "MemoryNotFound",
    "SessionExists",
    "SessionNotFound",
    "ValidationError",
]


class AgnoMemoryError(Exception):
    """Base of every error that this app defines.

    ``args`` are those that the error was made with, so that it can be pickled; the text is made when it is asked for.
    """


class MemoryNotFound(AgnoMemoryError, ObjectDoesNotExist):
    """This user has no memory with this id. Someone else's memory gives the same answer."""

    def __init__(self, memory_id: str) -> None:
        super().__init__(memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"This user has no memory {self.memory_id!r}. List theirs with get_user_memories()."


class MemoryExists(AgnoMemoryError):
    """The id is taken, by this user or by another one. Nothing was written."""

    def __init__(self, memory_ids: list[str]) -> None:
        super().__init__(memory_ids)
        self.memory_ids = memory_ids

    def __str__(self) -> str:
        shown = ", ".join(repr(memory_id) for memory_id in self.memory_ids[:5])
        more = f" and {len(self.memory_ids) - 5} more" if len(self.memory_ids) > 5 else ""
        return (
            f"Already taken: {shown}{more}. Leave memory_id out to get a new one, "
            "or call replace_user_memory() to change a memory of this user."
        )


class MemoryChanged(AgnoMemoryError):
    """Someone wrote this memory since the version that the caller names. Nothing was written."""

    def __init__(self, memory_id: str, version: int) -> None:
        super().__init__(memory_id, version)
        self.memory_id = memory_id
        self.version = version

    def __str__(self) -> str:
        return (
            f"Memory {self.memory_id!r} is no longer at version {self.version}. "
            "Read it again, merge, and replace the new version."
        )


class SessionNotFound(AgnoMemoryError, ObjectDoesNotExist):
    """This user has no session with this id. Someone else's session gives the same answer."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"This user has no session {self.session_id!r}."


class SessionExists(AgnoMemoryError):
    """The id is another user's session. Nothing was written."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session {self.session_id!r} belongs to another user. Take another session id."
