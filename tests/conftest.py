"""How far the property-based tests look: ``HYPOTHESIS_PROFILE`` is ``default`` or ``long``."""

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

# Databases take their time, and without a folder of examples a run leaves nothing behind; a failure prints its own.
# The default is the same examples every time, so that a change is judged by the change; the long runs go exploring.
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


# agno's majors exclude each other; each has an environment of its own (``make test-agno``), in which these run.
collect_ignore = ["agno3", "agno1"]
if version_of_agno := os.environ.get("TEST_AGNO"):
    collect_ignore.remove(f"agno{version_of_agno}")


@pytest.fixture
def site(alias: str, transactional_db: None) -> Iterator[str]:
    """A site with an admin, whose memories are on this database, empty at first."""
    from tests.admin import memories_on

    with memories_on(alias):
        yield alias


# In a module's scope: while playwright runs, Django takes this thread for one of async code and refuses its own ORM.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, for the tests of one file."""
    from tests.browser import browser

    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def live(alias: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with its memories on this database, and its member of staff logged in."""
    from tests.browser import demo, log_in, visit

    with demo(alias, tmp_path_factory.mktemp(alias)) as running:
        with visit(chromium, running) as page:
            log_in(page)
            running.cookies = page.context.storage_state()
        yield running


@pytest.fixture
def page(chromium: Browser, live: Demo) -> Iterator[Page]:
    """An empty page of somebody who is logged in, to visit the demo with."""
    from tests.browser import visit

    with visit(chromium, live) as opened:
        yield opened


@pytest.fixture
def owner() -> str:
    """Somebody of whom nothing is known yet."""
    return f"visitor-{uuid4().hex[:8]}"
