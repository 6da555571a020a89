"""Names of people in the admin: search by name, names beside user ids, permissions and cost; on every database."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory, override_settings

from agno_memory.admin import accounts
from agno_memory.admin.accounts import Accounts
from agno_memory.admin.urls import page_url
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.models import AgentRecord, AgentSession, AgentTrace, UserMemory
from tests.admin import LIST, add, counted, link, memory_url, page, shown, staff
from tests.databases import commits, each_database
from tests.test_agent_traces import trace

pytestmark = [commits]

on_sqlite = pytest.mark.parametrize("alias", ["default"])

SESSIONS = "/admin/agno_memory/agentsession/"
TRACES = "/admin/agno_memory/agenttrace/"
RECORDS = "/admin/agno_memory/agentrecord/"
LISTS = (LIST, SESSIONS, TRACES, RECORDS)
DASHBOARD = f"{LIST}dashboard/"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def people(site: str) -> list[User]:
    """Two people with memories and with one object of each kind of agents under their primary keys; one without."""
    mara = User.objects.create_user("m.cohen", "mara@example.com", first_name="Mara", last_name="Cohen", pk=701)
    noah = User.objects.create_user("n.levi", first_name="Noah", last_name="Levi", pk=702)
    User.objects.create_user("other", first_name="Zoraida", last_name="Cohen", pk=703)
    for number, user in enumerate((mara, noah)):
        add(f"Likes tea {number}", user)
        add_of_agents(user, number)
    return [mara, noah]


def add_of_agents(user: object, number: int) -> None:
    """Add a session, a trace and a document of a person."""
    AgentSessions().upsert_session(AgentSession(session_id=f"s{number}", agent_id="chef", name="Dinner"), user)
    AgentTraces().save_trace(trace(f"t{number}"), user)
    AgentRecords("learning").add_record(AgentRecord(record_id=f"r{number}", user_id=str(getattr(user, "pk", user))))


def without_users() -> Client:
    """Return the client of a staff user who may view memories and what agents keep, and no accounts."""
    client = staff("view", name="viewer")
    viewer = User.objects.get(username="viewer")
    viewer.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_agentsession", "view_agentrecord", "view_agenttrace"])
    )
    return client


def objects_of_agents() -> list[str]:
    """Return the pages of a trace and of a document."""
    trace = page_url(AgentTrace, "change", AgentTrace.objects.get(trace_id="t0").key, site=None)
    return [trace, page_url(AgentRecord, "change", AgentRecords("learning").key_of("r0"), site=None)]


def pages_to_read() -> list[str]:
    """Return the pages that show people, for staff who may view everything but accounts."""
    return [*LISTS, f"{SESSIONS}s0/change/", *objects_of_agents(), DASHBOARD]


def addresses(user: User) -> list[str]:
    """Return the pages that show people, without suggestions."""
    person = f"{LIST}person/{user.pk}/"
    return [*pages_to_read(), person, f"{person}erase/"]


def ids(client: Client, address: str, query: str) -> list[str]:
    """Return the ids of the objects of agents that a list finds."""
    response = client.get(address, {"q": query})
    assert response.status_code == 200, response
    name = {SESSIONS: "session_id", TRACES: "trace_id", RECORDS: "record_id"}[address]
    return sorted(getattr(row, name) for row in response.context["cl"].result_list)


def sessions(client: Client, query: str) -> list[str]:
    return ids(client, SESSIONS, query)


def found(client: Client, text: str, address: str = LIST) -> dict[str, Any]:
    return dict(client.get(f"{address}complete/people/", {"q": text}).json())


@each_database
def test_people_are_found_by_name(people: list[User]) -> None:
    client = staff()
    for query in ("mara", "Cohen", "mara cohen", "mara@example", "name:mara", 'name:"Mara Cohen" tea', "m.cohen"):
        assert shown(client, q=query) == ["Likes tea 0"], query
    assert shown(client, q="name:mara rice") == shown(client, q="name:zoraida") == shown(client, q="name:nobody") == []
    assert shown(client, q="701") == ["Likes tea 0"]
    add("Knows Mara", "803")
    assert shown(client, q="mara") == ["Knows Mara", "Likes tea 0"]
    assert shown(client, LIST + link("Mara Cohen", page(client, q="mara"))) == ["Likes tea 0"]
    assert sessions(client, "mara") == sessions(client, "cohen") == sessions(client, "701") == ["s0"]
    assert sessions(client, "dinner") == ["s0", "s1"]
    assert sessions(client, "zoraida") == []
    # An id takes away nothing that the name finds.
    AgentSessions().upsert_session(AgentSession(session_id="s2"), "cohen")
    assert sessions(client, "cohen") == ["s0", "s2"]


@each_database
def test_traces_and_documents_are_found_by_name(people: list[User]) -> None:
    client = staff()
    for address, letter in ((TRACES, "t"), (RECORDS, "r")):
        for query in ("mara", "Cohen", "mara cohen", "mara@example", "m.cohen", "701", f"{letter}0"):
            assert ids(client, address, query) == [f"{letter}0"], (address, query)
        for query in ("zoraida", "nobody", "mara levi", "x" * 2_000):
            assert ids(client, address, query) == [], (address, query)
        # A name takes away nothing that the id finds.
        User.objects.filter(pk=703).update(username="702")
        assert ids(client, address, "702") == [f"{letter}1"]


@each_database
def test_sessions_are_found_by_a_part_of_the_user_id(site: str) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="s"), "mara@example.com")
    assert sessions(staff(), "mara") == ["s"]


@each_database
def test_names_are_beside_ids(people: list[User]) -> None:
    client = staff()
    for address in [*addresses(people[0]), f"{LIST}complete/people/?q=701"]:
        content = page(client, address)
        assert "Mara Cohen" in content, address
        assert "701" in content, address
        assert "Zoraida" not in content, address
    assert "<h1>Memories of \u2068Mara Cohen\u2069 (\u2068701\u2069)</h1>" in page(client, f"{LIST}person/701/")
    title = re.compile(r"<title>[^<]*\u2068Mara Cohen\u2069 \(\u2068701\u2069\)")
    memory = UserMemory.objects.get(user_id="701")
    names = ("change", "history", "delete")
    of_both = [memory_url(memory, name) for name in names] + [f"{SESSIONS}s0/{name}/" for name in names]
    for address in [*of_both, *objects_of_agents()]:
        assert title.search(page(client, address)), address
    chosen = {"action": "delete_selected", "index": "0", "select_across": "1", "_selected_action": "x"}
    assert "Mara Cohen" in client.post(LIST, chosen).content.decode()


@each_database
def test_people_are_suggested_by_name(people: list[User]) -> None:
    client = staff()
    assert found(client, "cohen") == {
        "results": ["701", "703"],
        "labels": {"701": "Mara Cohen", "703": "Zoraida Cohen"},
    }
    assert found(client, "70") == {"results": ["701", "702"], "labels": {"701": "Mara Cohen", "702": "Noah Levi"}}
    assert found(client, "nobody") == {"results": [], "labels": {}}


@on_sqlite
def test_names_need_permission_to_view_accounts(alias: str, people: list[User]) -> None:
    client = without_users()
    for address in [*pages_to_read(), f"{LIST}person/701/"]:
        content = page(client, address)
        assert "701" in content, address
        assert not any(name in content for name in ("Mara", "Cohen", "m.cohen")), address
    for query in ("mara", "cohen", "name:mara", "m.cohen"):
        content = page(client, q=query)
        assert shown(client, q=query) == []
        assert "People with this name" not in content
        assert sessions(client, query) == ids(client, TRACES, query) == ids(client, RECORDS, query) == []
    assert found(client, "mara") == {"results": [], "labels": {}}
    assert found(client, "70") == {"results": ["701", "702"], "labels": {}}
    viewer = User.objects.get(username="viewer")
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert shown(client, q="mara") == ["Likes tea 0"]
    # An admin of users that narrows its rows, or refuses single accounts.
    with mock.patch.object(UserAdmin, "get_queryset", return_value=User.objects.filter(pk=702)):
        assert shown(client, q="mara") == []
        assert "Mara" not in page(client)
        assert "Noah Levi" in page(client)

    def of_noah(self: Any, request: Any, obj: Any = None) -> bool:
        return obj is None or obj.pk == 702

    with mock.patch.object(UserAdmin, "has_view_permission", of_noah):
        assert shown(client, q="mara") == []
        assert "Mara" not in page(client)
        assert "Noah Levi" in page(client)


@on_sqlite
def test_names_take_one_query_a_page(alias: str, people: list[User]) -> None:
    User.objects.bulk_create(User(pk=1000 + each, username=f"u{each}", first_name="Ana") for each in range(60))
    viewer, client = without_users(), staff()
    without = [counted(viewer, address, {alias}) for address in pages_to_read()]
    few = [counted(client, address, {alias}) for address in pages_to_read()]
    for each in range(60):
        add("Likes tea", str(1000 + each))
        add_of_agents(str(1000 + each), 1000 + each)
    assert [counted(client, address, {alias}) for address in pages_to_read()] == few
    # Permissions of staff who are not superusers take two queries.
    assert few == [queries + 1 - 2 for queries in without]
    for address in LISTS:
        assert counted(client, f"{address}?q=ana", {alias}) == counted(client, f"{address}?q=mara", {alias}), address
    assert counted(client, f"{LIST}?q=tea", {alias}) == counted(client, f"{LIST}?q=ana", {alias})


@on_sqlite
def test_a_search_by_name_is_bounded(alias: str, people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MAX_FOUND", 1)
    assert len(found(staff(), "cohen")["results"]) == 1


@on_sqlite
def test_names_are_data(alias: str, people: list[User]) -> None:
    User.objects.filter(pk=701).update(first_name=EVIL, last_name="\u2069\u202eevil")
    client = staff()
    for address in [*addresses(people[0]), f"{LIST}?q=evil"]:
        content = page(client, address)
        assert "alert(1)" in content, address
        assert EVIL not in content, address
    assert "\u2068&lt;script&gt;alert(1)&lt;/script&gt; evil\u2069" in page(client, f"{LIST}person/701/")


@on_sqlite
def test_other_fields_of_the_user_are_ids(alias: str, people: list[User]) -> None:
    client = staff()
    add("Likes rice", "m.cohen")
    with override_settings(AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "username"}):
        assert shown(client, q="name:mara") == ["Likes rice"]
        assert "Mara Cohen" in page(client, user_id="m.cohen")
        assert "Mara Cohen" not in page(client, user_id="701")
    # A property has no column to find accounts by.
    with override_settings(AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "is_anonymous"}):
        assert "Mara Cohen" not in page(client)


@on_sqlite
def test_ids_that_are_no_accounts_do_no_harm(alias: str, people: list[User]) -> None:
    for other in ("bot", "0701", " 701", str(10**30), "-1", "\u0667\u0660\u0661", "701.0"):
        add("Likes tea", other)
    content = page(staff())
    assert content.count(">Mara Cohen</bdi>") == 1


@on_sqlite
def test_an_admin_of_users_that_cannot_search(alias: str, people: list[User]) -> None:
    site = admin.AdminSite()
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    assert Accounts(request, site).search("mara") == []
    assert Accounts(request, site).with_ids(["701"]) == {}

    class Searchless(admin.ModelAdmin):  # type: ignore[type-arg]
        pass

    class ByNumber(admin.ModelAdmin):  # type: ignore[type-arg]
        search_fields = ("=pk", "last_login__year")

    site.register(User, Searchless)
    assert Accounts(request, site).search("mara") == []
    site.unregister(User)
    site.register(User, ByNumber)
    assert Accounts(request, site).search("mara") == []


@on_sqlite
def test_a_person_whose_name_is_the_id_is_named_once(alias: str, site: str) -> None:
    User.objects.create_user("mara", pk=77)
    add(user_id="mara")
    with override_settings(AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "username"}):
        assert "am-name" not in page(staff())
