"""A model that needs no network: it calls the tool that the last message of the user names, and says what came of it.

``!add_memory {"memory": "Likes tea"}`` calls ``add_memory`` with these arguments, if that tool is offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from agno.models.base import Model
from agno.models.response import ModelResponse

CALL = re.compile(r"!(\w+) (\{.*\})")


@dataclass
class Scripted(Model):
    id: str = "scripted"
    name: str = "Scripted"
    provider: str = "tests"

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

    def parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        return response

    def parse_provider_response_delta(self, response: Any) -> ModelResponse:
        return response


def answer(messages: list[Any], tools: Any) -> ModelResponse:
    if messages[-1].role == "tool":
        return ModelResponse(role="assistant", content=f"Done: {messages[-1].content}")
    said = str(messages[-1].content)
    offered = {tool["function"]["name"] for tool in tools or [] if isinstance(tool, dict) and "function" in tool}
    for name, arguments in CALL.findall(said):
        if name in offered:
            function = {"name": name, "arguments": arguments}
            return ModelResponse(
                role="assistant", tool_calls=[{"id": f"call-{name}", "type": "function", "function": function}]
            )
    system = " ".join(str(message.content) for message in messages if message.role == "system")
    told = "".join(re.findall(r"<memories_from_previous_interactions>(.*?)</", system, re.DOTALL))
    known = re.findall(r"^- (.+)$", told, re.MULTILINE)
    turns = sum(message.role == "user" for message in messages)
    return ModelResponse(role="assistant", content=json.dumps({"knows": known, "turns": turns}, ensure_ascii=False))
