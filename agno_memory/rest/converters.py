"""Ids in paths: which can stand there, and how they are matched."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from agno_memory.validators import refusal

# What stands in the place of a memory's id in this API's own paths.
RESERVED: Final = ("bulk", "delete", "export")


class AnyIdConverter:
    """Any id that a path can carry: slashes and line breaks included, which Django's own converters leave out."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def in_path(identifier: str) -> str:
    """Return an id as it is written in a path."""
    return quote(identifier, safe="")


def validate_reachable(name: str, identifier: str, reserved: Collection[str] = ()) -> None:
    """Refuse an id that no path could name afterwards.

    Clients and proxies resolve ``.`` and ``..`` and fold double slashes before a request arrives, percent-encoded or
    not; and an id that is one of this API's own words would never be found.

    Args:
        name: of the field.
        identifier: to create something with.
        reserved: words that mean something else in the place of the id.
    """
    if identifier in reserved:
        raise refusal(name, _("In a URL this word means something else: choose another id."), "reserved")
    if {"", ".", ".."} & set(identifier.split("/")):
        message = _("A URL cannot carry this id: between slashes must be something, and not '.' or '..'.")
        raise refusal(name, message, "unreachable")
