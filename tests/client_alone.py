"""A program that uses the client without Django, with a small service of its own.

Run by ``tests/wheel.sh`` in an environment with httpx alone, and by ``tests/test_client_live.py``.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import agno_memory.client
from agno_memory.client import MemoryChanged, MemoryClient, MemoryExists, MemoryNotFound, UserMemory, ValidationError
from agno_memory.exceptions import MemoryNotFound as OriginalMemoryNotFound

NOW = "2026-11-25T02:20:22.123Z"
EMPTY: dict[str, Any] = {
    "topics": [],
    "input": None,
    "metadata": {},
    "agent_id": None,
    "team_id": None,
    "session_id": None,
}


class Service(BaseHTTPRequestHandler):
    """Keeps the memories of one user."""

    memories: dict[str, dict[str, Any]] = {}

    def do_GET(self) -> None:
        if self.path.startswith("/api/memories/export/"):
            self.answer(200, b"".join(json.dumps(each).encode() + b"\n" for each in self.memories.values()))
        elif self.name is None:
            self.answer(200, {"next": None, "previous": None, "results": list(self.memories.values())})
        else:
            self.answer(*self.found())

    def do_POST(self) -> None:
        fields = self.body()
        if not fields["memory"]:
            self.answer(400, {"memory": ["This cannot be blank."]})
        elif fields["memory_id"] in self.memories:
            self.answer(409, {"detail": "Taken."})
        else:
            self.answer(201, self.write(fields["memory_id"], fields))

    def do_PUT(self) -> None:
        status, memory = self.found()
        condition = self.headers.get("If-Match")
        if status == 404:
            self.answer(status, memory)
        elif condition and condition != f'"{memory["version"]}"':
            self.answer(412, {"detail": "Changed."})
        else:
            self.answer(200, self.write(memory["memory_id"], self.body(), memory["version"] + 1))

    def do_DELETE(self) -> None:
        status, memory = self.found()
        self.memories.pop(memory.get("memory_id", ""), None)
        self.answer(204 if status == 200 else status, memory)

    @property
    def name(self) -> str | None:
        found = re.match(r"/api/memories/([^/?]+)/", self.path)
        return unquote(found[1]) if found else None

    def found(self) -> tuple[int, dict[str, Any]]:
        memory = self.memories.get(str(self.name))
        return (200, memory) if memory else (404, {"detail": "Not found."})

    def write(self, memory_id: str, fields: dict[str, Any], version: int = 1) -> dict[str, Any]:
        written = {
            "memory_id": memory_id,
            "user_id": "maya",
            "version": version,
            "created_at": NOW,
            "last_updated": NOW,
        }
        self.memories[memory_id] = {**EMPTY, "feedback": None, **fields, **written}
        return self.memories[memory_id]

    def body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def error_of(call: Any) -> Exception:
    try:
        call()
    # Any error: the assertion of the caller names the expected one.
    except Exception as error:
        return error
    raise AssertionError("the call was not refused")


def use(memory: MemoryClient) -> None:
    added = memory.add_user_memory(UserMemory(memory="Likes tea", topics=["drinks"], memory_id="a/b ☕"))
    assert memory.get_user_memory(added.memory_id) == added
    assert (
        memory.get_user_memories()
        == memory.search_user_memories("tea", None, "keyword")
        == list(memory.iter_user_memories())
        == [added]
    )
    replaced = memory.replace_user_memory(added.memory_id, UserMemory(memory="Likes coffee"), version=1)
    assert (replaced.memory, replaced.version) == ("Likes coffee", 2)

    new = UserMemory(memory="x")
    changed = error_of(lambda: memory.replace_user_memory(added.memory_id, new, version=1))
    taken = error_of(lambda: memory.add_user_memory(added))
    missing = error_of(lambda: memory.delete_user_memory("nothing"))
    blank = error_of(lambda: memory.add_user_memory(UserMemory(memory="")))
    assert isinstance(changed, MemoryChanged), changed
    assert isinstance(taken, MemoryExists), taken
    assert isinstance(missing, MemoryNotFound), missing
    assert isinstance(blank, ValidationError), blank
    assert blank.message_dict == {"memory": ["This cannot be blank."]}
    assert (blank.messages, str(blank)) == (["This cannot be blank."], "{'memory': ['This cannot be blank.']}")
    memory.delete_user_memory(added.memory_id)


async def ause(address: str) -> None:
    async with MemoryClient(address, token="abc") as memory:
        added = await memory.aadd_user_memory(UserMemory(memory="Likes tea"))
        assert await memory.aget_user_memory(added.memory_id) == added
        assert [each async for each in memory.aiter_user_memories()] == [added]
        await memory.adelete_user_memory(added.memory_id)
        assert await memory.aget_user_memories() == []


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/api"
    try:
        with MemoryClient(address, token="abc", retries=0) as memory:
            use(memory)
        asyncio.run(ause(address))
    finally:
        server.shutdown()
        server.server_close()
    assert OriginalMemoryNotFound is MemoryNotFound
    django = [name for name in sys.modules if name.split(".")[0] == "django"]
    assert not django, django
    print(f"{agno_memory.client.__name__} works without Django")


if __name__ == "__main__":
    main()
