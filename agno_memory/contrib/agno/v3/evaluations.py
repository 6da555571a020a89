"""The methods of ``DjangoDb`` for evaluation runs."""

from __future__ import annotations

from typing import Any

from agno.db.schemas.evals import EvalFilterType, EvalRunRecord, EvalType

from agno_memory.agent_document_kinds import EVALUATION
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, readable, seconds_now
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.identifiers import owner_id


class EvaluationsMixin:
    """Evaluation runs. A run without a user belongs to no user; only calls without a user read it."""

    db: str | None

    @from_anywhere
    def create_eval_run(self, eval_run: EvalRunRecord) -> EvalRunRecord:
        """Add an evaluation run.

        Raises:
            RecordExists: a run has this id already; nothing was written.
        """
        moment = seconds_now()
        times = {"created_at": moment, "updated_at": moment}
        self._evaluations().add({"user_id": None, **times, **eval_run.model_dump()})
        return eval_run

    @from_anywhere
    def delete_eval_runs(self, eval_run_ids: list[str], user_id: str | None = None) -> None:
        """Delete evaluation runs of a user, or of any user. Ids that the user does not have are ignored."""
        self._evaluations().delete(eval_run_ids, user_id)

    def delete_eval_run(self, eval_run_id: str) -> None:
        """Delete an evaluation run, if it exists."""
        self.delete_eval_runs([eval_run_id])

    @from_anywhere
    def get_eval_run(
        self, eval_run_id: str, deserialize: bool | None = True, user_id: str | None = None
    ) -> EvalRunRecord | Document | None:
        """Return an evaluation run of a user, or of any user, or None."""
        return _result(self._evaluations().get(eval_run_id, user_id), deserialize)

    @from_anywhere
    def get_eval_runs(
        self,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        model_id: str | None = None,
        filter_type: EvalFilterType | None = None,
        eval_type: list[EvalType] | None = None,
        deserialize: bool | None = True,
        user_id: str | None = None,
    ) -> list[Any] | tuple[list[Document], int]:
        """Return the evaluation runs that match all arguments, by default the newest first.

        Args:
            limit: most runs to return.
            page: from 1; needs a limit.
            sort_by: the name of a run's field.
            sort_order: ``"asc"``, otherwise descending.
            agent_id: only runs of this agent; likewise ``team_id``, ``workflow_id`` and ``model_id``.
            filter_type: only runs of any agent, of any team or of any workflow.
            eval_type: only runs of these types.
            deserialize: return agno's objects; otherwise dictionaries, and the number of matches without the limit.
            user_id: the owner; every user by default.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        listing = Listing(limit, page, sort_by, sort_order)
        listing.check()
        evaluations = self._evaluations()
        filters = {"agent_id": agent_id, "team_id": team_id, "workflow_id": workflow_id, "model_id": model_id}
        rows = evaluations.rows(user_id, filters)
        if eval_type:
            rows = rows.filter(record_type__in=[EvalType(each).value for each in eval_type])
        if filter_type is not None:
            rows = rows.exclude(**{f"{EvalFilterType(filter_type).value}_id": None})
        found = evaluations.page(rows, listing, rows.latest_made())
        results = readable(EvalRunRecord, found) if deserialize else found
        return results if deserialize else (results, rows.count())

    @from_anywhere
    def rename_eval_run(
        self, eval_run_id: str, name: str, deserialize: bool | None = True, user_id: str | None = None
    ) -> EvalRunRecord | Document | None:
        """Change the name of an evaluation run of a user, or of any user, and return it; None if there is none."""
        renamed = self._evaluations().edit(
            eval_run_id,
            lambda document: document | {"name": name, "updated_at": seconds_now()},
            owners.reader(user_id),
        )
        return _result(renamed, deserialize)

    @from_anywhere
    def update_eval_run_user_id(self, eval_run_id: str, user_id: str) -> None:
        """Give an evaluation run without a user to a user. One that belongs to another user does not change."""
        owner = owner_id(user_id)

        def give(document: Document) -> Document | None:
            return document | {"user_id": owner} if document["user_id"] is None else None

        self._evaluations().edit(eval_run_id, give)

    def _evaluations(self) -> Documents:
        return Documents(EVALUATION, self.db)


def _result(document: Document | None, deserialize: bool | None) -> Any:
    return document if document is None or not deserialize else next(iter(readable(EvalRunRecord, [document])), None)
