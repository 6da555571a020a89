"""LangGraph's store: values under a namespace and a key, in the tables of its SqliteStore and PostgresStore."""

from __future__ import annotations

import uuid
from typing import Any, Final

from agno_memory.transfer.readers.base import Reader, parse_json
from agno_memory.transfer.records import InvalidRecord, parse_moment
from agno_memory.transfer.sources import Row

# The keys of a value that usually hold its text: in LangGraph's examples, in langmem, and in other libraries.
TEXT_KEYS: Final = ("memory", "data", "content", "text", "value")

READ: Final = frozenset(("prefix", "key", "value", "created_at", "updated_at", "expires_at", "ttl_minutes"))


class LangGraph(Reader):
    """Reads the table ``store``.

    The namespace ``("memories", "maya")`` is stored as ``memories.maya``; its last part is the owner, or the part that
    ``--owner-part`` selects. The id is derived from the namespace and the key, so it is the same each time. Both become
    metadata, as does the rest of a value, apart from its text.
    """

    name = "langgraph"
    description = "LangGraph's SqliteStore and PostgresStore: the owner is the namespace's last part, or --owner-part"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return {"prefix", "key", "value"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        text, rest = split_text(parse_json(row["value"]))
        metadata = {"namespace": row["prefix"], "key": row["key"], **({"value": rest} if rest else {})}
        created, updated = parse_moment(row.get("created_at")), parse_moment(row.get("updated_at"))
        return {
            # A key is unique only within its namespace, and several namespaces may belong to one owner.
            "memory_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{row['prefix']}\0{row['key']}")),
            "user_id": self._owner(row["prefix"]),
            "memory": text,
            "metadata": self.with_other_fields(metadata, row, READ),
            # Computed from ttl_minutes at each write, and at each read if the store extends it.
            "expires_at": parse_moment(row.get("expires_at")),
            "created_at": created or updated,
            "last_updated": updated or created,
        }

    def _owner(self, namespace: str) -> str:
        parts, number = namespace.split("."), int(self.options.get("owner_part") or -1)
        try:
            return parts[number - 1 if number > 0 else number]
        except IndexError:
            raise InvalidRecord(f"the namespace has {len(parts)} parts, but not part {number}") from None


def split_text(value: object) -> tuple[str, dict[str, Any]]:
    """Return the text of a value, and the rest of the value.

    Raises:
        InvalidRecord: there is no text.
    """
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, dict):
        raise InvalidRecord("the value is not an object")
    for key in TEXT_KEYS:
        item = value.get(key)
        rest = {name: other for name, other in value.items() if name != key}
        if isinstance(item, str):
            return item, rest
        if isinstance(item, dict):
            # langmem nests it: {"kind": "Memory", "content": {"content": "..."}}
            text, inner_rest = split_text(item)
            return text, {**rest, **inner_rest}
    present = ", ".join(map(str, value)) or "none"
    raise InvalidRecord(f"no text under the keys {', '.join(TEXT_KEYS)}; keys of the value: {present}")
