"""The methods of ``DjangoDb`` for approvals: calls of tools that wait for the decision of a person."""

from __future__ import annotations

from typing import Any, Final

from agno.db.schemas.approval import Approval
from agno.run.base import RunStatus

from agno_memory.agent_document_kinds import APPROVAL
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, check_fixed, complete, seconds_now
from agno_memory.contrib.agno.v3.listing import Listing

PENDING: Final = "pending"


class ApprovalsMixin:
    """Approvals. The owner of one is the person whose run waits; agno's routes check who may decide."""

    db: str | None

    @from_anywhere
    def create_approval(self, approval_data: Document) -> Document:
        """Add an approval, and return it.

        Raises:
            RecordExists: the id is taken; nothing was written.
        """
        moment = seconds_now()
        document = {"created_at": moment, "updated_at": moment, **approval_data}
        self._approvals().add(complete(Approval, document))
        return document

    @from_anywhere
    def get_approval(self, approval_id: str) -> Document | None:
        """Return an approval of any user, or None."""
        return self._approvals().get(approval_id)

    @from_anywhere
    def get_approvals(
        self,
        status: str | None = None,
        source_type: str | None = None,
        approval_type: str | None = None,
        pause_type: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        user_id: str | None = None,
        schedule_id: str | None = None,
        run_id: str | None = None,
        limit: int = 100,
        page: int = 1,
    ) -> tuple[list[Document], int]:
        """Return a page of the approvals that match all arguments, the newest first, and the number of all matches.

        Args:
            status: only approvals with this status; likewise the types and the ids.
            user_id: the owner; every user by default.
            limit: most approvals to return.
            page: from 1.

        Raises:
            ValueError: a page below 1.
        """
        listing = Listing(limit, page)
        listing.check()
        approvals = self._approvals()
        filters = {
            "status": status,
            "source_type": source_type,
            "approval_type": approval_type,
            "pause_type": pause_type,
            "agent_id": agent_id,
            "team_id": team_id,
            "workflow_id": workflow_id,
            "schedule_id": schedule_id,
            "run_id": run_id,
        }
        rows = approvals.rows(user_id, filters)
        return approvals.page(rows, listing, rows.latest_made()), rows.count()

    @from_anywhere
    def get_pending_approval_count(self, user_id: str | None = None) -> int:
        """Return the number of approvals of a user, or of all users, that wait for a decision."""
        return self._approvals().rows(user_id, {"status": PENDING}).count()

    @from_anywhere
    def update_approval(
        self, /, approval_id: str, expected_status: str | None = None, **kwargs: Any
    ) -> Document | None:
        """Change an approval, and return it. Of several decisions at the same time one is written.

        Args:
            approval_id: the id of the approval.
            expected_status: only while it has this status.
            kwargs: the new values.

        Returns:
            The approval as it is now; None if there is none, or if it has another status.

        Raises:
            ValueError: another id, owner, run or session; nothing was written.
        """

        def update(approval: Document) -> Document | None:
            if expected_status not in (None, approval["status"]):
                return None
            check_fixed(approval, kwargs, "id", "user_id", "run_id", "session_id")
            return approval | kwargs | {"updated_at": seconds_now()}

        return self._approvals().edit(approval_id, update)

    @from_anywhere
    def update_approval_run_status(self, run_id: str, run_status: RunStatus) -> int:
        """Write the status of a run into its approvals, and return their number."""
        approvals = self._approvals()
        values = {"run_status": RunStatus(run_status).value, "updated_at": seconds_now()}
        found = approvals.records.ids_of_run(run_id)
        return sum(approvals.edit(each, lambda approval: approval | values) is not None for each in found)

    @from_anywhere
    def delete_approval(self, approval_id: str) -> bool:
        """Delete an approval of any user, and return whether it existed."""
        return bool(self._approvals().delete([approval_id], None))

    def _approvals(self) -> Documents:
        return Documents(APPROVAL, self.db)
