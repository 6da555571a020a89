"""Agents' sessions over HTTP: list, read, rename and delete."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.agent_sessions import AgentSessions
from agno_memory.rest.base import StrictViewSet
from agno_memory.rest.endpoints import Endpoint, Route
from agno_memory.rest.openapi.parameters import CURSOR, PAGE_SIZE, SESSION_ID, SESSION_OWNER
from agno_memory.rest.sessions import openapi
from agno_memory.rest.sessions.pagination import RunPagination, SessionPagination
from agno_memory.rest.sessions.serializers import RunSerializer, SessionSerializer
from agno_memory.validators import validate_identifier

SESSIONS: Final = Route("sessions/", "agno-memory-sessions", "Sessions")
SESSION: Final = Route("sessions/<agno_memory_id:session_id>/", "agno-memory-session", "Session")
RUNS: Final = Route("sessions/<agno_memory_id:session_id>/runs/", "agno-memory-runs", "Runs")


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

    def _session_id(self) -> str:
        session_id: str = self.kwargs["session_id"]
        try:
            validate_identifier(session_id)
        except ValidationError:
            # No session has an id that is not valid.
            raise exceptions.NotFound from None
        return session_id
