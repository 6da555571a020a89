"""The serializers of every resource, to import and to subclass."""

from agno_memory.rest.memories.serializers import (
    DeletedSerializer,
    DeleteSerializer,
    MergeSerializer,
    RestoreSerializer,
    UserMemorySerializer,
)
from agno_memory.rest.people.serializers import ErasedSerializer, OwnerSerializer, StatsSerializer, TopicsSerializer
from agno_memory.rest.sessions.serializers import RunSerializer, SessionSerializer

__all__ = [
    "DeleteSerializer",
    "DeletedSerializer",
    "ErasedSerializer",
    "MergeSerializer",
    "OwnerSerializer",
    "RestoreSerializer",
    "RunSerializer",
    "SessionSerializer",
    "StatsSerializer",
    "TopicsSerializer",
    "UserMemorySerializer",
]
