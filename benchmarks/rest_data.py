"""The requests of ``benchmarks.rest``, and the rows that they read."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

from django.core.management import call_command

from agno_memory.keys import composite_key
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.pagination import Cursor
from agno_memory.times import to_milliseconds
from benchmarks.load import request
from benchmarks.rest import Question
from benchmarks.rest_auth import token_of
from benchmarks.rest_site import driver
from benchmarks.rows import PER_USER, SINCE, Row, stored, stored_rows

USER = "user-000007"
BODY = {
    "memory": "Likes green tea better than jazz, as mentioned while planning trip 7 with a friend.",
    "topics": ["food", "music"],
    "input": "By the way, I like green tea better than jazz.",
    "metadata": {"source": "chat", "turn": 7},
    "agent_id": "travel-agent",
    "session_id": "session-7",
}


def prepare(usernames: list[str]) -> dict[str, str]:
    """Make the tables, and return a token for each of the users."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("migrate", "agno_memory", database="memories", verbosity=0, interactive=False)
    return {name: token_of(name) for name in usernames}


def fill(filled: int, rows: int, *, heavy: int, heavy_user: str) -> None:
    driver().load(stored_rows(filled // PER_USER, rows // PER_USER))
    driver().load(of_heavy(heavy_user, heavy))
    driver().settle()


def of_heavy(user: str, count: int) -> Iterator[Row]:
    for number in range(count):
        moment = SINCE + datetime.timedelta(minutes=number)
        memory_id = f"{number:08d}-heavy-{number:012d}"
        yield {**stored(7, number % PER_USER), "key": composite_key(user, memory_id), "memory_id": memory_id,
               "user_id": user, "last_updated": moment, "created_at": moment}  # fmt: skip


def questions(port: int, tokens: dict[str, str], heavy: str, page_size: int, far: int) -> list[Question]:
    mine, theirs = tokens[USER], tokens[heavy]
    size = f"page_size={page_size}"
    behind = place(UserMemory.objects.for_user(heavy), page_size * (far - 1))
    cursor = Cursor("-last_updated", position=(to_milliseconds(behind.last_updated), behind.memory_id)).encode()
    bare_place = f"{behind.last_updated.isoformat().replace('+00:00', 'Z')}%7C{behind.memory_id}"
    body = json.dumps(BODY).encode()

    def question(name: str, method: str, token: str, ours: str, bare: str, **more: Any) -> Question:
        data = more.pop("body", b"")
        messages = [request(method, path, port, token, data) for path in (ours, bare)]
        return Question(name, lambda: messages[0], lambda: messages[1], **more)

    pages = [("/api/memories/", "/bare/memories/")]
    return [
        question("GET memories/?page_size=50", "GET", mine, f"{pages[0][0]}?{size}", f"{pages[0][1]}?{size}"),
        question("GET memories/, page 1", "GET", theirs, f"/api/memories/?{size}", f"/bare/memories/?{size}"),
        question(
            f"GET memories/, page {far:,}",
            "GET",
            theirs,
            f"/api/memories/?{size}&cursor={cursor}",
            f"/bare/memories/?{size}&place={bare_place}",
        ),
        question("POST memories/", "POST", mine, "/api/memories/", "/bare/memories/", status=201, body=body),
    ]


def place(rows: UserMemoryQuerySet, position: int) -> UserMemory:
    """Return the memory at a position of a list, the newest first."""
    return rows.newest()[position - 1 : position].get()
