"""The resources: validated input, one verb of the service, shaped output. Subclass a viewset to narrow or extend it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from django.utils.encoding import escape_uri_path
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from agno_memory.exceptions import MemoryChanged, MemoryExists
from agno_memory.models import UserMemory
from agno_memory.rest.base import ME, ActingView
from agno_memory.rest.converters import RESERVED, in_path, validate_reachable
from agno_memory.rest.etags import check_preconditions, creates, etag_of, is_guarded, is_known
from agno_memory.rest.exceptions import Conflict, PreconditionFailed, by_position, detail_of
from agno_memory.rest.filters import MemoryFilterBackend, UserMemoryFilter, refuse_unknown_parameters
from agno_memory.rest.pagination import MemoryPagination, OwnerPagination
from agno_memory.rest.renderers import CSVRenderer, NDJSONRenderer
from agno_memory.rest.serializers import (
    DeletedSerializer,
    DeleteSerializer,
    ErasedSerializer,
    OwnerSerializer,
    StatsSerializer,
    TopicsSerializer,
    UserMemorySerializer,
    check_bulk,
)
from agno_memory.retries import ATTEMPTS
from agno_memory.streaming import attachment
from agno_memory.validators import validate_identifier


class MemoryViewSet(mixins.ListModelMixin, ActingView):
    """What is remembered about one user."""

    serializer_class = UserMemorySerializer
    filter_backends = (MemoryFilterBackend,)
    filterset_class = UserMemoryFilter
    pagination_class = MemoryPagination
    lookup_field = "memory_id"

    permissions_needed = {
        "create": "add",
        "bulk": "add",
        "update": "change",
        "partial_update": "change",
        "destroy": "delete",
        "delete_many": "delete",
    }
    throttle_scopes = {**dict.fromkeys(permissions_needed, "write"), "export": "export"}
    parameters = {"list": ("ordering", "page_size", "cursor")}
    named_in_body = frozenset({"create", "bulk", "update", "partial_update", "delete_many"})

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remember something."""
        return self._created(self.given())

    def bulk(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remember many things at once, all or nothing."""
        memories = self._given_many()
        try:
            added = self.memory.add_user_memories(memories, self.owner)
        except ValidationError as error:
            raise serializers.ValidationError(by_position(detail_of(error))) from error
        except MemoryExists as error:
            taken = [place for place, memory in enumerate(memories) if memory.memory_id in error.memory_ids]
            raise Conflict({str(place): {"memory_id": [Conflict.default_detail]} for place in taken}) from error
        return Response(self.get_serializer(added, many=True).data, status.HTTP_201_CREATED)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one memory."""
        memory = self.get_object()
        if is_known(request, memory):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag_of(memory)})
        return self._shown(memory)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put another content in the place of a memory's; with ``If-None-Match: *``, create it."""
        new = self.given()
        if creates(request):
            if "If-Match" in request.headers:
                # What is there must not be, and what is not there matches nothing.
                raise PreconditionFailed
            try:
                return self._created(new)
            except MemoryExists as error:
                raise PreconditionFailed from error
        memory = self.get_object()
        check_preconditions(request, memory)
        version = memory.version if is_guarded(request) else None
        return self._shown(self.memory.replace_user_memory(memory.memory_id, new, self.owner, version=version))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some fields of a memory, and leave what others write meanwhile alone."""
        for attempt in range(ATTEMPTS):
            memory = self.get_object()
            check_preconditions(request, memory)
            kept = {name: getattr(memory, name) for name in UserMemory.content_fields}
            new = UserMemory(**{**kept, **self._values(partial=True)})
            try:
                replaced = self.memory.replace_user_memory(memory.memory_id, new, self.owner, version=memory.version)
            except MemoryChanged:
                # Written in between: where the request does not mind, it is merged with what is there now.
                if is_guarded(request) or attempt + 1 == ATTEMPTS:
                    raise
            else:
                return self._shown(replaced)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Forget one memory."""
        memory = self.get_object()
        check_preconditions(request, memory)
        version = memory.version if is_guarded(request) else None
        self.memory.delete_user_memory(memory.memory_id, self.owner, version=version)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete_many(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Forget many memories at once; ids that are not there are passed over."""
        serializer = DeleteSerializer(data=self.body())
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data["memory_ids"]
        there = set(self.get_queryset().filter(memory_id__in=wanted).values_list("memory_id", flat=True))
        deleted = self.memory.delete_user_memories([each for each in wanted if each in there], self.owner)
        return Response(DeletedSerializer({"deleted": deleted}).data)

    def export(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send all memories as a file, the oldest first, as NDJSON or CSV, while they are read."""
        renderer: Any = request.accepted_renderer
        memories: Any = self.filter_queryset(self.get_queryset())
        return attachment(
            request._request,
            renderer.lines(memories.walk()),
            content_type=f"{renderer.media_type}; charset=utf-8",
            filename=f"memories.{renderer.format}",
        )

    def get_renderers(self) -> list[BaseRenderer]:
        return [NDJSONRenderer(), CSVRenderer()] if self.action == "export" else super().get_renderers()

    def get_object(self) -> UserMemory:
        memory_id = self.kwargs["memory_id"]
        try:
            validate_identifier(memory_id)
        except ValidationError:
            # What cannot be an id is nobody's.
            raise exceptions.NotFound from None
        memory = self.get_queryset().filter(memory_id=memory_id).first()
        if memory is None:
            raise exceptions.NotFound
        self.check_object_permissions(self.request, memory)
        return memory

    def given(self) -> UserMemory:
        """Return the unsaved memory that the body says, under the id in the path if there is one."""
        return UserMemory(**self._values(partial=False))

    def _values(self, *, partial: bool) -> dict[str, Any]:
        serializer = self.get_serializer(data=self.body(), partial=partial)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        in_the_path = self.kwargs.get("memory_id", values.get("memory_id"))
        if values.get("memory_id", in_the_path) != in_the_path:
            raise serializers.ValidationError({"memory_id": [_("Leave it out, or give the one of the path.")]})
        return values if in_the_path is None else {**values, "memory_id": in_the_path}

    def _given_many(self) -> list[UserMemory]:
        """Return the unsaved memories that the body lists; errors come by position."""
        data = self.body()
        if not isinstance(data, list):
            message = _("Send a list of memories.")
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [message]})
        try:
            check_bulk(len(data))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: error.detail}) from error
        serializer = self.get_serializer()
        memories: list[UserMemory] = []
        errors: dict[str, Any] = {}
        for position, item in enumerate(data):
            try:
                memory = UserMemory(**serializer.run_validation(item))
                self._check_reachable(memory)
                memories.append(memory)
            except serializers.ValidationError as error:
                errors[str(position)] = error.detail
            except ValidationError as error:
                errors[str(position)] = detail_of(error)
        if errors:
            raise serializers.ValidationError(errors)
        return memories

    def _check_reachable(self, memory: UserMemory) -> None:
        validate_reachable("memory_id", memory.memory_id, RESERVED)
        if self.concerns_others():
            validate_reachable("user_id", self.owner, (ME,))

    def _created(self, new: UserMemory) -> Response:
        self._check_reachable(new)
        response = self._shown(self.memory.add_user_memory(new, self.owner))
        response.status_code = status.HTTP_201_CREATED
        return response

    def _shown(self, memory: UserMemory) -> Response:
        """Return a memory with its tag, and where it is if that is not where the request went."""
        headers = {"ETag": etag_of(memory)}
        if "memory_id" not in self.kwargs:
            path = f"{escape_uri_path(self.request._request.path)}{in_path(memory.memory_id)}/"
            query = f"?user_id={in_path(self.owner)}" if self.concerns_others() else ""
            headers["Location"] = self.request.build_absolute_uri(path + query)
        return Response(self.get_serializer(memory).data, headers=headers)


