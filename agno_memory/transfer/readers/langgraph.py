"""LangGraph's store: a value under a namespace and a key, in the tables of its SqliteStore and PostgresStore."""

from __future__ import annotations

import uuid
from typing import Any, Final

from agno_memory.transfer.readers.base import Reader, decoded
from agno_memory.transfer.records import NotAMemory, moment
from agno_memory.transfer.sources import Row

# Under which of its keys people keep the text of a value: LangGraph's own examples, langmem, and what others took over.
TEXTS: Final = ("memory", "data", "content", "text", "value")


class LangGraph(Reader):
    """Reads the table ``store``.

    The namespace ``("memories", "maya")`` is kept as ``memories.maya``; its last part is the owner, unless the command
    is told otherwise. What a value has beside its text becomes metadata.
    """

    name = "langgraph"
    about = "LangGraph's store (SqliteStore, PostgresStore): the owner is the namespace's last part, or --owner-part"

    @classmethod
    def knows(cls, row: Row) -> bool:
        return {"prefix", "key", "value"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        value = decoded(row["value"])
        text, rest = said(value)
        created, updated = moment(row.get("created_at")), moment(row.get("updated_at"))
        return {
            "memory_id": self._id(row),
            "user_id": self._owner(row["prefix"]),
            "memory": text,
            "metadata": {"namespace": row["prefix"], "key": row["key"], **({"value": rest} if rest else {})},
            "created_at": created or updated,
            "last_updated": updated or created,
        }

    def _owner(self, prefix: str) -> str:
        parts, wanted = prefix.split("."), int(self.options.get("owner_part") or -1)
        try:
            return parts[wanted - 1 if wanted > 0 else wanted]
        except IndexError:
            raise NotAMemory(f"the namespace has {len(parts)} parts, and no part {wanted}") from None

    @staticmethod
    def _id(row: Row) -> str:
        """Return the key where it is one in all the world, otherwise one made of it, the same every time."""
        try:
            return str(uuid.UUID(row["key"]))
        except ValueError:
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{row['prefix']}\0{row['key']}"))


def said(value: object) -> tuple[str, dict[str, Any]]:
    """Return the text of a value, and what else is in it.

    Raises:
        NotAMemory: no text is found.
    """
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict):
        for name in TEXTS:
            found = value.get(name)
            rest = {key: item for key, item in value.items() if key != name}
            if isinstance(found, str):
                return found, rest
            if isinstance(found, dict):
                # langmem: {"kind": "Memory", "content": {"content": "..."}}
                text, more = said(found)
                return text, {**rest, **more}
        raise NotAMemory(f"no text under {', '.join(TEXTS)}; the value has {', '.join(map(str, value)) or 'nothing'}")
    raise NotAMemory("the value is no object")
