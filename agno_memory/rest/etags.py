"""``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110) for the version of a memory."""

from __future__ import annotations

import hashlib
import json

from django.utils.http import parse_etags
from rest_framework.request import Request

from agno_memory.formats import as_dict
from agno_memory.models import UserMemory
from agno_memory.rest.exceptions import PreconditionFailed
from agno_memory.times import to_iso


def etag_of(memory: UserMemory) -> str:
    """Return a memory's entity tag: the version, and a digest of the memory.

    A memory that was deleted and added again under the same id has the same version, but another tag.
    """
    digest = hashlib.sha256(json.dumps(as_dict(memory), sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return f'"{memory.version}-{digest.hexdigest()[:16]}"'


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
        if "*" not in accepted and not names(accepted, memory):
            raise PreconditionFailed
    if "If-None-Match" in request.headers:
        refused = tags(request.headers["If-None-Match"])
        if "*" in refused or names(refused, memory):
            raise PreconditionFailed


def names(accepted: set[str], memory: UserMemory) -> bool:
    """Return whether the tags of a write name this memory: by its tag, or by values of the body.

    These are the version with ``created_at``, ``"3@2026-11-25T09:30:00.125Z"``, or the version alone, ``"3"``, which
    does not tell a memory from an earlier one of the same id. The answer to a GET depends on the tag only.
    """
    by_body = {f'"{memory.version}@{to_iso(memory.created_at)}"', f'"{memory.version}"'}
    return etag_of(memory) in accepted or not by_body.isdisjoint(accepted)


def is_current(request: Request, memory: UserMemory) -> bool:
    """Return whether ``If-None-Match`` of a GET names this memory, which the client then has."""
    client_tags = tags(request.headers.get("If-None-Match", ""))
    return "*" in client_tags or etag_of(memory) in client_tags


def tags(header: str) -> set[str]:
    """Return the tags of a header. Weak tags are returned as strong ones.

    By the RFC a weak tag never matches If-Match. But middleware that compresses responses, such as GZipMiddleware,
    makes every tag weak, and the version does not depend on compression.
    """
    return {tag.removeprefix("W/") for tag in parse_etags(header)}
