"""Agents' sessions over HTTP: list, read, rename and delete."""

from __future__ import annotations

import builtins
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from rest_framework import exceptions, status
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.agent_sessions import AgentSessions
from agno_memory.formats import SESSION_COLUMNS, session_lines
from agno_memory.rest.base import StrictViewSet
from agno_memory.rest.endpoints import Endpoint, Route
from agno_memory.rest.openapi.parameters import CURSOR, PAGE_SIZE, SESSION_ID, SESSION_OWNER
from agno_memory.rest.renderers import NDJSONRenderer
from agno_memory.rest.sessions import openapi
from agno_memory.rest.sessions.pagination import RunPagination, SessionPagination
from agno_memory.rest.sessions.serializers import RunSerializer, SessionSerializer
from agno_memory.streaming import attachment
from agno_memory.transcripts import VISIBLE_ROLES
from agno_memory.validators import validate_identifier

SESSIONS: Final = Route("sessions/", "agno-memory-sessions", "Sessions")
SESSION: Final = Route("sessions/<agno_memory_id:session_id>/", "agno-memory-session", "Session")
EXPORT: Final = Route("sessions/export/", "agno-memory-sessions-export", "Export")
RUNS: Final = Route("sessions/<agno_memory_id:session_id>/runs/", "agno-memory-runs", "Runs")
# Of files with any content; beside the permission to view it.
EXPORT_PERMISSION: Final = "agno_memory.export_usermemory"


class SessionViewSet(StrictViewSet):
    """The conversations of one user with agents."""

    serializer_class: Any = SessionSerializer
    pagination_class = SessionPagination
    openapi_tag = "sessions"
    permission_model = "agentsession"

    @property
    def sessions(self) -> AgentSessions:
        """The service."""
        return AgentSessions()

    @Endpoint("get", SESSIONS, parameters=(SESSION_OWNER, PAGE_SIZE, CURSOR), operation=openapi.LIST)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List sessions, newest first."""
        page = self.paginate_queryset(self.sessions.rows(self.owner).newest())  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @Endpoint("get", SESSION, parameters=(SESSION_OWNER, SESSION_ID), operation=openapi.RETRIEVE)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one session."""
        session = self.sessions.get_session(self._session_id(), self.owner)
        if session is None:
            raise exceptions.NotFound
        return Response(self.get_serializer(session).data)

    @Endpoint(
        "patch",
        SESSION,
        permission="change",
        scope="write",
        parameters=(SESSION_OWNER, SESSION_ID),
        operation=openapi.RENAME,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Rename a session."""
        serializer = self.get_serializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        name = serializer.validated_data["name"]
        return Response(self.get_serializer(self.sessions.rename_session(self._session_id(), name, self.owner)).data)

    @Endpoint(
        "delete",
        SESSION,
        permission="delete",
        scope="write",
        parameters=(SESSION_OWNER, SESSION_ID),
        operation=openapi.DELETE,
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a session with all of its runs."""
        self.sessions.delete_session(self._session_id(), self.owner)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @Endpoint("get", RUNS, parameters=(SESSION_OWNER, SESSION_ID, PAGE_SIZE, CURSOR), operation=openapi.RUNS)
    def runs(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the messages of a session, turn by turn."""
        session_id = self._session_id()
        if self.sessions.get_session(session_id, self.owner) is None:
            raise exceptions.NotFound
        paginator = RunPagination()
        page = paginator.paginate_queryset(self.sessions.get_runs(session_id, self.owner), request)
        return paginator.get_paginated_response(RunSerializer(page, many=True).data)

    @Endpoint("get", EXPORT, scope="export", parameters=(SESSION_OWNER,), operation=openapi.EXPORT)
    def export(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Download all sessions with their messages as a file, oldest first, as NDJSON."""
        renderer: Any = request.accepted_renderer
        sessions = self.sessions.rows(self.owner).only(*SESSION_COLUMNS)
        # Sent while it is read.
        return attachment(
            request._request,
            session_lines(sessions.walk(), VISIBLE_ROLES),
            content_type=f"{renderer.media_type}; charset=utf-8",
            filename=f"sessions.{renderer.format}",
        )

    def get_renderers(self) -> builtins.list[BaseRenderer]:
        return [NDJSONRenderer()] if self.action == "export" else super().get_renderers()

    def required_permissions(self) -> builtins.list[str]:
        # One permission for all exports, each of the rows that the user may view.
        needed = super().required_permissions()
        return [EXPORT_PERMISSION, *needed] if self.action == "export" else needed

    def _session_id(self) -> str:
        session_id: str = self.kwargs["session_id"]
        try:
            validate_identifier(session_id)
        except ValidationError:
            # No session has an id that is not valid.
            raise exceptions.NotFound from None
        return session_id
