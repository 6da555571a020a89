"""Runs as agno's objects. A run that has not changed is built once for all reads, as agno's own stores do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agno.db.base import SessionType

from agno_memory.contrib.agno.foreign_runs import UNREADABLE, objects

try:
    from agno.db.utils import SessionRunObjectCache
except ImportError:
    # Before 3.1, agno changes the runs of a session that it has read, so no two reads may share them.
    SessionRunObjectCache = None


class RunObjects:
    """The runs of the sessions that one store has read."""

    def __init__(self) -> None:
        self._cache: Any = None if SessionRunObjectCache is None else SessionRunObjectCache()

    def are_shared(self, stored_type: str, session_type: SessionType | None) -> bool:
        """Return whether ``of()`` builds the runs of a session: only those of agents.

        Args:
            stored_type: of the session.
            session_type: of the result; None for that of the session.
        """
        return self._cache is not None and {stored_type, session_type or stored_type} == {SessionType.AGENT.value}

    def of(self, session_id: str, texts: Sequence[tuple[str, str]]) -> list[Any]:
        """Return the runs of a session; the same object as before for each that has not changed.

        Args:
            session_id: the id of the session.
            texts: the id and the JSON of each run.
        """
        runs: list[Any]
        try:
            runs = self._cache.runs_from_rows(session_id, texts)
        except UNREADABLE:
            # Each alone, without those of other programs.
            runs = [each for text in texts for each in self._read(session_id, text)]
        return runs

    def _read(self, session_id: str, text: tuple[str, str]) -> list[Any]:
        try:
            runs: list[Any] = self._cache.runs_from_rows(session_id, [text])
        except UNREADABLE:
            return []
        return runs

    def drop(self, session_ids: Sequence[str]) -> None:
        """Forget the runs of sessions that were deleted."""
        if self._cache is not None:
            for session_id in session_ids:
                self._cache.drop_session(session_id)


def decoded(texts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the data of runs, without that of other programs which is not an object."""
    # One call for all texts takes a fifth of the time of a call for each.
    try:
        data: list[Any] = json.loads(f"[{','.join(text for _run_id, text in texts)}]")
    except ValueError:
        data = [each for _run_id, text in texts for each in _decoded(text)]
    return objects(data)


def _decoded(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return []
