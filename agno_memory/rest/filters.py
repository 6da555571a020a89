"""The filters of memories, to import and to subclass."""

from agno_memory.rest.memories.filters import (
    IdentifierFilter,
    MemoryFilterBackend,
    MomentFilter,
    TextFilter,
    TopicsFilter,
    UserMemoryFilter,
)

__all__ = [
    "IdentifierFilter",
    "MemoryFilterBackend",
    "MomentFilter",
    "TextFilter",
    "TopicsFilter",
    "UserMemoryFilter",
]
