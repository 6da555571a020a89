"""Scopes of rows that are not those of one user."""

from __future__ import annotations

from enum import Enum, auto


class UserScope(Enum):
    """Values that ``rows()`` and the verbs of ``AgentSessions`` accept in the place of a user.

    ``ANYONE`` is every row, with or without a user. It is meant for code that acts for the whole site, such as agno,
    which reads sessions by their ids alone. ``NO_USER`` is the rows without a user: an agent can run without one.
    """

    ANYONE = auto()
    NO_USER = auto()


ANYONE, NO_USER = UserScope.ANYONE, UserScope.NO_USER
