"""Contents of knowledge bases: as on agno's own store, with owners, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agno.db.schemas.knowledge import KnowledgeRow

from agno_memory.contrib.agno import DjangoDb
from agno_memory.exceptions import ValidationError
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, differences
from tests.databases import commits, each_database

pytestmark = [commits]


def content(id: str, user_id: str | None = None, **values: Any) -> KnowledgeRow:
    return KnowledgeRow(
        **{"id": id, "name": f"{id}.pdf", "description": "", "user_id": user_id, "linked_to": "docs", **values}
    )


def listed(**arguments: Any) -> Steps:
    """Return a step that lists ids, in an order that both stores define."""
    return lambda db: db.get_knowledge_contents(**{"sort_by": "created_at", "sort_order": "asc", **arguments})


STEPS: list[Steps] = [
    *(
        lambda db, row=row: db.upsert_knowledge_content(row)
        for row in (
            content("a", "maya", created_at=1, size=30, type="pdf", metadata={"k": [1, None]}, status="processing"),
            content("b", "noah", created_at=2, size=10, linked_to="other", external_id="e"),
            content("c", created_at=3, size=20, status="completed", access_count=4),
            content("d", "maya", size=40, name="Größe 🎈", description="x" * 5000, updated_at=7, created_at=4),
        )
    ),
    lambda db: db.get_knowledge_content("a"),
    lambda db: db.get_knowledge_content("a", user_id="maya"),
    lambda db: db.get_knowledge_content("a", user_id="noah"),
    lambda db: db.get_knowledge_content("c", user_id="noah"),
    lambda db: db.get_knowledge_content("gone"),
    listed(),
    listed(user_id="maya"),
    listed(user_id="maya", linked_to="docs"),
    listed(linked_to="nothing"),
    listed(limit=2, page=2),
    listed(limit=2, sort_order="desc"),
    listed(sort_by="size", user_id="maya", linked_to="docs", limit=1),
    listed(page=2),
    listed(limit=2, page=0),
    # Values that are None stay as they are.
    lambda db: db.upsert_knowledge_content(content("a", "maya", status="completed")),
    lambda db: db.get_knowledge_content("a"),
    # Without a user, the owner stays.
    lambda db: db.upsert_knowledge_content(content("a", name="renamed")),
    lambda db: db.get_knowledge_content("a", user_id="maya"),
    # Neither another user's content nor a shared one.
    lambda db: db.upsert_knowledge_content(content("a", "noah", name="mine")),
    lambda db: db.upsert_knowledge_content(content("c", "noah", name="mine")),
    *(
        lambda db, deleted=deleted, user_id=user_id: db.delete_knowledge_content(deleted, user_id=user_id)
        for deleted, user_id in (("a", "noah"), ("c", "maya"), ("gone", None))
    ),
    listed(),
    lambda db: db.delete_knowledge_content("a", user_id="maya"),
    lambda db: db.delete_knowledge_content("c"),
    listed(),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_columns_follow_the_document(alias: str) -> None:
    db = DjangoDb(alias)
    db.upsert_knowledge_content(content("a", "maya", status="processing", created_at=1_748_781_015))
    db.upsert_knowledge_content(content("a", "maya", status="completed", size=5))
    record = AgentRecord.objects.using(alias).get()
    assert (record.kind, record.status, record.parent_id, record.sort_number) == ("knowledge", "completed", "docs", 5)
    assert (record.name, record.created_at.timestamp(), record.version) == ("a.pdf", 1_748_781_015, 2)


@each_database
def test_without_an_order_the_newest_is_first(alias: str) -> None:
    db = DjangoDb(alias)
    for each in ("a", "b", "c"):
        db.upsert_knowledge_content(content(each))
    for arguments in ({}, {"sort_by": "description"}):
        rows, count = db.get_knowledge_contents(limit=2, **arguments)
        assert ([row.id for row in rows], count) == (["c", "b"], 3)


@each_database
def test_a_blank_user_is_refused(alias: str) -> None:
    db = DjangoDb(alias)
    for call in (db.get_knowledge_content, db.delete_knowledge_content):
        with pytest.raises(ValidationError, match="blank"):
            call("a", user_id="")
