"""Sessions and runs as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agno_memory.models import AgentRun, AgentSession
from agno_memory.rest.fields import MomentField, StrictSerializer, TextField
from agno_memory.transcripts import VISIBLE_ROLES, messages
from agno_memory.validators import validate_query


class SessionSerializer(StrictSerializer, serializers.ModelSerializer[AgentSession]):
    """A session, without its messages. Only its name can be changed."""

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


class CallSerializer(serializers.Serializer[Any]):
    """A call of a tool."""

    name = serializers.CharField(allow_blank=True)
    arguments = serializers.CharField(allow_blank=True)


class MessageSerializer(serializers.Serializer[Any]):
    """A message of a run."""

    role = serializers.ChoiceField(choices=VISIBLE_ROLES)
    text = serializers.CharField(allow_blank=True)
    calls = CallSerializer(many=True)
    tool = serializers.CharField(allow_blank=True)


class RunSerializer(serializers.ModelSerializer[AgentRun]):
    """One turn of a session, with its messages."""

    run_type = serializers.CharField(
        help_text="As the type of a session. In a team's session, the members' runs are of type agent."
    )
    messages = MessageSerializer(many=True)
    created_at = MomentField()

    class Meta:
        model = AgentRun
        fields = ("run_id", "run_index", "run_type", "parent_run_id", "status", "created_at", "messages")

    def to_representation(self, instance: AgentRun) -> dict[str, Any]:
        visible = [message for message in messages(instance) if message.role in VISIBLE_ROLES]
        instance.messages = visible  # type: ignore[attr-defined]
        return super().to_representation(instance)
