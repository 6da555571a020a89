"""``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110) for the version of a memory."""

from __future__ import annotations

from django.utils.http import parse_etags
from rest_framework.request import Request

from agno_memory.models import UserMemory
from agno_memory.rest.exceptions import PreconditionFailed


def etag_of(memory: UserMemory) -> str:
    """Return a memory's entity tag."""
    return f'"{memory.version}"'


def is_guarded(request: Request) -> bool:
    """Return whether the request names the version that it applies to."""
    return bool({"If-Match", "If-None-Match"} & set(request.headers)) and request.headers.get("If-Match") != "*"


def creates(request: Request) -> bool:
    """Return whether a PUT has ``If-None-Match: *``, and so creates only."""
    return "*" in parse_etags(request.headers.get("If-None-Match", ""))


def check_preconditions(request: Request, memory: UserMemory) -> None:
    """Raise PreconditionFailed if ``If-Match`` or ``If-None-Match`` does not hold for the memory."""
    if "If-Match" in request.headers:
        accepted = tags(request.headers["If-Match"])
        if "*" not in accepted and etag_of(memory) not in accepted:
            raise PreconditionFailed
    if "If-None-Match" in request.headers and is_current(request, memory):
        raise PreconditionFailed


def is_current(request: Request, memory: UserMemory) -> bool:
    """Return whether ``If-None-Match`` names this version, which the client then has."""
    client_tags = tags(request.headers.get("If-None-Match", ""))
    return "*" in client_tags or etag_of(memory) in client_tags


def tags(header: str) -> set[str]:
    """Return the tags of a header. Weak tags are returned as strong ones.

    By the RFC a weak tag never matches If-Match. But middleware that compresses responses, such as GZipMiddleware,
    makes every tag weak, and the version does not depend on compression.
    """
    return {tag.removeprefix("W/") for tag in parse_etags(header)}
