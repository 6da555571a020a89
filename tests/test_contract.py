"""The contract of the service on the databases of this project, and how a subclass sets its capability flags."""

from __future__ import annotations

import pytest
from django.test import TransactionTestCase

from agno_memory.test import MemoryContract, contract
from agno_memory.test.contract import Capabilities, ContractCase


def test_no_part_of_the_contract_hides_a_test_of_another() -> None:
    """A test with the name of a test in another part would replace it."""
    names = [name for part in MemoryContract.__mro__ for name in vars(part) if name.startswith("test_")]
    assert len(names) == len(set(names))


def test_every_part_is_in_the_contract() -> None:
    """A part that the suite leaves out is tested on no database."""
    parts = {part for part in vars(contract).values() if isinstance(part, type) and issubclass(part, ContractCase)}
    assert parts - {ContractCase} <= set(MemoryContract.__mro__)


def test_every_flag_is_documented() -> None:
    flags = {name for name in vars(Capabilities) if not name.startswith("_")}
    assert flags == {"can_return_updated_row", "database", "max_json_depth", "supports_transactions"}


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb", "standalone"])
@pytest.mark.django_db(databases="__all__")
def test_flags_of_the_databases(alias: str) -> None:
    """Only MongoDB differs, and in one flag."""
    assert SUITES[alias].database == alias
    suite = SUITES[alias]()
    assert suite.can_return_updated_row
    assert suite.max_json_depth == 32
    assert suite.supports_transactions is (alias in ("default", "postgres"))


class SqliteContractTests(MemoryContract, TransactionTestCase):
    database = "default"


class PostgresContractTests(MemoryContract, TransactionTestCase):
    database = "postgres"


class MongoContractTests(MemoryContract, TransactionTestCase):
    """A replica set, which has transactions of its own."""

    database = "mongodb"
    can_return_updated_row = True


class StandaloneMongoContractTests(MemoryContract, TransactionTestCase):
    """A single server, which has no transactions."""

    database = "standalone"
    can_return_updated_row = True


SUITES: dict[str, type[MemoryContract]] = {
    suite.database: suite
    for suite in (SqliteContractTests, PostgresContractTests, MongoContractTests, StandaloneMongoContractTests)
}
