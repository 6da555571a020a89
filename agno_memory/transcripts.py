"""The messages and tool calls of a run, for people to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from agno_memory.json_texts import json_object, object_or_none
from agno_memory.models import AgentRun

# People see the messages of these roles, not the application's instructions to its model.
VISIBLE_ROLES: Final = ("user", "assistant", "tool")


class Call(NamedTuple):
    """A tool call of the model.

    Args:
        name: the name of the tool.
        arguments: as text.
    """

    name: str
    arguments: str


class Message(NamedTuple):
    """A message of a run.

    Args:
        role: ``user``, ``assistant``, ``tool`` or ``system``.
        text: its content.
        calls: the calls of tools.
        tool: name of the tool, for the result of a tool.
    """

    role: str
    text: str
    calls: list[Call]
    tool: str = ""


def messages(run: AgentRun) -> list[Message]:
    """Return the messages of a run, without those that it repeats from earlier runs."""
    data = json_object(run.data)
    found = [message for message in map(_message, _list(data.get("messages"))) if message]
    return found or list(_input_and_output(data))


def first_words(run: AgentRun) -> str:
    """Return the first message of the person in a run; "" without one."""
    return next((message.text for message in messages(run) if message.role == "user" and message.text), "")


def _input_and_output(data: dict[str, Any]) -> Iterator[Message]:
    """Yield the input and the output of a run without messages."""
    question = data.get("input")
    if isinstance(question, dict):
        question = question.get("input_content")
    for role, content in (("user", question), ("assistant", data.get("content"))):
        if content:
            yield Message(role, _text(content), [])


def _message(value: Any) -> Message | None:
    """Return a message of agno's JSON; None if it is repeated, empty or malformed."""
    if not isinstance(value, dict) or value.get("from_history"):
        return None
    calls = [_call(call) for call in _list(value.get("tool_calls"))]
    role, text = str(value.get("role") or ""), _text(value.get("content"))
    return Message(role, text, calls, str(value.get("tool_name") or "")) if text or calls else None


def _call(value: Any) -> Call:
    function = object_or_none(json_object(value).get("function"))
    if function is None:
        return Call("", _text(value))
    return Call(str(function.get("name") or ""), _text(function.get("arguments")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Return a text unchanged, None as an empty text, and any other value as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, indent=2)
