"""AgentOS pages of knowledge, learnings, schedules, approvals and so on answer as on agno's own store."""

from __future__ import annotations

import asyncio
import json
import re
from inspect import isawaitable
from typing import Any

import httpx
import pytest
from agno.agent import Agent
from agno.db.base import BaseDb
from agno.db.schemas.approval import Approval
from agno.knowledge.document import Document
from agno.knowledge.knowledge import Knowledge
from agno.os import AgentOS
from agno.vectordb.base import VectorDb

from agno_memory.contrib.agno import DjangoDb
from tests.agno3.pairs import agnos_own
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

# Values that differ from call to call: ids that agno makes, and times.
VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|\b1[789]\d{8}\b|db=\w+"
)
# "detail" is the text of an error, and each store has its own.
TIMED = {
    "detail",
    "search_time_ms",
    "created_at",
    "updated_at",
    "deleted_at",
    "last_learning_updated_at",
    "avg_run_time",
    "run_times",
    "memory_usages",
    "next_run_at",
    "resolved_at",
}


class Vectors(VectorDb):
    """Keeps documents in memory, and finds those that contain the query."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[Document] = []

    def insert(self, content_hash: str, documents: list[Document], filters: Any = None, **more: Any) -> None:
        self.documents += documents

    async def async_insert(
        self, content_hash: str, documents: list[Document], filters: Any = None, **more: Any
    ) -> None:
        self.insert(content_hash, documents)

    async def async_upsert(
        self, content_hash: str, documents: list[Document], filters: Any = None, **more: Any
    ) -> None:
        self.insert(content_hash, documents)

    def search(self, query: str, limit: int = 5, filters: Any = None, **more: Any) -> list[Document]:
        return [document for document in self.documents if query in document.content][:limit]

    async def async_search(self, query: str, limit: int = 5, filters: Any = None, **more: Any) -> list[Document]:
        return self.search(query, limit)

    def delete_by_content_id(self, content_id: str, user_id: str | None = None) -> bool:
        self.documents = [document for document in self.documents if document.content_id != content_id]
        return True

    def exists(self) -> bool:
        return True

    async def async_exists(self) -> bool:
        return True

    def get_supported_search_types(self) -> list[str]:
        return ["keyword"]


def _nothing(self: Any, *arguments: Any, **named: Any) -> Any:
    return None


async def _nothing_async(self: Any, *arguments: Any, **named: Any) -> Any:
    return None


for _name in list(Vectors.__abstractmethods__):
    setattr(Vectors, _name, _nothing_async if _name.startswith("async") else _nothing)
Vectors.__abstractmethods__ = frozenset()

LEARNING = {"learning_type": "user_profile", "user_id": "maya", "content": {"name": "Maya 🎈"}}
COMPONENT = {"name": "Waiter", "component_id": "waiter", "component_type": "agent", "config": {"name": "Waiter"}}
SCHEDULE = {"name": "Daily", "cron_expr": "0 9 * * *", "endpoint": "/agents/chef/runs", "payload": {"message": "Hi 🎈"}}
APPROVAL = Approval(id="a1", run_id="r", session_id="s", user_id="maya", tool_name="send", created_at=1).to_dict()

# A method, a path and a body. "{id}" is the id in the answer to the last POST.
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/knowledge/config", None),
    ("GET", "/knowledge/content", None),
    ("POST", "/knowledge/content", {"name": "Tea", "text_content": "Green tea is drunk hot.", "metadata": '{"k": 1}'}),
    ("GET", "/knowledge/content", None),
    ("GET", "/knowledge/content?limit=1&page=2&sort_by=name&sort_order=asc", None),
    ("GET", "/knowledge/content/{id}", None),
    ("GET", "/knowledge/content/{id}/status", None),
    ("POST JSON", "/knowledge/search", {"query": "Green"}),
    ("PATCH", "/knowledge/content/{id}", {"name": "Tea 2", "description": "Drinks", "metadata": '{"k": 2}'}),
    ("GET", "/knowledge/content/{id}", None),
    ("GET", "/knowledge/content/gone", None),
    ("GET", "/knowledge/content/gone/status", None),
    ("DELETE", "/knowledge/content/{id}", None),
    ("DELETE", "/knowledge/content/{id}", None),
    ("POST", "/knowledge/content", {"name": "Tea", "text_content": "Green tea is drunk hot."}),
    ("DELETE", "/knowledge/content", None),
    ("GET", "/knowledge/content", None),
    ("GET", "/eval-runs", None),
    (
        "POST JSON",
        "/eval-runs",
        {"agent_id": "chef", "eval_type": "reliability", "input": "Hello", "expected_tool_calls": [], "name": "Calls"},
    ),
    ("GET", "/eval-runs", None),
    ("GET", "/eval-runs?agent_id=chef&eval_types=reliability,accuracy&sort_by=created_at&sort_order=asc", None),
    ("GET", "/eval-runs?team_id=kitchen", None),
    ("GET", "/eval-runs/{id}", None),
    ("PATCH", "/eval-runs/{id}", {"name": "Renamed"}),
    ("GET", "/eval-runs/gone", None),
    ("PATCH", "/eval-runs/gone", {"name": "Renamed"}),
    ("DELETE", "/eval-runs", {"eval_run_ids": ["{id}"]}),
    ("GET", "/eval-runs", None),
    ("GET", "/components", None),
    ("POST JSON", "/components", COMPONENT),
    ("POST JSON", "/components", COMPONENT),
    ("GET", "/components", None),
    ("GET", "/components?component_type=team", None),
    ("GET", "/components/waiter", None),
    ("PATCH", "/components/waiter", {"description": "Serves"}),
    ("GET", "/components/waiter/configs", None),
    ("POST JSON", "/components/waiter/configs", {"config": {"name": "Waiter 2"}, "stage": "draft", "label": "second"}),
    ("PATCH", "/components/waiter/configs/2", {"notes": "n", "stage": "published"}),
    ("PATCH", "/components/waiter/configs/2", {"notes": "m"}),
    ("GET", "/components/waiter/configs/current", None),
    ("GET", "/components/waiter/configs/1", None),
    ("GET", "/components/waiter/configs/9", None),
    ("POST JSON", "/components/waiter/configs/1/set-current", {}),
    ("POST JSON", "/components/waiter/configs/2/set-current", {}),
    ("DELETE", "/components/waiter/configs/2", None),
    ("DELETE", "/components/waiter/configs/1", None),
    ("GET", "/components/waiter", None),
    ("DELETE", "/components/waiter", None),
    ("GET", "/components/waiter", None),
    ("POST JSON", "/components/waiter/restore", {}),
    ("POST JSON", "/components/waiter/restore", {}),
    ("GET", "/components/gone", None),
    ("DELETE", "/components/gone", None),
    ("GET", "/learnings", None),
    ("POST JSON", "/learnings", LEARNING),
    ("POST JSON", "/learnings", LEARNING),
    ("GET", "/learnings/user_profile_maya", None),
    ("GET", "/learnings?user_id=maya&limit=1", None),
    ("GET", "/learnings?user_id=noah", None),
    ("GET", "/learnings/users", None),
    ("GET", "/learnings/users?sort_by=user_id&sort_order=asc&limit=1&page=2", None),
    ("GET", "/learnings/{id}", None),
    ("PATCH", "/learnings/{id}", {"content": {"name": "M"}}),
    ("PATCH", "/learnings/gone", {"content": {"name": "M"}}),
    ("DELETE", "/learnings/{id}", None),
    ("DELETE", "/learnings/{id}", None),
    ("POST JSON", "/learnings", LEARNING),
    ("DELETE", "/learnings/users/maya", None),
    ("GET", "/learnings", None),
    ("GET", "/schedules", None),
    ("POST JSON", "/schedules", SCHEDULE),
    ("GET", "/schedules/{id}", None),
    ("POST JSON", "/schedules", SCHEDULE | {"cron_expr": "never"}),
    ("GET", "/schedules?enabled=true&limit=1", None),
    ("PATCH", "/schedules/{id}", {"description": "At nine", "cron_expr": "0 10 * * *"}),
    ("POST JSON", "/schedules/{id}/disable", {}),
    ("POST JSON", "/schedules/{id}/trigger", {}),
    ("GET", "/schedules?enabled=false", None),
    ("POST JSON", "/schedules/{id}/enable", {}),
    ("GET", "/schedules/{id}/runs", None),
    ("GET", "/schedules/{id}/runs/gone", None),
    ("DELETE", "/schedules/{id}", None),
    ("DELETE", "/schedules/{id}", None),
    ("GET", "/schedules/gone", None),
    ("PATCH", "/schedules/gone", {"description": "x"}),
    ("GET", "/approvals", None),
    ("GET", "/approvals/count", None),
    ("GET", "/approvals?status=pending&user_id=maya", None),
    ("GET", "/approvals/gone", None),
    ("GET", "/approvals/gone/status", None),
    ("POST JSON", "/approvals/gone/resolve", {"status": "approved"}),
    ("GET", "/approvals/a1", None),
    ("GET", "/approvals/a1/status", None),
    ("GET", "/approvals?user_id=noah", None),
    ("POST JSON", "/approvals/a1/resolve", {"status": "approved", "resolved_by": "boss", "resolution_data": {"n": 1}}),
    ("POST JSON", "/approvals/a1/resolve", {"status": "rejected"}),
    ("GET", "/approvals/count", None),
    ("DELETE", "/approvals/a1", None),
    ("GET", "/approvals", None),
    ("GET", "/service-accounts", None),
    # agno asks for a token of its own.
    ("POST JSON", "/service-accounts", {"name": "ci"}),
    ("GET", "/service-accounts?sort_by=name&sort_order=asc", None),
    ("DELETE", "/service-accounts/gone", None),
]


async def answers(db: BaseDb) -> list[Any]:
    """Return the status and the body of the answer to each request."""
    knowledge = Knowledge(name="docs", contents_db=db, vector_db=Vectors())
    chef = Agent(id="chef", model=ScriptedModel(), db=db, telemetry=False)
    app = AgentOS(id="os", agents=[chef], knowledge=[knowledge], db=db, telemetry=False).get_app()
    made: Any = db.create_approval(dict(APPROVAL))
    if isawaitable(made):
        await made
    found: list[Any] = []
    last_id = ""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path, body in REQUESTS:
            verb, _, is_json = method.partition(" ")
            encoded = "data" if "knowledge/content" in path and not is_json else "json"
            values = json.loads(json.dumps(body).replace("{id}", last_id))
            answer = await client.request(verb, path.replace("{id}", last_id), **{encoded: values})
            content = answer.json() if answer.content else None
            if verb == "POST" and isinstance(content, dict):
                last_id = str(content.get("learning_id") or content.get("id") or last_id)
            found.append((f"{method} {path}", answer.status_code, normal(content)))
    return found


def normal(content: Any) -> Any:
    """Return an answer without the values that differ from call to call."""
    if isinstance(content, dict):
        return {
            key: each is not None if key in TIMED else normal(each)
            for key, each in content.items()
            if key not in ("db_id", "content_hash")
        }
    if isinstance(content, list):
        return [normal(each) for each in content]
    return VARYING.sub("*", content) if isinstance(content, str) else content


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with agnos_own(tmp_path_factory.mktemp("agno")) as theirs:
        return asyncio.run(answers(theirs))


@each_database
def test_the_answers_are_those_of_agnos_own_store(alias: str, expected: list[Any], subtests: Any) -> None:
    ours = asyncio.run(answers(DjangoDb(alias)))
    for found, other in zip(ours, expected, strict=True):
        with subtests.test(found[0]):
            assert found == other
    assert [each for each in ours if each[1] >= 500] == []
