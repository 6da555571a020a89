"""The statements that distribute the tables. Without a cluster: PostgreSQL gets its keys, and a rule by a trigger."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import NotSupportedError, connections
from django.test import TransactionTestCase

from agno_memory.db.mongodb import index_names
from agno_memory.db.sharding import Citus, MongoSharding, tables_of_handle
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.revision_models import MemoryRevision
from agno_memory.test import MemoryContract
from agno_memory.vector_models import MemoryVector
from tests.databases import commits

DISTRIBUTE = "SELECT create_distributed_table"
# Citus refuses to update the distribution column, even to the same value.
REFUSE_MOVES = """
CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'modifying the partition value of rows is not allowed'; END $$;
CREATE TRIGGER refuse_move BEFORE UPDATE OF user_id ON agno_memory_usermemory EXECUTE FUNCTION refuse_move();
"""
ALLOW_MOVES = "DROP TRIGGER refuse_move ON agno_memory_usermemory; DROP FUNCTION refuse_move();"
RESTORE_KEYS = """
ALTER TABLE agno_memory_usermemory DROP CONSTRAINT agno_memory_usermemory_pkey, ADD PRIMARY KEY (_id);
ALTER TABLE agno_memory_memoryvector DROP CONSTRAINT agno_memory_memoryvector_pkey, ADD PRIMARY KEY (_id);
ALTER TABLE agno_memory_memoryrevision DROP CONSTRAINT agno_memory_memoryrevision_pkey, ADD PRIMARY KEY (_id);
ALTER TABLE agno_memory_agentrun DROP CONSTRAINT agno_memory_agentrun_pkey, ADD PRIMARY KEY (_id);
"""


def execute(sql: str) -> None:
    with connections["postgres"].cursor() as cursor:
        cursor.execute(sql)


def printed(*arguments: str) -> str:
    output = StringIO()
    call_command("shard_memories", *arguments, stdout=output)
    return output.getvalue()


class DistributedContractTests(MemoryContract, TransactionTestCase):
    """The contract with the keys of a distributed table, where the owner of a row cannot be updated."""

    database = "postgres"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for statement in Citus("postgres").statements():
            if not statement.startswith(DISTRIBUTE):
                execute(statement)
        execute(REFUSE_MOVES)

    @classmethod
    def tearDownClass(cls) -> None:
        execute(ALLOW_MOVES)
        execute(RESTORE_KEYS)
        super().tearDownClass()

    def test_keys_have_the_distribution_column(self) -> None:
        keys = {model: primary_key(model) for model in (UserMemory, AgentSession, AgentRun)}
        expected = {UserMemory: ["user_id", "_id"], AgentSession: ["session_id"], AgentRun: ["session_id", "_id"]}
        self.assertEqual(keys, expected)
        # What is done already is not printed again.
        self.assertNotIn("PRIMARY KEY", "".join(Citus("postgres").statements()))


def primary_key(model: Any) -> list[str]:
    connection = connections["postgres"]
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    (key,) = [each["columns"] for each in constraints.values() if each["primary_key"]]
    return list(key)


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_citus_gets_keys_tables_and_foreign_keys_in_this_order(alias: str) -> None:
    lines = printed("--engine", "citus", "--database", alias).splitlines()
    first = ["ALTER", *["ALTER", "SELECT"] * 3]
    assert [line.split(" ")[0] for line in lines] == [*first, "SELECT", "ALTER", "SELECT", "ALTER"]
    assert all(line.endswith(";") for line in lines)
    assert 'ADD PRIMARY KEY ("user_id", "_id")' in lines[1]
    distributed = [line for line in lines if line.startswith(DISTRIBUTE)]
    assert [line.split("', '")[1].split("'")[0] for line in distributed] == ["user_id"] * 3 + ["session_id"] * 2
    assert "colocate_with => '\"agno_memory_agentsession\"'" in distributed[-1]
    assert "FOREIGN KEY" in lines[-1]


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_a_run_that_stopped_after_the_foreign_key_was_dropped_adds_it(alias: str) -> None:
    """Under the name that migrations give to it."""
    drop, *rest = Citus(alias).statements()
    name = re.search(r'DROP CONSTRAINT ("\w+_fk_\w+")', drop)
    assert name
    execute(drop)
    try:
        assert Citus(alias).statements() == rest
    finally:
        execute(rest[-1])
    assert f"ADD CONSTRAINT {name[1]} FOREIGN KEY" in rest[-1]
    assert Citus(alias).statements() == [drop, *rest]


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_what_is_distributed_is_left_out(alias: str) -> None:
    """By the table itself: another schema may have a distributed one of the same name."""
    distributed: set[Any] = {UserMemory, MemoryVector, MemoryRevision, AgentSession, AgentRun}
    with mock.patch.object(Citus, "_is_distributed", lambda self, model: model in distributed):
        assert Citus(alias).statements() == []
        distributed.remove(AgentRun)
        assert [text.split(" ")[0] for text in Citus(alias).statements()] == ["ALTER", "ALTER", "SELECT", "ALTER"]
    execute("CREATE SCHEMA other; CREATE TABLE other.agno_memory_usermemory (a integer)")
    # A view in the place of Citus's catalogue.
    execute("CREATE VIEW pg_dist_partition AS SELECT 'other.agno_memory_usermemory'::regclass AS logicalrelid")
    try:
        with mock.patch.object(Citus, "_has_extension", return_value=True):
            assert not Citus(alias)._is_distributed(UserMemory)
            execute(
                "CREATE OR REPLACE VIEW pg_dist_partition AS SELECT 'agno_memory_usermemory'::regclass AS logicalrelid"
            )
            assert Citus(alias)._is_distributed(UserMemory)
    finally:
        execute("DROP VIEW pg_dist_partition; DROP SCHEMA other CASCADE")


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_the_table_of_a_handle(alias: str) -> None:
    table = "User-Memories"
    with pytest.raises(CommandError, match=table):
        printed("--engine", "citus", "--database", alias, "--table", table)
    with connections[alias].schema_editor() as editor:
        for model in tables_of_handle(table):
            editor.create_model(model)
    try:
        lines = printed("--engine", "citus", "--database", alias, "--table", table).splitlines()
        assert lines[0].startswith(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey", ADD PRIMARY KEY')
        assert lines[1::2] == [
            f"SELECT create_distributed_table('\"{each}\"', 'user_id');" for each in (table, f"{table}_revisions")
        ]
        execute(lines[0])
    finally:
        execute(f'DROP TABLE "{table}", "{table}_revisions"')


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_a_server_without_citus_is_refused_before_anything_is_changed(alias: str) -> None:
    with pytest.raises(CommandError, match="CREATE EXTENSION citus"):
        printed("--engine", "citus", "--database", alias, "--execute")
    assert primary_key(UserMemory) == ["_id"]


@commits
@pytest.mark.parametrize("alias", ["standalone"])
def test_mongodb_is_sharded_by_the_owner_and_by_the_session(alias: str) -> None:
    lines = printed("--engine", "mongodb", "--database", alias).splitlines()
    assert [line.partition(", ")[2] for line in lines] == [
        '{"user_id": 1})',
        *['{"user_id": "hashed"})'] * 2,
        '{"session_id": 1})',
        '{"session_id": 1})',
    ]
    with pytest.raises(CommandError, match="connect to its mongos"):
        printed("--engine", "mongodb", "--database", alias, "--execute")
    connection: Any = connections[alias]
    assert not any("hashed" in name for name in index_names(connection, UserMemory._meta.db_table))


@commits
@pytest.mark.parametrize("alias", ["mongodb"])
def test_another_database_is_refused(alias: str) -> None:
    with pytest.raises(NotSupportedError, match="--database"):
        Citus(alias)
    with pytest.raises(NotSupportedError, match="SQLite"):
        MongoSharding("default")
