"""``path("api/", include("agno_memory.rest.urls"))``. A site with viewsets of its own calls ``urls()`` with them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.urls import URLPattern, path, register_converter

from agno_memory.rest.converters import AnyIdConverter
from agno_memory.rest.sessions import SessionViewSet
from agno_memory.rest.views import MemoryViewSet, PersonViewSet

register_converter(AnyIdConverter, "agno_memory_id")

if apps.is_installed("drf_spectacular"):
    # It registers itself.
    import_module("agno_memory.rest.openapi")


def urls(
    memories: type[MemoryViewSet] = MemoryViewSet,
    people: type[PersonViewSet] = PersonViewSet,
    sessions: type[SessionViewSet] = SessionViewSet,
) -> list[URLPattern]:
    """Return the API's paths.

    Args:
        memories: the viewset of memories, or a subclass.
        people: the viewset of people, or a subclass.
        sessions: the viewset of agents' sessions, or a subclass.
    """
    one: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

    def memory(actions: dict[str, Any], name: str) -> Any:
        return memories.as_view(actions, name=name)

    def person(actions: dict[str, Any], name: str) -> Any:
        return people.as_view(actions, name=name)

    def session(actions: dict[str, Any], name: str) -> Any:
        return sessions.as_view(actions, name=name)

    one_session = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
    return [
        path("memories/", memory({"get": "list", "post": "create"}, "Memories"), name="agno-memory-list"),
        path("memories/bulk/", memory({"post": "bulk"}, "Add many"), name="agno-memory-bulk"),
        path("memories/delete/", memory({"post": "delete_many"}, "Delete many"), name="agno-memory-delete"),
        path("memories/export/", memory({"get": "export"}, "Export"), name="agno-memory-export"),
        path("memories/<agno_memory_id:memory_id>/", memory(one, "Memory"), name="agno-memory-detail"),
        path("topics/", person({"get": "topics"}, "Topics"), name="agno-memory-topics"),
        path("stats/", person({"get": "stats"}, "Stats"), name="agno-memory-stats"),
        path("users/", person({"get": "list"}, "People"), name="agno-memory-users"),
        path(
            "users/<agno_memory_id:user_id>/memories/", person({"delete": "erase"}, "Erase"), name="agno-memory-erase"
        ),
        path("sessions/", session({"get": "list"}, "Sessions"), name="agno-memory-sessions"),
        # Before the session itself, whose id may hold slashes.
        path("sessions/<agno_memory_id:session_id>/runs/", session({"get": "runs"}, "Runs"), name="agno-memory-runs"),
        path("sessions/<agno_memory_id:session_id>/", session(one_session, "Session"), name="agno-memory-session"),
    ]


urlpatterns = urls()
