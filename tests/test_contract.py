from __future__ import annotations

from django.test import TransactionTestCase

from agno_memory.test import MemoryContract


def test_no_part_of_the_contract_hides_a_test_of_another() -> None:
    """Two tests of one name in two parts would be one test."""
    names = [name for part in MemoryContract.__mro__ for name in vars(part) if name.startswith("test_")]
    assert len(names) == len(set(names))


class SqliteContractTests(MemoryContract, TransactionTestCase):
    database = "default"


class PostgresContractTests(MemoryContract, TransactionTestCase):
    database = "postgres"


class MongoContractTests(MemoryContract, TransactionTestCase):
    """A replica set, which has transactions."""

    database = "mongodb"


class StandaloneMongoContractTests(MemoryContract, TransactionTestCase):
    """One server, which has none."""

    database = "standalone"
