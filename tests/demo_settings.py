"""The demo's settings for tests in a browser: under the strictest policy that a site may have."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from demo_project.settings import *  # noqa: F403
from demo_project.settings import MIDDLEWARE as DEMO_MIDDLEWARE

POLICY = "default-src 'self'"


def strict_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Add a policy that refuses other sites, and scripts and styles inside the page."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return answer


MIDDLEWARE = ["tests.demo_settings.strict_policy", *DEMO_MIDDLEWARE]
# The tests write more in a minute than a person does.
AGNO_MEMORY["REST_THROTTLE_RATES"] = {}  # noqa: F405
