"""Errors as ``application/problem+json`` (RFC 9457), for clients that ask for them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

MEDIA_TYPE = "application/problem+json"


class ProblemRenderer(JSONRenderer):
    """JSON under the name of a problem."""

    media_type = MEDIA_TYPE
    format = "problem"


def is_wanted(request: Request) -> bool:
    """Tell whether the client's Accept names problems; a wildcard alone does not."""
    return any(
        accepted.main_type == "application" and accepted.sub_type == "problem+json"
        for accepted in request._request.accepted_types
    )


def as_problem(status: int, data: Any) -> dict[str, Any]:
    """Return an error's ordinary form as a problem; what is said of fields goes into ``errors``."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if isinstance(data, dict) and set(data) == {"detail"}:
        return {**problem, "detail": data["detail"]}
    return {**problem, "errors": data}
