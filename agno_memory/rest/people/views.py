"""People over HTTP. Subclass the viewset to narrow or extend it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory import people
from agno_memory.models import UserMemory
from agno_memory.rest.base import StrictViewSet, is_same_user
from agno_memory.rest.endpoints import Endpoint, Route
from agno_memory.rest.openapi.parameters import CONFIRM, CURSOR, LIMIT, PAGE_SIZE, PERSON_ID, USER_ID
from agno_memory.rest.people import openapi
from agno_memory.rest.people.pagination import OwnerPagination
from agno_memory.rest.people.serializers import (
    ErasedSerializer,
    OwnerSerializer,
    PersonErasedSerializer,
    PersonSerializer,
    StatsSerializer,
    TopicsSerializer,
)

TOPICS: Final = Route("topics/", "agno-memory-topics", "Topics")
STATS: Final = Route("stats/", "agno-memory-stats", "Stats")
USERS: Final = Route("users/", "agno-memory-users", "People")
PERSON: Final = Route("users/<agno_memory_id:user_id>/", "agno-memory-person", "Person")
ERASE: Final = Route("users/<agno_memory_id:user_id>/memories/", "agno-memory-erase", "Erase")


class PersonViewSet(StrictViewSet):
    """One person, or, with the permission, all people."""

    serializer_class = OwnerSerializer
    pagination_class = OwnerPagination
    openapi_tag = "people"
    # Topics in a response, by default and at most.
    default_topics = 100
    most_topics = 1_000

    @Endpoint("get", TOPICS, parameters=(USER_ID, LIMIT), operation=openapi.TOPICS)
    def topics(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the topics of a person's memories with their numbers of memories, the most frequent first."""
        counts = self.get_queryset().topic_counts(limit=self._limit())
        return Response(TopicsSerializer({"results": counts}).data)

    @Endpoint("get", STATS, parameters=(USER_ID,), operation=openapi.STATS)
    def stats(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a person's number of memories, when the first was added and when the last was written."""
        total, first, last = self.get_queryset().stats()
        stats = {"user_id": self.owner, "total": total, "first_created_at": first, "last_updated": last}
        return Response(StatsSerializer(stats).data)

    @Endpoint(
        "get",
        USERS,
        parameters=(PAGE_SIZE, CURSOR),
        concerns_everybody=True,
        operation=openapi.LIST,
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List all people who have memories, by their ids."""
        page = self.paginate_queryset(UserMemory.objects.current())
        return self.get_paginated_response(OwnerSerializer(page, many=True).data)

    @Endpoint(
        "delete",
        ERASE,
        permission="delete",
        scope="erase",
        parameters=(PERSON_ID, CONFIRM),
        operation=openapi.ERASE,
    )
    def erase(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Erase every memory of one person. ``confirm`` repeats the person's id."""
        self._check_confirmed(
            _("This request erases every memory of %(user)s. To confirm, add ?confirm= with this id."),
            people.OF_MEMORIES,
        )
        return Response(ErasedSerializer({"deleted": people.erase_memories(self.owner)}).data)

    @Endpoint(
        "get",
        PERSON,
        # Those of the erasure, because this is the first half of one: it reads as much, also the admin's log.
        permission="delete",
        models=("usermemory", "agentsession"),
        scope="erase",
        parameters=(PERSON_ID,),
        operation=openapi.COUNT_PERSON,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Count everything about one person."""
        return Response(PersonSerializer({"user_id": self.owner, "counts": people.count(self.owner)}).data)

    @Endpoint(
        "delete",
        PERSON,
        permission="delete",
        models=("usermemory", "agentsession"),
        scope="erase",
        parameters=(PERSON_ID, CONFIRM),
        operation=openapi.ERASE_PERSON,
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Erase everything about one person, and count again. ``confirm`` repeats the person's id."""
        self._check_confirmed(
            _("This request erases everything about %(user)s. To confirm, add ?confirm= with this id.")
        )
        erasure = people.erase(self.owner)
        return Response(PersonErasedSerializer({"erased": erasure.erased, "left": erasure.left}).data)

    def _check_confirmed(self, message: Any, kinds: Collection[str] | None = None) -> None:
        """Raise ValidationError, with the numbers of what would be erased, if ``confirm`` is not the person's id."""
        if not is_same_user(self.request.query_params.get("confirm"), self.owner):
            counts = people.labelled(people.count(self.owner, kinds=kinds))
            numbers = ", ".join(f"{label}: {number}" for label, number in counts)
            raise serializers.ValidationError({"confirm": [message % {"user": self.owner}, numbers]})

    def _limit(self) -> int:
        field = serializers.IntegerField(min_value=0, max_value=self.most_topics)
        try:
            return int(field.run_validation(self.request.query_params.get("limit", self.default_topics)))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"limit": error.detail}) from None
