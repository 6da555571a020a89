"""A model for ``make demo-agent`` that needs neither network nor key: a few rules in place of a language model.

It works as a language model does: agno passes the stored memories to it, and it remembers and forgets by calling the
tools of agno.
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
QUESTION = re.compile(r"\?\s*$|^(what|who|do|which|tell)\b", re.IGNORECASE)
# The two formats in which agno's prompts list memories: for its memory manager, and for the agent.
MANAGED_MEMORY = re.compile(r"^\s*ID: (?P<id>.+)\n\s*Memory: (?P<memory>.+)$", re.MULTILINE)
CONTEXT = re.compile(r"<memories_from_previous_interactions>(.*?)</memories", re.DOTALL)
NO_MATCH = "There is nothing like that."
# Words of a request to forget that do not describe a memory.
STOP_WORDS = {"about", "all", "and", "the", "that", "what", "everything", "please"}
TOPICS = {
    "food": "eat food allergic nuts vegetarian vegan coffee tea cook",
    "preferences": "like love prefer prefers favourite favorite hate",
    "work": "work job company team meeting",
    "family": "wife husband son daughter mother father sister brother",
    "travel": "travel train plane trip city live lives",
}


@dataclass
class ScriptedModel(Model):
    """Rules with the interface of agno's models."""

    id: str = "scripted"
    name: str = "Scripted"
    provider: str = "demo"

    def respond(self, messages: list[Any], tools: Any) -> ModelResponse:
        """Return the next step of the model; a subclass may have other rules."""
        return respond(messages, tools)

    def invoke(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> ModelResponse:
        return self.respond(messages, tools)

    async def ainvoke(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> ModelResponse:
        return self.respond(messages, tools)

    def invoke_stream(self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield self.respond(messages, tools)

    async def ainvoke_stream(
        self, messages: list[Any], *args: Any, tools: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        yield self.respond(messages, tools)

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        return response


def respond(messages: list[Any], tools: Any) -> ModelResponse:
    """Return the next step of the model: a call of a tool, or a text."""
    offered = {tool["function"]["name"] for tool in tools or [] if isinstance(tool, dict) and "function" in tool}
    system = "\n".join(str(message.content) for message in messages if message.role == "system")
    request = next((str(message.content) for message in reversed(messages) if message.role == "user"), "").strip()
    if messages[-1].role == "tool":
        # The memory manager answers with a text if it has called no tool.
        if NO_MATCH in str(messages[-1].content):
            return text_response(NO_MATCH)
        return text_response("I will not mention it again." if FORGET.search(request) else "I will remember that.")
    if "add_memory" in offered:
        return manage_memories(request, {found["id"]: found["memory"] for found in MANAGED_MEMORY.finditer(system)})
    if "update_user_memory" in offered and (FORGET.search(request) or is_memorable(request)):
        return tool_call("update_user_memory", task=request)
    if not QUESTION.search(request):
        return text_response("I see. Tell me something about yourself, or ask what I know about you.")
    memories = re.findall(r"^- (.+)$", "".join(CONTEXT.findall(system)), re.MULTILINE)
    listed = "\n".join(f"- {memory}" for memory in memories)
    return text_response(f"What I know about you:\n{listed}" if memories else "Nothing yet.")


def is_memorable(request: str) -> bool:
    """Return whether a message has a fact about its author."""
    return bool(REMEMBER.match(request)) or bool(ABOUT_ME.search(request) and not QUESTION.search(request))


def manage_memories(request: str, memories: dict[str, str]) -> ModelResponse:
    """Return the call by which the memory manager remembers or forgets.

    Args:
        request: the user's message.
        memories: the texts of the stored memories, by their ids.
    """
    if FORGET_ALL.search(request):
        return tool_call("clear_memory")
    forget = FORGET.search(request)
    if forget:
        # Every word must match: "forget that I like tea" keeps "I like coffee".
        described = words(forget[1]) - STOP_WORDS
        memory_id = next((key for key, memory in memories.items() if described and described <= words(memory)), None)
        return text_response(NO_MATCH) if memory_id is None else tool_call("delete_memory", memory_id=memory_id)
    remember = REMEMBER.match(request)
    text = (remember[1] if remember else request).strip().rstrip(".")
    topics = [topic for topic, keywords in TOPICS.items() if words(text) & words(keywords)]
    return tool_call("add_memory", memory=f"Says: {text}", topics=topics or ["notes"])


def words(text: str) -> set[str]:
    """Return the words of a text that have more than two letters."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 2}


def tool_call(name: str, **arguments: Any) -> ModelResponse:
    """Return a response that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return ModelResponse(
        role="assistant", tool_calls=[{"id": f"call-{name}", "type": "function", "function": function}]
    )


def text_response(text: str) -> ModelResponse:
    """Return a response that is a text."""
    return ModelResponse(role="assistant", content=text)
