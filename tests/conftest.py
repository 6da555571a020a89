"""Shared fixtures, and the profiles of the property-based tests: ``HYPOTHESIS_PROFILE`` is ``default`` or ``long``.

Fixtures import their helpers themselves: pytest loads this file before Django's apps are set up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser import Demo

# There is no deadline, because databases are slow, and no folder of examples, so that a run leaves no files; a failure
# prints its example. The default profile uses the same examples in each run, so that a new failure is caused by a
# change; the long profile explores other examples.
settings.register_profile(
    "default",
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    settings.get_profile("default"),
    max_examples=500,
    stateful_step_count=50,
    derandomize=False,
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# The major releases of agno cannot be installed together: each has an environment of its own (``make test-agno``).
collect_ignore = ["agno3", "agno1"]
if version_of_agno := os.environ.get("TEST_AGNO"):
    collect_ignore.remove(f"agno{version_of_agno}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The databases, which transactional tests leave empty."""
    from tests.emptying import emptying

    with emptying():
        yield


@pytest.fixture
def site(alias: str, transactional_db: None) -> Iterator[str]:
    """A site with an admin, and with an empty store of memories on this database."""
    # Imported here, because it imports models: Django is set up after this file is loaded.
    from tests.admin import memories_on

    with memories_on(alias):
        yield alias


# tests.browser is imported inside the fixtures: lanes without a browser have no playwright.
# The scope is the module: while playwright runs, Django treats this thread as async code and refuses to use the ORM.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one module."""
    from tests.browser import browser

    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def live(alias: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with its memories on this database, and a logged-in member of staff."""
    from tests.browser import demo, log_in, visit

    with demo(alias, tmp_path_factory.mktemp(alias)) as running:
        with visit(chromium, running) as page:
            log_in(page)
            running.cookies = page.context.storage_state()
        yield running


@pytest.fixture
def page(chromium: Browser, live: Demo) -> Iterator[Page]:
    """An empty page of the browser, logged in to the demo."""
    from tests.browser import visit

    with visit(chromium, live) as opened:
        yield opened


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client repeats requests without waiting."""
    monkeypatch.setattr("agno_memory.client.retries.FIRST_WAIT", 0)


@pytest.fixture
def owner() -> str:
    """A user id without memories."""
    return f"visitor-{uuid4().hex[:8]}"
