"""The facts beside an action: routes and reserved ids are computed from them, and a subclass keeps them."""

from __future__ import annotations

from typing import Any

from django.urls import URLResolver
from django.urls.resolvers import RegexPattern
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.names import RESERVED_ENDINGS, RESERVED_IDS
from agno_memory.rest.endpoints import Endpoint, Route, actions_by_route, reserved_ids
from agno_memory.rest.urls import urls
from agno_memory.rest.views import MemoryViewSet, PersonViewSet, SessionViewSet

SIMILAR = Route("memories/<agno_memory_id:memory_id>/similar/", "similar", "Similar")
RECENT = Route("memories/recent/", "recent", "Recent")
COUNTS = PersonViewSet.endpoints["retrieve"]


class Memories(MemoryViewSet):
    """An override without facts, one with facts of its own, and two more actions."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)

    @Endpoint("delete", Route("gone/", "gone", "Gone"), permission="delete", scope="erase")
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().destroy(request, *args, **kwargs)

    @Endpoint("get", SIMILAR)
    def similar(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response([])

    @Endpoint("get", RECENT)
    def recent(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response([])


def test_reserved_ids_are_those_that_the_client_refuses() -> None:
    assert MemoryViewSet.reserved_ids == RESERVED_IDS
    assert (PersonViewSet.reserved_ids, SessionViewSet.reserved_ids) == ((), ("export",))
    assert Memories.reserved_ids == ("bulk", "delete", "duplicates", "export", "merge", "recent", "search")
    assert MemoryViewSet.reserved_endings == RESERVED_ENDINGS
    assert (PersonViewSet.reserved_endings, SessionViewSet.reserved_endings) == (("memories",), ("runs",))
    assert Memories.reserved_endings == ("history", "restore", "similar")


def test_an_override_keeps_the_facts() -> None:
    assert Memories.endpoints["create"] is MemoryViewSet.endpoints["create"]
    facts = Memories.endpoints["destroy"]
    assert (facts.permission, facts.scope) == ("delete", "erase")
    assert MemoryViewSet.endpoints["destroy"].scope == "write"


def test_every_action_has_a_route_and_an_operation() -> None:
    for view in (MemoryViewSet, PersonViewSet, SessionViewSet):
        for action, facts in view.endpoints.items():
            assert facts.route, action
            assert facts.method, action
            assert facts.operation, action
            if facts is COUNTS:
                continue
            assert (facts.permission in {"view", "export"}) is (facts.method == "get"), action
            assert (facts.scope in {"read", "export"}) is (facts.method == "get"), action


def test_the_counts_before_an_erasure_need_and_cost_the_same_as_it() -> None:
    erasure = PersonViewSet.endpoints["destroy"]
    assert (COUNTS.method, erasure.method) == ("get", "delete")
    for name in ("route", "permission", "also", "models", "scope", "concerns_everybody"):
        assert getattr(COUNTS, name) == getattr(erasure, name)


def test_no_route_hides_another_one() -> None:
    resolver = URLResolver(RegexPattern(r"^/"), urls(memories=Memories))
    for url, name in (
        ("/memories/", "agno-memory-list"),
        ("/memories/recent/", "recent"),
        ("/memories/bulk/", "agno-memory-bulk"),
        ("/memories/a/similar/", "similar"),
        ("/memories/a/b/", "agno-memory-detail"),
        ("/memories/a/b/history/", "agno-memory-history"),
        ("/memories/a/restore/", "agno-memory-restore"),
        ("/memories/history/", "agno-memory-detail"),
        ("/memories/merge/", "agno-memory-merge"),
        ("/memories/duplicates/", "agno-memory-duplicates"),
        ("/gone/", "gone"),
        ("/sessions/a/b/runs/", "agno-memory-runs"),
        ("/sessions/a/b/", "agno-memory-session"),
        ("/sessions/export/", "agno-memory-sessions-export"),
        ("/sessions/export/runs/", "agno-memory-runs"),
        ("/users/a/b/memories/", "agno-memory-erase"),
        ("/users/a/b/", "agno-memory-person"),
    ):
        assert resolver.resolve(url).url_name == name


def test_methods_of_one_path_share_its_route() -> None:
    actions = actions_by_route(MemoryViewSet.endpoints)
    assert {route.path: set(methods) for route, methods in actions.items() if len(methods) > 1} == {
        "memories/": {"get", "post"},
        "memories/<agno_memory_id:memory_id>/": {"get", "put", "patch", "delete"},
    }
    assert reserved_ids(actions) == RESERVED_IDS
