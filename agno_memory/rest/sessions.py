"""Agents' sessions over HTTP: to list, read, rename and delete one's own."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Q
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRun, AgentSession
from agno_memory.rest.base import ActingView
from agno_memory.rest.filters import refuse_unknown_parameters
from agno_memory.rest.pagination import EPOCH, MILLISECOND, SizedPagination, bad_cursor, decoded, encoded
from agno_memory.rest.serializers import MomentField, TextField, refuse_unknown
from agno_memory.transcripts import messages
from agno_memory.validators import validate_identifier, validate_query

# Who speaks in a conversation. What an application tells its model first is not for its users.
HEARD = ("user", "assistant", "tool")


class SessionSerializer(serializers.ModelSerializer[AgentSession]):
    """A session, without what was said in it. Its name alone can be changed."""

    name = TextField(validators=[validate_query])
    created_at = MomentField(read_only=True)
    updated_at = MomentField(read_only=True)

    class Meta:
        model = AgentSession
        fields = (
            "session_id",
            "session_type",
            "agent_id",
            "team_id",
            "workflow_id",
            "name",
            "created_at",
            "updated_at",
        )
        read_only_fields = tuple(field for field in fields if field != "name")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            refuse_unknown(data, list(self.fields))
        return super().to_internal_value(data)


class CallSerializer(serializers.Serializer[Any]):
    """A tool that was called."""

    name = serializers.CharField(allow_blank=True)
    arguments = serializers.CharField(allow_blank=True)


class MessageSerializer(serializers.Serializer[Any]):
    """What somebody said in a run."""

    role = serializers.ChoiceField(choices=HEARD)
    text = serializers.CharField(allow_blank=True)
    calls = CallSerializer(many=True)
    tool = serializers.CharField(allow_blank=True)


class RunSerializer(serializers.ModelSerializer[AgentRun]):
    """One turn of a session."""

    run_type = serializers.CharField(help_text="As a session's type: in a team's session, members make runs of agents.")
    messages = MessageSerializer(many=True)
    created_at = MomentField()

    class Meta:
        model = AgentRun
        fields = ("run_id", "run_index", "run_type", "parent_run_id", "status", "created_at", "messages")

    def to_representation(self, instance: AgentRun) -> dict[str, Any]:
        instance.messages = [said for said in messages(instance) if said.role in HEARD]  # type: ignore[attr-defined]
        return super().to_representation(instance)


class _ForwardPagination(SizedPagination):
    """Pages forwards: the cursor names a row, and what comes behind it is found by an index."""

    links = {"next": SizedPagination.links["next"]}
    kind: ClassVar[str]

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.base_url = request.build_absolute_uri()
        size = self.get_page_size(request)
        given = request.query_params.get(self.cursor_query_param)
        if given is not None:
            queryset = queryset.filter(self.behind(*self._place(given)))
        found = list(queryset[: size + 1])
        self.page, self.goes_on = found[:size], len(found) > size
        self.display_page_controls = False
        return self.page

    def _place(self, given: str) -> tuple[int, str]:
        try:
            kind, _order, number, key = decoded(given)
            if kind != self.kind or not key:
                raise ValueError("of another list")
            return int(number), key
        except ValueError:
            raise bad_cursor() from None

    def behind(self, number: int, key: str) -> Q:
        """Return the condition for what comes behind a place."""
        raise NotImplementedError

    def place(self, row: Any) -> tuple[int, str]:
        """Return the place of a row."""
        raise NotImplementedError

    def get_next_link(self) -> str | None:
        if not self.goes_on:
            return None
        number, key = self.place(self.page[-1])
        return replace_query_param(self.base_url, self.cursor_query_param, encoded(self.kind, "", str(number), key))

    def get_previous_link(self) -> None:
        return None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})


class SessionPagination(_ForwardPagination):
    """Pages of sessions, the latest first."""

    page_size_query_description = "Sessions on a page."
    kind = "s"

    def behind(self, number: int, key: str) -> Q:
        try:
            moment = EPOCH + number * MILLISECOND
        except OverflowError:
            raise bad_cursor() from None
        # The first condition is the range of an index that the second one, with its OR, would hide.
        return Q(updated_at__lte=moment) & (Q(updated_at__lt=moment) | Q(session_id__lt=key))

    def place(self, row: AgentSession) -> tuple[int, str]:
        moment: datetime.datetime = row.updated_at
        return (moment - EPOCH) // MILLISECOND, row.session_id


class RunPagination(_ForwardPagination):
    """Pages of runs, as they were made."""

    page_size_query_description = "Runs on a page."
    kind = "r"

    def behind(self, number: int, key: str) -> Q:
        if not 0 <= number < 2**31:
            raise bad_cursor()
        return Q(run_index__gte=number) & (Q(run_index__gt=number) | Q(key__gt=key))

    def place(self, row: AgentRun) -> tuple[int, str]:
        return row.run_index, row.key


class SessionViewSet(ActingView):
    """The caller's own conversations with agents."""

    serializer_class: Any = SessionSerializer
    pagination_class = SessionPagination
    permissions_needed = {"partial_update": "change", "destroy": "delete"}
    throttle_scopes = dict.fromkeys(permissions_needed, "write")
    parameters = {"list": ("page_size", "cursor"), "runs": ("page_size", "cursor")}

    @property
    def named(self) -> list[Any]:
        """Nobody: sessions are one's own alone."""
        return []

    def known_parameters(self) -> list[str]:
        return [name for name in super().known_parameters() if name != "user_id"]

    @property
    def sessions(self) -> AgentSessions:
        """The service."""
        return AgentSessions()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in self.action_map.values():
            refuse_unknown_parameters(request.query_params.keys(), self.known_parameters())

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the caller's sessions, the latest first."""
        page = self.paginate_queryset(self.sessions.rows(self.owner).newest())  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one session."""
        found = self.sessions.get_session(self._session_id(), self.owner)
        if found is None:
            raise exceptions.NotFound
        return Response(self.get_serializer(found).data)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give a session another name."""
        serializer = self.get_serializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        name = serializer.validated_data["name"]
        return Response(self.get_serializer(self.sessions.rename_session(self._session_id(), name, self.owner)).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a session with all that was said in it."""
        self.sessions.delete_session(self._session_id(), self.owner)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def runs(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return what was said in a session, turn by turn."""
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
            # What cannot be an id is nobody's.
            raise exceptions.NotFound from None
        return session_id
