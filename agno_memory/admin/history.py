"""The admin's log of changes by staff. It outlives erased memories, so it never holds the text of a memory.

It is stored in the database of the admin, which may be another one than the database of the memories.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from agno_memory.models import UserMemory

Message = list[dict[str, Any]]

TOPIC = gettext_noop("topic")
PERSON = gettext_noop("person")


def topics_changed(before: list[str], after: list[str]) -> Message:
    """Return the log message for topics that were added and removed."""
    added = [{"added": {"name": TOPIC, "object": topic}} for topic in after if topic not in before]
    removed = [{"deleted": {"name": TOPIC, "object": topic}} for topic in before if topic not in after]
    return [*added, *removed]


def reassigned_to(user_id: str) -> Message:
    """Return the log message for a memory that was moved to another person."""
    return [{"changed": {"name": PERSON, "object": user_id, "fields": ["User id"]}}]


def log_each(request: HttpRequest, memories: list[UserMemory], message: Message, flag: int = CHANGE) -> None:
    """Log one message for each of these memories, in one statement."""
    LogEntry.objects.log_actions(_staff_id(request), memories, flag, message)


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


def log_erase(request: HttpRequest, user_id: str, count: int) -> LogEntry:
    """Log that all memories of a person were erased, and their number."""
    return _log(request, user_id, DELETION, f"Erased {count}.")


def _log(request: HttpRequest, subject: str, flag: int, message: str) -> LogEntry:
    return LogEntry.objects.create(
        user_id=_staff_id(request),
        content_type=ContentType.objects.get_for_model(UserMemory),
        object_repr=subject[:200],
        action_flag=flag,
        change_message=message,
    )


def _staff_id(request: HttpRequest) -> Any:
    return request.user.pk
