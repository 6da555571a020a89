"""Errors as ``application/problem+json`` (RFC 9457), for clients that ask for them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

MEDIA_TYPE = "application/problem+json"
# The name that RFC 9110 gives it, which Python has from 3.13 on.
TITLES: Final[dict[int, str]] = {413: "Content Too Large"}


class ProblemRenderer(JSONRenderer):
    """JSON under the name of a problem."""

    media_type = MEDIA_TYPE
    format = "problem"


def is_wanted(request: Request) -> bool:
    """Tell whether the client's Accept names problems; a wildcard alone does not."""
    try:
        accepted = request._request.accepted_types
    except ValueError:
        # In an encoding that there is not.
        return False
    return any(each.main_type == "application" and each.sub_type == "problem+json" for each in accepted)


def as_problem(status: int, data: Any) -> dict[str, Any]:
    """Return an error's ordinary form as a problem; what is said of fields goes into ``errors``."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status}
    if isinstance(data, dict) and set(data) == {"detail"}:
        return {**problem, "detail": data["detail"]}
    return {**problem, "errors": data}
