"""A plain ``ModelAdmin`` for memories does not get our templates."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import RequestFactory

from agno_memory.models import UserMemory
from tests.admin import add_many
from tests.databases import commits

pytestmark = [commits, pytest.mark.parametrize("alias", ["default"])]

stock = admin.AdminSite("stock")


class StockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("memory", "user_id")
    list_per_page = 2


@pytest.fixture
def rendered(site: str) -> Any:
    """Return a function that renders a page of the plain admin."""
    add_many(5)
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    plain = StockAdmin(UserMemory, stock)

    def show(view: str, *arguments: str) -> str:
        response: Any = getattr(plain, view)(request, *arguments)
        return str(response.render().content.decode())

    return show


def test_list(rendered: Any) -> None:
    content = rendered("changelist_view")
    assert 'href="?p=3"' in content
    assert "5 user memories" in content
    assert "am-" not in content


def test_form(rendered: Any) -> None:
    memory = UserMemory.objects.newest()[0]
    content = rendered("changeform_view", quote(memory.pk))
    assert memory.memory in content
    assert "am-" not in content


def test_confirmation(rendered: Any) -> None:
    assert "am-" not in rendered("delete_view", quote(UserMemory.objects.newest()[0].pk))
