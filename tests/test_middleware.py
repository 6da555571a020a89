"""``ActingMiddleware``: the author of what a site's own views write. ``test_replicas.py`` has the other middleware."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import alogin, login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path

from agno_memory.acting import acting, current_author
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import commits

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "agno_memory.middleware.ActingMiddleware",
]
BASIC = "rest_framework.authentication.BasicAuthentication"

pytestmark = commits


def write(request: HttpRequest) -> HttpResponse:
    Memory().upsert_user_memory(UserMemory(memory_id="m", memory="x"), "maya")
    return HttpResponse()


async def awrite(request: HttpRequest) -> HttpResponse:
    await Memory().aupsert_user_memory(UserMemory(memory_id="m", memory="x"), "maya")
    return HttpResponse()


def write_after_login(request: HttpRequest) -> HttpResponse:
    login(request, User.objects.get(username="ann"))
    return write(request)


async def awrite_after_login(request: HttpRequest) -> HttpResponse:
    await alogin(request, await User.objects.aget(username="ann"))
    return await awrite(request)


def write_with_reason(request: HttpRequest) -> HttpResponse:
    with acting(reason="ticket 812"):
        return write(request)


urlpatterns = [
    path("write/", write),
    path("awrite/", awrite),
    path("login/", write_after_login),
    path("alogin/", awrite_after_login),
    path("reason/", write_with_reason),
    path("api/", include("agno_memory.rest.urls")),
]


def author_of_last_write() -> tuple[str | None, str, str]:
    """Return the author of the last write, which ended the version before."""
    last = Memory().get_user_memory_history("m", "maya")[1]
    return last.actor, last.through, last.reason


@pytest.fixture
def ann(transactional_db: None) -> Any:
    settings = {"USER_ID_FIELD": "username"}
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, AGNO_MEMORY=settings):
        Memory().add_user_memory(UserMemory(memory_id="m", memory="0"), "maya")
        yield User.objects.create_superuser("ann", password="hunter2")
        Memory().clear()


@pytest.mark.parametrize("url", ["/write/", "/awrite/"])
def test_the_user_of_a_request_is_the_author(ann: User, url: str) -> None:
    client = Client()
    client.get(url)
    assert author_of_last_write() == (None, "request", "")
    client.force_login(ann)
    client.get(url)
    assert author_of_last_write() == ("ann", "request", "")
    # Nothing of a request is left for the code after it.
    assert current_author() == (None, "service", "")


@pytest.mark.parametrize("url", ["/login/", "/alogin/"])
def test_the_user_is_that_at_the_time_of_the_write(ann: User, url: str) -> None:
    Client().get(url)
    assert author_of_last_write() == ("ann", "request", "")


def test_a_reason_inside_a_view(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    client.get("/reason/")
    assert author_of_last_write() == ("ann", "request", "ticket 812")


def test_requests_of_an_async_site(ann: User) -> None:
    client = AsyncClient()
    client.force_login(ann)
    async_to_sync(client.get)("/awrite/")
    assert author_of_last_write() == ("ann", "request", "")


def test_the_rest_api_names_itself(ann: User) -> None:
    client = Client(headers={"Authorization": "Basic YW5uOmh1bnRlcjI="})
    url = "/api/memories/m/?user_id=maya"
    with override_settings(REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [BASIC]}):
        assert client.patch(url, {"memory": "1"}, content_type="application/json").status_code == 200
    assert author_of_last_write() == ("ann", "REST", "")
