"""``path("api/", include("agno_memory.rest.urls"))``. A site with viewsets of its own passes them to ``urls()``."""

from __future__ import annotations

from importlib import import_module

from django.apps import apps
from django.urls import URLPattern, path, register_converter

from agno_memory.rest.base import UserScopedViewSet
from agno_memory.rest.converters import AnyIdConverter
from agno_memory.rest.memories.views import MemoryViewSet
from agno_memory.rest.people.views import PersonViewSet
from agno_memory.rest.root import ROOT, RootViewSet
from agno_memory.rest.sessions.views import SessionViewSet

register_converter(AnyIdConverter, "agno_memory_id")

if apps.is_installed("drf_spectacular"):
    # The extensions register themselves when they are imported.
    import_module("agno_memory.rest.openapi.extensions")


def urls(
    memories: type[MemoryViewSet] = MemoryViewSet,
    people: type[PersonViewSet] = PersonViewSet,
    sessions: type[SessionViewSet] = SessionViewSet,
) -> list[URLPattern]:
    """Return the URL patterns of the API, from the routes of the viewsets.

    Args:
        memories: the viewset of memories, or a subclass.
        people: the viewset of people, or a subclass.
        sessions: the viewset of agents' sessions, or a subclass.
    """
    views: list[type[UserScopedViewSet]] = [memories, people, sessions]
    listed = tuple(route for view in views for route in view.routes())
    root = RootViewSet.as_view({"get": "list"}, name=ROOT.title, listed=listed)
    return [
        path(ROOT.path, root, name=ROOT.name),
        *(
            path(route.path, view.as_view(actions, name=route.title), name=route.name)
            for view in views
            for route, actions in view.routes().items()
        ),
    ]


urlpatterns = urls()
