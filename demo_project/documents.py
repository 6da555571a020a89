"""Invented documents of the demo's agents: what they learned, an evaluation, and calls that staff approve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from agno_memory.agent_document_kinds import APPROVAL, EVALUATION, LEARNING
from agno_memory.agent_records import ANYONE, AgentRecords
from agno_memory.times import now, to_epoch
from demo_project import people

FILE = Path(__file__).resolve().parent / "documents.json"
KINDS: Final = {kind.name: kind for kind in (APPROVAL, EVALUATION, LEARNING)}


def load(file: Path = FILE) -> int:
    """Add the documents of a file that are not in the database yet, and return their number."""
    owners, loaded = people.accounts(), 0
    for document in json.loads(file.read_text(encoding="utf-8")):
        kind, name = KINDS[document.pop("kind")], document.get("user_id")
        records = AgentRecords(kind.name)
        is_of_a_stranger = name is not None and name not in owners
        if is_of_a_stranger or records.get_record(kind.id_of(document), ANYONE) is not None:
            continue
        if name is not None:
            document["user_id"] = owners[name]
        seconds = to_epoch(now())
        if "resolved_by" in document:
            document["resolved_at"] = seconds
        records.add_record(kind.record({**document, "created_at": seconds, "updated_at": seconds}))
        loaded += 1
    return loaded
