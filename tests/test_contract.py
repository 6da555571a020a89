from __future__ import annotations

from django.test import TransactionTestCase

from agno_memory.test import MemoryContract


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
