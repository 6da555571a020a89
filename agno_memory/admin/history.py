"""The admin's log: what staff did. It outlives an erased memory, so it never has the text of one.

It lives where the admin does, whatever database the memories are in.
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
OWNER = gettext_noop("owner")


def topics_changed(before: list[str], after: list[str]) -> Message:
    """Return what the log says of topics that came and went."""
    came = [{"added": {"name": TOPIC, "object": topic}} for topic in after if topic not in before]
    went = [{"deleted": {"name": TOPIC, "object": topic}} for topic in before if topic not in after]
    return [*came, *went]


def moved_to(owner: str) -> Message:
    """Return what the log says of a memory that got another owner."""
    return [{"changed": {"name": OWNER, "object": owner, "fields": ["User id"]}}]


def log_each(request: HttpRequest, memories: list[UserMemory], message: Message, flag: int = CHANGE) -> None:
    """Log one thing that was done to each of some memories, in one statement."""
    LogEntry.objects.log_actions(_user_id(request), memories, flag, message)


def log_export(request: HttpRequest, what: str) -> LogEntry:
    """Log that memories leave as a file, before they do.

    Args:
        request: of the staff user.
        what: which memories, in words; no text of theirs.

    Returns:
        The entry, for ``log_exported()`` to say how many they were.
    """
    return _log(request, what, CHANGE, "Export begun.")


def log_exported(entry: LogEntry, count: int) -> None:
    """Complete the entry of an export, however it ended."""
    entry.change_message = f"Exported {count}."
    entry.save(update_fields=["change_message"])


def log_erase(request: HttpRequest, user_id: str, count: int) -> LogEntry:
    """Log that everything about one person was erased, and how many memories that were."""
    return _log(request, user_id, DELETION, f"Erased {count}.")


def _log(request: HttpRequest, what: str, flag: int, message: str) -> LogEntry:
    return LogEntry.objects.create(
        user_id=_user_id(request),
        content_type=ContentType.objects.get_for_model(UserMemory),
        object_repr=what[:200],
        action_flag=flag,
        change_message=message,
    )


def _user_id(request: HttpRequest) -> Any:
    return request.user.pk
