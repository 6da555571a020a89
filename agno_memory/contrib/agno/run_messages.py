"""The message of the run for which agno reads a user's memories: what a store with ``recall`` ranks them by.

Why this is needed: agno asks a store for all memories of a user and does not pass the message. A hook of the agent
could pass it, but an agent without the hook, a team's member or AgentOS would then get memories of no use.

How it works: ``message_of_call()`` looks at the nearest frames of agno on the call stack, as ``tool_calls`` does, and
reads the argument of agno's function that holds the message. The argument belongs to this one call, so runs that take
place at the same time never get each other's message.

When it fails: for any other caller, such as a tool, AgentOS or the program, the store returns all memories, as without
``recall``. That is also the result if agno has renamed a function.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from agno_memory.contrib.agno.tool_calls import frames_from, function_name

# By the nearest functions of agno, the inner one first: the arguments of the last function that hold the message. The
# functions put memories into a prompt: that of the agent or team, or that of the manager, which learns from a message.
CALLERS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    # agno 1.8
    **{
        (
            "agno.memory.v2.memory.refresh_from_db",
            "agno.memory.v2.memory.get_user_memories",
            f"agno.{kind}.{kind}.get_system_message",
            f"agno.{kind}.{kind}.get_run_messages",
        ): ("message",)
        for kind in ("agent", "team")
    },
    **{
        ("agno.memory.v2.memory.refresh_from_db", f"agno.memory.v2.memory.{prefix}{name}"): arguments
        for prefix in ("", "a")
        for name, arguments in {
            "create_user_memories": ("messages", "message"),
            "update_memory_task": ("task",),
        }.items()
    },
    # agno 3
    **{
        (
            f"agno.memory.manager.{awaited}read_from_db",
            f"agno.memory.manager.{awaited}get_user_memories",
            f"agno.{kind}._messages.{prefix}get_system_message",
        ): ("input",)
        for kind in ("agent", "team")
        for prefix, awaited in (("", ""), ("a", ""), ("a", "a"))
    },
    **{
        (f"agno.memory.manager.{awaited}read_from_db", f"agno.memory.manager.{prefix}{name}"): arguments
        for prefix, awaited in (("", ""), ("a", ""), ("a", "a"))
        for name, arguments in {
            "create_user_memories": ("messages", "message"),
            "update_memory_task": ("task",),
        }.items()
    },
}
LONGEST: Final = max(map(len, CALLERS))
# The role of the messages that a person wrote; one without a role is theirs.
FROM_USER: Final = ("user", None)


def message_of_call() -> str | None:
    """Return the message of the run, or None if another caller reads.

    A message without text, such as a picture, is the empty text.
    """
    functions: list[str] = []
    for frame in frames_from(sys._getframe(1)):
        name = function_name(frame)
        if not name.startswith("agno."):
            continue
        functions.append(name)
        if arguments := CALLERS.get(tuple(functions)):
            values = (frame.f_locals.get(argument) for argument in arguments)
            return "\n".join(_texts(next((value for value in values if value), None)))
        if len(functions) == LONGEST:
            break
    return None


def _texts(message: Any) -> Iterator[str]:
    """Yield the texts of a message in each of the forms that agno accepts."""
    if isinstance(message, str):
        yield message
    elif isinstance(message, list | tuple):
        for part in message:
            yield from _texts(part)
    elif isinstance(message, Mapping):
        yield from _texts_of_mapping(message)
    elif hasattr(message, "content"):
        if getattr(message, "role", None) in FROM_USER:
            yield from _texts(message.content)
    elif hasattr(message, "model_dump_json"):
        yield message.model_dump_json()


def _texts_of_mapping(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a message or of a part of one; of other data, its JSON, as the model reads it."""
    if message.get("role") not in FROM_USER:
        return
    for name in ("content", "text"):
        if name in message:
            yield from _texts(message[name])
            return
    yield json.dumps(message, ensure_ascii=False, default=str)
