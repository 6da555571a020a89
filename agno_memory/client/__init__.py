"""Memories over HTTP, for Python agents outside the Django site. Needs httpx, and does not need Django.

``MemoryClient`` has the verbs of ``agno_memory.memory.Memory`` and raises the same errors::

    from agno_memory.client import MemoryClient, UserMemory

    with MemoryClient("https://example.com/api/", token="...") as memory:
        memory.add_user_memory(UserMemory(memory="Likes tea", topics=["drinks"]))
"""

from __future__ import annotations

try:
    import httpx as _httpx  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'agno_memory.client needs httpx: pip install "agno-memory[client]".', name=error.name
    ) from error

from agno_memory.client.client import MemoryClient
from agno_memory.client.errors import AccessDenied, RemoteError, ServiceUnavailable, Throttled, UnexpectedAnswer
from agno_memory.client.models import Erasure, Match, MemoryVersion, Stats, TopicCount, UserMemory
from agno_memory.exceptions import (
    AgnoMemoryError,
    DuplicateMemory,
    MemoryChanged,
    MemoryExists,
    MemoryNotFound,
    ValidationError,
    VersionNotFound,
)

__all__ = [
    "AccessDenied",
    "AgnoMemoryError",
    "DuplicateMemory",
    "Erasure",
    "Match",
    "MemoryChanged",
    "MemoryClient",
    "MemoryExists",
    "MemoryNotFound",
    "MemoryVersion",
    "RemoteError",
    "ServiceUnavailable",
    "Stats",
    "Throttled",
    "TopicCount",
    "UnexpectedAnswer",
    "UserMemory",
    "ValidationError",
    "VersionNotFound",
]
