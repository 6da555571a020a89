"""The versions of a memory as a page shows them: each with how it came, and the words that it changed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.admin import topics_text
from agno_memory.admin.accounts import Account
from agno_memory.admin.differences import Budget, merged_differences
from agno_memory.cleaning import field_named
from agno_memory.names import CONTENT_FIELDS
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import EVENT

# The names of the writes, as the beginning of a line. Of the others, the label of the action.
EVENTS: Final = {
    "added": gettext_lazy("Added"),
    "restored": gettext_lazy("Restored from an earlier version"),
    "deleted": gettext_lazy("Deleted"),
    "expired": gettext_lazy("Expired"),
    "merged": gettext_lazy("Merged with others"),
    "merged into": gettext_lazy("Merged into another memory"),
    "brought back": gettext_lazy("Restored"),
    "reassigned": gettext_lazy("Given to this person"),
}


class Event(NamedTuple):
    """A write.

    Args:
        label: of the write.
        moment: its time.
        actor: the id of its author, or "".
        name: the name of the author's account, if the staff user may view it.
        through: the way of the write.
        reason: a text, or "".
    """

    label: str
    moment: datetime.datetime | None
    actor: str = ""
    name: str = ""
    through: str = ""
    reason: str = ""


class Change(NamedTuple):
    """A field that a version changed, with the words that were removed and added."""

    label: str
    text: SafeString


class Entry(NamedTuple):
    """A version on the page.

    Args:
        version: its number; 0 for an event between versions.
        is_current: whether it holds now.
        began: the time from which on it held.
        events: the writes that it came by, and of the last version of a deleted memory the one that ended it.
        changes: the fields that differ from the version before; all fields with a value, if that one is not kept.
        is_first: whether the version before is not kept, or there was none.
        may_restore: whether the page has a button that restores it.
    """

    version: int
    is_current: bool
    began: datetime.datetime
    events: list[Event]
    changes: list[Change]
    is_first: bool
    may_restore: bool


def entries_of(
    versions: Sequence[MemoryRevision], accounts: Mapping[str, Account], *, may_restore: bool, size: int
) -> list[Entry]:
    """Return the entries of a page.

    Args:
        versions: the newest first.
        accounts: those of the authors, by id.
        may_restore: whether earlier versions have a button.
        size: the number of entries; the versions after them are of the next page.
    """
    budget = Budget()
    before: MemoryRevision | None = None
    pairs: list[tuple[MemoryRevision, MemoryRevision | None]] = []
    for version in reversed(versions):
        pairs.append((version, before))
        before = before if version.is_event else version
    return [
        _entry(version, before, accounts, budget, may_restore)
        for version, before in reversed(pairs[len(pairs) - size :])
    ]


def authors_of(versions: Iterable[MemoryRevision]) -> Iterator[str | None]:
    """Yield the ids of the authors of the writes that ended versions, and that brought them back."""
    for version in versions:
        yield version.actor
        if isinstance(version.restored, dict):
            yield version.restored.get("by")


def _entry(
    version: MemoryRevision,
    before: MemoryRevision | None,
    accounts: Mapping[str, Account],
    budget: Budget,
    may_restore: bool,
) -> Entry:
    if version.is_event:
        return Entry(EVENT, False, version.valid_from, [end_of(version, accounts)], [], False, False)
    is_current = version.valid_until is None
    events = [] if is_current or not version.is_deleted else [end_of(version, accounts)]
    return Entry(
        version.version,
        is_current,
        version.valid_from,
        [*events, *_began(version, before, accounts)],
        list(changes_between(before, version, budget)),
        before is None,
        may_restore and not is_current,
    )


def _began(version: MemoryRevision, before: MemoryRevision | None, accounts: Mapping[str, Account]) -> list[Event]:
    """Return the writes that a version came by, the last one first."""
    if before is None:
        return [Event(str(EVENTS["added"]), version.created_at)] if version.version == 1 else []
    if before.version + 1 != version.version:
        # The version between them is hidden from this staff user.
        return []
    ended = end_of(before, accounts)
    restored = before.restored
    if not isinstance(restored, dict):
        return [ended]
    actor = str(restored.get("by") or "")
    moment = parse_datetime(str(restored.get("at") or ""))
    words = (str(restored.get(name) or "") for name in ("through", "reason"))
    return [Event(str(EVENTS["brought back"]), moment, actor, _name(actor, accounts), *words), ended]


def end_of(version: MemoryRevision, accounts: Mapping[str, Account]) -> Event:
    """Return the write that ended a version.

    Args:
        version: an earlier one.
        accounts: those of the authors, by id.
    """
    action = "merged into" if version.merged_into else version.action
    labels = {**dict(MemoryRevision.Action.choices), **EVENTS}
    label = capfirst(str(labels.get(action, action)))
    actor = version.actor or ""
    return Event(label, version.valid_until, actor, _name(actor, accounts), version.through, version.reason)


def _name(actor: str, accounts: Mapping[str, Account]) -> str:
    account = accounts.get(actor)
    return account.other_name if account else ""


def changes_between(before: Any, after: Any, budget: Budget) -> Iterator[Change]:
    """Yield the content fields that differ between two versions; all with a value, if there is none before."""
    for name in CONTENT_FIELDS:
        old, new = "" if before is None else text_of(getattr(before, name)), text_of(getattr(after, name))
        if before is not None and old != new:
            yield Change(_label(name), merged_differences(old, new, budget))
        elif before is None and getattr(after, name):
            yield Change(_label(name), SafeString(merged_differences(new, new, budget)))


def text_of(value: Any) -> str:
    """Return the value of a content field as a text for people."""
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case datetime.datetime():
            return date_format(localtime(value), "DATETIME_FORMAT")
        case list() if all(isinstance(each, str) for each in value):
            return topics_text.write(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, indent=2, default=str) if value else ""
    return str(value)


def _label(name: str) -> str:
    return str(capfirst(field_named(name).verbose_name))
