"""The API in sites of any authentication, versioning, renderers, errors and settings, mounted at any address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import override_settings
from rest_framework import versioning
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

from agno_memory.models import UserMemory
from agno_memory.rest.base import UserScopedViewSet
from tests.rest.api import PROBLEM, Caller, add, add_many, caller, each_database, ids, on_sqlite, pages, site
from tests.rest.sites import NameInHeader

PATHS = "tests.rest.sites"
JSON = "application/json"


class Site:
    """A site, described by its differences from the others.

    Args:
        base: where the API is.
        views: attributes of every view, which REST framework takes from its settings when it is imported.
        rest: settings of REST framework that are read at every request.
        django: settings of Django.
        memory: settings of this app.
        headers: of every request.
    """

    def __init__(
        self,
        base: str = "/api/",
        views: dict[str, Any] | None = None,
        rest: dict[str, Any] | None = None,
        django: dict[str, Any] | None = None,
        memory: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.base, self.views, self.rest = base, views or {}, rest or {}
        self.django, self.memory, self.headers = django or {}, memory or {}, headers or {}

    @contextmanager
    def running(self, alias: str) -> Iterator[None]:
        with ExitStack() as stack:
            for name, value in self.views.items():
                stack.enter_context(mock.patch.object(UserScopedViewSet, name, value))
            stack.enter_context(override_settings(ROOT_URLCONF="tests.rest.urls", **self.django))
            stack.enter_context(override_settings(REST_FRAMEWORK=self.rest) if self.rest else ExitStack())
            stack.enter_context(site(alias, **self.memory))
            yield


MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SITES = {
    "mounted at a namespace": Site("/bare/"),
    "mounted at an odd place": Site("/caf%C3%A9%20&%20%3Ctea%3E/100%25/"),
    "NamespaceVersioning": Site("/bare/", {"versioning_class": versioning.NamespaceVersioning}),
    "URLPathVersioning": Site("/v1/api/", {"versioning_class": versioning.URLPathVersioning}),
    "AcceptHeaderVersioning": Site(
        views={"versioning_class": versioning.AcceptHeaderVersioning}, headers={"Accept": "*/*; version=1.0"}
    ),
    "HostNameVersioning": Site(
        views={"versioning_class": versioning.HostNameVersioning},
        django={"ALLOWED_HOSTS": ["*"]},
        headers={"Host": "v1.example.com"},
    ),
    "QueryParameterVersioning": Site(views={"versioning_class": versioning.QueryParameterVersioning}),
    "JSON alone": Site(views={"renderer_classes": [JSONRenderer], "parser_classes": [JSONParser]}),
    "the browsable API first": Site(
        views={"renderer_classes": [BrowsableAPIRenderer, JSONRenderer]},
        headers={"Accept": "application/json, */*;q=0.1"},
    ),
    "authentication of its own": Site(views={"authentication_classes": [NameInHeader]}, headers={"X-Name": "ana"}),
    "errors of its own": Site(rest={"EXCEPTION_HANDLER": f"{PATHS}.wrapped_errors"}),
    "errors by Django": Site(rest={"EXCEPTION_HANDLER": f"{PATHS}.plain_errors"}),
    "permissions of its own": Site(memory={"REST_PERMISSION_CLASSES": [f"{PATHS}.Helpdesk"]}),
    "other defaults": Site(
        views={"pagination_class": PageNumberPagination, "permission_classes": None, "metadata_class": None},
        rest={
            "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
            "PAGE_SIZE": 1,
            "URL_FORMAT_OVERRIDE": None,
            "NON_FIELD_ERRORS_KEY": "all",
            "UNICODE_JSON": False,
            "COMPACT_JSON": False,
            "STRICT_JSON": False,
            "COERCE_DECIMAL_TO_STRING": False,
            "DATETIME_FORMAT": None,
            "DATETIME_INPUT_FORMATS": ["%Y"],
            "UPLOADED_FILES_USE_URL": False,
            "TEST_REQUEST_DEFAULT_FORMAT": "json",
        },
    ),
    "middleware": Site(django={"MIDDLEWARE": MIDDLEWARE, "APPEND_SLASH": True}),
    "another language and time": Site(
        django={
            "LANGUAGE_CODE": "de",
            "TIME_ZONE": "Asia/Kathmandu",
            "USE_THOUSAND_SEPARATOR": True,
            "MIDDLEWARE": MIDDLEWARE,
        },
    ),
    "django_filters installed": Site(
        django={"INSTALLED_APPS": ["django_filters", "agno_memory", "rest_framework", "rest_framework.authtoken"]
        + [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "admin")]}
    ),
}  # fmt: skip


def core(who: Caller, headers: dict[str, str]) -> dict[str, Any]:
    """Send every request once, and return the statuses and the contents that are the same in every site."""

    def call(method: str, path: str, body: Any = None, **more: str) -> Any:
        return who.call(method, path, body, headers={**headers, **more})

    said: dict[str, Any] = {}
    created = call("POST", "memories/", {"memory": "Likes tea", "memory_id": "a/b %", "topics": ["caf\u00e9"]})
    said["created"] = created.status_code, created["ETag"].partition("-")[0]
    where = created["Location"]
    assert urlsplit(where).path == f"{who.base}memories/a%2Fb%20%25/"
    said["read"] = call("GET", where).json()["memory"]
    said["known"] = call("GET", where, **{"If-None-Match": created["ETag"]}).status_code
    said["changed"] = call("PATCH", where, {"agent_id": "agent"}, **{"If-Match": '"1"'}).json()["version"]
    said["not changed"] = call("PATCH", where, {"agent_id": "other"}, **{"If-Match": '"1"'}).status_code
    said["replaced"] = call("PUT", where, {"memory": "Likes coffee", "agent_id": "agent"}).json()["topics"]
    said["put"] = call("PUT", "memories/new/", {"memory": "x"}, **{"If-None-Match": "*"}).status_code
    said["bulk"] = call("POST", "memories/bulk/", [{"memory": f"number {number}"} for number in range(5)]).status_code
    first = call("GET", "memories/?page_size=3").json()
    rest = call("GET", call("GET", first["next"]).json()["next"]).json()
    said["pages"] = len(first["results"]), len(rest["results"]), rest["next"]
    said["filtered"] = len(call("GET", "memories/?q=number&created_after=2000-01-01").json()["results"])
    said["unknown"] = [call("GET", f"memories/{query}").status_code for query in ("?x=1", "?page_size=0", "?cursor=x")]
    said["errors"] = [
        call("POST", "memories/", {"memory": ""}).status_code,
        call("POST", "memories/", {"memory": "x", "memory_id": "new"}).status_code,
        call("GET", "memories/nothing/").status_code,
        call("GET", "memories/?user_id=bob").status_code,
        call("DELETE", "memories/").status_code,
    ]
    said["problem"] = call("GET", "memories/nothing/", Accept=f"{headers.get('Accept', '*/*')}, {PROBLEM}").status_code
    for accept in ("application/x-ndjson", "text/csv"):
        version = headers.get("Accept", "").partition(";")[2]
        response = call("GET", "memories/export/", Accept=f"{accept};{version}" if "version" in version else accept)
        said[accept] = response.status_code, b"".join(response.streaming_content).count(b"\n")
    said["topics"] = call("GET", "topics/").json()
    said["total"] = call("GET", "stats/").json()["total"]
    said["deleted"] = call("POST", "memories/delete/", {"memory_ids": ["new", "nothing"]}).json()
    said["gone"] = call("DELETE", where).status_code
    said["options"] = call("OPTIONS", "memories/").status_code in {200, 405}
    said["erased"] = call("DELETE", "users/me/memories/?confirm=ana").json()
    return said


CORE = {
    "created": (201, '"1'),
    "read": "Likes tea",
    "known": 304,
    "changed": 2,
    "not changed": 412,
    "replaced": [],
    "put": 201,
    "bulk": 201,
    "pages": (3, 1, None),
    "filtered": 5,
    "unknown": [400, 400, 400],
    "errors": [400, 409, 404, 403, 405],
    "problem": 404,
    # Seven memories, and two earlier versions.
    "application/x-ndjson": (200, 9),
    "text/csv": (200, 8),
    "topics": {"results": []},
    "total": 7,
    "deleted": {"deleted": ["new"]},
    "gone": 204,
    "options": True,
    "erased": {"deleted": 5},
}


@on_sqlite
@pytest.mark.parametrize("name", SITES)
def test_every_site(alias: str, ana: Caller, name: str) -> None:
    with SITES[name].running(alias):
        ana.base = SITES[name].base
        assert core(ana, SITES[name].headers) == CORE
        assert not UserMemory.objects.exists()


@each_database
def test_an_ordinary_site(alias: str, ana: Caller) -> None:
    assert core(ana, {}) == CORE


@on_sqlite
def test_refusals_are_those_of_the_site(alias: str, ana: Caller) -> None:
    with SITES["authentication of its own"].running(alias):
        assert Caller().call("GET", "memories/").status_code == 403
    with SITES["errors of its own"].running(alias):
        assert ana.call("GET", "memories/nothing/").json() == {"error": {"detail": "Not found."}, "code": 404}
        problem = ana.call("GET", "memories/nothing/", headers={"Accept": PROBLEM})
        assert (problem["Content-Type"], problem.json()["status"]) == (PROBLEM, 404)
    with SITES["errors by Django"].running(alias):
        for accept in (JSON, PROBLEM):
            response = ana.call("GET", "memories/nothing/", headers={"Accept": accept})
            assert (response.status_code, response.json()) == (404, {"error": "Not found."})


@on_sqlite
def test_permissions_can_be_replaced(alias: str, ana: Caller) -> None:
    add("bob", memory_id="theirs")
    desk = caller("helpdesk")
    with SITES["permissions of its own"].running(alias):
        assert ids(desk.call("GET", "memories/?user_id=bob")) == ["theirs"]
        assert desk.call("GET", "users/").status_code == 200
        assert ana.call("GET", "memories/?user_id=bob").status_code == 403
    own = ["agno_memory.rest.permissions.MemoryPermissions", "tests.rest.sites.ReadOnly"]
    with site(alias, REST_PERMISSION_CLASSES=own):
        assert ana.call("GET", "memories/").status_code == 200
        assert ana.call("POST", "memories/", {"memory": "x"}).status_code == 403
        assert ana.call("GET", "memories/?user_id=bob").status_code == 403


@on_sqlite
@pytest.mark.parametrize("nobody", ["django.contrib.auth.models.AnonymousUser", None])
def test_an_anonymous_caller_is_refused_with_any_permissions(alias: str, nobody: str | None) -> None:
    """REST framework's anonymous user may be None, which the service takes for DEFAULT_USER_ID."""
    add("default", memory_id="default's")
    with (
        override_settings(REST_FRAMEWORK={"UNAUTHENTICATED_USER": nobody}),
        site(alias, REST_PERMISSION_CLASSES=["rest_framework.permissions.AllowAny"]),
    ):
        for method, path, body in (
            ("GET", "memories/", None),
            ("GET", "stats/", None),
            ("GET", "memories/export/", None),
            ("POST", "memories/", {"memory": "x"}),
            ("DELETE", "users/me/memories/?confirm=default", None),
        ):
            assert (path, Caller().call(method, path, body).status_code) == (path, 401)
    assert UserMemory.objects.count() == 1


