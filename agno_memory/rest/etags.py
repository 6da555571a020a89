"""``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110): the version of a memory, as HTTP says it."""

from __future__ import annotations

from django.utils.http import parse_etags
from rest_framework.request import Request

from agno_memory.models import UserMemory
from agno_memory.rest.exceptions import PreconditionFailed


def etag_of(memory: UserMemory) -> str:
    """Return a memory's entity tag."""
    return f'"{memory.version}"'


def is_guarded(request: Request) -> bool:
    """Tell whether the request names the version that it is meant for."""
    return bool({"If-Match", "If-None-Match"} & set(request.headers)) and request.headers.get("If-Match") != "*"


def creates(request: Request) -> bool:
    """Tell whether a PUT is meant to create: ``If-None-Match: *``."""
    return "*" in parse_etags(request.headers.get("If-None-Match", ""))


def check_preconditions(request: Request, memory: UserMemory) -> None:
    """Raise PreconditionFailed where the request is not meant for this version of the memory."""
    if "If-Match" in request.headers:
        wanted = tags(request.headers["If-Match"])
        if "*" not in wanted and etag_of(memory) not in wanted:
            raise PreconditionFailed
    if "If-None-Match" in request.headers and is_known(request, memory):
        raise PreconditionFailed


def is_known(request: Request, memory: UserMemory) -> bool:
    """Tell whether the client has this version already."""
    known = tags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag_of(memory) in known


def tags(header: str) -> set[str]:
    """Return the tags of a header, weak ones as if they were strong.

    The RFC lets no weak tag match If-Match. But what compresses answers on their way, GZipMiddleware among others,
    makes every tag weak, and a version is the same version however it was sent.
    """
    return {tag.removeprefix("W/") for tag in parse_etags(header)}
