"""The admin's log of changes by staff. It outlives erased memories, so it never holds the text of a memory.

It is stored in the database of the admin, which may be another one than the database of the memories.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from agno_memory.acting import current_author
from agno_memory.conf import conf
from agno_memory.log_texts import MAX_NAME, SEPARATOR, entries_to_write, name_part
from agno_memory.models import AgentRecord, AgentSession, UserMemory
from agno_memory.times import to_milliseconds

Message = list[dict[str, Any]]

TOPIC = gettext_noop("topic")
PERSON = gettext_noop("person")
# The name of a person who was erased.
ERASED_PERSON = "(erased person)"


class Move(NamedTuple):
    """A memory that was moved to another person, as the log has it.

    Args:
        key: of the memory, with its new owner.
        owner: the new one.
        before: the owner before.
        state: of the memory, as ``state_of()`` returned it.
    """

    key: str
    owner: str
    before: str
    state: list[int]


def state_of(memory: UserMemory) -> list[int]:
    """Return the version and the time of addition, in milliseconds: a move keeps both, a write raises the version."""
    return [memory.version, to_milliseconds(memory.created_at)]


def name_of(memory: UserMemory) -> str:
    """Return the name of a memory for staff: its id and its person, because several people may use one id."""
    return SEPARATOR.join(map(name_part, (memory.memory_id, memory.user_id)))


def topics_changed(before: list[str], after: list[str]) -> Message:
    """Return the log message for topics that were added and removed."""
    added = [{"added": {"name": TOPIC, "object": topic}} for topic in after if topic not in before]
    removed = [{"deleted": {"name": TOPIC, "object": topic}} for topic in before if topic not in after]
    return [*added, *removed]


def log_each(request: HttpRequest, memories: Iterable[UserMemory], message: Message | None, flag: int = CHANGE) -> None:
    """Log one message, or none, for each of these memories, in one statement."""
    LogEntry.objects.bulk_create([_entry(request, memory, message, flag) for memory in memories])


def log_one(request: HttpRequest, memory: UserMemory, message: Message, flag: int) -> LogEntry:
    """Log a message for a memory, and return the entry."""
    entry = _entry(request, memory, message, flag)
    entry.save(force_insert=True)
    return entry


def log_plain(request: HttpRequest, memories: Iterable[UserMemory], text: str, flag: int = CHANGE) -> None:
    """Log one text, which names nothing of a memory, for each of these memories, in one statement."""
    entries = [_entry(request, memory, None, flag) for memory in memories]
    for entry in entries:
        entry.change_message = text
    LogEntry.objects.bulk_create(entries)


def log_sessions(request: HttpRequest, sessions: Iterable[AgentSession], flag: int) -> list[LogEntry]:
    """Log a change of each of these sessions, with their people, so that an erasure finds the entries."""
    return LogEntry.objects.bulk_create(
        LogEntry(
            user_id=_staff_id(request),
            content_type=ContentType.objects.get_for_model(AgentSession),
            object_id=session.session_id,
            object_repr=SEPARATOR.join(name_part(each) for each in (session.session_id, session.user_id) if each),
            action_flag=flag,
        )
        for session in sessions
    )


def log_decision(request: HttpRequest, approval: AgentRecord) -> LogEntry:
    """Log a decision about a call of an agent's tool, with the person, so that an erasure finds the entry."""
    return LogEntry.objects.create(
        user_id=_staff_id(request),
        content_type=ContentType.objects.get_for_model(AgentRecord),
        object_id=approval.key,
        object_repr=SEPARATOR.join(name_part(each) for each in (approval.record_id, approval.user_id) if each),
        action_flag=CHANGE,
        change_message=str(approval.status),
    )


def log_moved(request: HttpRequest, memories: Iterable[UserMemory], user_id: str) -> None:
    """Log that memories were moved to another person.

    Args:
        request: of the staff user.
        memories: as they were before; their names in the log have the person of that time.
        user_id: of the other person. The entries link to the memories there.
    """
    key: Any = UserMemory._meta.pk
    way = current_author().through
    entries = []
    for memory in memories:
        # The person comes first: the erasure of the person's texts looks for that beginning.
        change = {"name": PERSON, "object": user_id, "fields": ["User id"]}
        source = {"from": memory.user_id, "through": way, "state": state_of(memory)}
        entry = _entry(request, memory, [{"changed": change | source}], CHANGE)
        entry.object_id = key.digest(user_id, memory.memory_id)
        entries.append(entry)
    LogEntry.objects.bulk_create(entries)


def logged_moves(request: HttpRequest, way: str, since: datetime.datetime) -> Iterator[list[Move]]:
    """Yield what the log says of the memories that an action of a staff user moved, in batches.

    The texts about a person who was erased since are gone, so nothing is yielded about that person's memories.

    Args:
        request: of the staff user.
        way: the name of the action, as ``through`` in the history.
        since: a time before the action.
    """
    entries = entries_to_write().filter(user_id=_staff_id(request), content_type=_content_type()).order_by("-pk")
    page = list(entries[: conf.BATCH_SIZE])
    while page:
        yield [move for entry in page if way in entry.change_message for move in _moves_of(entry, way)]
        # The newest first, so that the cost does not grow with the log.
        is_last = len(page) < conf.BATCH_SIZE or page[-1].action_time < since
        page = [] if is_last else list(entries.filter(pk__lt=page[-1].pk)[: conf.BATCH_SIZE])


def _moves_of(entry: LogEntry, way: str) -> list[Move]:
    try:
        changed = json.loads(entry.change_message)[0]["changed"]
        owner, before, through, state = (changed[name] for name in ("object", "from", "through", "state"))
    except (KeyError, IndexError, TypeError, ValueError):
        return []
    # Other code of the site may write entries with any values.
    is_move = through == way and isinstance(owner, str) and isinstance(before, str)
    return [Move(str(entry.object_id), owner, before, state)] if is_move else []


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(UserMemory)


def _entry(request: HttpRequest, memory: UserMemory, message: Message | None, flag: int) -> LogEntry:
    return LogEntry(
        user_id=_staff_id(request),
        content_type=_content_type(),
        object_id=memory.key,
        object_repr=name_of(memory),
        action_flag=flag,
        change_message="" if message is None else json.dumps(message),
    )


def log_export(request: HttpRequest, selection: str) -> LogEntry:
    """Log an export before it starts.

    Args:
        request: the request of the staff user.
        selection: a description of the memories, without any text of a memory.

    Returns:
        The entry, for ``log_exported()`` to complete.
    """
    return _log(request, selection, CHANGE, "Export started.")


def log_exported(entry: LogEntry, count: int) -> None:
    """Complete the entry of an export with the number of memories that were sent."""
    entry.change_message = f"Exported {count}."
    entry.save(update_fields=["change_message"])


def log_erase(request: HttpRequest, counts: dict[str, int]) -> LogEntry:
    """Log the erasure of a person, with the number of objects of each kind but without the person's id."""
    numbers = ", ".join(f"{number} {name}" for name, number in counts.items())
    return _log(request, ERASED_PERSON, DELETION, f"Erased {numbers}.")


def _log(request: HttpRequest, subject: str, flag: int, message: str) -> LogEntry:
    return LogEntry.objects.create(
        user_id=_staff_id(request),
        content_type=_content_type(),
        object_repr=subject[:MAX_NAME],
        action_flag=flag,
        change_message=message,
    )


def _staff_id(request: HttpRequest) -> Any:
    return request.user.pk
