"""The examples for agno 3 in docs/agno.md run as they are printed, with a scripted model."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from fnmatch import fnmatch
from textwrap import dedent
from types import ModuleType
from typing import Any

import httpx
import pytest
from agno.db.base import BaseDb
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token

from agno_memory.contrib.agno import DjangoDb
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentSession, UserMemory
from tests.agno_model import ScriptedModel
from tests.databases import ROOT, commits

pytestmark = [commits]


def blocks(heading: str) -> list[str]:
    section = (ROOT / "docs" / "agno.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [block.partition("```")[0] for block in section.split("```python\n")[1:]]


@pytest.mark.parametrize("heading", ["Agno 3", "Sessions"])
def test_the_example(heading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("Agno 3")
    block = block.replace("I am allergic to nuts", '!add_memory {\\"memory\\": \\"Allergic to nuts\\"}')
    exec(compile(block, "docs/agno.md", "exec"), {})
    assert [memory.memory for memory in Memory().get_user_memories("maya")] == ["Allergic to nuts"]
    assert AgentSession.objects.get().user_id == "maya"
    if heading == "Sessions":
        (block,) = blocks(heading)
        exec(compile(block, "docs/agno.md", "exec"), {})
        assert not AgentSession.objects.exists()


def test_the_example_of_the_async_store(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("Async")
    exec(compile(block, "docs/agno.md", "exec"), {})
    session = AgentSession.objects.get()
    assert (session.user_id, session.runs.count()) == ("maya", 1)


def test_the_example_of_agentos(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    maya = User.objects.create_user("maya")
    session, token = Client(), Token.objects.create(user=maya)
    session.force_login(maya)
    cookies = {"csrftoken": "c" * 32, "sessionid": session.cookies["sessionid"].value}
    header = {"X-CSRFToken": "c" * 32}
    names: dict[str, Any] = {}

    async def run(**options: Any) -> int:
        transport = httpx.ASGITransport(names["application"])
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", **options) as client:
            assert (await client.get("/admin/login/")).status_code == 200
            form = {"message": "Hello", "stream": "false", "session_id": "dinner"}
            return (await client.post("/agents/agents/chef/runs", data=form)).status_code

    for number, block in enumerate(blocks("AgentOS inside a Django site")):
        exec(compile(dedent(block), "docs/agno.md", "exec"), names)
        assert asyncio.run(run()) == 401
        assert asyncio.run(run(cookies=cookies, headers=header)) == 200
        by_token = asyncio.run(run(headers={"Authorization": f"Token {token.key}"}))
        assert by_token == (200 if number == 2 else 401)
    assert AgentSession.objects.get().user_id == str(maya.pk)


def test_the_example_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("Knowledge, learnings, evaluations and components")
    block = block.replace("My name is Maya", '!update_profile {\\"name\\": \\"Maya\\"}')
    names: dict[str, Any] = {}
    exec(compile(block, "docs/agno.md", "exec"), names)
    assert names["version"] == 1
    kinds = sorted(AgentRecord.objects.values_list("kind", "user_id"), key=str)
    assert kinds == [("component", None), ("component_config", None), ("learning", "maya")]


def test_the_example_of_approvals(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("Schedules, approvals and service accounts")
    block = block.replace("Send 5", '!send_money {\\"amount\\": 5}')
    names: dict[str, Any] = {}
    exec(compile(block, "docs/agno.md", "exec"), names)
    (waiting,), _count = DjangoDb().get_approvals(status="pending", user_id="maya")
    assert (waiting["tool_args"], names["run"].is_paused) == ({"amount": 5}, True)
    names["db"].update_approval(waiting["id"], expected_status="pending", status="approved", resolved_by="boss")
    done = names["bank"].continue_run(run_id=names["run"].run_id, session_id="dinner")
    assert [each.result for each in done.tools] == ["sent 5"]


def test_the_table_of_methods() -> None:
    """A method that a new release of agno adds matches no row, or raises in a row of others that do not."""
    table = blocks_of_table("What is kept")
    public = [name for name, _method in inspect.getmembers(BaseDb, inspect.isfunction) if not name.startswith("_")]
    assert len(public) > 150
    for name in public:
        states = [state for patterns, state in table if any(fnmatch(name, pattern) for pattern in patterns)]
        doc = inspect.getdoc(getattr(DjangoDb, name)) or ""
        found = "raises" if doc.startswith("Raise NotImplementedError") else "kept"
        # A reason may follow.
        assert [state.partition(":")[0] for state in states[:1]] == [found], name


def blocks_of_table(heading: str) -> list[tuple[list[str], str]]:
    """Return the patterns and the last cell of each row of a table."""
    section = (ROOT / "docs" / "agno.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "`" in line]
    return [(re.findall(r"`(.+?)`", row[1]), row[2].rstrip(" |")) for row in rows]


def test_the_example_of_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("The memories that matter")
    Memory().add_user_memories([UserMemory(memory=text) for text in ("Allergic to nuts", "Likes tea")], "maya")
    names: dict[str, Any] = {}
    exec(compile(block, "docs/agno.md", "exec"), names)
    run = names["agent"].get_last_run_output()
    assert json.loads(run.content)["knows"][0] == "Allergic to nuts"
    found = names["agent"].run('!search_memories {"query": "tea"}', user_id="maya").content
    assert "[1] Likes tea" in found
