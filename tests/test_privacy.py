"""No response with personal data stays in a cache."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, modify_settings, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token

from agno_memory.admin.urls import quoted
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.privacy import private
from agno_memory.rest.views import MemoryViewSet
from tests.admin import add
from tests.databases import commits
from tests.rest.sites import NameInHeader

pytestmark = commits

# Pages of other apps, without memories.
OTHERS = ("login/", "logout/", "api/token/", "api/session/", "api/schema/", "api/docs/", "api/redoc/")
# The admin of the site, and another one.
ADMINS = ("admin/", "helpdesk/")
CALLER_HEADERS = {"X-Api-Key", "Authorization", "Cookie"}
SITE_CACHE = {
    "prepend": "django.middleware.cache.UpdateCacheMiddleware",
    "append": "django.middleware.cache.FetchFromCacheMiddleware",
}
APPS = ["demo_project", "django.contrib.humanize"]
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


@pytest.fixture
def alias() -> str:
    """The database: responses do not depend on it."""
    return "default"


@pytest.fixture
def demo(site: str) -> Iterator[None]:
    """The URLs of the demo, with a second admin: the API, both admins and the demo's own pages."""
    with modify_settings(INSTALLED_APPS={"append": APPS}):
        helpdesk = AdminSite("helpdesk")
        for model, admin_class in admin.site._registry.items():
            helpdesk.register(model, type(admin_class))
        urls = ModuleType("urls")
        vars(urls)["urlpatterns"] = [*import_module("demo_project.urls").urlpatterns, path(ADMINS[1], helpdesk.urls)]
        settings = {"DATABASE": site, "CALLER_HEADERS": sorted(CALLER_HEADERS)}
        with override_settings(ROOT_URLCONF=urls, AGNO_MEMORY=settings):
            yield


def routes(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for each in patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        else:
            assert isinstance(each, URLPattern)
            yield route


def is_ours(route: str) -> bool:
    for admin_site in ADMINS:
        if route.startswith(admin_site):
            return route.startswith(f"{admin_site}agno_memory/")
    return not route.startswith(OTHERS)


def urls(memory: UserMemory) -> list[str]:
    """Return the URL of every route with memories."""
    values = {
        "<agno_memory_id:memory_id>": memory.memory_id,
        "<agno_memory_id:session_id>": "session",
        "<agno_memory_id:user_id>": "maya",
        "<path:object_id>": quoted(memory.key),
        "<str:user_id>": "maya",
        "<str:memory_id>": memory.memory_id,
        # Not a token: the response is the one after an hour.
        "<str:token>": "token",
        "^": "",
        "$": "",
    }
    found = [route for route in routes(get_resolver().url_patterns) if is_ours(route)]
    for name, value in values.items():
        found = [route.replace(name, value) for route in found]
    assert not [route for route in found if "<" in route]
    # The redirect from a form without a verb is Django's own.
    return [f"/{route}" for route in found]


def test_no_route_with_memories_may_be_cached(demo: None) -> None:
    memory = add("Likes tea", "maya")
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("staff"))
    walked = urls(memory)
    assert all(sum(url.startswith(f"/{each}") for url in walked) > 30 for each in ADMINS)
    for url in walked:
        for method in METHODS:
            response = getattr(client, method)(url)
            where = f"{method} {url}: {response.status_code}"
            assert response.status_code < 500, where
            if response.status_code in (403, 404) and not url.startswith("/api/"):
                # A page of Django's own, without data.
                continue
            assert {"private", "no-store"} <= set(response["Cache-Control"].split(", ")), where
            assert set(response["Vary"].split(", ")) >= CALLER_HEADERS, where


@pytest.fixture
def cached_site(site: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site with Django's cache of whole pages."""
    cache.clear()
    with modify_settings(MIDDLEWARE=SITE_CACHE):
        yield


@pytest.mark.parametrize("path", ["memories/", "memories/tea/", "topics/", "stats/", "memories/export/?format=ndjson"])
@pytest.mark.parametrize("authentication", [NameInHeader, TokenAuthentication])
def test_a_cache_of_the_site_shows_no_memory_to_another_caller(
    authentication: Any, path: str, cached_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agno_memory.rest.views import PersonViewSet

    for view in (MemoryViewSet, PersonViewSet):
        monkeypatch.setattr(view, "authentication_classes", [authentication])
    maya = User.objects.create_user("maya")
    token = Token.objects.create(user=maya)
    login: dict[str, str] = {"X-Name": "maya", "Authorization": f"Token {token.key}"}
    Memory().add_user_memory(UserMemory(memory="Likes tea", memory_id="tea", topics=["drinks"]), maya)
    url = f"/api/{path}"
    first = Client(headers=login).get(url)
    assert first.status_code == 200
    assert b"tea" in first.getvalue() or b"drinks" in first.getvalue() or b'"total":1' in first.getvalue()
    assert Client().get(url).status_code in (401, 403)
    Memory().clear_user_memories(maya)
    later = Client(headers=login).get(url)
    assert later.status_code == 404 or b"tea" not in later.getvalue()
    assert b'"total":1' not in later.getvalue()


def test_the_headers_of_the_callers_are_a_setting() -> None:
    @private
    def view(request: Any) -> HttpResponse:
        return HttpResponse(headers={"Vary": "Accept", "Cache-Control": "max-age=60"})

    with override_settings(AGNO_MEMORY={"CALLER_HEADERS": ["X-Api-Key"]}):
        response = view(RequestFactory().get("/"))
    assert response["Vary"] == "Accept, X-Api-Key"
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


def test_an_async_view_can_be_private() -> None:
    @private
    async def view(request: Any) -> HttpResponse:
        return HttpResponse()

    assert async_to_sync(view)(RequestFactory().get("/"))["Cache-Control"] == "private, no-store"


def test_async_class_views_can_be_private() -> None:
    """The decorator sees a class view as any function, and ``dispatch`` of an async one as a sync method."""

    class Page(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("x")

    @method_decorator(private, name="dispatch")
    class PrivatePage(Page):
        pass

    @method_decorator(private, name="get")
    class PrivateAnswer(Page):
        pass

    for view in (private(Page.as_view()), PrivatePage.as_view(), PrivateAnswer.as_view()):
        assert iscoroutinefunction(view)
        assert async_to_sync(view)(RequestFactory().get("/"))["Cache-Control"] == "private, no-store"
