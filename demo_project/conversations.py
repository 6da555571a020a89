"""Two conversations that nobody had, as an agent of agno would have kept them."""

from __future__ import annotations

import json
from pathlib import Path

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRun, AgentSession

FILE = Path(__file__).resolve().parent / "conversations.json"


def load(file: Path = FILE) -> int:
    """Keep those conversations of the file that are not there yet, and return how many that were."""
    sessions, loaded = AgentSessions(), 0
    for told in json.loads(file.read_text(encoding="utf-8")):
        owner, runs = told.pop("user_id"), told.pop("runs")
        if sessions.get_session(told["session_id"], owner) is not None:
            continue
        sessions.upsert_session(AgentSession(**told), owner)
        loaded += 1
        for number, messages in enumerate(runs, start=1):
            run = AgentRun(
                run_id=f"{told['session_id']}-{number}",
                run_type="agent",
                agent_id=told["agent_id"],
                status="COMPLETED",
                data={"messages": messages},
            )
            sessions.upsert_run(told["session_id"], run, owner)
    return loaded
