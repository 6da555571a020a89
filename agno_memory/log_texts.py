"""The texts about one person in the admin's log, which outlives the person's memories."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode

from django.apps import apps
from django.db import router
from django.db.models import Q
from django.http import QueryDict
from django.utils.text import Truncator

from agno_memory.batches import batched
from agno_memory.db.connections import connection_to
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Kind

PERSON: Final = "person"
SEPARATOR: Final = " · "

# Of the name of an entry's object.
MAX_NAME: Final = 200
# A name has the id, " · " and the person.
MAX_NAME_PART: Final = 98
# The parameters of an export that name people.
PEOPLE: Final = ("user_id", "owner")
# Those with values that are no texts about people: the site's own agents, times, states and orders.
PLAIN: Final = frozenset(
    {
        "agent_id",
        "team_id",
        "state",
        "updated",
        "created",
        "o",
        *(each.parameter for each in FILTERS if each.kind is Kind.MOMENT),
    }
)
# Stands for the value of any other parameter: a topic, a search or metadata can be about anybody.
HIDDEN: Final = "..."
# Stands for the parameters that a name has no room for.
MORE: Final = "..."
SELECTION: Final = "all of ?"
BATCH: Final = 500


def name_part(text: str) -> str:
    """Return an id as a part of a name in the log."""
    return Truncator(text).chars(MAX_NAME_PART)


def query_name(query: QueryDict) -> str:
    """Return the query string of an export as a name in the log: people first, no text, and no part of a parameter.

    Texts, and a part of a person's id, would not be found, and so not be erased.
    """
    shown = {name: values if _is_kept(name) else [HIDDEN] for name, values in query.lists()}
    pairs = [(name, value) for name, values in shown.items() for value in values]
    parts: list[str] = []
    for pair in sorted(pairs, key=lambda each: not _names_people(each[0])):
        part = urlencode([pair])
        if len("&".join([SELECTION, *parts, part, MORE])) <= MAX_NAME:
            parts.append(part)
    return SELECTION + "&".join(parts if len(parts) == len(pairs) else [*parts, MORE])


def _is_kept(parameter: str) -> bool:
    return parameter in PLAIN or _names_people(parameter)


def entries_to_write() -> Any:
    """Return the entries of the log in the database to write to: a replica may lag."""
    model = apps.get_model("admin", "LogEntry")
    return _rows_on(model, router.db_for_write(model))


def _rows_on(model: Any, alias: str) -> Any:
    # Models of Django have no gate that drops a lost connection.
    return model.objects.using(connection_to(alias).alias)


def count(owner: str) -> int:
    """Return the number of log entries with a text about a person."""
    return sum(1 for _entry in _entries(owner))


def erase(owner: str) -> int:
    """Blank the texts and the ids in the log entries about a person, and return the number of entries.

    The entries stay, with the staff user, the time and the kind of the change. The id of a session is a text that an
    agent has chosen.
    """
    pks = list(_entries(owner))
    for batch in batched(pks, BATCH):
        entries_to_write().filter(pk__in=batch).update(object_id=None, object_repr="", change_message="")
    return len(pks)


def rename(before: str, owner: str) -> int:
    """Name another person in the log entries about a person, and return the number of entries.

    An erasure of the other person finds them afterwards, and none of the next person with the name before does.
    """
    found = list(_about(before))
    for pk, name, message in found:
        message = message.replace(_moved_to(before), _moved_to(owner))
        entries_to_write().filter(pk=pk).update(object_repr=_renamed(name, before, owner), change_message=message)
    return len(found)


def relink(keys: Mapping[str, str]) -> None:
    """Let the log entries about memories lead to them under their new keys, by the keys before."""
    if not keys or not apps.is_installed("django.contrib.admin"):
        return
    content_type = apps.get_model("contenttypes", "ContentType")
    connection_to(router.db_for_read(content_type))
    kind = content_type.objects.get_for_model(UserMemory)
    entries = entries_to_write().filter(content_type=kind, object_id__in=list(keys))
    for before in set(entries.values_list("object_id", flat=True)):
        entries.filter(object_id=before).update(object_id=keys[before])


def _renamed(name: str, before: str, owner: str) -> str:
    """Return the name of an entry's object with another person."""
    end = SEPARATOR + name_part(before)
    if name == before[:MAX_NAME]:
        return owner[:MAX_NAME]
    if name.endswith(end):
        return name.removesuffix(end) + SEPARATOR + name_part(owner)
    start, mark, query = name.partition("?")
    parts = [_renamed_parameter(part, before, owner) for part in query.split("&")]
    renamed = start + mark + "&".join(parts)
    while len(renamed) > MAX_NAME:
        # People come first, so a short name keeps them.
        parts = parts[: -2 if parts[-1] == MORE else -1]
        renamed = start + mark + "&".join([*parts, MORE])
    return renamed


def _renamed_parameter(part: str, before: str, owner: str) -> str:
    """Return a parameter of an export with another person."""
    parameter, _equals, value = (unquote_plus(each) for each in part.partition("="))
    if not _names_people(parameter):
        return part
    people = value.split(",") if parameter.endswith("__in") and value != before else [value]
    return urlencode([(parameter, ",".join(owner if each == before else each for each in people))])


def _entries(owner: str) -> Iterator[Any]:
    """Yield the primary keys of the entries about a person."""
    return (pk for pk, _name, _message in _about(owner))


def _about(owner: str) -> Iterator[tuple[Any, str, str]]:
    """Yield the primary key, the name and the message of the entries about a person."""
    if not apps.is_installed("django.contrib.admin"):
        return
    content_type = apps.get_model("contenttypes", "ContentType")
    types = _rows_on(content_type, router.db_for_read(content_type)).filter(app_label="agno_memory")
    rows = entries_to_write().filter(content_type__in=list(types.values_list("pk", flat=True)))
    # SQLite compares without case here, so each entry is compared again.
    likely = rows.filter(
        Q(object_repr=owner[:MAX_NAME])
        | Q(object_repr__endswith=SEPARATOR + name_part(owner))
        | Q(object_repr__contains="=")
        | Q(change_message__contains=_moved_to(owner))
    )
    for pk, name, message in likely.values_list("pk", "object_repr", "change_message"):
        if _is_about(owner, name, message):
            yield pk, name, message


def _is_about(owner: str, name: str, message: str) -> bool:
    is_named = name == owner[:MAX_NAME] or name.endswith(SEPARATOR + name_part(owner))
    return is_named or owner in _exported(name) or _moved_to(owner) in message


def _exported(name: str) -> list[str]:
    """Return the people in the query string of an export."""
    found = []
    for parameter, values in parse_qs(name.partition("?")[2]).items():
        if _names_people(parameter):
            found += values
        if _names_people(parameter) and parameter.endswith("__in"):
            found += [each for value in values for each in value.split(",")]
    return found


def _names_people(parameter: str) -> bool:
    """Return whether a parameter is one of ``PEOPLE``, also with a lookup, as filters of Django's own have it."""
    return parameter.partition("__")[0] in PEOPLE


def _moved_to(owner: str) -> str:
    """Return the beginning of the message about a memory that was moved to a person."""
    return json.dumps({"name": PERSON, "object": owner})[:-1]
