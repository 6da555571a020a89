"""``AgentMemory``: the service with three calls that agno's stores need beside its verbs. The same for each major."""

from __future__ import annotations

from typing import Any

from agno_memory.acting import acting
from agno_memory.conditions import conditions, mentions
from agno_memory.conf import conf
from agno_memory.contrib.agno import owners
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS


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
            values["input"] = storable(values["input"])
        if "memory_id" not in values:
            return self.add_user_memory(UserMemory(**values), user_id)
        names = [name for name in CONTENT_FIELDS if name in values]
        if "memory" not in values and (current := self.get_user_memory(values["memory_id"], user_id)):
            # A memory must have a text; this one is not written.
            values["memory"] = current.memory
        with acting(values.get("agent_id") or None):
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

    def recall(self, user_id: str, message: str, count: int) -> list[UserMemory]:
        """Return the memories of a user that matter for a message, the best first, then the newest ones.

        Args:
            user_id: the owner.
            message: of the user; may be empty.
            count: the number of memories, if the user has as many.
        """
        question = storable(message)
        found = self.search_user_memories(question, count, user_id=user_id) if question.strip() else []
        if len(found) == count:
            return found
        keys = {memory.key for memory in found}
        newest = (memory for memory in self.select(user_id, {}, count) if memory.key not in keys)
        return [*found, *newest][:count]


def check_recall(recall: Any) -> None:
    """Raise ValueError for a number of memories that is not a whole number from 1; None means all."""
    if recall is not None and (isinstance(recall, bool) or not isinstance(recall, int) or recall < 1):
        raise ValueError(f"recall is a whole number from 1, or None for all memories, not {recall!r}.")


def storable(message: str) -> str:
    """Return the message without the characters that no database stores, cut to ``MAX_INPUT_LENGTH``.

    A memory is worth more than the message that it came from, so a bad message does not prevent the write.
    """
    return message.replace("\x00", "").encode(errors="ignore").decode()[: conf.MAX_INPUT_LENGTH]
