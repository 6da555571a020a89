"""The API, and bare views that return the same responses with the raw driver, for comparison.

The bare views do the minimum: authenticate the caller in the same way, run one statement, write JSON.
They run in the same Django behind the same middleware.
"""

from __future__ import annotations

import datetime
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from agno_memory.keys import composite_key, uuid7
from agno_memory.search.stored_words import stored_words
from benchmarks.drivers import COLUMNS, PostgresDriver, SqliteDriver, Values
from benchmarks.rest_auth import caller
from benchmarks.rows import in_columns

HIDDEN = {"_id", "search_text", "search_terms", "text_key"}
PAGE = "WHERE user_id = {0} AND last_updated <= {0} AND (last_updated < {0} OR memory_id < {0})"


@cache
def driver() -> PostgresDriver | SqliteDriver:
    url = os.environ["BENCHMARK_URL"]
    return PostgresDriver(url) if url else SqliteDriver(Path(os.environ["BENCHMARK_FOLDER"]) / "memories.sqlite3")


def shown(row: Values) -> dict[str, Any]:
    memory = {name: value for name, value in zip(COLUMNS, row, strict=True) if name not in HIDDEN}
    for name in ("created_at", "last_updated"):
        memory[name] = memory[name].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return memory


def memories(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        return add(request)
    size, user = int(request.GET["page_size"]), caller(request)
    if "place" in request.GET:
        moment, memory_id = request.GET["place"].split("|")
        rows = behind(user, moment, memory_id, size + 1)
    else:
        rows = driver().newest(user, size + 1)
    page = [shown(row) for row in rows[:size]]
    following = f"{page[-1]['last_updated']}|{page[-1]['memory_id']}" if len(rows) > size else None
    return JsonResponse({"next": following, "previous": None, "results": page})


def behind(user: str, moment: str, memory_id: str, limit: int) -> list[Values]:
    sql = driver().sql
    place = "?" if isinstance(driver(), SqliteDriver) else "%s"
    where = PAGE.format(place)
    time = datetime.datetime.fromisoformat(moment)
    given: Any = str(time.replace(tzinfo=None)) if isinstance(driver(), SqliteDriver) else time
    text = f"{sql.of_user.partition('WHERE')[0]} {where} {sql.limit}"
    return driver().many(text, (user, given, given, memory_id, limit))


def add(request: HttpRequest) -> JsonResponse:
    body, now = json.loads(request.body), datetime.datetime.now(datetime.UTC)
    user_id, memory_id = caller(request), uuid7()
    topics = body.get("topics", [])
    values = {
        "key": composite_key(user_id, memory_id),
        "memory_id": memory_id,
        "user_id": user_id,
        "memory": body["memory"],
        "topics": topics,
        "input": body.get("input"),
        "metadata": body.get("metadata", {}),
        "agent_id": body.get("agent_id"),
        "team_id": body.get("team_id"),
        "session_id": body.get("session_id"),
        "feedback": body.get("feedback"),
        "expires_at": None,
        "pinned": False,
        "version": 1,
        "last_updated": now,
        "created_at": now,
        "search_text": body["memory"].lower(),
        "search_terms": stored_words(body["memory"], topics),
        "text_key": None,
    }
    row = in_columns(values)
    driver().add(row)
    return JsonResponse(shown(list(row.values())), status=201)


def nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer as a WSGI application that does nothing."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]


urlpatterns = [path("api/", include("agno_memory.rest.urls")), path("bare/memories/", csrf_exempt(memories))]


def __getattr__(name: str) -> WSGIHandler:
    if name == "application":
        return get_wsgi_application()
    raise AttributeError(name)
