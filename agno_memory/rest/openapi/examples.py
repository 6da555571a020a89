"""What goes over the wire, as the pages of the API show it."""

from __future__ import annotations

from typing import Any, Final

TOLD: Final[dict[str, Any]] = {
    "memory": "Is allergic to peanuts",
    "topics": ["food", "allergies"],
    "input": "I can't have peanuts, by the way.",
    "metadata": {"confidence": 0.9},
    "agent_id": "concierge",
}
MEMORY: Final[dict[str, Any]] = {
    "memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7e",
    "user_id": "maya",
    **TOLD,
    "team_id": None,
    "session_id": None,
    "feedback": None,
    "version": 1,
    "created_at": "2026-11-25T09:30:00.125Z",
    "last_updated": "2026-11-25T09:30:00.125Z",
}
CHANGED: Final = {**MEMORY, "topics": ["food"], "version": 2, "last_updated": "2026-11-25T09:31:12.004Z"}
SECOND_TOLD: Final = {"memory": "Speaks Portuguese", "topics": ["languages"]}
SECOND: Final = {
    **dict.fromkeys(MEMORY),
    "memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7f",
    "user_id": "maya",
    **SECOND_TOLD,
    "metadata": {},
    **{name: MEMORY[name] for name in ("version", "created_at", "last_updated")},
}
OWNER: Final = {"user_id": "maya", "count": 12, "last_updated": "2026-11-25T09:30:00.125Z"}
NDJSON: Final = '{"memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7e", "user_id": "maya", "memory": "Is allergic ...'
CSV: Final = "memory_id,user_id,memory,topics,input,metadata,agent_id,team_id,session_id,feedback,version,...\r\n"
NEXT: Final = "https://example.com/api/{path}/?cursor=Znwt"
