"""A model for both majors of agno that needs no network: it calls the tool that the last message of the user names.

``!add_memory {"memory": "Likes tea"}`` calls ``add_memory`` with these arguments, if agno offers that tool. Otherwise
the model answers with the memories in its context and the number of messages of the user.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from agno.models.response import ModelResponse

from demo_project import scripted

CALL = re.compile(r"!(\w+) (\{.*\})")


@dataclass
class ScriptedModel(scripted.ScriptedModel):
    provider: str = "tests"

    # agno 3 calls the methods with the underscore, agno 1.8 these.
    parse_provider_response = scripted.ScriptedModel._parse_provider_response
    parse_provider_response_delta = scripted.ScriptedModel._parse_provider_response_delta

    def respond(self, messages: list[Any], tools: Any) -> ModelResponse:
        if messages[-1].role == "tool":
            return ModelResponse(role="assistant", content=f"Done: {messages[-1].content}")
        # agno's memory manager puts the user's message into a text of its own.
        text = str(messages[-1].content)
        offered = {tool["function"]["name"] for tool in tools or [] if isinstance(tool, dict) and "function" in tool}
        for name, arguments in CALL.findall(text):
            if name in offered:
                function = {"name": name, "arguments": arguments}
                return ModelResponse(
                    role="assistant", tool_calls=[{"id": f"call-{name}", "type": "function", "function": function}]
                )
        system = " ".join(str(message.content) for message in messages if message.role == "system")
        context = "".join(re.findall(r"<memories_from_previous_interactions>(.*?)</", system, re.DOTALL))
        memories = re.findall(r"^- (.+)$", context, re.MULTILINE)
        turns = sum(message.role == "user" for message in messages)
        return ModelResponse(
            role="assistant", content=json.dumps({"knows": memories, "turns": turns}, ensure_ascii=False)
        )
