"""The person and the session of a memory or of another object, for links on its page."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from agno_memory.admin.accounts import Account, Accounts
from agno_memory.admin.person_sessions import sessions_of
from agno_memory.admin.urls import memory_page_url, session_page_url
from agno_memory.models import AgentSession, UserMemory


class Related(NamedTuple):
    """The links of a memory.

    Args:
        person_url: the page of its person; "" for a row of another program without one.
        account: the account of the person, if the staff user may view it.
        session_url: the session that it came from; "" if it does not exist, or the staff user may not view it.
    """

    person_url: str
    account: Account | None
    session_url: str


def related(request: HttpRequest, site: admin.AdminSite, memory: UserMemory) -> Related:
    """Return the links of a memory, with at most one query for each."""
    sessions = sessions_of(request, site, memory.user_id) if memory.session_id and memory.user_id else None
    exists = sessions is not None and sessions.filter(session_id=memory.session_id).exists()
    return Related(
        memory_page_url("person", memory.user_id, site=site.name) if memory.user_id else "",
        Accounts(request, site).with_id(memory.user_id),
        session_page_url("change", str(memory.session_id), site=site.name) if exists else "",
    )


def session_url(request: HttpRequest, site: admin.AdminSite, session_id: str | None) -> str:
    """Return the URL of a session, or "" if it does not exist or this staff user may not view it."""
    if not session_id or not site.is_registered(AgentSession):
        return ""
    session_admin: Any = site.get_model_admin(AgentSession)
    if not session_admin.has_view_permission(request):
        return ""
    exists = session_admin.get_queryset(request).filter(session_id=session_id).exists()
    return session_page_url("change", session_id, site=site.name) if exists else ""
