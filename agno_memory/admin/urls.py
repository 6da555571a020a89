"""Ids in addresses. They are any text: slashes, percent signs, other scripts."""

from __future__ import annotations

from django.contrib.admin.utils import quote, unquote


def quoted(key: str) -> str:
    """Return an id as a part of an address, to be read by Django's ``unquote()``.

    As ``quote()`` of Django's admin, but for what a browser takes for a folder and leaves out: one dot, or two.
    """
    return key.replace(".", "_2E") if key in (".", "..") else str(quote(key))


def unquoted(part: str) -> str:
    """Return the id that a part of an address names."""
    return part.replace("_2E", ".") if part in ("_2E", "_2E_2E") else str(unquote(part))
