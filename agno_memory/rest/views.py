"""The viewsets of every resource, to import and to subclass."""

from agno_memory.rest.memories.views import MemoryViewSet
from agno_memory.rest.people.views import PersonViewSet
from agno_memory.rest.sessions.views import SessionViewSet

__all__ = ["MemoryViewSet", "PersonViewSet", "SessionViewSet"]
