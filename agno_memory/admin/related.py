"""The person and the session of a memory or of another object, for links on its page."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from agno_memory.admin.accounts import Account, Accounts
from agno_memory.admin.person_sessions import sessions_of
from agno_memory.admin.titles import session_names
from agno_memory.admin.urls import memory_page_url, session_page_url
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.models import AgentSession, UserMemory


class SessionLink(NamedTuple):
    """A link to a session.

    Args:
        url: of its page.
        name: of the session, or its first words.
    """

    url: str
    name: str


class Related(NamedTuple):
    """The links of a memory.

    Args:
        person_url: the page of its person; "" for a row of another program without one.
        account: the account of the person, if the staff user may view it.
        session: that it came from; None if it does not exist, or the staff user may not view it.
    """

    person_url: str
    account: Account | None
    session: SessionLink | None


def related(request: HttpRequest, site: admin.AdminSite, memory: UserMemory) -> Related:
    """Return the links of a memory, with at most one query for each, and one for a session without a name."""
    sessions = sessions_of(request, site, memory.user_id) if memory.session_id and memory.user_id else None
    return Related(
        memory_page_url("person", memory.user_id, site=site.name) if memory.user_id else "",
        Accounts(request, site).with_id(memory.user_id),
        None if sessions is None else _link(sessions, str(memory.session_id), site),
    )


def session_link(request: HttpRequest, site: admin.AdminSite, session_id: str | None) -> SessionLink | None:
    """Return the link to a session; None if it does not exist, or this staff user may not view it."""
    if not session_id or not site.is_registered(AgentSession):
        return None
    session_admin: Any = site.get_model_admin(AgentSession)
    if not session_admin.has_view_permission(request):
        return None
    return _link(session_admin.get_queryset(request), session_id, site)


def _link(sessions: AgentSessionQuerySet, session_id: str, site: admin.AdminSite) -> SessionLink | None:
    session = sessions.filter(session_id=session_id).first()
    if session is None:
        return None
    url = session_page_url("change", session_id, site=site.name)
    return SessionLink(url, session_names([session])[session_id])
