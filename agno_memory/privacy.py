"""Responses with personal data: no cache keeps them, neither the site's own nor that of a proxy or a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import isawaitable
from typing import Any, Final, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http.response import HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from agno_memory.conf import conf

Response = TypeVar("Response", bound=HttpResponseBase)
View = TypeVar("View", bound=Callable[..., Any])
# The headers that ``make_private()`` changes.
HEADERS: Final = ("cache-control", "vary")


def make_private(response: Response) -> Response:
    """Mark a response as one caller's own, which no cache may keep, and return it.

    A stored copy would be shown to others, and would not be erased with the person. ``Vary`` is for caches that
    ignore ``Cache-Control``: two people may have memories at the same address and with the same ETag.
    """
    patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, conf.CALLER_HEADERS)
    return response


def private_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an ASGI response, changed as by ``make_private()``."""
    response = HttpResponse()
    others = []
    for name, value in headers:
        known = name.decode("latin-1").lower()
        if known in HEADERS:
            # A response may have such a header more than once.
            response[known] = ", ".join(filter(None, (response.get(known), value.decode("latin-1"))))
        else:
            others.append((name, value))
    make_private(response)
    return [*others, *((name.encode(), response[name].encode("latin-1")) for name in HEADERS)]


def private(view: View) -> View:
    """Decorator of a view, sync or async, that makes its responses private; see ``make_private()``.

    Also of ``View.as_view()``, and by Django's ``method_decorator`` of ``dispatch``, which returns the coroutine of an
    async handler without being async itself.
    """

    @wraps(view)
    def private_view(*args: Any, **kwargs: Any) -> Any:
        response = view(*args, **kwargs)
        return _awaited(response) if isawaitable(response) else make_private(response)

    # Django reads this mark to decide how it calls a view.
    return markcoroutinefunction(private_view) if iscoroutinefunction(view) else private_view  # type: ignore[return-value]


async def _awaited(response: Any) -> Any:
    return make_private(await response)
