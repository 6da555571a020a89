"""The servers behind a connection to MongoDB."""

from __future__ import annotations

from typing import Any

from agno_memory.db.mongodb.errors import with_django_errors


def is_mongos(connection: Any) -> bool:
    """Return whether the connection leads to the router of a sharded cluster."""
    reply = with_django_errors(lambda: connection.database.client.admin.command("hello"))
    return bool(reply.get("msg") == "isdbgrid")


def writing_server(connection: Any) -> tuple[Any, ...] | None:
    """Return what identifies the server that takes the writes now: another process or election is another one.

    None is an unknown server, or several: a router of a sharded cluster has one for each shard.
    """
    for server in connection.database.client.topology_description.server_descriptions().values():
        if server.is_writable and server.topology_version and not server.mongos:
            return server.address, server.election_id, server.topology_version["processId"]
    return None
