"""A model for ``make demo-agent`` that needs no network and no key: a few rules in the place of a language model.

It does what a real one does: it is told what is remembered, and it remembers and forgets by calling the tools that agno
hands to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from agno.models.base import Model
from agno.models.response import ModelResponse

REMEMBER = re.compile(r"^(?:please\s+)?remember(?:\s+that)?\s+(.+)$", re.IGNORECASE | re.DOTALL)
ABOUT_ME = re.compile(r"\b(i|my|me)\b", re.IGNORECASE)
FORGET_ALL = re.compile(r"\bforget\s+(everything|all)(\s+about\s+me)?[\s.!]*$", re.IGNORECASE)
FORGET = re.compile(r"\bforget\s+(?:that\s+)?(.+)$", re.IGNORECASE | re.DOTALL)
ASKS = re.compile(r"\?\s*$|^(what|who|do|which|tell)\b", re.IGNORECASE)
KNOWN = re.compile(r"^\s*ID: (?P<id>.+)\n\s*Memory: (?P<memory>.+)$", re.MULTILINE)
TOLD = re.compile(r"<memories_from_previous_interactions>(.*?)</memories", re.DOTALL)
NOTHING = "There is nothing like that."
# Words of a wish to forget that say nothing of what is meant.
SMALL = {"about", "all", "and", "the", "that", "what", "everything", "please"}
TOPICS = {
    "food": "eat food allergic nuts vegetarian vegan coffee tea cook",
    "preferences": "like love prefer prefers favourite favorite hate",
    "work": "work job company team meeting",
    "family": "wife husband son daughter mother father sister brother",
    "travel": "travel train plane trip city live lives",
}


@dataclass
class ScriptedModel(Model):
    """Rules that speak agno's language."""

    id: str = "scripted"
    name: str = "Scripted"
    provider: str = "demo"

    def invoke(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> ModelResponse:
        return answer(messages, tools)

    async def ainvoke(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> ModelResponse:
        return answer(messages, tools)

    def invoke_stream(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield answer(messages, tools)

    async def ainvoke_stream(
        self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        yield answer(messages, tools)

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        return response


def answer(messages: list[Any], tools: Any) -> ModelResponse:
    """Return what the model does next: call a tool, or say something."""
    offered = {tool["function"]["name"] for tool in tools or [] if isinstance(tool, dict) and "function" in tool}
    system = "\n".join(str(message.content) for message in messages if message.role == "system")
    said = next((str(message.content) for message in reversed(messages) if message.role == "user"), "").strip()
    if messages[-1].role == "tool":
        # What the memory manager says, if it called no tool.
        if NOTHING in str(messages[-1].content):
            return say(NOTHING)
        return say("I will not mention it again." if FORGET.search(said) else "I will remember that.")
    if "add_memory" in offered:
        return keep(said, {found["id"]: found["memory"] for found in KNOWN.finditer(system)})
    if "update_user_memory" in offered and (FORGET.search(said) or learnable(said)):
        return call("update_user_memory", task=said)
    told = "".join(TOLD.findall(system))
    known = re.findall(r"^- (.+)$", told, re.MULTILINE)
    if not ASKS.search(said):
        return say("I see. Tell me something about yourself, or ask what I know about you.")
    return say("What I know about you:\n" + "\n".join(f"- {memory}" for memory in known) if known else "Nothing yet.")


def learnable(said: str) -> bool:
    """Tell whether somebody says something of themselves."""
    return bool(REMEMBER.match(said)) or bool(ABOUT_ME.search(said) and not ASKS.search(said))


def keep(said: str, known: dict[str, str]) -> ModelResponse:
    """Return the call that remembers or forgets what was said."""
    if FORGET_ALL.search(said):
        return call("clear_memory")
    forget = FORGET.search(said)
    if forget:
        # One word in common is not enough: who forgets the tea still likes coffee.
        wanted = words(forget[1]) - SMALL
        meant = next((key for key, memory in known.items() if wanted and wanted <= words(memory)), None)
        if meant is None:
            return say(NOTHING)
        return call("delete_memory", memory_id=meant)
    found = REMEMBER.match(said)
    text = (found[1] if found else said).strip().rstrip(".")
    topics = [topic for topic, named in TOPICS.items() if words(text) & words(named)]
    return call("add_memory", memory=f"Says: {text}", topics=topics or ["notes"])


def words(text: str) -> set[str]:
    """Return the words of a text that say something."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 2}


def call(name: str, **arguments: Any) -> ModelResponse:
    """Return a call of a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return ModelResponse(
        role="assistant", tool_calls=[{"id": f"call-{name}", "type": "function", "function": function}]
    )


def say(text: str) -> ModelResponse:
    """Return a text."""
    return ModelResponse(role="assistant", content=text)
