"""A service with scripted responses, for the tests of the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from agno_memory.client import MemoryClient, UserMemory, models
from agno_memory.names import CONTENT_FIELDS

BASE = "https://example.com/api/"
TOKEN = "0123456789abcdef-secret"
SECRET = "Has a secret allergy"
# The content fields that a test does not set.
DEFAULTS: dict[str, Any] = {name: getattr(UserMemory(memory=""), name) for name in CONTENT_FIELDS}
PAYLOAD: dict[str, Any] = {
    "memory_id": "m1",
    "user_id": "maya",
    **DEFAULTS,
    "memory": SECRET,
    "topics": ["food"],
    "metadata": {"a": 1},
    "version": 3,
    "created_at": "2026-11-25T02:20:22.123Z",
    "last_updated": "2026-11-25T03:20:22.123Z",
}
# An earlier version of it.
VERSION: dict[str, Any] = {
    **PAYLOAD,
    "valid_from": "2026-11-25T03:20:22.123Z",
    "valid_until": "2026-11-25T04:20:22.123Z",
    "action": "replaced",
    "actor": "maya",
    "through": "REST",
    "reason": "ticket 812",
    "merged_into": None,
    "restored": None,
}
PROXY = httpx.Response(200, text="<html>Please log in to the hotel's network</html>")
NOT_FOUND = httpx.Response(404, json={"detail": "Not found."})

Step = httpx.Response | Exception


class Script(httpx.MockTransport):
    """Responds with one step after the other, and records the requests."""

    def __init__(self, *steps: Step) -> None:
        super().__init__(self.answer)
        self.steps = list(steps)
        self.sent: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)

    @property
    def calls(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.sent]

    @property
    def bodies(self) -> list[Any]:
        """The JSON of the requests that have some."""
        return [json.loads(request.content) for request in self.sent if request.content]


Verb = Callable[..., Any]


def client(script: Script, **options: Any) -> MemoryClient:
    """Return a client of this service."""
    return MemoryClient(BASE, transport=script, **options)


def sync(memory: MemoryClient | Script, verb: str, *args: Any, **kwargs: Any) -> Any:
    """Call a verb, and close the client."""
    with client(memory) if isinstance(memory, Script) else memory as opened:
        return getattr(opened, verb)(*args, **kwargs)


def twin(memory: MemoryClient | Script, verb: str, *args: Any, **kwargs: Any) -> Any:
    """Call the async twin of a verb, and close the client."""

    async def life() -> Any:
        async with client(memory) if isinstance(memory, Script) else memory as opened:
            return await getattr(opened, f"a{verb}")(*args, **kwargs)

    return asyncio.run(life())


both_ways = pytest.mark.parametrize("call", [sync, twin], ids=["sync", "async"])


def memory_of(payload: dict[str, Any]) -> UserMemory:
    return models.parse_memory(payload)


def page(*ids: str, next: str | None = None) -> httpx.Response:
    results = [{**PAYLOAD, "memory_id": memory_id} for memory_id in ids]
    return httpx.Response(200, json={"next": next, "previous": None, "results": results})
