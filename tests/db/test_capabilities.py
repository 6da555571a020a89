"""Capabilities are asked by feature flags, so a backend that Django does not ship has them as well."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from agno_memory.db.capabilities import has_pool, returns_written_rows
from tests.databases import commits, each_database

# can_return_columns_from_insert, supports_update_conflicts_with_target
FLAGS = {
    "PostgreSQL, SQLite from 3.35 on": (True, True, True),
    "SQLite before 3.35": (False, True, False),
    "MariaDB, Oracle": (True, False, False),
    "MySQL": (False, False, False),
}


@pytest.mark.parametrize("name", FLAGS)
def test_flags(name: str) -> None:
    returning, conflict_target, expected = FLAGS[name]
    features = SimpleNamespace(
        can_return_columns_from_insert=returning, supports_update_conflicts_with_target=conflict_target
    )
    connection: Any = SimpleNamespace(features=features)
    assert returns_written_rows(connection) is expected


@commits
@each_database
def test_databases(alias: str) -> None:
    assert returns_written_rows(connections[alias]) is (alias in ("default", "postgres"))


def test_a_pool_of_django() -> None:
    for options, expected in (
        ({}, False),
        ({"pool": False}, False),
        ({"pool": True}, True),
        ({"pool": {"a": 1}}, True),
    ):
        connection: Any = SimpleNamespace(settings_dict={"OPTIONS": options})
        assert has_pool(connection) is expected
    without: Any = SimpleNamespace(settings_dict={})
    assert not has_pool(without)
