"""URLs of the admin's pages. Ids in them are any text: slashes, percent signs, other scripts."""

from __future__ import annotations

from django.contrib.admin.utils import quote, unquote
from django.db.models import Model
from django.urls import reverse

from agno_memory.models import AgentSession, UserMemory


def quoted(key: str) -> str:
    """Return an id as a part of a path, for Django's ``unquote()`` to read.

    Like ``quote()`` of Django's admin, and it also quotes ``.`` and ``..``, which browsers resolve as folders.
    """
    return key.replace(".", "_2E") if key in (".", "..") else str(quote(key))


def unquoted(part: str) -> str:
    """Return the id of a part of a path, as ``quoted()`` writes it."""
    return part.replace("_2E", ".") if part in ("_2E", "_2E_2E") else str(unquote(part))


def memory_page_url(name: str, *ids: str, site: str | None) -> str:
    """Return the URL of an admin page about memories.

    Args:
        name: the name of the page: ``changelist``, ``change``, ``person``, ``dashboard`` ...
        ids: in the path; they are quoted here.
        site: name of the admin site; None for the default one.
    """
    return _page_url(UserMemory, name, ids, site)


def session_page_url(name: str, *ids: str, site: str | None) -> str:
    """Return the URL of an admin page about sessions: ``changelist``, ``change`` or ``delete``."""
    return _page_url(AgentSession, name, ids, site)


def _page_url(model: type[Model], name: str, ids: tuple[str, ...], site: str | None) -> str:
    args = [quoted(key) for key in ids]
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args, current_app=site)
