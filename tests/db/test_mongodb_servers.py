"""The server that takes writes, and when it is another one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from agno_memory.db import mongodb
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import commits


def server(**values: Any) -> SimpleNamespace:
    """Return a server as the driver describes it."""
    usual = {"address": ("one", 27017), "is_writable": True, "mongos": False, "election_id": 1}
    return SimpleNamespace(**usual | {"topology_version": {"processId": 1, "counter": 1}} | values)


def identity(*servers: SimpleNamespace) -> Any:
    """Return the identity of the server that takes writes."""
    described = SimpleNamespace(server_descriptions=lambda: dict(enumerate(servers)))
    client = SimpleNamespace(topology_description=described)
    return mongodb.writing_server(SimpleNamespace(database=SimpleNamespace(client=client)))


def test_another_process_or_election_is_another_server() -> None:
    secondary = server(address=("two", 27017), is_writable=False)
    usual = identity(secondary, server())
    assert usual is not None
    assert usual == identity(server(topology_version={"processId": 1, "counter": 2}))
    changes: list[dict[str, Any]] = [
        {"topology_version": {"processId": 2, "counter": 1}},
        {"election_id": 2},
        {"address": ("two", 27017)},
    ]
    for change in changes:
        assert identity(server(**change)) not in (usual, None)
    # A router, a server of a version that names no process, and none.
    assert identity(server(mongos=True)) is None
    assert identity(server(topology_version=None)) is None
    assert identity(secondary) is None


@commits
@pytest.mark.parametrize("alias", ["standalone", "mongodb"])
def test_the_writing_server_of_a_connection(alias: str) -> None:
    Memory(alias).add_user_memory(UserMemory(memory="x"), "maya")
    found = mongodb.writing_server(connections[alias])
    assert found is not None
    assert found == mongodb.writing_server(connections[alias])
