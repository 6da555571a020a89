"""A run's JSON, of any release of agno, becomes messages; malformed parts are left out."""

from __future__ import annotations

from typing import Any

import pytest

from agno_memory.models import AgentRun
from agno_memory.transcripts import Call, Message, messages


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, [Message("user", "Hi", [])]),
        ({"messages": [{"role": "user", "content": "Hi", "from_history": True}]}, []),
        ({"messages": [{"role": "user", "content": None}, "x", None, 3]}, []),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}]},
            [Message("assistant", "", [Call("f", '{\n  "a": 1\n}')])],
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": ["f(1)", None]}]},
            [Message("assistant", "", [Call("", "f(1)"), Call("", "")])],
        ),
        (
            {"messages": [{"role": "tool", "content": "3", "tool_name": "f"}]},
            [Message("tool", "3", [], "f")],
        ),
        (
            {"input": {"input_content": "Hi"}, "content": ["é"]},
            [Message("user", "Hi", []), Message("assistant", '[\n  "é"\n]', [])],
        ),
        ({"input": "Hi", "content": ""}, [Message("user", "Hi", [])]),
        ({"messages": "x", "input": {}}, []),
        ("x", []),
        (None, []),
    ],
)
def test_messages_of_a_run(data: Any, expected: list[Message]) -> None:
    assert messages(AgentRun(data=data)) == expected
