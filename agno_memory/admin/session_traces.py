"""The traces of a session, for links on its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.utils.http import urlencode

from agno_memory.admin.urls import page_url
from agno_memory.durations import duration_text
from agno_memory.models import AgentRun, AgentSession, AgentTrace


class TraceLink(NamedTuple):
    """A link to the trace of a run.

    Args:
        url: of the page of the trace.
        duration: of the trace, for people.
    """

    url: str
    duration: str


def may_view_traces(request: HttpRequest, site: admin.AdminSite) -> bool:
    """Return whether a site has the pages of traces, and this staff user may view them."""
    if not site.is_registered(AgentTrace):
        return False
    return bool(site.get_model_admin(AgentTrace).has_view_permission(request))


def list_url(request: HttpRequest, site: admin.AdminSite, session: AgentSession) -> str:
    """Return the URL of the list of a session's traces, or "" for staff without permission to view traces."""
    if not may_view_traces(request, site):
        return ""
    return f"{page_url(AgentTrace, 'changelist', site=site.name)}?{urlencode({'session_id': session.session_id})}"


def links_by_run(
    request: HttpRequest, site: admin.AdminSite, session: AgentSession, runs: Sequence[AgentRun]
) -> dict[str, TraceLink]:
    """Return the links to the traces of runs of a session, by the ids of the runs; one statement."""
    if not runs or not may_view_traces(request, site):
        return {}
    trace_admin: Any = site.get_model_admin(AgentTrace)
    rows = trace_admin.get_queryset(request)
    rows = rows.filter(session_id=session.session_id, run_id__in=[run.run_id for run in runs])
    return {
        trace.run_id: TraceLink(
            page_url(AgentTrace, "change", trace.key, site=site.name), duration_text(trace.duration_ms * 1_000)
        )
        for trace in rows
    }
