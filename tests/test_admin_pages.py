"""Each page of the admin with one row of each kind. ``make test-pooler`` opens them through a connection pool."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client

from agno_memory.admin.urls import quoted
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentSession, AgentTrace, UserMemory
from tests.databases import commits
from tests.test_people import fill

pytestmark = [commits]


# Of the status of a GET by a superuser, if it is not 200, by the model and the route.
STATUS: dict[tuple[type | None, str], int] = {
    # Django's redirect to the form.
    (None, "<path:object_id>/"): 302,
    # For a POST only.
    (UserMemory, "person/<str:user_id>/export/"): 405,
    (UserMemory, "person/<str:user_id>/history/<str:memory_id>/restore/"): 405,
    (UserMemory, "undo/<str:token>/"): 405,
    (AgentRecord, "<path:object_id>/decide/"): 405,
    # Nobody writes here what agents write, and only whole sessions are deleted.
    **{(model, "add/"): 403 for model in (AgentSession, AgentTrace, AgentRecord)},
    **{(model, "<path:object_id>/delete/"): 403 for model in (AgentTrace, AgentRecord)},
}


def pages(values: dict[type, dict[str, str]]) -> list[tuple[str, int]]:
    """Return the URL of each page of our models on the admin site, with these values of converters, and its status."""
    found = []
    for model, admin_class in admin.site._registry.items():
        for pattern in admin_class.get_urls() if model in values else ():
            route = url = str(pattern.pattern)
            for name, value in values[model].items():
                url = url.replace(name, value)
            status = STATUS.get((model, route), STATUS.get((None, route), 200))
            found.append((f"/admin/agno_memory/{model._meta.model_name}/{url}", status))
    return found


@pytest.mark.parametrize("alias", ["postgres"])
def test_each_page_answers_with_one_row_of_each(site: str) -> None:
    fill(site, "maya")
    Memory(site).add_user_memory(UserMemory(memory_id="gone", memory="Likes milk"), "maya")
    Memory(site).delete_user_memory("gone", "maya")
    memory = Memory(site).get_user_memory("m", "maya")
    assert memory is not None
    # The page of a memory that exists redirects to its history.
    ids = {"<str:user_id>": "maya", "<str:memory_id>": "gone", "<str:token>": "token"}
    values: dict[type, dict[str, str]] = {UserMemory: {"<path:object_id>": quoted(memory.key), **ids}}
    for model in (AgentSession, AgentTrace, AgentRecord):
        row: Any = model._default_manager.using(site).first()
        values[model] = {"<path:object_id>": quote(str(row.pk)), **ids}
    client = Client()
    client.force_login(User.objects.create_superuser("staff"))
    expected = pages(values)
    assert len(expected) > 40
    assert [(url, client.get(url).status_code) for url, _ in expected] == expected
