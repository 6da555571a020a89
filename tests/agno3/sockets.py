"""A client of WebSockets for an ASGI application in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Refused(Exception):
    """The application did not accept the connection."""


class Socket:
    """An open connection: texts are JSON."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, **content: Any) -> None:
        await self.sent.put({"type": "websocket.receive", "text": json.dumps(content)})

    async def receive(self) -> Any:
        """Return the next message, or the code with which the application closed the connection."""
        message = await asyncio.wait_for(self.received.get(), 20)
        if message["type"] != "websocket.send":
            return message["code"]
        # Events of a run are in the format of Server-Sent Events.
        return json.loads(message["text"].partition("\ndata: ")[2] or message["text"])

    async def receive_until(self, *events: str) -> Any:
        """Return the next message with one of these events, and leave out the others."""
        while True:
            message = await self.receive()
            if not isinstance(message, dict) or message.get("event") in events:
                return message


@asynccontextmanager
async def connected(app: Any, path: str, headers: dict[str, str], **scope: Any) -> AsyncIterator[Socket]:
    """Connect, and yield the connection.

    Raises:
        Refused: the application closed the connection, or answered without one.
    """
    socket = Socket()
    values = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "subprotocols": [],
    }
    await socket.sent.put({"type": "websocket.connect"})
    serving = asyncio.create_task(app({**values, **scope}, socket.sent.get, socket.received.put))
    answer = await asyncio.wait_for(socket.received.get(), 20)
    if answer["type"] != "websocket.accept":
        await serving
        raise Refused(answer.get("status") or answer.get("code"))
    try:
        yield socket
    finally:
        await socket.sent.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(serving, 20)
