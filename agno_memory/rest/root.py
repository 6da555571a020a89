"""The address of the API itself: a list of its addresses."""

from __future__ import annotations

import builtins
import re
from typing import Any, ClassVar, Final

from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from agno_memory.rest.base import StrictViewSet
from agno_memory.rest.endpoints import Endpoint, Route

ROOT: Final = Route("", "agno-memory-root", "Agent memory")
# An id in a path, in Django's syntax.
ID: Final = re.compile(r"<(?:\w+:)?(\w+)>")


class RootViewSet(StrictViewSet):
    """The addresses of the API, for people and programs that look around."""

    # Not among the operations of OpenAPI, which lists the addresses itself.
    schema = None
    # The routes to list.
    listed: ClassVar[tuple[Route, ...]] = ()

    @Endpoint("get", ROOT)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the addresses, by their paths; ids are in braces."""
        here = request.build_absolute_uri(escape_uri_path(request._request.path))
        paths = [ID.sub(r"{\1}", route.path) for route in self.listed]
        return Response({path.rstrip("/"): here + path for path in sorted(paths)})

    def known_parameters(self) -> builtins.list[str]:
        return [name for name in super().known_parameters() if name != "user_id"]
