"""Parts that sites replace: authentication, errors, permissions, viewsets."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import JsonResponse
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.filters import IdentifierFilter, UserMemoryFilter
from agno_memory.rest.permissions import MemoryPermissions
from agno_memory.rest.serializers import UserMemorySerializer
from agno_memory.rest.views import MemoryViewSet, PersonViewSet


class NameInHeader(BaseAuthentication):
    """Takes the name in a header, unchecked. Without a challenge to log in, refusals are 403."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        name = request.headers.get("X-Name")
        return (User.objects.get(username=name), None) if name else None


def wrapped_errors(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return errors in a format of the site's own."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"error": response.data, "code": response.status_code}
    return response


def plain_errors(error: Exception, context: dict[str, Any]) -> Any:
    """Return errors as plain responses of Django."""
    response = exception_handler(error, context)
    return response and JsonResponse({"error": str(error)}, status=response.status_code)


class ReadOnly(BasePermission):
    """Refuses all writes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in {"GET", "HEAD", "OPTIONS"}


class Helpdesk(MemoryPermissions):
    """Lets the user of this name act for all others."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.get_username() == "helpdesk" or super().has_permission(request, view)


own_or_read_only = MemoryPermissions & ReadOnly


class OwnSerializer(UserMemorySerializer):
    length = serializers.SerializerMethodField()

    class Meta(UserMemorySerializer.Meta):
        fields = (*UserMemorySerializer.Meta.fields, "length")

    def get_length(self, memory: Any) -> int:
        return len(memory.memory)


class OwnFilter(UserMemoryFilter):
    feedback = IdentifierFilter()


class OwnMemories(MemoryViewSet):
    """Only one agent's memories, with their lengths."""

    serializer_class = OwnSerializer
    filterset_class = OwnFilter

    def get_queryset(self) -> UserMemoryQuerySet:
        return super().get_queryset().filter(agent_id="agent")


class OwnPeople(PersonViewSet):
    most_topics = 2
    default_topics = 1

    def get_queryset(self) -> UserMemoryQuerySet:
        return super().get_queryset().filter(agent_id="agent")
