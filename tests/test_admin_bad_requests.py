"""Requests that no page makes: NUL characters, raw lookups, metadata that cannot be parsed, ids without permission."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission, User
from django.test import Client

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentSession, UserMemory
from tests.admin import LIST, add, memory_url, staff
from tests.databases import commits, each_database

pytestmark = commits

on_sqlite = pytest.mark.parametrize("alias", ["default"])
SESSIONS = "/admin/agno_memory/agentsession/"


@each_database
def test_a_nul_character_is_no_error_of_the_server(alias: str, site: str) -> None:
    add("Likes tea", "maya")
    AgentSessions(db=site).upsert_session(AgentSession(session_id="s"), "maya")
    client = staff()
    for name in ("user_id", "agent_id", "topic", "team_id", "updated", "updated_from", "created_before", "p", "q", "o"):
        response = client.get(f"{LIST}?{name}=a%00b")
        assert response.status_code in (200, 302, 400), name
    for part in ("change/", "delete/", "history/", ""):
        assert client.get(f"{LIST}a%00b/{part}").status_code in (302, 404), part
        assert client.get(f"{SESSIONS}a%00b/{part}").status_code in (302, 403, 404), part
    for query in ("q=a%00b", "p=a%00b", "session_type__exact=a%00b", "o=a%00b"):
        assert client.get(f"{SESSIONS}?{query}").status_code in (200, 302, 400), query
    for url in ("complete/people/", "complete/topics/", "complete/agents/"):
        assert client.get(f"{LIST}{url}?q=a%00b").status_code == 200
    for address in (LIST, SESSIONS):
        action = {"action": "delete_selected", ACTION_CHECKBOX_NAME: "a\x00b", "index": "0", "post": "yes"}
        assert client.post(address, action).status_code == 400


@on_sqlite
@pytest.mark.parametrize(
    "metadata",
    [
        "9" * 5_000,
        "[" * 100_000,
        '{"a": ' * 20_000,
        "-" + "9" * 5_000,
        '{"a": 1e999}',
        "{",
        '"text"',
        r'{"a": "\ud800"}',
    ],
    ids=["digits", "brackets", "braces", "negative", "infinity", "broken", "text", "surrogate"],
)
def test_metadata_that_cannot_be_kept_is_an_error_of_the_field(alias: str, site: str, metadata: str) -> None:
    memory = add("Likes tea", "maya")
    form: dict[str, Any] = {"user_id": "maya", "memory": "Likes rice", "topics": "", "metadata": metadata}
    client = staff()
    response = client.post(memory_url(memory), {**form, "seen_version": "1"})
    assert response.status_code == 200
    assert b"errorlist" in response.content
    assert UserMemory.objects.get().memory == "Likes tea"
    assert client.post(f"{LIST}add/", form).status_code == 200


@each_database
def test_staff_without_the_permission_do_not_learn_which_ids_exist(alias: str, site: str) -> None:
    memory = add("Likes tea", "maya")
    AgentSessions(db=site).upsert_session(AgentSession(session_id="s"), "maya")
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    for part in ("change/", "delete/", "history/"):
        there, missing = (client.get(f"{LIST}{key}/{part}").status_code for key in (memory.key, "missing"))
        assert (there, missing) == (403, 403), part
        there, missing = (client.get(f"{SESSIONS}{key}/{part}").status_code for key in ("s", "missing"))
        assert (there, missing) == (403, 403), part


@on_sqlite
def test_only_the_filters_of_the_list_are_parameters(alias: str, site: str) -> None:
    add("Likes tea", "maya", agent_id="bot", topics=["drinks"])
    AgentSessions(db=site).upsert_session(AgentSession(session_id="s", session_data={"secret": 1}), "maya")
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_usermemory", "view_agentsession"]))
    client = Client()
    client.force_login(user)
    for lookup in (
        "memory__regex=^L", "memory__icontains=tea", "memory=Likes+tea", "search_terms__contains=tea", "input__gt=a",
        "metadata__secret=1", "user_id__startswith=m", "key=x", "version=1", "topics__about=drinks", "id__in=1",
    ):  # fmt: skip
        assert client.get(f"{LIST}?{lookup}").headers.get("Location", "").endswith("?e=1"), lookup
    for lookup in ("session_data__icontains=secret", "summary__contains=x", "user_id__startswith=m", "name__regex=x"):
        assert client.get(f"{SESSIONS}?{lookup}").headers.get("Location", "").endswith("?e=1"), lookup
    for allowed in ("user_id=maya", "topic=drinks", "agent_id=bot", "updated=7d", "created_after=2020-01-01", "q=tea"):
        assert client.get(f"{LIST}?{allowed}").status_code == 200, allowed
    assert client.get(f"{SESSIONS}?session_type__exact=agent").status_code == 200
    assert client.get(f"{SESSIONS}?q={quote('s')}").status_code == 200
