"""AgentOS with agno's own SqliteDb, for ``benchmarks.agentos``, in the environment of ``make bench-peers``.

uvicorn serves ``application``; run as a module, it fills the store: ``python -m benchmarks.agentos_site 10000``.
"""

from __future__ import annotations

import os
import sys

from agno.db.schemas.memory import UserMemory
from agno.db.sqlite import SqliteDb
from agno.os import AgentOS

from agno_memory.batches import batched
from benchmarks.rows import PER_USER, Row, stored_rows


def store() -> SqliteDb:
    return SqliteDb(db_file=os.environ["BENCHMARK_AGENTOS_FILE"])


def as_agno(row: Row) -> UserMemory:
    names = ("memory_id", "user_id", "memory", "topics", "input", "agent_id", "team_id", "feedback")
    times = {"created_at": int(row["created_at"].timestamp()), "updated_at": int(row["last_updated"].timestamp())}
    return UserMemory(**{name: row[name] for name in names}, **times)


def fill(rows: int) -> None:
    # Otherwise the two workers create the tables at the same time, and one of them fails.
    store()._create_all_tables()
    for batch in batched(stored_rows(0, rows // PER_USER), 1_000):
        store().upsert_memories([as_agno(row) for row in batch], preserve_updated_at=True)


def __getattr__(name: str) -> object:
    if name == "application":
        # OS_SECURITY_KEY is in the environment: both sides check the token of each request.
        return AgentOS(db=store(), telemetry=False).get_app()
    raise AttributeError(name)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
