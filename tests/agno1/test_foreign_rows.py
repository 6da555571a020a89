"""Rows that another program wrote: agno 1.8 reads all others, and those as far as they can be read."""

from __future__ import annotations

from typing import Any

import pytest

from agno_memory.contrib.agno import DjangoStorage
from agno_memory.models import AgentSession
from tests.databases import RUNNING, commits
from tests.foreign import add_foreign, add_sound

pytestmark = [commits]


@pytest.mark.parametrize("mode", ["agent", "team", "workflow", "workflow_v2"])
@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias != "standalone"])
def test_no_reader_fails(alias: str, mode: Any) -> None:
    for name, user_id in (("m", "maya"), ("z", "zoe")):
        add_sound(alias, user_id, name)
    kind = "workflow" if mode == "workflow_v2" else mode
    AgentSession.objects.using(alias).update(session_type=kind)
    numbers = add_foreign(alias, "maya", "m")
    storage = DjangoStorage(alias, mode)
    ids = storage.get_all_session_ids()
    assert {session.session_id for session in storage.get_all_sessions()} == set(ids) >= {"m", "z"}
    # Those of another type are not listed.
    assert len(ids) > numbers[AgentSession] * 9 / 10
    assert storage.read("m").session_id == "m"
