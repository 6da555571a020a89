"""The methods of ``DjangoDb`` for the runs of schedules."""

from __future__ import annotations

from typing import Any

from django.db.models import Max, Q

from agno_memory.agent_document_kinds import SCHEDULE, SCHEDULE_RUN
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, check_fixed
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.schedule_kinds import schedule_run_document
from agno_memory.exceptions import RecordNotFound
from agno_memory.json_texts import json_object


class ScheduleRunsMixin:
    """Runs of schedules. One of a user is never another user's."""

    db: str | None

    @from_anywhere
    def create_schedule_run(self, run_data: Document) -> Document:
        """Add a run of a schedule. Its ``user_id`` is the owner.

        Raises:
            RecordNotFound: the schedule does not exist; nothing was written.
            RecordExists: the id is taken; nothing was written.
        """
        if not Documents(SCHEDULE, self.db).stored_at(run_data["schedule_id"]).exists():
            raise RecordNotFound(run_data["schedule_id"])
        self._schedule_runs().add(schedule_run_document(run_data))
        return run_data

    @from_anywhere
    def update_schedule_run(self, /, schedule_run_id: str, **kwargs: Any) -> Document | None:
        """Change a run of a schedule, and return it; None if there is none.

        Args:
            schedule_run_id: the id of the run of the schedule.
            kwargs: the new values.

        Raises:
            ValueError: another id, schedule or owner; nothing was written.
        """

        def update(run: Document) -> Document:
            check_fixed(run, kwargs, "id", "schedule_id", "user_id")
            return run | kwargs

        return self._schedule_runs().edit(schedule_run_id, update)

    @from_anywhere
    def get_schedule_run(self, run_id: str, user_id: str | None = None) -> Document | None:
        """Return a run of a schedule of a user, or of any user, or None."""
        return self._schedule_runs().get(run_id, user_id)

    @from_anywhere
    def get_schedule_runs(
        self, schedule_id: str, limit: int = 20, page: int = 1, user_id: str | None = None
    ) -> tuple[list[Document], int]:
        """Return a page of the runs of a schedule, the newest first, and the number of all its runs.

        Args:
            schedule_id: the id of the schedule.
            limit: most runs to return.
            page: from 1.
            user_id: the owner; every user by default.

        Raises:
            ValueError: a page below 1.
        """
        listing = Listing(limit, page)
        listing.check()
        runs = self._schedule_runs()
        rows = runs.rows(user_id, {"schedule_id": schedule_id})
        return runs.page(rows, listing, rows.latest_made()), rows.count()

    @from_anywhere
    def get_latest_schedule_runs(self, schedule_ids: list[str]) -> dict[str, Document]:
        """Return the last run of each schedule, by the ids of the schedules. Those without a run are left out."""
        rows = self._schedule_runs().rows(None).filter(parent_id__in=schedule_ids)
        groups: Any = rows.order_by().values("parent_id").annotate(last=Max("due_at"))
        last = {group["parent_id"]: group["last"] for group in groups}
        condition = Q(due_at__in=[moment for moment in last.values() if moment is not None])
        if None in last.values():
            # A schedule of which no run was triggered.
            condition |= Q(due_at=None)
        found: dict[str, Document] = {}
        for run in rows.filter(condition).latest_made():
            if run.due_at == last.get(str(run.parent_id)):
                found.setdefault(str(run.parent_id), json_object(run.data))
        return found

    @from_anywhere
    def delete_schedule_runs(self, schedule_id: str, *, before: int) -> int:
        """Delete the runs of a schedule that ended before a time in seconds since 1970, and return their number."""
        return self._schedule_runs().stored({"schedule_id": schedule_id}).filter(sort_number__lt=before).erase()

    def _schedule_runs(self) -> Documents:
        return Documents(SCHEDULE_RUN, self.db)
