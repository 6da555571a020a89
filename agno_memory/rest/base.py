"""The base of every viewset: the user that a request acts for, the required permission, bodies and errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, QueryDict
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from agno_memory.acting import REST, acting
from agno_memory.conf import conf
from agno_memory.identifiers import owner_id
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.privacy import make_private
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.replicas import note_write
from agno_memory.rest import problems
from agno_memory.rest.endpoints import (
    UNDECORATED,
    Endpoint,
    Route,
    actions_by_route,
    endpoints_of,
    reserved_endings,
    reserved_ids,
)
from agno_memory.rest.exceptions import BodyTooLarge, LengthRequired, bounded, to_api_exception
from agno_memory.rest.renderers import ExportRenderer
from agno_memory.rest.throttling import ScopeThrottle
from agno_memory.validators import refusal

# The caller's name in a path.
ME: Final = "me"
UTF_8: Final = {"utf-8", "utf8", "us-ascii"}


class UserScopedViewSet(GenericViewSet[UserMemory]):
    """Acts for one user: the caller, or the user that the request names by path, by ``?user_id=`` or in its body."""

    queryset = UserMemory.objects.none()
    # None: use the setting REST_PERMISSION_CLASSES.
    permission_classes: Sequence[Any] | None = None  # type: ignore[assignment]
    # The facts of the actions, by name; the decorator ``Endpoint`` of each action declares them.
    endpoints: ClassVar[dict[str, Endpoint]] = {}
    # Ids without a URL of their own: fixed words of the routes.
    reserved_ids: ClassVar[tuple[str, ...]] = ()
    # The same for words after an id: an id may contain slashes.
    reserved_endings: ClassVar[tuple[str, ...]] = ()
    # The model of the permissions to act for another user, in lower case.
    permission_model: ClassVar[str] = "usermemory"
    # OpenAPI's tag of the actions: the heading that groups them in API documentation.
    openapi_tag: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.endpoints = endpoints_of(cls)
        cls.reserved_ids = reserved_ids(cls.routes())
        cls.reserved_endings = reserved_endings(cls.routes())

    @classmethod
    def routes(cls) -> dict[Route, dict[str, Any]]:
        """Return the action for each HTTP method, by route."""
        return actions_by_route(cls.endpoints)

    @property
    def endpoint(self) -> Endpoint:
        """The facts of the current action."""
        return self.endpoints.get(self.action, UNDECORATED)

    # The user

    @cached_property
    def caller(self) -> str:
        """The id of the user who sends the request."""
        user: Any = self.request.user
        if not user or not user.is_authenticated:
            # Even if the permission classes let the request through: an anonymous caller is not DEFAULT_USER_ID.
            raise exceptions.NotAuthenticated
        return owner_id(user)

    @cached_property
    def named_users(self) -> list[Any]:
        """The users that the request names."""
        path = self.kwargs.get("user_id", ME)
        query = self.request.query_params.getlist("user_id")
        return [*([] if path == ME else [path]), *query, *self._users_in_body()]

    @cached_property
    def owner(self) -> str:
        """The user that the request acts for."""
        owners = {owner_id(name) for name in self.named_users}
        if len(owners) > 1:
            raise refusal("user_id", _("Name the same user everywhere in the request."), "ambiguous")
        return owners.pop() if owners else self.caller

    def concerns_others(self) -> bool:
        """Return whether the request acts for another user than the caller, or for everybody."""
        return self.endpoint.concerns_everybody or any(not is_same_user(name, self.caller) for name in self.named_users)

    def required_permission(self) -> str:
        """Return the permission that acting for another user needs: view, add, change, delete or export."""
        return self.endpoint.permission

    def required_permissions(self) -> list[str]:
        """Return the permissions that acting for another user needs, by their full names."""
        models = self.endpoint.models or (self.permission_model,)
        permissions = (self.required_permission(), *self.endpoint.also)
        return [f"agno_memory.{permission}_{model}" for permission in permissions for model in models]

    def _users_in_body(self) -> Iterator[Any]:
        if not self.endpoint.names_user_in_body:
            return
        data = self.body()
        # A form of the browsable API sends a field that was left blank.
        absent = (None, "") if isinstance(data, QueryDict) else (None,)
        for item in data if isinstance(data, list) else [data]:
            if isinstance(item, Mapping) and item.get("user_id") not in absent:
                yield item["user_id"]

    # Data

    @property
    def memory(self) -> Memory:
        """The service that writes."""
        return Memory()

    def get_queryset(self) -> UserMemoryQuerySet:
        """Return the memories of the user that the request acts for. Narrow them in a subclass."""
        return UserMemory.objects.for_user(self.owner).current()

    def body(self) -> Any:
        """Return the parsed body."""
        try:
            return self.request.data
        except RecursionError:
            raise exceptions.ParseError(_("The JSON is nested too deeply.")) from None

    def known_parameters(self) -> list[str]:
        """Return the accepted query parameters, except filters."""
        versioning = self.versioning_class and self.versioning_class.version_param
        own = [parameter.name for parameter in self.endpoint.parameters if parameter.location == "query"]
        names = ["user_id", *own, self.settings.URL_FORMAT_OVERRIDE, versioning]
        return list(dict.fromkeys(name for name in names if name))

    def refuse_unknown_parameters(self) -> None:
        """Raise ValidationError if the request has parameters that the action does not have."""
        refuse_unknown_parameters(self.request.query_params.keys(), self.known_parameters())

    # The request

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # The caller is known only after the authentication.
        with acting(lambda: getattr(self.request, "user", None), through=REST):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._check_body(request)
        if request.method not in SAFE_METHODS:
            # A write depends on the rows that it finds, so it does not find them on a replica.
            note_write()
        super().initial(request, *args, **kwargs)

    def _check_body(self, request: Request) -> None:
        """Refuse a body that would be read in part, or in the wrong encoding."""
        parameters = request._request.content_params or {}
        if parameters.get("charset", "utf-8").lower() not in UTF_8:
            # Django would decode even the query with this charset.
            request._request.encoding = settings.DEFAULT_CHARSET
            raise exceptions.UnsupportedMediaType(request.content_type, _("Send JSON in UTF-8."))
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and "HTTP_TRANSFER_ENCODING" in request.META:
            # REST framework takes this for an empty body, and a PATCH would change nothing and report success.
            raise LengthRequired
        if not length:
            return
        if not (length.isascii() and length.isdigit()):
            raise exceptions.ParseError(_("Content-Length is not a number."))
        # Python refuses to read a number of thousands of digits; the longest limit has ten.
        if int(length.lstrip("0")[:20] or 0) > conf.REST_MAX_BODY_SIZE:
            message = _("At most %(limit)d bytes: send several requests.") % {"limit": conf.REST_MAX_BODY_SIZE}
            raise BodyTooLarge(message)

    def get_permissions(self) -> list[BasePermission]:
        if self.permission_classes is not None:
            return super().get_permissions()  # type: ignore[return-value]
        return [import_string(path)() for path in conf.REST_PERMISSION_CLASSES]

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), ScopeThrottle(self.endpoint.scope)]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        try:
            # An unsupported method stays a 405 even if the requested format is unknown.
            return super().perform_content_negotiation(request, force or self.action is None)
        except Http404:
            formats = ", ".join(renderer.format for renderer in self.get_renderers())
            message = _("Unknown format. Choose from: %(accepted)s.") % {"accepted": formats}
            raise serializers.ValidationError({self.settings.URL_FORMAT_OVERRIDE: [message]}) from None
        except exceptions.NotAcceptable:
            # A client that accepts only application/problem+json gets the first format unless an error occurs.
            renderers = self.get_renderers()
            if not problems.is_accepted(request):
                raise
            return renderers[0], renderers[0].media_type

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(*args, **kwargs)
        return make_private(response)

    # Errors

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(bounded(to_api_exception(exc)))
        if not hasattr(response, "data"):
            # A site's own EXCEPTION_HANDLER may return a plain HttpResponse.
            return response
        if problems.is_accepted(self.request):
            self._render_with(problems.ProblemRenderer())
            response.data = problems.as_problem(response.status_code, response.data)
        elif isinstance(getattr(self.request, "accepted_renderer", None) or self.get_renderers()[0], ExportRenderer):
            self._render_with(JSONRenderer())
        return response

    def _render_with(self, renderer: BaseRenderer) -> None:
        self.request.accepted_renderer = renderer
        self.request.accepted_media_type = renderer.media_type


class StrictViewSet(UserScopedViewSet):
    """Refuses unknown parameters in every action, for viewsets without a filter backend."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in self.action_map.values():
            self.refuse_unknown_parameters()


def is_same_user(name: object, user_id: str) -> bool:
    """Return whether a request means a user by this name; a UUID has several spellings."""
    try:
        return name is not None and owner_id(name) == user_id
    except ValidationError:
        # No user has an id that is not valid.
        return False


def refuse_unknown_parameters(parameters: Collection[str], accepted: Sequence[str]) -> None:
    """Raise ValidationError if there are unknown parameters."""
    unknown = sorted(name for name in parameters if name not in accepted)
    if unknown:
        message = _("Unknown parameter. Choose from: %(accepted)s.") % {"accepted": ", ".join(accepted)}
        raise serializers.ValidationError({name: [message] for name in unknown})
