"""The demo and AgentOS in one ASGI application, for ``make demo-agentos``: AgentOS is at ``/agents/``."""

from __future__ import annotations

from typing import Any

from agno.os import AgentOS
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import HttpRequest
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from agno_memory.contrib.agno import AsyncDjangoDb, with_agentos
from agno_memory.contrib.agno.v3.agentos import ADMIN_SCOPES, OWN_SCOPES, Application
from agno_memory.contrib.agno.v3.site_users import session_user
from demo_project.agent import demo_agent
from demo_project.asgi import application as site


def token_or_session_user(request: HttpRequest) -> Any:
    """Return the user of the header ``Authorization: Token ...``, as in the REST API, or the one of the session."""
    try:
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]
    except AuthenticationFailed:
        return None
    return found[0] if found else session_user(request)


def scopes(user: Any) -> tuple[str, ...]:
    return ADMIN_SCOPES if user.is_superuser else OWN_SCOPES


def build() -> Application:
    db = AsyncDjangoDb()
    agent_os = AgentOS(id="demo", name="Demo", agents=[demo_agent(db)], db=db, telemetry=False)
    # Under runserver, Django itself serves the files of the admin.
    return with_agentos(
        ASGIStaticFilesHandler(site), agent_os, "/agents/", authenticate=token_or_session_user, scopes=scopes
    )


application = build()
