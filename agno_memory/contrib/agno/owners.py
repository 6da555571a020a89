"""agno's ``user_id=None`` translated for the service, where ``None`` is the user named by ``DEFAULT_USER_ID``."""

from __future__ import annotations

from agno_memory.services import ANYONE, NO_USER


def reader(user_id: str | None) -> object:
    """Return the user to read, rename or delete for: ``ANYONE`` if agno names no user.

    Only ``None`` means that no user is named. The service refuses an empty id, as any other blank one.
    """
    return ANYONE if user_id is None else user_id


def writer(user_id: str | None) -> object:
    """Return the owner of a session to write: ``NO_USER`` if agno names no user."""
    return NO_USER if user_id is None else user_id
