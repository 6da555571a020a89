"""Invented traces of the demo's conversations: a step for the run, for each call of the model, and for each tool."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any, NamedTuple

from agno_memory.agent_traces import AgentTraces
from agno_memory.models import AgentRun, AgentSession, AgentSpan, AgentTrace

# Milliseconds: of a call of the model, for each of its characters, and of a tool.
MODEL: int = 620
CHARACTER: int = 11
TOOL: int = 180


class Part(NamedTuple):
    """A step below the run: its type, its name, its duration in milliseconds, and its attributes."""

    kind: str
    name: str
    milliseconds: int
    attributes: dict[str, Any]


def save(session: AgentSession, run: AgentRun, begun: datetime.datetime) -> None:
    """Write the trace of a run.

    Args:
        session: of the run, with its user.
        run: with the messages.
        begun: when the run began.
    """
    messages = run.data["messages"]
    parts = [part for message in messages if (part := _part(message)) is not None]
    end = begun + datetime.timedelta(milliseconds=sum(part.milliseconds for part in parts) + 40)
    trace_id = hashlib.sha256(run.run_id.encode()).hexdigest()[:32]
    name = f"{session.agent_id}.run"
    duration = (end - begun) // datetime.timedelta(milliseconds=1)
    times = {"start_time": begun, "end_time": end, "created_at": end, "duration_ms": duration}
    ids = {"run_id": run.run_id, "session_id": session.session_id, "agent_id": session.agent_id}
    trace = AgentTrace(trace_id=trace_id, name=name, status="OK", **ids, **times)
    question = next((each["content"] for each in messages if each["role"] == "user"), "")
    root = {"input.value": question, "output.value": messages[-1].get("content") or ""}
    spans = [_span(trace_id, "run", None, Part("AGENT", name, duration, root), begun)]
    moment = begun + datetime.timedelta(milliseconds=15)
    for number, part in enumerate(parts):
        spans.append(_span(trace_id, f"step {number}", "run", part, moment))
        moment = spans[-1].end_time
    traces = AgentTraces()
    traces.save_trace(trace, session.user_id)
    traces.save_spans(spans)


def _part(message: dict[str, Any]) -> Part | None:
    if message["role"] == "tool":
        result = {"output.value": message["content"]}
        return Part("TOOL", message.get("tool_name") or "tool", TOOL, result)
    if message["role"] != "assistant":
        return None
    text = message.get("content") or json.dumps(message.get("tool_calls"), ensure_ascii=False)
    tokens = {"llm.token_count.prompt": 400 + len(text), "llm.token_count.completion": len(text) // 4}
    attributes = {"llm.model_name": "invented-model", "output.value": text, **tokens}
    return Part("LLM", "Model.invoke", MODEL + CHARACTER * len(text), attributes)


def _span(trace_id: str, span_id: str, parent: str | None, part: Part, begun: datetime.datetime) -> AgentSpan:
    end = begun + datetime.timedelta(milliseconds=part.milliseconds)
    return AgentSpan(
        trace_id=trace_id,
        span_id=hashlib.sha256(f"{trace_id} {span_id}".encode()).hexdigest()[:16],
        parent_span_id=parent and hashlib.sha256(f"{trace_id} {parent}".encode()).hexdigest()[:16],
        name=part.name,
        span_type=part.kind,
        span_kind="INTERNAL",
        status_code="OK",
        start_time=begun,
        end_time=end,
        duration_ms=part.milliseconds,
        attributes={"openinference.span.kind": part.kind, **part.attributes},
        created_at=end,
    )
