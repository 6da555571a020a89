"""Each statement of a verb of ``Memory`` names the owner, so a database that is distributed by owner asks one server.

Runs the contract of the service, and looks at all statements of its calls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from django.test import TransactionTestCase

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import MemoryContract
from tests.databases import commits, each_database
from tests.statements import names_owner, recorded

# It empties the store.
CROSSES_OWNERS = {"clear"}


class RecordedMemory(Memory):
    """Checks the statements of each verb."""

    # The number of statements that were checked, over all tests.
    checked = 0


def _checked(name: str) -> Any:
    verb = getattr(Memory, name)

    @wraps(verb)
    def call(self: RecordedMemory, *args: Any, **kwargs: Any) -> Any:
        with recorded(self.write_alias) as statements:
            try:
                return verb(self, *args, **kwargs)
            finally:
                assert [each for each in statements if not names_owner(each)] == []
                RecordedMemory.checked += len(statements)

    return call


VERBS = [name for name in vars(Memory) if f"a{name}" in vars(Memory) and name not in CROSSES_OWNERS]
for _name in VERBS:
    setattr(RecordedMemory, _name, _checked(_name))


class RecordedContract(MemoryContract):
    """The contract, with the statements of its calls checked."""

    def setUp(self) -> None:
        super().setUp()
        self.memory = RecordedMemory(db=self.database)

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        assert RecordedMemory.checked


class SqliteOwnerTests(RecordedContract, TransactionTestCase):
    database = "default"


class PostgresOwnerTests(RecordedContract, TransactionTestCase):
    database = "postgres"


class MongoOwnerTests(RecordedContract, TransactionTestCase):
    database = "mongodb"
    can_return_updated_row = True


def test_all_verbs_are_checked() -> None:
    assert len(VERBS) >= 10
    assert not CROSSES_OWNERS & set(VERBS)


@commits
@each_database
def test_save_names_the_owner_and_does_not_set_it(alias: str) -> None:
    memory = Memory(alias).add_user_memory(UserMemory(memory="x"), "maya")
    memory.memory = "y"
    with recorded(alias) as statements:
        memory.save(using=alias)
        memory.save(using=alias, update_fields=["topics"])
    assert statements
    assert [each for each in statements if not names_owner(each)] == []


@commits
@each_database
def test_writes_of_rows_of_several_owners_name_each_of_them(alias: str) -> None:
    memory = Memory(alias)
    for owner in ("maya", "noah"):
        memory.add_user_memories([UserMemory(memory=text, agent_id="a") for text in ("x", "y")], owner)
    rows = UserMemory.objects.using(alias).filter(agent_id="a")
    (first, _second) = memory.get_user_memories("maya")
    writes: list[tuple[Callable[[], object], object, int]] = [
        (lambda: rows.erase_returning("maya", [first.key]), [first.key], 0),
        # After one statement that reads all owners and keys.
        (rows.compute_terms, 3, 1),
        (rows.erase, 3, 1),
    ]
    for write, result, reads in writes:
        with recorded(alias) as statements:
            assert write() == result
        assert len(statements) > reads
        assert len([each for each in statements if not names_owner(each)]) == reads


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT "a" FROM "t" WHERE "memory_id" = %s',
        'UPDATE "t" SET "user_id" = %s WHERE "user_id" = %s',
        'DELETE FROM "t"',
        'SELECT "a" FROM "t" WHERE NOT ("t"."user_id" = %s)',
        {"find": "t", "filter": {"memory_id": "m"}},
        {"update": "t", "updates": [{"q": {"user_id": "maya"}}, {"q": {}}]},
        {"aggregate": "t", "pipeline": [{"$sort": {"created_at": 1}}]},
        {"aggregate": "t", "pipeline": [{"$match": {"$or": [{"user_id": "maya"}, {"a": 1}]}}]},
    ],
)
def test_a_statement_that_does_not_name_the_owner_is_found(statement: Any) -> None:
    assert not names_owner(statement)
