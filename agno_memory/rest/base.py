"""What every view of the API has in common: for whom it acts, what that takes, and how errors are answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.conf import settings
from django.http import Http404
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from agno_memory.conf import conf
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest import problems
from agno_memory.rest.etags import creates
from agno_memory.rest.exceptions import BodyTooLarge, LengthRequired, to_api_exception
from agno_memory.rest.renderers import ExportRenderer
from agno_memory.rest.throttling import ScopeThrottle
from agno_memory.validators import owner_id, refusal

# The name of the caller in a path.
ME: Final = "me"
UTF_8: Final = {"utf-8", "utf8", "us-ascii"}


class ActingView(GenericViewSet[UserMemory]):
    """Acts for one user: the caller, or whom the request names, by path, by ``?user_id=`` or in its body."""

    queryset = UserMemory.objects.none()
    # Of every view, unless a subclass names its own: those of the setting REST_PERMISSION_CLASSES.
    permission_classes: Sequence[Any] | None = None  # type: ignore[assignment]

    # By action; what is not named reads.
    permissions_needed: ClassVar[Mapping[str, str]] = {}
    throttle_scopes: ClassVar[Mapping[str, str]] = {}
    # Parameters of the URL by action, beside filters and what every view takes.
    parameters: ClassVar[Mapping[str, Sequence[str]]] = {}
    # Actions whose body may name the user.
    named_in_body: ClassVar[frozenset[str]] = frozenset()
    # Actions that concern everybody.
    about_everybody: ClassVar[frozenset[str]] = frozenset()

    # For whom

    @cached_property
    def caller(self) -> str:
        """The id of whoever sent the request."""
        user: Any = self.request.user
        if not user or not user.is_authenticated:
            # Whatever the permission classes let through: nobody is not the user of DEFAULT_USER_ID.
            raise exceptions.NotAuthenticated
        return owner_id(user)

    @cached_property
    def named(self) -> list[Any]:
        """Whom the request names."""
        path = self.kwargs.get("user_id", ME)
        query = self.request.query_params.getlist("user_id")
        return [*([] if path == ME else [path]), *query, *self._named_by_body()]

    @cached_property
    def owner(self) -> str:
        """Whose memories the request is about."""
        owners = {owner_id(name) for name in self.named}
        if len(owners) > 1:
            raise refusal("user_id", _("Name one user, the same everywhere in the request."), "ambiguous")
        return owners.pop() if owners else self.caller

    def concerns_others(self) -> bool:
        """Tell whether the request is about somebody else than the caller."""
        return self.action in self.about_everybody or any(str(name) != self.caller for name in self.named)

    def needed_permission(self) -> str:
        """Return what somebody must be allowed to do to act for others: view, add, change or delete."""
        if self.action == "update" and creates(self.request):
            return "add"
        return self.permissions_needed.get(self.action, "view")

    def _named_by_body(self) -> Iterator[Any]:
        if self.action not in self.named_in_body:
            return
        data = self.body()
        for item in data if isinstance(data, list) else [data]:
            if isinstance(item, Mapping) and item.get("user_id") not in (None, ""):
                yield item["user_id"]

    def known_parameters(self) -> list[str]:
        """Return the parameters of the URL that are no filters."""
        versioning = self.versioning_class and self.versioning_class.version_param
        others = [self.settings.URL_FORMAT_OVERRIDE, versioning]
        return ["user_id", *self.parameters.get(self.action, ()), *(name for name in others if name)]

    # On what

    @property
    def memory(self) -> Memory:
        """The service that writes."""
        return Memory()

    def get_queryset(self) -> UserMemoryQuerySet:
        """Return the memories that the request is about: the owner's. Narrow it in a subclass."""
        return UserMemory.objects.for_user(self.owner)

    def body(self) -> Any:
        """Return what the body says."""
        try:
            return self.request.data
        except RecursionError:
            raise exceptions.ParseError(_("The JSON is nested too deep.")) from None

    # How

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._check_body(request)
        super().initial(request, *args, **kwargs)

    def _check_body(self, request: Request) -> None:
        """Refuse a body that would not be read to its end, or not as what it is."""
        parameters = request._request.content_params or {}
        if parameters.get("charset", "utf-8").lower() not in UTF_8:
            # Django would read even the parameters of the URL with it.
            request._request.encoding = settings.DEFAULT_CHARSET
            raise exceptions.UnsupportedMediaType(request.content_type, _("Send JSON in UTF-8."))
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and "HTTP_TRANSFER_ENCODING" in request.META:
            # REST framework takes it for no body at all, and a PATCH would change nothing without a word.
            raise LengthRequired
        length = length or "0"
        if not (length.isascii() and length.isdigit()):
            raise exceptions.ParseError(_("Content-Length is no number."))
        if int(length) > conf.REST_MAX_BODY_SIZE:
            message = _("At most %(limit)d bytes: send several requests.") % {"limit": conf.REST_MAX_BODY_SIZE}
            raise BodyTooLarge(message)

    def get_permissions(self) -> list[BasePermission]:
        if self.permission_classes is not None:
            return super().get_permissions()  # type: ignore[return-value]
        return [import_string(path)() for path in conf.REST_PERMISSION_CLASSES]

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), ScopeThrottle(self.throttle_scopes.get(self.action, "read"))]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        try:
            # A method that there is not is that, whatever form is asked for.
            return super().perform_content_negotiation(request, force or self.action is None)
        except Http404:
            forms = ", ".join(renderer.format for renderer in self.get_renderers())
            message = _("There is no such form. Known: %(known)s.") % {"known": forms}
            raise serializers.ValidationError({self.settings.URL_FORMAT_OVERRIDE: [message]}) from None
        except exceptions.NotAcceptable:
            # Whoever takes problems alone gets the usual form where there is none.
            renderers = self.get_renderers()
            if not problems.is_wanted(request):
                raise
            return renderers[0], renderers[0].media_type

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(to_api_exception(exc))
        if not hasattr(response, "data"):
            # A site's own EXCEPTION_HANDLER may answer by Django alone.
            return response
        if problems.is_wanted(self.request):
            self._answer_with(problems.ProblemRenderer())
            response.data = problems.as_problem(response.status_code, response.data)
        elif isinstance(getattr(self.request, "accepted_renderer", None) or self.get_renderers()[0], ExportRenderer):
            self._answer_with(JSONRenderer())
        return response

    def _answer_with(self, renderer: BaseRenderer) -> None:
        self.request.accepted_renderer = renderer
        self.request.accepted_media_type = renderer.media_type