@each_database
def test_requests_may_be_atomic(alias: str, ana: Caller) -> None:
    with ExitStack() as stack:
        for each in {"default", alias}:
            stack.enter_context(mock.patch.dict(connections[each].settings_dict, {"ATOMIC_REQUESTS": True}))
        assert core(ana, {}) == CORE
        assert ana.call("POST", "memories/bulk/", [{"memory": "x"}, {"memory": ""}]).status_code == 400
        assert not UserMemory.objects.exists()


# Subclasses


@each_database
def test_viewsets_can_be_subclassed(alias: str, ana: Caller) -> None:
    with SITES["mounted at a namespace"].running(alias):
        ana.base = "/own/"
        added = ana.call("POST", "memories/", {"memory": "four", "agent_id": "agent"})
        shown = added.json()
        assert (shown["length"], list(shown)[-1]) == (4, "length")
        # A field of the site may change while the memory, of which the tag is, stays.
        one, seen = f"memories/{shown['memory_id']}/", {"If-None-Match": added["ETag"]}
        with mock.patch("tests.rest.sites.OwnSerializer.get_length", return_value=5):
            again = ana.call("GET", one, headers=seen)
            assert (again.status_code, again.json()["length"], again["ETag"]) == (200, 5, added["ETag"])
        add("ana", memory_id="hidden", topics=["hidden"])
        for path in ("memories/", "memories/?page_size=1"):
            assert [(memory["memory"], memory["length"]) for memory in ana.call("GET", path).json()["results"]] == [
                ("four", 4)
            ]
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {"memory": "x"} if method in {"PUT", "PATCH"} else None
            assert ana.call(method, "memories/hidden/", body).status_code == 404
        assert ana.call("POST", "memories/delete/", {"memory_ids": ["hidden"]}).json() == {"deleted": []}
        assert b"hidden" not in b"".join(ana.call("GET", "memories/export/").streaming_content)
        assert ana.call("GET", "stats/").json()["total"] == 1
        assert ana.call("GET", "topics/").json() == {"results": []}
        assert ana.call("GET", "topics/?limit=3").status_code == 400
        assert ana.call("POST", "memories/", {"memory": "x", "length": 7}).status_code in {201, 400}
        found = ana.call("GET", "memories/?feedback=good")
        assert (found.status_code, found.json()["results"]) == (200, [])
        add_many("ana", 4, agent_id="agent", feedback="good")
        walked = list(pages(ana, "memories/?feedback=good", page_size=2))
        assert [len(page["results"]) for page in walked] == [2, 2]
