"""The links between agents' documents, sessions and schedules."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from agno_memory.admin.record_filters import KINDS
from agno_memory.admin.related import session_link
from agno_memory.admin.urls import page_url
from agno_memory.agent_records import AgentRecords
from agno_memory.models import AgentRecord, AgentSession

SCHEDULE, SCHEDULE_RUN = "schedule", "schedule_run"


class Link(NamedTuple):
    """A link on a page.

    Args:
        label: its text, translated.
        url: its address.
    """

    label: str
    url: str


def links_of_record(request: HttpRequest, site: admin.AdminSite, record: AgentRecord) -> list[Link]:
    """Return the links of a document: to its session, and between a schedule and its runs."""
    session = session_link(request, site, record.session_id)
    links = [Link(_("Session"), session.url)] if session else []
    if record.kind == SCHEDULE:
        links.append(Link(_("Runs of this schedule"), _list_url(site, kind=SCHEDULE_RUN, parent_id=record.record_id)))
    elif record.kind == SCHEDULE_RUN and record.parent_id:
        schedule = AgentRecords(SCHEDULE).key_of(record.parent_id)
        exists = _visible(request, site).filter(key=schedule).exists()
        links.append(Link(_("Schedule"), page_url(AgentRecord, "change", schedule, site=site.name) if exists else ""))
    return [link for link in links if link.url]


def links_of_session(request: HttpRequest, site: admin.AdminSite, session: AgentSession) -> list[Link]:
    """Return the links to the documents of a session, one for each kind; one statement."""
    if not site.is_registered(AgentRecord) or not site.get_model_admin(AgentRecord).has_view_permission(request):
        return []
    rows = _visible(request, site).filter(session_id=session.session_id)
    found = set(rows.order_by().values_list("kind", flat=True).distinct())
    return [
        Link(str(label), _list_url(site, kind=kind, session_id=session.session_id))
        for kind, label in KINDS.items()
        if kind in found
    ]


def _visible(request: HttpRequest, site: admin.AdminSite) -> Any:
    return site.get_model_admin(AgentRecord).get_queryset(request)


def _list_url(site: admin.AdminSite, **query: str) -> str:
    return f"{page_url(AgentRecord, 'changelist', site=site.name)}?{urlencode(query)}"
