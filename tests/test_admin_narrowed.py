"""An admin whose rows depend on the request or on the site shows nothing of the rows of another one, cached or not."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from agno_memory.admin import UserMemoryAdmin
from agno_memory.models import UserMemory
from tests.admin import LIST, add, page, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

# The memories of each tenant: two of one person, one of another one.
TENANTS = {"north": (2, "Marabel"), "south": (1, "Zoraida")}
# Long numbers, which no time and no token of a page contains.
PKS = {"north": 701_000_701, "south": 702_000_702}
# The pages with cached facts, and those beside them: filters, suggestions, numbers and names.
PAGES = ("", "complete/topics/?q=about", "complete/agents/?q=bot", "complete/people/?q=", "dashboard/")


class OfTenant(UserMemoryAdmin):
    """Memories of one team, by the name of the site."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(team_id=self.admin_site.name)


sites = [AdminSite(name) for name in TENANTS]
for each_site in sites:
    each_site.register(UserMemory, OfTenant)
    each_site.register(User, UserAdmin)
urlpatterns = [path(f"{each.name}/", each.urls) for each in sites]


@pytest.fixture
def tenants(site: str) -> None:
    """Memories of two tenants in one table, with topics, agents and people of their own."""
    for tenant, (count, name) in TENANTS.items():
        User.objects.create_user(f"user of {tenant}", pk=PKS[tenant], first_name=name)
        for _each in range(count):
            add(
                f"Lives in the {tenant}",
                PKS[tenant],
                team_id=tenant,
                topics=[f"about {tenant}"],
                agent_id=f"bot {tenant}",
            )


def check(read: Callable[[str, str], str]) -> None:
    """Check the pages of each tenant, which follow each other.

    Args:
        read: returns a page of a tenant; a POST request to the dashboard counts all memories.
    """
    for tenant in ("north", "south", "north"):
        other = "south" if tenant == "north" else "north"
        count, name = TENANTS[tenant]
        for each in (*PAGES, "dashboard/ again"):
            content = re.sub(r"/(?:north|south)/", "/", html.unescape(read(tenant, each)))
            own, theirs = str(PKS[tenant]), str(PKS[other])
            assert not any(text in content for text in (other, TENANTS[other][1], theirs)), (tenant, each)
            wanted = [own, name] if "people" in each or "dashboard" in each or not each else []
            wanted += [f"about {tenant}"] if "topics" in each or "dashboard" in each or not each else []
            wanted += [f"bot {tenant}"] if "agents" in each or "dashboard" in each or not each else []
            assert all(text in content for text in wanted), (tenant, each)
            if "dashboard" in each:
                assert re.findall(r'am-figure">([\d.,]+)<', content)[:2] == [str(count), "1"], tenant
            elif not each:
                assert f'title="about {tenant}">about {tenant}</a> <span class="am-count">{count}</span>' in content


def test_the_next_tenant_of_a_session_sees_nothing_of_the_last_one(
    site: str, tenants: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin,
        "get_queryset",
        lambda self, request: original(self, request).filter(team_id=request.session["tenant"]),
    )
    client = staff()

    def read(tenant: str, name: str) -> str:
        session = client.session
        session["tenant"] = tenant
        session.save()
        return read_page(client, LIST, name)

    check(read)
    assert len(set(cache._cache)) >= 4  # type: ignore[attr-defined]


def test_two_sites_with_other_rows_share_nothing(site: str, tenants: None, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    client = staff()
    check(lambda tenant, name: read_page(client, f"/{tenant}/agno_memory/usermemory/", name))


def read_page(client: Client, address: str, name: str) -> str:
    if name == "dashboard/ again":
        response = client.post(f"{address}dashboard/")
        assert response.status_code == 200
        return str(response.content.decode())
    return page(client, address + name)
