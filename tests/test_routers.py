"""The results of the router. ``test_operations.py`` tests that migrations follow them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, router
from django.test import override_settings

from agno_memory.models import UserMemory
from agno_memory.routers import MemoryRouter

ELSEWHERE = override_settings(
    AGNO_MEMORY={"DATABASE": "postgres"}, DATABASE_ROUTERS=["agno_memory.routers.MemoryRouter"]
)


@ELSEWHERE
def test_memories_are_read_and_written_on_their_alias() -> None:
    assert MemoryRouter().db_for_read(UserMemory) == "postgres"
    assert MemoryRouter().db_for_write(UserMemory) == "postgres"


@ELSEWHERE
def test_it_has_no_answer_for_other_apps() -> None:
    assert MemoryRouter().db_for_read(User) is None
    assert MemoryRouter().db_for_write(User) is None
    assert MemoryRouter().allow_migrate("postgres", "auth") is None
    assert MemoryRouter().allow_migrate("default", "auth", model_name="user") is None


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
def test_it_keeps_other_apps_off_a_mongodb(alias: str, settings: Any) -> None:
    """They have keys that MongoDB's backend does not support."""
    settings.AGNO_MEMORY = {"DATABASE": alias}
    assert MemoryRouter().allow_migrate(alias, "auth", model_name="user") is False
    assert MemoryRouter().allow_migrate(alias, "agno_memory") is True
    assert MemoryRouter().allow_migrate("default", "auth") is None


def test_other_apps_may_be_on_the_default_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is a MongoDB: the site has keys that fit."""
    monkeypatch.setattr(connections["default"], "vendor", "mongodb")
    assert MemoryRouter().allow_migrate("default", "auth") is None


@override_settings(AGNO_MEMORY={"DATABASE": "gone"})
def test_an_unknown_alias_is_left_to_the_checks() -> None:
    assert MemoryRouter().allow_migrate("gone", "auth") is None


@ELSEWHERE
def test_tables_are_made_on_their_alias_alone() -> None:
    assert MemoryRouter().allow_migrate("postgres", "agno_memory") is True
    assert MemoryRouter().allow_migrate("default", "agno_memory", model_name="usermemory") is False


def test_without_a_setting_everything_is_on_the_default_alias() -> None:
    assert MemoryRouter().db_for_write(UserMemory) == "default"
    assert MemoryRouter().allow_migrate("default", "agno_memory") is True
    assert MemoryRouter().allow_migrate("postgres", "agno_memory") is False


@ELSEWHERE
def test_django_follows_it() -> None:
    assert UserMemory.objects.all().db == "postgres"
    assert User.objects.all().db == "default"
    assert router.allow_migrate_model("postgres", UserMemory)
    assert not router.allow_migrate_model("default", UserMemory)


@ELSEWHERE
def test_it_follows_a_setting_that_changes() -> None:
    changing = MemoryRouter()
    with override_settings(AGNO_MEMORY={"DATABASE": "archive"}):
        assert changing.db_for_read(UserMemory) == "archive"
    assert changing.db_for_read(UserMemory) == "postgres"


@pytest.mark.parametrize("hints", [{"instance": UserMemory()}, {"target_db": "default"}])
@ELSEWHERE
def test_hints_change_nothing(hints: dict[str, object]) -> None:
    assert MemoryRouter().db_for_write(UserMemory, **hints) == "postgres"
    assert MemoryRouter().allow_migrate("postgres", "agno_memory", **hints) is True
