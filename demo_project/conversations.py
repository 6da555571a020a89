"""Two invented conversations, as an agent of agno stores them, with a trace of each turn."""

from __future__ import annotations

import json
from pathlib import Path

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRun, AgentSession
from demo_project import people, traces

FILE = Path(__file__).resolve().parent / "conversations.json"


def load(file: Path = FILE) -> int:
    """Add the conversations of a file that are not in the database yet, and return their number."""
    sessions, owners, loaded = AgentSessions(), people.accounts(), 0
    for fields in json.loads(file.read_text(encoding="utf-8")):
        name, runs = fields.pop("user_id"), fields.pop("runs")
        owner = owners.get(name)
        if owner is None or sessions.get_session(fields["session_id"], owner) is not None:
            continue
        session = sessions.upsert_session(AgentSession(**fields), owner)
        loaded += 1
        for number, messages in enumerate(runs, start=1):
            run = AgentRun(
                run_id=f"{fields['session_id']}-{number}",
                run_type="agent",
                agent_id=fields["agent_id"],
                status="COMPLETED",
                data={"messages": messages},
            )
            sessions.upsert_run(fields["session_id"], run, owner)
            traces.save(session, run, run.created_at)
    return loaded
