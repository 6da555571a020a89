"""Throttles by scope. A scope without a rate in ``REST_THROTTLE_RATES`` is not throttled."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from agno_memory.conf import conf


class ScopeThrottle(SimpleRateThrottle):
    """Counts the requests of one caller in one scope.

    Args:
        scope: ``"read"``, ``"write"``, ``"erase"`` or ``"export"``.
    """

    def __init__(self, scope: str) -> None:
        self.scope = f"agno_memory_{scope}"
        self.rate = conf.REST_THROTTLE_RATES.get(scope)
        if self.rate is not None:
            super().__init__()

    def get_cache_key(self, request: Request, view: Any) -> str:
        user: Any = request.user
        caller = user.pk if user and user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": caller}
