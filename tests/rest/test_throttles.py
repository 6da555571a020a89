"""Throttles by scope, off unless the site sets rates."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from rest_framework.throttling import UserRateThrottle

from agno_memory.models import UserMemory
from agno_memory.rest.base import UserScopedViewSet
from tests.rest.api import PROBLEM, Caller, add, on_sqlite, site

SCOPES: dict[str, list[tuple[str, str, Any]]] = {
    "read": [
        ("GET", "memories/", None),
        ("GET", "memories/a/", None),
        ("HEAD", "memories/a/", None),
        ("GET", "topics/", None),
        ("GET", "stats/", None),
        ("GET", "users/", None),
        ("OPTIONS", "memories/", None),
    ],
    "write": [
        ("POST", "memories/", {"memory": "x"}),
        ("POST", "memories/bulk/", []),
        ("PUT", "memories/a/", {"memory": "x"}),
        ("PATCH", "memories/a/", {"memory": "x"}),
        ("POST", "memories/delete/", {"memory_ids": []}),
        ("DELETE", "memories/a/", None),
    ],
    "export": [
        ("GET", "memories/export/", None),
        ("GET", "memories/export/?format=csv", None),
        ("GET", "sessions/export/", None),
    ],
    "erase": [("GET", "users/me/", None), ("DELETE", "users/me/memories/?confirm=admin", None)],
}


@on_sqlite
@pytest.mark.parametrize("scope", SCOPES)
def test_every_request_counts_in_its_scope(alias: str, admin: Caller, scope: str) -> None:
    requests = SCOPES[scope]
    add("admin", memory_id="a")
    with site(alias, REST_THROTTLE_RATES={scope: f"{len(requests)}/min"}):
        assert [response.status_code for each in requests if (response := admin.call(*each)).status_code >= 400] == []
        for method, path, body in requests:
            response = admin.call(method, path, body)
            assert (method, path, response.status_code) == (method, path, 429)
            assert 0 < int(response["Retry-After"]) <= 60
            assert response["Content-Type"] == "application/json"
        for other in SCOPES.keys() - {scope, "erase"}:
            assert admin.call(*SCOPES[other][0]).status_code < 300


@on_sqlite
def test_everybody_counts_for_themselves(alias: str, ana: Caller, bob: Caller) -> None:
    with site(alias, REST_THROTTLE_RATES={"read": "1/min"}):
        assert [who.call("GET", "memories/").status_code for who in (ana, bob, ana, bob)] == [200, 200, 429, 429]
        problem = ana.call("GET", "memories/export/", headers={"Accept": PROBLEM})
        assert problem.status_code == 200
        problem = ana.call("GET", "memories/", headers={"Accept": PROBLEM})
        assert (problem.status_code, problem["Content-Type"], problem.json()["status"]) == (429, PROBLEM, 429)
        assert int(problem["Retry-After"]) > 0


@on_sqlite
def test_nothing_is_throttled_by_default(alias: str, ana: Caller) -> None:
    for _time in range(50):
        assert ana.call("GET", "memories/").status_code == 200


@on_sqlite
def test_a_throttled_request_does_nothing(alias: str, ana: Caller) -> None:
    with site(alias, REST_THROTTLE_RATES={"write": "1/day", "erase": "1/day"}):
        assert [ana.call("POST", "memories/", {"memory": "x"}).status_code for _time in "12"] == [201, 429]
        assert UserMemory.objects.count() == 1


class Strict(UserRateThrottle):
    rate = "2/min"


@on_sqlite
def test_throttles_of_the_site_count_as_well(alias: str, ana: Caller) -> None:
    with (
        mock.patch.object(UserScopedViewSet, "throttle_classes", [Strict]),
        site(alias, REST_THROTTLE_RATES={"read": "9/min"}),
    ):
        assert [ana.call("GET", path).status_code for path in ("memories/", "stats/", "topics/")] == [200, 200, 429]
