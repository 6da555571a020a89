"""The conversations of a person, for their page and as a file."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import urlencode

from agno_memory.admin.exports import logged
from agno_memory.admin.history import log_export
from agno_memory.admin.titles import session_names
from agno_memory.admin.urls import session_page_url
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.formats import SESSION_COLUMNS, session_lines
from agno_memory.models import AgentSession
from agno_memory.streaming import attachment

# The page has this many conversations, the latest; the list of sessions has the others.
SESSIONS_SHOWN: Final = 10


def sessions_of(request: HttpRequest, site: admin.AdminSite, user_id: str) -> AgentSessionQuerySet | None:
    """Return the sessions of a person that a staff user may see; None without permission to view sessions."""
    if not site.is_registered(AgentSession):
        return None
    session_admin: Any = site.get_model_admin(AgentSession)
    if not session_admin.has_view_permission(request):
        return None
    rows: AgentSessionQuerySet = session_admin.get_queryset(request).filter(user_id=user_id)
    return rows


def latest_sessions(rows: AgentSessionQuerySet, user_id: str, site: str) -> dict[str, Any]:
    """Return the context of the page of a person: the latest sessions with their URLs and names, and the list.

    Args:
        rows: the sessions of the person.
        user_id: of the person.
        site: the name of the admin site.
    """
    latest = list(rows.newest()[:SESSIONS_SHOWN])
    names = session_names(latest)
    sessions = [
        (each, session_page_url("change", each.session_id, site=site), names[each.session_id]) for each in latest
    ]
    url = f"{session_page_url('changelist', site=site)}?{urlencode({'user_id': user_id})}"
    return {"sessions": sessions, "sessions_url": url}


def download_sessions(request: HttpRequest, rows: AgentSessionQuerySet, user_id: str) -> StreamingHttpResponse:
    """Return the sessions of a person with their messages as a file, read while it is sent, and log the export."""
    content = session_lines(logged(rows.only(*SESSION_COLUMNS).walk(), log_export(request, user_id)))
    name = f"conversations-{timezone.localdate():%Y-%m-%d}.jsonl"
    return attachment(request, content, content_type="application/x-ndjson", filename=name)
