"""Errors as ``application/problem+json`` (RFC 9457), for clients that accept it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

MEDIA_TYPE: Final = "application/problem+json"
# The title of RFC 9110, which Python has from 3.13 on.
TITLES: Final[dict[int, str]] = {413: "Content Too Large"}


class ProblemRenderer(JSONRenderer):
    """JSON with the media type of a problem."""

    media_type = MEDIA_TYPE
    format = "problem"


def is_accepted(request: Request) -> bool:
    """Return whether the client's ``Accept`` names problems; a wildcard alone does not."""
    try:
        accepted = request._request.accepted_types
    except ValueError:
        # The header names an encoding that Python does not have.
        return False
    return any(each.main_type == "application" and each.sub_type == "problem+json" for each in accepted)


def as_problem(status: int, data: Any) -> dict[str, Any]:
    """Return an error of REST framework as a problem; errors of fields become ``errors``."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status}
    if isinstance(data, dict) and isinstance(data.get("detail"), str):
        # The errors of a field are a list.
        return {**problem, **data}
    return {**problem, "errors": data}
