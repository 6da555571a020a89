"""A run as people read it: who said what, and which tools were called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from agno_memory.models import AgentRun


class Call(NamedTuple):
    """A tool that the model called, with its arguments as text."""

    name: str
    arguments: str


class Message(NamedTuple):
    """One message: of the ``user``, the ``assistant``, a ``tool`` or the ``system``."""

    role: str
    text: str
    calls: list[Call]
    # Of a tool: what it is called.
    tool: str = ""


def messages(run: AgentRun) -> list[Message]:
    """Return what was said in a run, without what it repeats of earlier ones."""
    data = run.data if isinstance(run.data, dict) else {}
    found = [said for said in map(_said, _list(data.get("messages"))) if said]
    return found or list(_without_messages(data))


def _without_messages(data: dict[str, Any]) -> Iterator[Message]:
    asked = data.get("input")
    if isinstance(asked, dict):
        asked = asked.get("input_content")
    for role, content in (("user", asked), ("assistant", data.get("content"))):
        if content:
            yield Message(role, _text(content), [])


def _said(message: Any) -> Message | None:
    if not isinstance(message, dict) or message.get("from_history"):
        return None
    calls = [_call(call) for call in _list(message.get("tool_calls"))]
    role, text = str(message.get("role") or ""), _text(message.get("content"))
    return Message(role, text, calls, str(message.get("tool_name") or "")) if text or calls else None


def _call(call: Any) -> Call:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return Call("", _text(call))
    return Call(str(function.get("name") or ""), _text(function.get("arguments")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, indent=2)
