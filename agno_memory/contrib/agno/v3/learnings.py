"""The methods of ``DjangoDb`` for learnings: facts that agents with ``learning=True`` keep about users and entities."""

from __future__ import annotations

import string
from typing import Any, Final

from django.db.models import Max

from agno_memory.agent_document_kinds import LEARNING
from agno_memory.agent_documents import Document
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, documents, first_document, seconds_now
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.exceptions import RecordExists
from agno_memory.services import ANYONE
from agno_memory.times import to_epoch

FILTERS: Final = (
    "learning_type",
    "agent_id",
    "team_id",
    "workflow_id",
    "session_id",
    "namespace",
    "entity_id",
    "entity_type",
)
# A query of these characters alone finds nothing: for agno they match any text.
WILDCARDS: Final = "%_-" + string.whitespace


class LearningsMixin:
    """Learnings. One without a user is shared by all users; one of a user is never another user's."""

    db: str | None

    # Writing

    @from_anywhere
    def upsert_learning(
        self,
        id: str,
        learning_type: str,
        content: dict[str, Any],
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
        namespace: str | None = None,
        entity_id: str | None = None,
        entity_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Add a learning, or replace the content and the metadata of the one with this id; its other values stay.

        Args:
            id: of the learning.
            learning_type: such as ``"user_profile"``.
            content: of the learning.
            user_id: the owner. Without one, the call may change the learning of any user.
            agent_id: of a new learning; likewise the other ids, the namespace and the type of the entity.
            metadata: of the learning.

        Raises:
            RecordExists: the learning belongs to another user; nothing was written.
        """
        moment = seconds_now()
        written = {"content": content, "metadata": metadata, "updated_at": moment}
        document = {
            "learning_id": id,
            "learning_type": learning_type,
            "namespace": namespace,
            "user_id": user_id,
            "agent_id": agent_id,
            "team_id": team_id,
            "workflow_id": None,
            "session_id": session_id,
            "entity_id": entity_id,
            "entity_type": entity_type,
            **written,
            "created_at": moment,
        }

        added = LEARNING.record(to_json(document))

        def replace(current: Document) -> Document:
            if added.user_id is not None and current["user_id"] not in (None, added.user_id):
                raise RecordExists(id)
            return current | written

        learnings = self._learnings()
        learnings.records.upsert_record(added, learnings.change(replace), ANYONE)

    @from_anywhere
    def update_learning(self, id: str, content: dict[str, Any], metadata: dict[str, Any] | None = None) -> bool:
        """Replace the content and the metadata of a learning, and return whether it exists."""
        written = {"content": content, "metadata": metadata}
        updated = self._learnings().edit(id, lambda current: current | written | {"updated_at": seconds_now()})
        return updated is not None

    # Reading

    @from_anywhere
    def get_learning(
        self,
        learning_type: str,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        namespace: str | None = None,
        entity_id: str | None = None,
        entity_type: str | None = None,
    ) -> dict[str, Any] | None:
        """Return the content of the newest learning that matches all arguments, as ``{"content": ...}``, or None."""
        filters = _filters(learning_type, agent_id, team_id, workflow_id, session_id, namespace, entity_id, entity_type)
        document = first_document(self._learnings().rows(user_id, filters).newest())
        return None if document is None else {"content": document["content"]}

    @from_anywhere
    def get_learnings(
        self,
        learning_type: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        namespace: str | None = None,
        entity_id: str | None = None,
        entity_type: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Return the learnings that match all arguments, the last written first."""
        filters = _filters(learning_type, agent_id, team_id, workflow_id, session_id, namespace, entity_id, entity_type)
        return _newest(self._learnings().rows(user_id, filters), limit)

    @from_anywhere
    def search_learnings(
        self,
        query: str,
        learning_type: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        namespace: str | None = None,
        entity_id: str | None = None,
        entity_type: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Return the learnings with a content that contains a text, ignoring case, the last written first.

        Raises:
            ValidationError: a query of more than 1,000 characters.
        """
        if not query.strip(WILDCARDS):
            return []
        filters = _filters(learning_type, agent_id, team_id, workflow_id, session_id, namespace, entity_id, entity_type)
        return _newest(self._learnings().rows(user_id, filters).mentioning(query), limit)

    @from_anywhere
    def get_learning_by_id(self, id: str) -> Document | None:
        """Return a learning of any user, or None."""
        return self._learnings().get(id)

    @from_anywhere
    def list_learnings(
        self,
        learning_type: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
        namespace: str | None = None,
        entity_id: str | None = None,
        entity_type: str | None = None,
        include_global: bool = False,
        limit: int = 100,
        page: int = 1,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> tuple[list[Document], int]:
        """Return a page of the learnings that match all arguments, and the number of all matches.

        Args:
            learning_type: only learnings of this type; likewise the ids, the namespace and the type of the entity.
            user_id: the owner; every user by default.
            include_global: also the learnings without a user.
            limit: most learnings to return.
            page: from 1.
            sort_by: the name of a learning's field; ``updated_at`` by default.
            sort_order: ``"asc"``, otherwise descending.

        Raises:
            ValueError: a page below 1.
        """
        listing = Listing(limit, page, sort_by or "updated_at", sort_order)
        listing.check()
        learnings = self._learnings()
        filters = _filters(learning_type, agent_id, team_id, None, session_id, namespace, entity_id, entity_type)
        rows = learnings.rows(user_id, filters, shared=include_global)
        return learnings.page(rows, listing, rows.newest()), rows.count()

    @from_anywhere
    def get_learnings_user_stats(
        self,
        learning_type: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        user_id: str | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Return each user's time of the last write of a learning, and the number of users.

        Args:
            learning_type: only learnings of this type.
            limit: most users to return.
            page: from 1; needs a limit.
            user_id: only this user.
            sort_by: ``user_id`` or ``last_learning_updated_at``, which is the default.
            sort_order: ``"asc"``, otherwise descending.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        listing = Listing(limit, page)
        listing.check()
        rows = self._learnings().rows(user_id, {"learning_type": learning_type}).exclude(user_id=None)
        users: Any = rows.order_by().values("user_id").annotate(last_learning_updated_at=Max("updated_at"))
        sign = "" if sort_order == "asc" else "-"
        column = sort_by if sort_by == "user_id" else "last_learning_updated_at"
        found = list(listing.sliced(users.order_by(*dict.fromkeys([f"{sign}{column}", f"{sign}user_id"]))))
        for row in found:
            row["last_learning_updated_at"] = to_epoch(row["last_learning_updated_at"])
        return found, users.count()

    # Deleting

    @from_anywhere
    def delete_learning(self, id: str) -> bool:
        """Delete a learning of any user, and return whether it existed."""
        return bool(self._learnings().delete([id], None))

    @from_anywhere
    def delete_user_learnings(self, user_id: str | None, learning_type: str | None = None) -> int:
        """Delete the learnings of a user, of one type or of all, and return their number. Shared ones stay."""
        if user_id is None:
            # Not the default user, whom the service would take.
            return 0
        learnings = self._learnings()
        rows = learnings.records.rows_to_write(user_id)
        return learnings.matching(rows, {"learning_type": learning_type}).erase()

    def _learnings(self) -> Documents:
        return Documents(LEARNING, self.db)


def _filters(*values: str | None) -> dict[str, str | None]:
    return dict(zip(FILTERS, values, strict=True))


def _newest(rows: AgentRecordQuerySet, limit: int | None) -> list[Document]:
    return documents(rows.newest()[:limit])
