from __future__ import annotations

from collections.abc import Iterator

import pytest

from agno_memory.test import at
from tests.admin import add
from tests.stats.data import NOW, ago


@pytest.fixture
def store(site: str) -> Iterator[str]:
    """Memories of several owners, agents, topics, days and lengths. The current time is ``NOW``."""
    with ago(days=200):
        add("x" * 50, "maya", topics=["long ago"])
    with ago(days=89):
        add("x" * 49, "maya", topics=["tea", "caf\u00e9"], agent_id="bot")
    with ago(days=90):
        add("\U0001f600" * 100, "noah", topics=["tea"], agent_id="bot")
    for number in range(3):
        with ago(hours=number):
            add("e\u0301" * 100, "\u7528\u6237", topics=["tea", "a.b"], agent_id="a/b")
    with at(NOW):
        yield site
