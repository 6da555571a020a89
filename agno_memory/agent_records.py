"""``AgentRecords``: the verbs on the small documents of agents, sync and async. Each call acts for one user."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db import IntegrityError

from agno_memory.agent_record_models import AgentRecord
from agno_memory.agent_record_moves import give_records
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.batches import batched
from agno_memory.cleaning import cleaned_row, values_to_update
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.damaged import unchanged
from agno_memory.db.session_statements import SelectColumns
from agno_memory.db.table import Table
from agno_memory.db.transactions import savepoint
from agno_memory.exceptions import RecordChanged, RecordExists, RecordNotFound
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.retries import retry
from agno_memory.services import ANYONE, NO_USER, Service, async_twin
from agno_memory.validators import items

__all__ = ["ANYONE", "NO_USER", "AgentRecords"]

# Changes a record in place, and returns whether to write it.
Change = Callable[[AgentRecord], bool]

WRITTEN: Final = tuple(
    field.name for field in AgentRecord._meta.concrete_fields if field.name not in AgentRecord.fixed_fields
)
IDS_OF_RUN: Final = SelectColumns("kind", "run_id", columns=("record_id",), order=())


class AgentRecords(Service[AgentRecordQuerySet]):
    """The records of one kind.

    Every verb acts for one user, as those of ``Memory``: a string, an int, a Django user, or ``None`` for the user
    named by ``DEFAULT_USER_ID``. Another user's record behaves exactly as one that does not exist. ``NO_USER`` is the
    records without a user, ``ANYONE`` is all records. A record that is written names its owner itself, by
    ``record.user_id``. Each write is one statement with its condition in it, so of several calls that read the same
    version one writes. Every verb has an async twin with an ``a`` in front of its name.

    Args:
        kind: of the records; ``None`` for the records of every kind, to count and to delete them.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        TypeError: a handle, such as ``SqliteMemoryDb``: it has a table of memories only.
    """

    _sender = AgentRecord

    def __init__(self, kind: str | None, db: str | None = None) -> None:
        if isinstance(db, MemoryDb):
            raise TypeError(
                f"AgentRecords cannot use a {type(db).__name__}, which has a table of memories only. "
                "Pass an alias of DATABASES to which the app's migrations were applied, or None for the router's."
            )
        super().__init__(Table(AgentRecord, db))
        self.kind = kind

    def rows(self, user_id: object = None) -> AgentRecordQuerySet:
        return self._of_kind(super().rows(user_id))

    def rows_to_write(self, user_id: object = None) -> AgentRecordQuerySet:
        return self._of_kind(super().rows_to_write(user_id))

    def _of_kind(self, rows: AgentRecordQuerySet) -> AgentRecordQuerySet:
        return rows if self.kind is None else rows.of_kind(self.kind)

    def key_of(self, record_id: Identifier) -> str:
        """Return the primary key of the record of this kind with an id.

        Raises:
            ValidationError: bad input.
            TypeError: the service has no kind.
        """
        key: Any = AgentRecord._meta.pk
        return str(key.digest(self._one_kind(), identifier("record_id", record_id)))

    # Reading

    def get_record(self, record_id: Identifier, user_id: object = None) -> AgentRecord | None:
        """Return a record of a user, or None.

        Args:
            record_id: the id of the record.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input.
        """
        return self._at(self.rows(user_id), record_id).first()

    def ids_of_run(self, run_id: Identifier) -> list[str]:
        """Return the ids of the records of a run, of every user, on the database to write to.

        It is a statement that is compiled once, because an agent asks at the end of each turn.

        Args:
            run_id: the id of the run.

        Raises:
            ValidationError: bad input.
            TypeError: the service has no kind.
        """
        values = {"kind": self._one_kind(), "run_id": identifier("run_id", run_id)}
        return [record_id for (record_id,) in IDS_OF_RUN.run(AgentRecord, self.write_alias, values)]

    # Writing

    def add_record(self, record: AgentRecord) -> AgentRecord:
        """Add a record.

        Args:
            record: the content to write, with its owner. It is not changed.

        Returns:
            The record as it was written.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordExists: this or another owner has a record of this kind with this id, or with the same
                ``unique_key``; nothing was written.
        """
        candidate = self._cleaned(record)
        rows = self.rows_to_write(ANYONE)
        try:
            with savepoint(rows.db):
                candidate.save(using=rows.db, force_insert=True)
        except IntegrityError as error:
            raise RecordExists(candidate.record_id) from error
        return candidate

    def replace_record(self, record: AgentRecord, user_id: object = None, *, version: int | None = None) -> AgentRecord:
        """Replace the record with the same id, by one statement.

        Args:
            record: the content to write, with its owner and its times. It is not changed.
            user_id: the owner before, ``ANYONE`` or ``NO_USER``.
            version: replace only this version, the one that the caller has read.

        Returns:
            The record as it was written.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordNotFound: this user has no such record.
            RecordChanged: another call wrote the record after this version; nothing was written.
            RecordExists: another record has this ``unique_key``; nothing was written.
        """
        candidate = self._cleaned(record)
        rows = self._at(self.rows_to_write(user_id), candidate.record_id)
        if self._write(rows, candidate, version):
            # Read back for any owner, because the record may have another one now. None: deleted since the update.
            return self._at(self.rows_to_write(ANYONE), candidate.record_id).first() or candidate
        if version is not None and rows.exists():
            raise RecordChanged(candidate.record_id, version)
        raise RecordNotFound(candidate.record_id)

    def change_record(self, record_id: Identifier, change: Change, user_id: object = None) -> AgentRecord | None:
        """Read a record, change it and write it, as one step: if another call wrote it in between, begin again.

        Args:
            record_id: the id of the record.
            change: changes the record in place and returns whether to write it. It may be called several times.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Returns:
            The record as it is now; ``None`` if this user has none, or if ``change`` returned ``False``.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordChanged: other calls wrote the record at each of many attempts.
            RecordExists: another record has the new ``unique_key``; nothing was written.
        """
        rows = self._at(self.rows_to_write(user_id), record_id)

        def attempt() -> AgentRecord | None:
            record = rows.first()
            return self._replaced(rows, record) if record is not None and change(record) else None

        return retry(attempt, RecordChanged)

    def upsert_record(self, record: AgentRecord, change: Change, user_id: object = None) -> AgentRecord:
        """Change the record with the same id, or add this one if there is none.

        Args:
            record: to add, with its owner. It is not changed.
            change: as of ``change_record()``.
            user_id: the owner of a record that exists, ``ANYONE`` or ``NO_USER``.

        Returns:
            The record as it is now; as it was if ``change`` returned ``False``.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordExists: the id belongs to another owner; nothing was written.
        """
        rows = self._at(self.rows_to_write(user_id), record.record_id)

        def attempt() -> AgentRecord:
            current = rows.first()
            if current is None:
                return self.add_record(record)
            return self._replaced(rows, current) if change(current) else current

        # After these errors, another call has added, changed or deleted the record.
        return retry(attempt, (RecordExists, RecordChanged), unless=lambda error: self._is_others(rows, record))

    def claim_record(self, rows: AgentRecordQuerySet, change: Change) -> AgentRecord | None:
        """Change the first of some records that no other call changes at the same time: of several workers one wins.

        Args:
            rows: the candidates in their order, from ``rows_to_write()``, with a limit.
            change: as of ``change_record()``. It takes the record, so that ``rows`` no longer has it.

        Returns:
            The record as it is now, or ``None`` if none is left.
        """
        for record in rows:
            if not change(record):
                continue
            try:
                return self._replaced(self._at(self.rows_to_write(ANYONE), record.record_id), record)
            except RecordChanged:
                continue
        return None

    # Deleting

    def delete_record(self, record_id: Identifier, user_id: object = None) -> None:
        """Delete a record.

        Args:
            record_id: the id of the record.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input; nothing was deleted.
            RecordNotFound: this user has no such record.
        """
        if not self._at(self.rows_to_write(user_id), record_id).erase():
            raise RecordNotFound(str(record_id))

    def delete_records(self, record_ids: Iterable[Identifier], user_id: object = None) -> int:
        """Delete records, and return their number. Ids that the user does not have are ignored.

        Args:
            record_ids: the ids of the records.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        keys = [self.key_of(each) for each in items("record_ids", record_ids)]
        rows = self.rows_to_write(user_id)
        return sum(rows.filter(key__in=batch).erase() for batch in batched(keys, conf.BATCH_SIZE))

    def delete_user_records(self, user_id: object = None) -> int:
        """Delete all records of a user, and return their number.

        Args:
            user_id: the owner, ``ANYONE`` or ``NO_USER``.
        """
        return self.rows_to_write(user_id).erase()

    def reassign_user_records(self, user_id: object, new_user_id: object) -> list[str]:
        """Give all records of a user to another one, with the ids and the unique names that contain the user.

        In batches, each of them all or nothing if the database has transactions. If a call is interrupted, call it
        again.

        Args:
            user_id: the owner.
            new_user_id: the new owner.

        Returns:
            The ids of those that stay, because the new owner has others with their ids or unique names.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordChanged: other calls wrote a record at each of many attempts.
        """
        before, owner = owner_id(user_id), owner_id(new_user_id)
        return give_records(self.rows_to_write(before), owner) if before != owner else []

    aget_record = async_twin(get_record)
    aids_of_run = async_twin(ids_of_run)
    aadd_record = async_twin(add_record)
    areplace_record = async_twin(replace_record)
    achange_record = async_twin(change_record)
    aupsert_record = async_twin(upsert_record)
    aclaim_record = async_twin(claim_record)
    adelete_record = async_twin(delete_record)
    adelete_records = async_twin(delete_records)
    adelete_user_records = async_twin(delete_user_records)
    areassign_user_records = async_twin(reassign_user_records)

    def _cleaned(self, record: AgentRecord) -> AgentRecord:
        owner = None if record.user_id is None else owner_id(record.user_id)
        return cleaned_row(record, kind=self.kind or record.kind, user_id=owner)

    def _one_kind(self) -> str:
        if self.kind is None:
            raise TypeError("AgentRecords(None) counts and deletes records of every kind. Name the kind of this one.")
        return self.kind

    def _at(self, rows: AgentRecordQuerySet, record_id: Identifier) -> AgentRecordQuerySet:
        return rows.filter(key=self.key_of(record_id))

    def _replaced(self, rows: AgentRecordQuerySet, record: AgentRecord) -> AgentRecord:
        """Write a record that was read, if its version is still the current one; raises RecordChanged."""
        read = record.version
        candidate = self._cleaned(record)
        if not self._write(rows, candidate, read):
            raise RecordChanged(record.record_id, read)
        candidate.version = read + 1
        return candidate

    def _write(self, rows: AgentRecordQuerySet, candidate: AgentRecord, version: int | None) -> int:
        current = rows if version is None else rows.filter(**unchanged(version=version))
        try:
            with savepoint(rows.db):
                return current.update(**values_to_update(candidate, WRITTEN))
        except IntegrityError as error:
            raise RecordExists(candidate.record_id) from error

    def _is_others(self, rows: AgentRecordQuerySet, record: AgentRecord) -> bool:
        """Return whether a record exists that these rows, those of its user, do not have."""
        return not rows.exists() and self._at(self.rows_to_write(ANYONE), record.record_id).exists()
