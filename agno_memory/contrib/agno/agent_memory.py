"""``AgentMemory``: the service with two calls that agno's stores need beside its verbs. The same for each major."""

from __future__ import annotations

from typing import Any

from agno_memory.conf import conf
from agno_memory.contrib.agno import owners
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.querysets import conditions, mentions


class AgentMemory(Memory):
    """The memories of users, for agno."""

    def upsert(self, values: dict[str, Any], user_id: str | None) -> UserMemory:
        """Replace the values that agno sets in the user's memory of this id, or add it.

        Args:
            values: by the names of ``UserMemory``'s fields; None keeps the current value.
            user_id: the owner.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        values = {name: value for name, value in values.items() if value is not None}
        # Some models pass a single topic as a string.
        if isinstance(values.get("topics"), str):
            values["topics"] = [values["topics"]]
        if "input" in values:
            values["input"] = _storable(values["input"])
        if "memory_id" not in values:
            return self.add_user_memory(UserMemory(**values), user_id)
        names = [name for name in CONTENT_FIELDS if name in values]
        if "memory" not in values and (current := self.get_user_memory(values["memory_id"], user_id)):
            # A memory must have a text; this one is not written.
            values["memory"] = current.memory
        return self.upsert_fields(UserMemory(**values), user_id, names)

    def newest(
        self, user_id: str | None, filters: dict[str, Any], text: str | None = None, limit: int | None = None
    ) -> list[UserMemory]:
        """Return the newest memories of a user, or of every user, that match all arguments.

        Args:
            user_id: the owner; None for every user.
            filters: as of ``conditions()``.
            text: only memories with this in the text, in any case.
            limit: the maximum number of memories; all by default.

        Raises:
            ValidationError: bad input.
        """
        lookups = conditions(**filters) | (mentions(text) if text else {})
        return self.select(owners.reader(user_id), lookups, limit)


def _storable(message: str) -> str:
    """Return the message without the characters that no database stores, cut to ``MAX_INPUT_LENGTH``.

    A memory is worth more than the message that it came from, so a bad message does not prevent the write.
    """
    return message.replace("\x00", "").encode(errors="ignore").decode()[: conf.MAX_INPUT_LENGTH]