class PersonViewSet(ActingView):
    """What there is about one person, or, for those who may see everybody, about all of them."""

    serializer_class = OwnerSerializer
    pagination_class = OwnerPagination
    permissions_needed = {"erase": "delete"}
    throttle_scopes = {"erase": "erase"}
    parameters = {"list": ("page_size", "cursor"), "topics": ("limit",), "erase": ("confirm",)}
    about_everybody = frozenset({"list"})
    # Topics of an answer, by default and at most.
    default_topics = 100
    most_topics = 1_000

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in self.action_map.values():
            refuse_unknown_parameters(request.query_params.keys(), self.known_parameters())

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return everybody of whom something is remembered, by their ids."""
        page = self.paginate_queryset(UserMemory.objects.all())
        return self.get_paginated_response(OwnerSerializer(page, many=True).data)

    def topics(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the topics of a person's memories with how many memories have them, the most frequent first."""
        counts = self.get_queryset().topic_counts(limit=self._limit())
        return Response(TopicsSerializer({"results": counts}).data)

    def stats(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return how many memories a person has, when the first was added and when the last was written."""
        total, first, last = self.get_queryset().stats()
        stats = {"user_id": self.owner, "total": total, "first_created_at": first, "last_updated": last}
        return Response(StatsSerializer(stats).data)

    def erase(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Erase one person: every memory of theirs. ``confirm`` repeats who it is, by the id itself."""
        if request.query_params.get("confirm") != self.owner:
            message = _("This erases every memory of %(user)s. To do it, add ?confirm= with this id.")
            raise serializers.ValidationError({"confirm": [message % {"user": self.owner}]})
        return Response(ErasedSerializer({"deleted": self.memory.clear_user_memories(self.owner)}).data)

    def _limit(self) -> int:
        field = serializers.IntegerField(min_value=0, max_value=self.most_topics)
        try:
            return int(field.run_validation(self.request.query_params.get("limit", self.default_topics)))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"limit": error.detail}) from None
