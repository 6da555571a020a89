"""The names and limits of memories. Imports no Django: the client uses it too."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

# The fields that callers set, besides the id and the owner; in the order of the documents. The only list of them.
CONTENT_FIELDS: Final = (
    "memory",
    "topics",
    "input",
    "metadata",
    "agent_id",
    "team_id",
    "session_id",
    "feedback",
    "expires_at",
    "pinned",
)
# The fields that writes set by themselves.
MACHINE_WRITTEN: Final = ("version", "created_at", "last_updated")
# Every field of a memory that callers see, in the order of the documents.
FIELDS: Final = ("memory_id", "user_id", *CONTENT_FIELDS, *MACHINE_WRITTEN)
# The fields of a version of a memory, beside those of a memory. The version that holds now has no "valid_until".
VERSION_FIELDS: Final = (
    "valid_from",
    "valid_until",
    "action",
    "actor",
    "through",
    "reason",
    "merged_into",
    "restored",
)

# Ids that the REST API refuses, because its own paths have these words in the place of an id. Computed there from the
# routes, and held equal by a test.
RESERVED_IDS: Final = ("bulk", "delete", "duplicates", "export", "merge", "search")
# The same for words after an id, which may contain slashes: "a/history" would be the history of "a".
RESERVED_ENDINGS: Final = ("history", "restore")

MAX_IDENTIFIER_LENGTH: Final = 255
MAX_QUERY_LENGTH: Final = 1_000
# The largest version and the largest limit: the maximum of an integer column on every database.
MAX_COUNT: Final = 2**31 - 1


def is_reserved(memory_id: str) -> bool:
    """Return whether the REST API has no address for a memory with this id, because of its own words."""
    before, _slash, ending = memory_id.rpartition("/")
    return memory_id in RESERVED_IDS or bool(before and ending in RESERVED_ENDINGS)


def gettext_noop(message: str) -> str:
    """Mark a message for translation at display time, as Django's function of this name does."""
    return message


class Kind(Enum):
    """The type of a filter's value."""

    IDENTIFIER = "identifier"
    TOPICS = "topics"
    TEXT = "text"
    MOMENT = "moment"


class Filter(NamedTuple):
    """A filter of memories, the same in the service, the client, the REST API, the admin and exports.

    Args:
        name: keyword argument in Python.
        parameter: name in a URL; the option of a command is the same with dashes.
        kind: type of the value.
        lookup: argument of ``QuerySet.filter()``.
        label: text for people.
    """

    name: str
    parameter: str
    kind: Kind
    lookup: str
    label: str


FILTERS: Final = (
    Filter("topics", "topic", Kind.TOPICS, "topics__about", gettext_noop("Topic; repeat it to require all of them")),
    Filter(
        "any_topics",
        "any_topic",
        Kind.TOPICS,
        "topics__about_any",
        gettext_noop("Topic; repeat it to accept any of them"),
    ),
    Filter("agent_id", "agent_id", Kind.IDENTIFIER, "agent_id", gettext_noop("Agent")),
    Filter("team_id", "team_id", Kind.IDENTIFIER, "team_id", gettext_noop("Team")),
    Filter("session_id", "session_id", Kind.IDENTIFIER, "session_id", gettext_noop("Session")),
    Filter("updated_after", "updated_after", Kind.MOMENT, "last_updated__gte", gettext_noop("Updated at or after")),
    Filter("updated_before", "updated_before", Kind.MOMENT, "last_updated__lt", gettext_noop("Updated before")),
    Filter("created_after", "created_after", Kind.MOMENT, "created_at__gte", gettext_noop("Created at or after")),
    Filter("created_before", "created_before", Kind.MOMENT, "created_at__lt", gettext_noop("Created before")),
)
