"""The filter by state: pinned, expiring and expired memories, and the link to deleted ones."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test.helpers import with_settings
from agno_memory.times import now
from tests.admin import LIST, add, counted, link, page, shown, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

DAY = datetime.timedelta(days=1)


@pytest.fixture
def memories(site: str) -> dict[str, UserMemory]:
    added = {
        "plain": add("plain"),
        "pinned": add("pinned", "noah", pinned=True),
        "expiring": add("expiring", expires_at=now() + DAY),
        "expired": add("expired", expires_at=now() + DAY),
    }
    UserMemory.objects.filter(key=added["expired"].key).update(expires_at=now() - DAY)
    return added


def test_each_state_has_its_memories(memories: dict[str, UserMemory]) -> None:
    client = staff()
    assert sorted(shown(client)) == ["expiring", "pinned", "plain"]
    with with_settings(HISTORY_DAYS=0):
        # The list leads to the versions of each, and there are none.
        assert shown(client, state="expired") == []
    for state in ("pinned", "expiring", "expired"):
        assert shown(client, state=state) == [state]
    assert shown(client, state="expired", user_id="noah") == []
    assert client.get(LIST, {"state": "nonsense"}, follow=True).redirect_chain[-1][0] == f"{LIST}?e=1"


def test_the_list_marks_them(memories: dict[str, UserMemory]) -> None:
    content = page(staff())
    assert '<span class="am-state">pinned</span>' in content
    assert "expires on" in content
    assert content.count("am-state") == 2
    expired = page(staff(name="other"), state="expired")
    assert "expired on" in expired
    # No form changes it: the row leads to its versions.
    assert f"person/maya/history/{memories['expired'].memory_id}/" in link("expired", expired).replace("_2D", "-")


def test_expired_and_deleted_memories_take_a_permission(memories: dict[str, UserMemory]) -> None:
    client = staff("view", "change", "delete", name="without")
    content = page(client)
    assert "state=pinned" in content
    assert "state=expired" not in content
    assert "deleted/" not in content
    assert client.get(LIST, {"state": "expired"}).status_code == 403
    seeing = page(staff("view", "view_deleted", name="seeing"), user_id="maya")
    assert "state=expired" in seeing
    assert link("Deleted", seeing) == f"{LIST}deleted/?user_id=maya"


def test_expired_memories_are_deleted_but_not_changed(memories: dict[str, UserMemory]) -> None:
    """Actions on them write what the list shows."""
    client = staff()
    data = {"action": "delete_selected", ACTION_CHECKBOX_NAME: memories["expired"].key, "select_across": "0"}
    data |= {"post": "yes", "until": "9999999999999"}
    client.post(LIST, data)
    assert UserMemory.objects.filter(key=memories["expired"].key).exists()
    client.post(f"{LIST}?state=expired", data)
    assert not UserMemory.objects.filter(key=memories["expired"].key).exists()
    assert Memory().get_user_memory(memories["plain"].memory_id, "maya") is not None


def test_the_filter_takes_no_query(memories: dict[str, UserMemory], site: str) -> None:
    client = staff()
    page(client)
    databases = ["default", site]
    assert counted(client, f"{LIST}?state=pinned", databases) <= counted(client, LIST, databases) + 2
