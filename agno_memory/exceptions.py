"""Errors of the service, beside Django's own ``DatabaseError``. The names are API.

Messages contain ids and the next step, never the text of a memory. ``ValidationError`` is Django's class, and
``MemoryNotFound`` is a subclass of Django's ``ObjectDoesNotExist``. ``agno_memory.client`` works without Django; then
two classes of the same names in ``agno_memory._compat`` replace them.
"""

from __future__ import annotations

try:
    from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    from agno_memory._compat import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError  # type: ignore[assignment]

__all__ = [
    "AgnoMemoryError",
    "AmbiguousMemory",
    "MemoryChanged",
    "MemoryExists",
    "MemoryNotFound",
    "RecordChanged",
    "RecordExists",
    "RecordNotFound",
    "SessionExists",
    "SessionNotFound",
    "ValidationError",
]


class AgnoMemoryError(Exception):
    """Base of every error that this app defines.

    ``args`` are the arguments of the constructor, so that an error can be pickled; ``str()`` builds the message.
    """


class MemoryNotFound(AgnoMemoryError, ObjectDoesNotExist):
    """This user has no memory with this id. Another user's memory raises the same error."""

    def __init__(self, memory_id: str) -> None:
        super().__init__(memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"This user has no memory {self.memory_id!r}. List their memories with get_user_memories()."


class MemoryExists(AgnoMemoryError):
    """This user has memories with these ids. Nothing was written."""

    def __init__(self, memory_ids: list[str]) -> None:
        super().__init__(memory_ids)
        self.memory_ids = memory_ids

    def __str__(self) -> str:
        examples = ", ".join(repr(memory_id) for memory_id in self.memory_ids[:5])
        more = f" and {len(self.memory_ids) - 5} more" if len(self.memory_ids) > 5 else ""
        return (
            f"Already taken: {examples}{more}. Leave memory_id out to get a new one, "
            "or call replace_user_memory() to change a memory of this user."
        )


class AmbiguousMemory(AgnoMemoryError, MultipleObjectsReturned):
    """Several users have a memory with this id, and the call names no user."""

    def __init__(self, memory_id: str) -> None:
        super().__init__(memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"Several users have a memory {self.memory_id!r}. Name the user, by user_id=."


class MemoryChanged(AgnoMemoryError):
    """Another call wrote this memory after the version that the caller passed. Nothing was written."""

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
    """This user has no session with this id. Another user's session raises the same error."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"This user has no session {self.session_id!r}."


class SessionExists(AgnoMemoryError):
    """The id belongs to another user's session. Nothing was written."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session {self.session_id!r} belongs to another user. Choose another session id."


class RecordNotFound(AgnoMemoryError, ObjectDoesNotExist):
    """This user has no record of this kind with this id. Another user's record raises the same error."""

    def __init__(self, record_id: str) -> None:
        super().__init__(record_id)
        self.record_id = record_id

    def __str__(self) -> str:
        return f"This user has no record {self.record_id!r}."


class RecordExists(AgnoMemoryError):
    """A record of this kind has this id already. Nothing was written."""

    def __init__(self, record_id: str) -> None:
        super().__init__(record_id)
        self.record_id = record_id

    def __str__(self) -> str:
        return f"The id {self.record_id!r} is taken. Choose another one, or change the record that has it."


class RecordChanged(AgnoMemoryError):
    """Another call wrote this record after the version that the caller read. Nothing was written."""

    def __init__(self, record_id: str, version: int) -> None:
        super().__init__(record_id, version)
        self.record_id = record_id
        self.version = version

    def __str__(self) -> str:
        return f"Record {self.record_id!r} is no longer at version {self.version}. Read it again."
