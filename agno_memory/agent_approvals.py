"""``AgentApprovals``: calls of agents' tools that wait for the decision of a person."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from agno_memory.agent_records import AgentRecords
from agno_memory.identifiers import Identifier, owner_id
from agno_memory.models import AgentRecord
from agno_memory.services import async_twin
from agno_memory.times import now, to_epoch
from agno_memory.validators import refusal

KIND: Final = "approval"
PENDING: Final = "pending"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"


class AgentApprovals(AgentRecords):
    """The approvals in one database: records of one kind, and the decision.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        TypeError: a handle, such as ``SqliteMemoryDb``: it has a table of memories only.
    """

    def __init__(self, db: str | None = None) -> None:
        super().__init__(KIND, db)

    def decide_approval(
        self, approval_id: Identifier, decision: str, decided_by: object, user_id: object = None
    ) -> AgentRecord | None:
        """Approve or reject a call that waits. Of several decisions at the same time one is written.

        **The caller checks permissions.**

        Args:
            approval_id: the id of the approval.
            decision: ``"approved"`` or ``"rejected"``.
            decided_by: a string, an int, a UUID or a Django user.
            user_id: the owner of the approval, ``ANYONE`` or ``NO_USER``.

        Returns:
            The approval as it is now; ``None`` if this user has no such approval that waits.

        Raises:
            ValidationError: bad input, or an approval of a call that needs values; nothing was written.
        """
        if decision not in (APPROVED, REJECTED):
            raise refusal("decision", _("A decision is “approved” or “rejected”."), "invalid")
        decider = owner_id(decided_by)

        def decide(approval: AgentRecord) -> bool:
            if not is_pending(approval):
                return False
            if decision == APPROVED and needs_values(approval):
                message = _("This call needs values. Approve it in the program that has them.")
                raise refusal("decision", message, "values")
            approval.status, approval.updated_at = decision, now()
            moment = to_epoch(approval.updated_at)
            resolved = {"status": decision, "resolved_by": decider, "resolved_at": moment, "updated_at": moment}
            approval.data = {**approval.data, **resolved}
            return True

        return self.change_record(approval_id, decide, user_id)

    adecide_approval = async_twin(decide_approval)


def is_pending(record: AgentRecord) -> bool:
    """Return whether a record is an approval that waits for a decision."""
    return record.kind == KIND and record.status == PENDING and isinstance(record.data, dict)


def needs_values(approval: AgentRecord) -> bool:
    """Return whether one of the calls waits for values or for a result, beside the decision."""
    if approval.data.get("pause_type", "confirmation") != "confirmation":
        return True
    calls = [each.get("tool_execution") for each in _dicts(approval.data.get("requirements"))]
    return any(call.get("requires_user_input") or call.get("external_execution_required") for call in _dicts(calls))


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
