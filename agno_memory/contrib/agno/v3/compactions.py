"""The methods of ``DjangoDb`` for compactions: turns that a summary replaces in prompts, with their text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from agno_memory.agent_document_kinds import COMPACTION
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, documents
from agno_memory.exceptions import RecordExists
from agno_memory.validators import fold

COLUMNS: Final = (
    "compaction_id",
    "session_id",
    "run_id",
    "user_id",
    "first_kept_message_id",
    "summary",
    "archived_messages",
    "messages_compacted",
    "tokens_before",
    "tokens_after",
    "created_at",
)


class CompactionsMixin:
    """Compactions. They belong to a session, and are deleted with it."""

    db: str | None

    @from_anywhere
    def upsert_compaction(self, row: Document) -> None:
        """Add a compaction. One that exists stays as it is."""
        with suppress(RecordExists):
            self._compactions().add({**dict.fromkeys(COLUMNS), **row})

    @from_anywhere
    def get_compaction(self, compaction_id: str) -> Document | None:
        """Return a compaction, or None."""
        return self._compactions().get(compaction_id)

    @from_anywhere
    def get_compactions_for_session(self, session_id: str, limit: int | None = None) -> list[Document]:
        """Return the compactions of a session, the newest first, at most a number of them."""
        return documents(self._compactions().rows(None, {"session_id": session_id}).latest_made()[:limit])

    @from_anywhere
    def delete_compactions_for_session(self, session_id: str) -> int:
        """Delete the compactions of a session, and return their number."""
        return self._compactions().stored({"session_id": session_id}).erase()

    @from_anywhere
    def search_compactions(self, session_id: str, query: str | Sequence[str], limit: int = 10) -> list[Document]:
        """Return the compactions of a session that contain one of several texts, ignoring case, the newest first.

        Args:
            session_id: the id of the session.
            query: one text or several; blank ones find nothing.
            limit: most compactions to return.
        """
        terms = [fold(term) for term in ([query] if isinstance(query, str) else query) if term]

        def matches(compaction: Document) -> bool:
            text = fold(str(compaction.get("archived_messages") or ""))
            return any(term in text for term in terms)

        # A session has few of them.
        return list(islice(filter(matches, self.get_compactions_for_session(session_id)), limit)) if terms else []

    def _compactions(self) -> Documents:
        return Documents(COMPACTION, self.db)
