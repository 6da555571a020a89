"""The methods of ``DjangoDb`` for the schedules of AgentOS, which its poller claims when they are due."""

from __future__ import annotations

from typing import Any, Final

from agno.db.schemas.scheduler import build_run_endpoint, match_run_endpoint, validate_schedule_update
from django.db.models import Q

from agno_memory.agent_document_kinds import DISABLED, ENABLED, SCHEDULE, SCHEDULE_RUN, endpoint_id, endpoint_of
from agno_memory.agent_documents import Document
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, first_document, seconds_now
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.schedule_kinds import schedule_document
from agno_memory.db.transactions import all_or_nothing
from agno_memory.times import from_epoch

# A worker that loses a schedule to another one tries the next; so many are read at once.
CANDIDATES: Final = 20
PROVENANCE: Final = {
    "managed_by",
    "target_type",
    "target_id",
    "created_by_run_id",
    "created_by_session_id",
    "updated_by_run_id",
    "updated_by_session_id",
}


class SchedulesMixin:
    """Schedules. One of a user is never another user's; the poller claims those of all users."""

    db: str | None

    # Reading

    @from_anywhere
    def get_schedule(self, schedule_id: str, user_id: str | None = None) -> Document | None:
        """Return a schedule of a user, or of any user, or None."""
        return self._schedules().get(schedule_id, user_id)

    @from_anywhere
    def get_schedule_by_name(self, name: str, user_id: str | None = None) -> Document | None:
        """Return the schedule of a user with a name, or the one without a user, or None."""
        schedules = self._schedules()
        rows = schedules.records.rows(owners.writer(user_id))
        return first_document(schedules.matching(rows, {"name": name}))

    @from_anywhere
    def get_schedules(
        self,
        enabled: bool | None = None,
        limit: int = 100,
        page: int = 1,
        user_id: str | None = None,
        raise_on_error: bool = False,
    ) -> tuple[list[Document], int]:
        """Return a page of the schedules that match all arguments, the newest first, and the number of all matches.

        Args:
            enabled: only those that are enabled, or only those that are not.
            limit: most schedules to return.
            page: from 1.
            user_id: the owner; every user by default.
            raise_on_error: without effect; an error is always raised.

        Raises:
            ValueError: a page below 1.
        """
        listing = Listing(limit, page)
        listing.check()
        schedules = self._schedules()
        rows = schedules.rows(user_id)
        if enabled is not None:
            rows = rows.filter(status=ENABLED if enabled else DISABLED)
        return schedules.page(rows, listing, rows.latest_made()), rows.count()

    # Writing

    @from_anywhere
    def create_schedule(self, schedule_data: Document) -> Document:
        """Add a schedule. Its ``user_id`` is the owner.

        Raises:
            RecordExists: the id is taken, or this owner has a schedule with this name; nothing was written.
        """
        self._schedules().add(schedule_document(schedule_data))
        return schedule_data

    @from_anywhere
    def update_schedule(self, /, schedule_id: str, user_id: str | None = None, **kwargs: Any) -> Document | None:
        """Change a schedule of a user, or of any user, and return it; None if there is none.

        Args:
            schedule_id: the id of the schedule.
            user_id: the owner.
            kwargs: the new values.

        Raises:
            ValueError: a value that agno does not let change, such as the owner; nothing was written.
            RecordExists: the owner has another schedule with the new name; nothing was written.
        """
        validate_schedule_update(kwargs)
        if kwargs.get("enabled") is True:
            # The reason for disabling it is over.
            kwargs.setdefault("disabled_reason", None)
        return self._schedules().edit(
            schedule_id, lambda schedule: schedule | kwargs | {"updated_at": seconds_now()}, owners.reader(user_id)
        )

    @from_anywhere
    def stamp_schedule_provenance(self, /, schedule_id: str, **provenance: Any) -> bool:
        """Write the origin of a schedule, which ``update_schedule()`` refuses, and return whether it exists.

        Args:
            schedule_id: the id of the schedule.
            provenance: the new values.

        Raises:
            ValueError: another value; nothing was written.
        """
        if refused := sorted(set(provenance) - PROVENANCE):
            raise ValueError(f"stamp_schedule_provenance() cannot write {', '.join(refused)}.")
        stamped = self._schedules().edit(
            schedule_id, lambda schedule: schedule | provenance | {"updated_at": seconds_now()}
        )
        return stamped is not None

    @from_anywhere
    def disable_schedules_for_target(self, target_type: str, target_id: str, reason: str | None = None) -> int:
        """Disable the schedules of a component, of every user, and return the number of those that were enabled.

        Args:
            target_type: of the component.
            target_id: the id of the component. Schedules that name its endpoint for runs count too.
            reason: for the owner of the schedule.
        """
        schedules = self._schedules()

        def disable(schedule: Document) -> Document | None:
            is_of_target = (schedule.get("target_type"), schedule.get("target_id")) == (target_type, target_id)
            if not schedule.get("enabled"):
                return None
            if not is_of_target and not match_run_endpoint(endpoint_of(schedule), target_type, target_id):
                return None
            return schedule | {"enabled": False, "disabled_reason": reason, "updated_at": seconds_now()}

        named = Q(reference_id=target_id) | Q(parent_id=endpoint_id(build_run_endpoint(target_type, target_id)))
        found = list(schedules.stored().filter(named, status=ENABLED).values_list("record_id", flat=True))
        return sum(schedules.edit(each, disable) is not None for each in found)

    @from_anywhere
    def delete_schedule(self, schedule_id: str, user_id: str | None = None) -> bool:
        """Delete a schedule of a user, or of any user, with its runs, and return whether there was one."""
        schedules, runs = self._schedules(), Documents(SCHEDULE_RUN, self.db)

        def delete() -> bool:
            if not schedules.delete([schedule_id], user_id):
                return False
            runs.stored({"schedule_id": schedule_id}).erase()
            return True

        return all_or_nothing(schedules.records.write_alias, delete)

    # The poller

    @from_anywhere
    def claim_due_schedule(self, worker_id: str, lock_grace_seconds: int = 300) -> Document | None:
        """Claim a schedule that is enabled and due, of any user, for one worker. Of several workers one gets it.

        Args:
            worker_id: the worker.
            lock_grace_seconds: a claim that is older than this ends.

        Returns:
            The schedule as it is now, or None if none is due.
        """
        schedules = self._schedules()
        moment = seconds_now()

        def claim(schedule: Document) -> Document:
            return schedule | {"locked_by": worker_id, "locked_at": moment}

        claimed = schedules.records.claim_record(
            _due(schedules.stored(), moment, lock_grace_seconds), schedules.change(claim)
        )
        return None if claimed is None else claimed.data

    @from_anywhere
    def release_schedule(
        self,
        schedule_id: str,
        next_run_at: int | None = None,
        *,
        worker_id: str | None = None,
        locked_at: int | None = None,
    ) -> bool:
        """End the claim of a schedule, and return whether it was released.

        Args:
            schedule_id: the id of the schedule.
            next_run_at: when it is due again, in seconds since 1970; by default as before. One without a cron
                expression is not due again.
            worker_id: only a claim of this worker.
            locked_at: only the claim of this time.
        """

        def release(schedule: Document) -> Document | None:
            if worker_id not in (None, schedule["locked_by"]) or locked_at not in (None, schedule["locked_at"]):
                return None
            due_at = schedule["next_run_at"] if next_run_at is None else next_run_at
            if schedule["cron_expr"] == "":
                # Cleared while the claim was held.
                due_at = None
            return schedule | {
                "locked_by": None,
                "locked_at": None,
                "next_run_at": due_at,
                "updated_at": seconds_now(),
            }

        return self._schedules().edit(schedule_id, release) is not None

    def _schedules(self) -> Documents:
        return Documents(SCHEDULE, self.db)


def _due(rows: AgentRecordQuerySet, moment: int, grace: int) -> AgentRecordQuerySet:
    free = Q(claimed_by=None) | Q(claimed_at__lte=from_epoch(moment - grace))
    return rows.filter(free, status=ENABLED, due_at__lte=from_epoch(moment)).earliest_due()[:CANDIDATES]
