"""The methods of ``DjangoDb`` for transcripts: the sessions of other agents' SDKs, entry by entry."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from agno_memory.agent_document_kinds import TRANSCRIPT, unique_entry
from agno_memory.agent_documents import Document
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, documents
from agno_memory.exceptions import RecordExists
from agno_memory.keys import composite_key
from agno_memory.retries import retry
from agno_memory.times import to_milliseconds


class TranscriptsMixin:
    """Transcripts. They belong to a session of agno's, and are deleted with it."""

    db: str | None
    _sessions: AgentSessions

    @from_anywhere
    def append_transcript_entries(
        self,
        framework: str,
        project_key: str,
        session_id: str,
        entries: list[Document],
        agno_session_id: str,
        subpath: str | None = None,
    ) -> None:
        """Append entries in their order, without those whose ``uuid`` the transcript has.

        Args:
            framework: the name of the SDK.
            project_key: the project.
            session_id: the id of the SDK's session.
            entries: as the SDK made them.
            agno_session_id: the id of agno's session.
            subpath: the part of the transcript; the main one by default.
        """
        transcripts = self._transcripts()
        base = {"framework": framework, "project_key": project_key, "session_id": session_id}
        base |= {"subpath": subpath or "", "agno_session_id": agno_session_id}
        rows = _part(transcripts.stored(), framework, project_key, session_id).filter(name=subpath or "")

        # An erasure of the person counts the entries too.
        session = self._sessions.get_session(agno_session_id, ANYONE) if entries else None
        owner = None if session is None else session.user_id

        def append(entry: Document) -> None:
            unique_key = unique_entry(base, entry.get("uuid"))
            if unique_key is not None and rows.filter(unique_key=unique_key).exists():
                return
            last = rows.aggregate(last=Max("sort_number"))["last"] or 0
            transcripts.add({**base, "entry": entry, "position": last + 1}, owner)

        for entry in entries:
            # After this error another call has appended this entry, or one with this number.
            retry(lambda entry=entry: append(entry), RecordExists)  # type: ignore[misc]

    @from_anywhere
    def get_transcript_entries(
        self, framework: str, project_key: str, session_id: str, subpath: str | None = None
    ) -> list[Document]:
        """Return the entries of the main part of a transcript, or of another part, in their order."""
        rows = _part(self._transcripts().rows(None), framework, project_key, session_id)
        found = documents(rows.filter(name=subpath or "").by_number())
        return [document["entry"] for document in found if "entry" in document]

    @from_anywhere
    def list_transcript_sessions(self, framework: str, project_key: str) -> list[dict[str, Any]]:
        """Return the id of each session of a project, and when it was written last, in milliseconds since 1970."""
        rows: Any = self._transcripts().rows(None)
        rows = rows.filter(namespace=composite_key(framework, project_key), name="").order_by()
        found = rows.values("reference_id").annotate(last=Max("created_at")).order_by("reference_id")
        return [{"session_id": each["reference_id"], "mtime": to_milliseconds(each["last"])} for each in found]

    @from_anywhere
    def list_transcript_subpaths(self, framework: str, project_key: str, session_id: str) -> list[str]:
        """Return the names of the parts of a transcript, without the main one."""
        rows = _part(self._transcripts().rows(None), framework, project_key, session_id).exclude(name="")
        return sorted(rows.order_by().values_list("name", flat=True).distinct())

    @from_anywhere
    def delete_transcript(self, framework: str, project_key: str, session_id: str, subpath: str | None = None) -> None:
        """Delete a part of a transcript, or the whole."""
        rows = _part(self._transcripts().stored(), framework, project_key, session_id)
        (rows if subpath is None else rows.filter(name=subpath)).erase()

    def _transcripts(self) -> Documents:
        return Documents(TRANSCRIPT, self.db)


def _part(rows: AgentRecordQuerySet, framework: str, project_key: str, session_id: str) -> AgentRecordQuerySet:
    return rows.filter(parent_id=composite_key(framework, project_key, session_id))
