"""A dozen invented people, with accounts, and with memories that are spread over three months."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from agno_memory.agent_document_kinds import EVALUATION
from agno_memory.agent_records import ANYONE, AgentRecords
from agno_memory.db.store import Store
from agno_memory.identifiers import owner_id
from agno_memory.models import UserMemory
from agno_memory.times import now
from agno_memory.transfer.importer import MemoryImporter
from agno_memory.transfer.records import Record, Rejected

# The demo's login, which is also one of the people.
LOGIN = "demo"
FILE = Path(__file__).resolve().parent / "memories.jsonl"
DAYS = 90
# The id of the evaluation in documents.json, which is about none of the people.
DOCUMENT = "demo-evaluation"


def read(file: Path = FILE) -> dict[str, list[UserMemory]]:
    """Return unsaved memories by the user name of their person, from a file of one JSON object a line."""
    people: dict[str, list[UserMemory]] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            people.setdefault(fields.pop("user_id"), []).append(UserMemory(**fields))
    return people


def accounts() -> dict[str, str]:
    """Return the owners' ids of the people by their user names, and create the accounts if there are none.

    An account that was deleted is not created again as long as another one is left.
    """
    users, names = get_user_model().objects, list(read())
    # The demo's own login exists before the others.
    if not users.filter(username__in=names).exclude(username=LOGIN).exists():
        for name in names:
            first, _, last = name.partition("@")[0].partition(".")
            values = {"email": name if "@" in name else "", "first_name": first.title(), "last_name": last.title()}
            if not users.filter(username=name).exists():
                users.create_user(name, **values)
    return {user.get_username(): owner_id(user) for user in users.filter(username__in=names).order_by("pk")}


def load() -> int:
    """Add the memories of all people if there are none, and return the number of added memories."""
    owners = accounts()
    if UserMemory.objects.filter(user_id__in=owners.values()).exists():
        return 0
    people = {owners[name]: memories for name, memories in read().items() if name in owners}
    importer = MemoryImporter(Store(None), _refuse)
    for _totals in importer.run(_records(people)):
        pass
    return importer.totals.imported


def were_loaded() -> bool:
    """Return whether this database has had all of the demo: its evaluation, which is loaded last.

    No erasure of a person deletes it, so a person who was erased stays erased, also if all of them were.
    """
    return AgentRecords(EVALUATION.name).get_record(DOCUMENT, ANYONE) is not None


def moments(number: int, until: datetime, seed: str) -> list[datetime]:
    """Return as many moments of the last ``DAYS`` days, in their order, most of them recent."""
    chance = random.Random(seed)
    ages = sorted((chance.random() ** 1.6 * DAYS for _ in range(number)), reverse=True)
    return [until - timedelta(days=age, minutes=2) for age in ages]


def _records(people: dict[str, list[UserMemory]]) -> Iterator[Record]:
    """Yield the memories of all people as records with times; the last ones of each person are the newest."""
    until = now()
    for person, memories in people.items():
        for memory, moment in zip(memories, moments(len(memories), until, person), strict=True):
            fields: dict[str, Any] = {name: getattr(memory, name) for name in UserMemory.content_fields}
            fields |= {"user_id": person, "created_at": moment, "last_updated": moment}
            yield Record(where=person, fields=fields, raw=fields)


def _refuse(rejected: Rejected) -> None:
    raise CommandError(f"{FILE.name}: {rejected.reason}")
