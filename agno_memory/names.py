"""Names and limits alone: no Django in it, so the client imports it too."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

# What callers set on a memory, apart from its id and its owner. In the order of the documents.
CONTENT_FIELDS: Final = ("memory", "topics", "input", "metadata", "agent_id", "team_id", "session_id", "feedback")
# What every write sets by itself.
MACHINE_WRITTEN: Final = ("version", "created_at", "last_updated")
# Every field of a memory that callers see, in the order of the documents.
FIELDS: Final = ("memory_id", "user_id", *CONTENT_FIELDS, *MACHINE_WRITTEN)

# Ids that the REST API refuses, because its own paths have these words in the place of an id. Computed there from the
# routes, and held equal by a test.
RESERVED_IDS: Final = ("bulk", "delete", "export")

MAX_IDENTIFIER_LENGTH: Final = 255
MAX_QUERY_LENGTH: Final = 1_000
# The largest version, and the largest limit: the largest whole number that a column of whole numbers holds everywhere.
MAX_COUNT: Final = 2**31 - 1


def gettext_noop(message: str) -> str:
    """Mark a message for translation where it is shown; Django's function of this name, which the client lacks."""
    return message


class Kind(Enum):
    """The type of a filter's value."""

    IDENTIFIER = "identifier"
    TOPICS = "topics"
    TEXT = "text"
    MOMENT = "moment"


class Filter(NamedTuple):
    """A filter of memories, as every door offers it: service, client, REST, admin, export.

    Args:
        name: keyword argument in Python.
        parameter: name in a URL; a command's option is the same with dashes.
        kind: the type of its value.
        lookup: the ORM's lookup, without the value.
        label: shown to people.
    """

    name: str
    parameter: str
    kind: Kind
    lookup: str
    label: str


FILTERS: Final = (
    Filter("topics", "topic", Kind.TOPICS, "topics__about", gettext_noop("Topic; repeated: all of them")),
    Filter("any_topics", "any_topic", Kind.TOPICS, "topics__about_any", gettext_noop("Topic; repeated: any of them")),
    Filter("agent_id", "agent_id", Kind.IDENTIFIER, "agent_id", gettext_noop("Agent")),
    Filter("team_id", "team_id", Kind.IDENTIFIER, "team_id", gettext_noop("Team")),
    Filter("session_id", "session_id", Kind.IDENTIFIER, "session_id", gettext_noop("Session")),
    Filter("updated_after", "updated_after", Kind.MOMENT, "last_updated__gte", gettext_noop("Updated at or after")),
    Filter("updated_before", "updated_before", Kind.MOMENT, "last_updated__lt", gettext_noop("Updated before")),
    Filter("created_after", "created_after", Kind.MOMENT, "created_at__gte", gettext_noop("Created at or after")),
    Filter("created_before", "created_before", Kind.MOMENT, "created_at__lt", gettext_noop("Created before")),
)
