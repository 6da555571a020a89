from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.databases import RUNNING, handles_allowed
from tests.rest.api import ROLLED_BACK, Caller, broken, caller, memories_on
from tests.rest.api import site as site_settings


@pytest.fixture(scope="session", autouse=True)
def cleared_databases(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Create the databases that no mark names, because their tests clean up by themselves."""
    names = {alias: connections[alias].settings_dict["NAME"] for alias in RUNNING if not is_made(alias)}
    with django_db_blocker.unblock():
        for alias in names:
            connections[alias].creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    yield
    with django_db_blocker.unblock():
        for alias, name in names.items():
            connections[alias].creation.destroy_test_db(name, verbosity=0)


def is_made(alias: str) -> bool:
    if alias in ROLLED_BACK:
        return True
    creation: Any = connections[alias].creation
    return bool(connections[alias].settings_dict["NAME"] == creation._get_test_db_name())


@pytest.fixture(autouse=True)
def site(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the memories on the database of the test, if it has the argument ``alias``."""
    if "alias" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("_django_db_helper")
    with memories_on(request.getfixturevalue("alias")):
        yield


@pytest.fixture
def ana(site: None) -> Caller:
    """A caller without permissions."""
    return caller("ana")


@pytest.fixture
def bob(site: None) -> Caller:
    """Another caller without permissions."""
    return caller("bob")


@pytest.fixture
def admin(site: None) -> Caller:
    """A superuser."""
    return caller("admin", superuser=True)


@pytest.fixture
def down(alias: str, tmp_path: Path) -> Iterator[None]:
    """Put the memories on a database that is not available."""
    with handles_allowed():
        connections.settings["down"] = broken(alias, tmp_path)
        with site_settings("down"):
            yield
