"""The methods of ``DjangoDb`` for the contents of knowledge bases. Their vectors are in agno's vector database."""

from __future__ import annotations

from agno.db.schemas.knowledge import KnowledgeRow

from agno_memory.agent_document_kinds import CONTENT
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, merged, readable
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.exceptions import RecordExists


class KnowledgeMixin:
    """Contents of knowledge bases. A content without a user is shared: all users read it, and none deletes it."""

    db: str | None

    @from_anywhere
    def upsert_knowledge_content(self, knowledge_row: KnowledgeRow) -> KnowledgeRow:
        """Add a content, or write those values of it that are not None.

        Args:
            knowledge_row: to write. With a ``user_id``, it replaces a content of this user only.

        Raises:
            ValueError: the content belongs to another user or is shared; nothing was written.
        """
        contents = self._contents()
        values = knowledge_row.model_dump()
        user_id = knowledge_row.user_id
        try:
            contents.records.upsert_record(
                CONTENT.record(to_json(values)),
                contents.change(lambda document: merged(document, **values)),
                owners.reader(user_id),
            )
        except RecordExists as error:
            raise ValueError(f"Knowledge content {knowledge_row.id} not found") from error
        return knowledge_row

    @from_anywhere
    def get_knowledge_content(self, id: str, user_id: str | None = None) -> KnowledgeRow | None:
        """Return a content, or None.

        Args:
            id: of the content.
            user_id: only a content of this user, or a shared one.
        """
        document = self._contents().get(id, user_id, shared=True)
        return None if document is None else next(iter(readable(KnowledgeRow, [document])), None)

    @from_anywhere
    def get_knowledge_contents(
        self,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        linked_to: str | None = None,
        user_id: str | None = None,
    ) -> tuple[list[KnowledgeRow], int]:
        """Return the contents that match all arguments, by default the newest first, and their number without a limit.

        Args:
            limit: most contents to return.
            page: from 1; needs a limit.
            sort_by: the name of a content's field.
            sort_order: ``"asc"``, otherwise descending.
            linked_to: only contents of this knowledge base.
            user_id: only contents of this user, and shared ones.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        listing = Listing(limit, page, sort_by, sort_order)
        listing.check()
        contents = self._contents()
        rows = contents.rows(user_id, {"linked_to": linked_to}, shared=True)
        found = contents.page(rows, listing, rows.latest_made())
        return readable(KnowledgeRow, found), rows.count()

    @from_anywhere
    def delete_knowledge_content(self, id: str, user_id: str | None = None) -> None:
        """Delete a content of a user, or of any user. An id that the user does not have is ignored.

        Args:
            id: of the content.
            user_id: the owner. A shared content is deleted only without a user.
        """
        self._contents().delete([id], user_id)

    def _contents(self) -> Documents:
        return Documents(CONTENT, self.db)
