"""The last write of each session by this store, so that an unchanged session is not written again in the same second.

agno saves the session with every run, mostly as it was, and counts the time of a write in whole seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from agno_memory.models import AgentSession
from agno_memory.times import now, to_epoch

# The number of sessions to remember: as many as agno remembers the runs of.
MAX_SESSIONS: Final = 64
# The content that a write replaces. The version counts the writes, and the search text follows the name.
CONTENT: Final = tuple(name for name in AgentSession.content_fields if name not in ("version", "search_name"))


class Written(NamedTuple):
    """A write.

    Args:
        content: the hash of the content, with its JSON as text. It is not the same in another process.
        version: of the session after the write.
    """

    content: int
    version: int


class LastWrites:
    """The last writes of one store, by the ids of the sessions."""

    def __init__(self) -> None:
        self._written: OrderedDict[str, Written] = OrderedDict()

    def may_have(self, row: AgentSession) -> bool:
        """Return whether the last write of this session had the same content."""
        written = self._written.get(row.session_id)
        return written is not None and written.content == _content(row)

    def is_unchanged(self, stored: AgentSession) -> bool:
        """Return whether a session, as it is stored, is the last write of it, in this second."""
        written = self._written.get(stored.session_id)
        is_last = written is not None and written.version == stored.version
        return is_last and to_epoch(stored.updated_at) == to_epoch(now())

    def add(self, row: AgentSession, version: int) -> None:
        """Remember a write of a session."""
        self._written.pop(row.session_id, None)
        self._written[row.session_id] = Written(_content(row), version)
        while len(self._written) > MAX_SESSIONS:
            self._written.popitem(last=False)

    def add_run(self, session_id: str) -> None:
        """Remember a write of a run, which changes the version of its session and no content."""
        written = self._written.get(session_id)
        if written is not None:
            self._written[session_id] = written._replace(version=written.version + 1)


def _content(row: AgentSession) -> int:
    return hash(tuple(getattr(row, name) for name in CONTENT))
