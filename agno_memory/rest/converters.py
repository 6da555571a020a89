"""Ids in paths: how they are matched and written, and the ids that a path cannot contain."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from agno_memory.validators import refusal


class AnyIdConverter:
    """Matches any id, including slashes and line breaks, which Django's own converters exclude."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def in_path(identifier: str) -> str:
    """Return an id, encoded for a path."""
    return quote(identifier, safe="")


def validate_reachable(
    name: str, identifier: str, reserved: Collection[str] = (), endings: Collection[str] = ()
) -> None:
    """Refuse a new id that no path could name afterwards.

    Clients and proxies resolve ``.`` and ``..`` and merge double slashes before a request arrives, percent-encoded or
    not. An id that equals a word of the API's own paths would never be found.

    Args:
        name: the name of the field.
        identifier: the new id.
        reserved: words that the API's paths have in the place of this id.
        endings: words that they have after it.

    Raises:
        ValidationError: a path cannot contain the id.
    """
    before, _slash, ending = identifier.rpartition("/")
    if identifier in reserved or (before and ending in endings):
        raise refusal(name, _("This word is reserved in URLs. Choose another id."), "reserved")
    if {"", ".", ".."} & set(identifier.split("/")):
        message = _("A URL cannot contain this id: no part between slashes may be empty, '.' or '..'.")
        raise refusal(name, message, "unreachable")
