"""Sessions that agno 1.8's own storage has written to MongoDB come back from ours after an import."""

from __future__ import annotations

from typing import Any

import pytest
from agno.storage.mongodb import MongoDbStorage
from agno.storage.session.agent import AgentSession
from agno.storage.session.team import TeamSession
from django.conf import settings
from django.db import connections
from pymongo import MongoClient

from agno_memory.contrib.agno import DjangoStorage
from tests.databases import RUNNING, commits
from tests.transfer.commands import run

pytestmark = [commits]

TURNS = [{"run_id": f"r{number}", "content": "Réponse ☕", "messages": [{"role": "user"}]} for number in range(2)]
WRITTEN: dict[str, dict[str, Any]] = {
    "agent": {"agent_id": "chef", "agent_data": {"name": "Chef"}, "extra_data": {"x": [None]}},
    "team": {"team_id": "kitchen", "team_data": {"name": "Kitchen"}, "extra_data": None},
}
CLASSES: dict[str, Any] = {"agent": AgentSession, "team": TeamSession}


@pytest.mark.parametrize("alias", [alias for alias in ("mongodb",) if alias in RUNNING])
def test_sessions_on_mongodb_come_back_as_they_were(alias: str) -> None:
    target = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    host = str(settings.DATABASES[alias]["HOST"])
    scheme, _, rest = host.partition("://")
    server, _, query = rest.partition("/")
    name = f"{connections[alias].settings_dict['NAME']}_agno"
    location = f"{scheme}://{server}/{name}?{query.partition('?')[2]}"
    expected = {}
    client: Any = MongoClient(host)
    for mode, values in WRITTEN.items():
        theirs = MongoDbStorage(collection_name=f"{mode}_sessions", client=client, db_name=name, mode=mode)
        memory = {"runs": TURNS, "summary": None}
        data = {"session_name": "Größe"}
        session = CLASSES[mode](session_id=mode, user_id="maya", memory=memory, session_data=data, **values)
        expected[mode] = theirs.upsert(session)
    try:
        output = run("import_memories", location, "--what=sessions", database=target)
        assert "runs: 4 read: 4 imported, 0 unchanged, 0 rejected." in output
        for mode, session in expected.items():
            ours = DjangoStorage(target, mode=mode).read(mode, "maya")
            assert ours.to_dict() == session.to_dict()
        again = run("import_memories", location, "--what=sessions", database=target)
        assert "sessions: 2 read: 0 imported, 2 unchanged, 0 rejected." in again
    finally:
        client.drop_database(name)
        client.close()
