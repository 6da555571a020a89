"""The dashboard: its content, permissions and cost. It covers admin/dashboard.py and dashboard_charts.py."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from agno_memory.admin.memories import UserMemoryAdmin
from agno_memory.models import UserMemory
from agno_memory.stats import snapshot
from agno_memory.stats.cache import SnapshotCache
from tests.admin import LIST, add, add_many, counted, link, page, staff
from tests.databases import commits, each_database

pytestmark = commits

DASHBOARD = f"{LIST}dashboard/"
APP = "/admin/agno_memory/"
on_sqlite = pytest.mark.parametrize("alias", ["default"])


def figures(content: str) -> list[str]:
    return re.findall(r'class="am-figure">([^<]*)<', content)


@each_database
def test_numbers_and_charts(alias: str, site: str) -> None:
    add("x" * 30, "maya", topics=["tea", "a&b"], agent_id="bot")
    add("x" * 70, "maya", topics=["tea"])
    add("x" * 90, "no/ah", topics=["tea"])
    client = staff()
    content = page(client, DASHBOARD)
    assert figures(content) == ["3", "2", "2", "70"]
    assert "Counted just now" in content
    assert "3 memories in 90 days" in content
    assert page(client, link("a&amp;b", content)).count("am-chip") >= 2
    assert "Memories of \u2068no/ah\u2069" in page(client, link("no/ah", content))
    assert link("bot", content) == f"{LIST}?agent_id=bot"
    assert "50\u201399" in content


@each_database
def test_its_cost_does_not_grow(alias: str, site: str) -> None:
    add_many(10, topics=["tea"])
    client = staff()
    few = counted(client, DASHBOARD, {alias, "default"})
    add_many(9_990, "noah", topics=["tea"])
    many = counted(client, DASHBOARD, {alias, "default"})
    # The session and the user; two questions about memories; on PostgreSQL the schema, for the key of the cache.
    expected = 5 if alias == "postgres" else 4
    assert (few, many) == (expected, expected)
    # One more, and it is a sample with estimates.
    add()
    assert counted(client, DASHBOARD, {alias, "default"}) <= 7
    SnapshotCache(UserMemory.objects.all()).refresh()
    with mock.patch.object(cache, "clear"):
        assert counted(client, DASHBOARD, {alias, "default"}) == expected - 2


@each_database
def test_a_post_counts_all_memories(alias: str, site: str) -> None:
    for owner in ("maya", "noah", "ana"):
        add(user_id=owner, topics=["tea"])
    client = staff()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 2):
        content = page(client, DASHBOARD)
        assert "Preview: the 2 memories updated last." in content
        assert content.count("Of the 2 memories updated last.") == 4
        assert "Not counted yet." in content
        assert "Count all memories" in content
        response = client.post(DASHBOARD)
        content = response.content.decode()
        assert figures(content)[:2] == ["3", "3"]
        assert "Count again" in content
        assert "3 memories in 90 days" in content
        assert figures(page(client, DASHBOARD)) == figures(content)
    assert "no-store" in response["Cache-Control"]


@on_sqlite
def test_an_empty_store(alias: str, site: str) -> None:
    content = page(staff(), DASHBOARD)
    assert figures(content) == ["0", "0", "\N{EM DASH}"]
    assert content.count("None.") == 3


@on_sqlite
def test_a_message_while_another_request_counts(alias: str, site: str) -> None:
    client = staff()
    add()
    cache.add(SnapshotCache(UserMemory.objects.current()).lock_key, 1)
    assert "Another user is counting the memories." in page(client, DASHBOARD)
    assert "Another user is counting the memories." in client.post(DASHBOARD).content.decode()
    cache.clear()
    page(client, DASHBOARD)
    cache.add(SnapshotCache(UserMemory.objects.current()).lock_key, 1)
    busy = client.post(DASHBOARD).content.decode()
    assert "Another user is counting the memories." in busy
    assert figures(busy)[0] == "1"


@on_sqlite
def test_an_old_snapshot_is_counted_again(alias: str, site: str) -> None:
    add()
    client = staff()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 0):
        client.post(DASHBOARD)
        assert '"now"' not in page(client, DASHBOARD)
        with mock.patch.object(snapshot, "FRESH_SECONDS", 0), mock.patch.object(snapshot, "STALE_FACTOR", 0):
            assert 'data-am-refresh="now"' in page(client, DASHBOARD)
            with mock.patch.object(snapshot, "AUTOMATIC_REFRESH_LIMIT", 0):
                assert '"now"' not in page(client, DASHBOARD)


@on_sqlite
def test_needs_permission_to_view_memories(alias: str, site: str) -> None:
    add("Likes tea", "maya-the-owner", topics=["drinks-topic"])
    for permission, status in (("view", 200), ("change", 200), ("add", 403), ("delete", 403)):
        client = staff(permission, name=permission)
        for response in (client.get(DASHBOARD), client.post(DASHBOARD)):
            assert response.status_code == status
            assert ("maya-the-owner" in response.content.decode()) is (status == 200)
    assert Client().get(DASHBOARD).status_code == 302
    visitor = Client()
    visitor.force_login(User.objects.create_user("visitor"))
    assert visitor.post(DASHBOARD).status_code == 302


@on_sqlite
def test_the_links_need_permission(alias: str, site: str) -> None:
    for permission, is_shown in (("view", True), ("change", True), ("add", False), ("delete", False)):
        content = page(staff(permission, name=permission), APP)
        assert (DASHBOARD in content) is is_shown
    assert link("Dashboard", page(staff("view"), LIST)) == DASHBOARD
    assert DASHBOARD not in page(staff(name="root"), f"{LIST}?_popup=1")


@on_sqlite
def test_no_link_without_a_dashboard(alias: str, site: str) -> None:
    with mock.patch("agno_memory.templatetags.agno_memory_admin.DASHBOARD", "nowhere"):
        content = page(staff("view"), APP)
    assert "Memory dashboard" not in content


@on_sqlite
def test_counting_needs_a_token(alias: str, site: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(DASHBOARD).status_code == 403
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page(client, DASHBOARD))[-1]
    assert client.post(DASHBOARD, {"csrfmiddlewaretoken": token}).status_code == 200
    assert client.put(DASHBOARD).status_code in (403, 405)


@on_sqlite
def test_a_subclass_that_shows_less_counts_less(alias: str, site: str) -> None:
    add("Likes tea", "maya", topics=["drinks"])
    add("Likes rice", "noah-the-owner", topics=["food-topic"])
    everything = page(staff(), DASHBOARD)
    assert "noah-the-owner" in everything

    def narrowed(self: Any, request: Any) -> Any:
        return UserMemory.objects.filter(user_id=request.user.username)

    with mock.patch.object(UserMemoryAdmin, "get_queryset", narrowed):
        theirs = page(staff("view", name="maya"), DASHBOARD)
        assert figures(theirs)[:2] == ["1", "1"]
        assert "noah" not in theirs
        assert "food-topic" not in theirs
        assert "food-topic" in page(staff("view", name="noah-the-owner"), DASHBOARD)


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@on_sqlite
def test_names_are_data(alias: str, site: str) -> None:
    add("x" * 10_000, EVIL, topics=[EVIL, "y" * 100, "\u202eevil"], agent_id=EVIL)
    content = page(staff(), DASHBOARD)
    assert "<script>alert" not in content
    assert "<img src=x" not in content
    assert content.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


@on_sqlite
def test_a_strict_policy_for_content_lets_it_work(alias: str, site: str) -> None:
    add()
    content = page(staff(), DASHBOARD)
    ours = content[content.index('class="am-dashboard"') :]
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=", ours)
