"""How far the property-based tests look: ``HYPOTHESIS_PROFILE`` is ``default`` or ``long``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture
def site(alias: str, transactional_db: None) -> Iterator[str]:
    """A site with an admin, whose memories are on this database, empty at first."""
    from tests.admin import memories_on

    with memories_on(alias):
        yield alias
