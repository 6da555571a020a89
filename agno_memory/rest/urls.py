"""``path("api/", include("agno_memory.rest.urls"))``. A site with viewsets of its own calls ``urls()`` with them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.urls import URLPattern, path, register_converter

from agno_memory.rest.paths import AnyIdConverter
from agno_memory.rest.views import MemoryViewSet, PersonViewSet

register_converter(AnyIdConverter, "agno_memory_id")

if apps.is_installed("drf_spectacular"):
    # It registers itself.
    import_module("agno_memory.rest.openapi")


def urls(
    memories: type[MemoryViewSet] = MemoryViewSet, people: type[PersonViewSet] = PersonViewSet
) -> list[URLPattern]:
    """Return the API's paths.

    Args:
        memories: the viewset of memories, or a subclass.
        people: the viewset of people, or a subclass.
    """
    one: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
    return [
        path("memories/", memories.as_view({"get": "list", "post": "create"}), name="agno-memory-list"),
        path("memories/bulk/", memories.as_view({"post": "bulk"}), name="agno-memory-bulk"),
        path("memories/delete/", memories.as_view({"post": "delete_many"}), name="agno-memory-delete"),
        path("memories/export/", memories.as_view({"get": "export"}), name="agno-memory-export"),
        path("memories/<agno_memory_id:memory_id>/", memories.as_view(one), name="agno-memory-detail"),
        path("topics/", people.as_view({"get": "topics"}), name="agno-memory-topics"),
        path("stats/", people.as_view({"get": "stats"}), name="agno-memory-stats"),
        path("users/", people.as_view({"get": "list"}), name="agno-memory-users"),
        path("users/<agno_memory_id:user_id>/memories/", people.as_view({"delete": "erase"}), name="agno-memory-erase"),
    ]


urlpatterns = urls()
