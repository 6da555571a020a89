"""Responses with personal data: no cache keeps them, neither the site's own nor that of a proxy or a browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from agno_memory.conf import conf

Response = TypeVar("Response", bound=HttpResponseBase)
View = TypeVar("View", bound=Callable[..., Any])


def make_private(response: Response) -> Response:
    """Mark a response as one caller's own, which no cache may keep, and return it.

    A stored copy would be shown to others, and would not be erased with the person. ``Vary`` is for caches that
    ignore ``Cache-Control``: two people may have memories at the same address and with the same ETag.
    """
    patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, conf.CALLER_HEADERS)
    return response


def private(view: View) -> View:
    """Decorator of a view, sync or async, that makes its responses private; see ``make_private()``."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def async_view(*args: Any, **kwargs: Any) -> Any:
            return make_private(await view(*args, **kwargs))

        return async_view  # type: ignore[return-value]

    @wraps(view)
    def sync_view(*args: Any, **kwargs: Any) -> Any:
        return make_private(view(*args, **kwargs))

    return sync_view  # type: ignore[return-value]
