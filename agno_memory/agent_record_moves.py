"""Documents of agents that another person gets, with the ids and the unique names that contain the person."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import Q

from agno_memory.agent_document_kinds import AUTH_TOKEN, LEARNING, SCHEDULE, WHOLES, schedule_name, token_id
from agno_memory.agent_documents import Document, short_id
from agno_memory.agent_record_models import AgentRecord
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.batches import batched
from agno_memory.cleaning import values_to_update
from agno_memory.db.damaged import unchanged
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import RecordChanged
from agno_memory.retries import retry
from agno_memory.small_pages import SIZE

# The kind and the id of a record.
Name = tuple[str, str]
CHANGED: Final = ("user_id", "data", "unique_key", "search_text", "version")


def give_records(rows: AgentRecordQuerySet, owner: str | None) -> list[str]:
    """Give records to another owner, in batches that are all or nothing if the database has transactions.

    Args:
        rows: the records, on the database to write to.
        owner: the new one; ``None`` for none.

    Returns:
        The ids of those that stay, because the new owner has others with their ids or unique names, and of their parts.

    Raises:
        RecordChanged: other calls wrote a record at each of many attempts.
    """
    identified = rows.filter(record_id__gt="")
    # Another program may have written documents without an id.
    rows.exclude(record_id__gt="").update(user_id=owner)
    # Parts after their wholes, whose fate they share.
    found = sorted(identified.order_by("key").values_list("key", "kind"), key=lambda each: each[1] in WHOLES)
    staying: set[Name] = set()
    for batch in batched([key for key, _kind in found], SIZE):
        work = partial(_give, identified.order_by().filter(key__in=batch), owner, frozenset(staying))
        # IntegrityError: the new owner has taken an id or a name since it was looked up.
        staying |= retry(partial(all_or_nothing, rows.db, work), (RecordChanged, IntegrityError))
    return sorted(record_id for _kind, record_id in staying)


def _give(rows: AgentRecordQuerySet, owner: str | None, staying: frozenset[Name]) -> set[Name]:
    """Give a batch of records, and return those that stay.

    Args:
        rows: the batch.
        owner: the new one.
        staying: those of earlier batches.
    """
    # Read again by each attempt.
    copies = [(record, _copy_for(record, owner)) for record in rows.all()]
    names = [copy.unique_key for _record, copy in copies if copy.unique_key]
    present = AgentRecord.objects.using(rows.db).filter(
        Q(key__in=[copy.key for _record, copy in copies]) | Q(unique_key__in=names)
    )
    by_key = {each.key: each for each in present}
    by_name = {each.unique_key: each.key for each in by_key.values() if each.unique_key}
    stays: set[Name] = set()
    for record, copy in sorted(copies, key=lambda each: each[0].kind in WHOLES):
        there = by_key.get(copy.key) if copy.key != record.key else None
        is_taken = by_name.get(copy.unique_key or "", record.key) not in (record.key, copy.key)
        # The copy is there if an earlier call ended between the addition and the deletion.
        is_taken = is_taken or (there is not None and (there.user_id, there.data) != (copy.user_id, copy.data))
        if is_taken or _whole_of(record) in staying | stays:
            stays.add((record.kind, record.record_id))
        else:
            _write(rows, record, copy, is_there=there is not None)
    return stays


def _write(rows: AgentRecordQuerySet, record: AgentRecord, copy: AgentRecord, *, is_there: bool) -> None:
    """Write the copy in the place of a record; raises RecordChanged if another call has written the record."""
    current = rows.filter(key=record.key, **unchanged(version=record.version))
    if copy.key == record.key:
        is_written = current.update(**values_to_update(copy, CHANGED))
    else:
        if not is_there:
            copy.save(using=rows.db, force_insert=True)
        is_written = current.erase()
    if not is_written:
        raise RecordChanged(record.record_id, record.version)


def _whole_of(record: AgentRecord) -> Name | None:
    kind = WHOLES.get(record.kind)
    return None if kind is None or record.parent_id is None else (kind, record.parent_id)


def _copy_for(record: AgentRecord, owner: str | None) -> AgentRecord:
    """Return an unsaved copy of a record for another owner."""
    values = {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}
    copy = AgentRecord(**values | {"user_id": owner})
    key: Any = record._meta.pk
    if isinstance(record.data, dict):
        copy.data = _document_for(record.data, record.user_id, owner)
        made = _id_with(record, record.user_id)
        if made is not None and record.record_id == short_id(made):
            made = str(_id_with(record, owner))
            copy.record_id = short_id(made)
            copy.key = key.digest(copy.kind, copy.record_id)
            if "learning_id" in copy.data:
                copy.data["learning_id"] = made
    if record.kind == SCHEDULE.name and record.unique_key == schedule_name(record.user_id, record.name):
        copy.unique_key = schedule_name(owner, record.name)
    return copy


def _document_for(document: Document, before: str | None, owner: str | None) -> Document:
    """Return a document that names another owner, also in the content of a profile."""
    changed = dict(document)
    if before is not None and document.get("user_id") == before:
        changed["user_id"] = owner
    content = document.get("content")
    if isinstance(content, dict) and before is not None and content.get("user_id") == before:
        changed["content"] = {**content, "user_id": owner}
    return changed


def _id_with(record: AgentRecord, owner: str | None) -> str | None:
    """Return the id that contains an owner, as agno makes it of a learning and this app of a token, or None."""
    document = record.data
    if record.kind == AUTH_TOKEN.name:
        return token_id({"user_id": owner, **{name: str(document.get(name)) for name in ("provider", "service")}})
    if record.kind != LEARNING.name:
        return None
    match record.record_type, record.namespace:
        case "user_profile", _:
            return f"user_profile_{owner}"
        case "user_memory", _:
            return f"memories_{owner}"
        case "entity_memory", "user":
            digest = sha256(str(owner).encode()).hexdigest()[:16]
            return f"entity_user_{digest}_{document.get('entity_type')}_{document.get('entity_id')}"
    return None
