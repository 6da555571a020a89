"""Capability flags of the contract: the differences between databases that the contract permits.

A flag changes the expectation of a test; no flag skips a test.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import connections

from agno_memory.db.capabilities import returns_written_rows
from agno_memory.validators import MAX_METADATA_DEPTH


class Capabilities:
    """The abilities of one database. Override a flag in the subclass for a database that differs::

        class MariaDbContract(MemoryContract, TransactionTestCase):
            database = "mariadb"
            max_json_depth = 31

    Properties are computed from ``connection.features``; a subclass overrides them by an attribute too.
    """

    #: Alias of the database in ``DATABASES``.
    database: ClassVar[str] = "default"

    #: The deepest nesting of JSON that the database stores, in levels. It can store less than the service accepts
    #: (MariaDB stores 31): deeper ``metadata`` then raises ``DatabaseError``, and nothing is written.
    max_json_depth: int = MAX_METADATA_DEPTH

    @property
    def can_return_updated_row(self) -> bool:
        """Whether one statement changes a row and returns it, as ``UPDATE ... RETURNING`` does.

        If not, a replace is an UPDATE and a SELECT, and can return the text of another writer who came in between.
        Computed from ``connection.features``: true on PostgreSQL and on SQLite from 3.35 on, false on MariaDB. A
        database with a statement of its own for it sets True: MongoDB has ``find_one_and_update``.
        """
        return returns_written_rows(connections[self.database])

    @property
    def supports_transactions(self) -> bool:
        """Whether the end of ``django.db.transaction.atomic()`` by an exception undoes the verbs inside it.

        Computed from ``connection.features``. It is False on MongoDB, also on a replica set: its backend ignores
        Django's ``atomic()``, and has one of its own.
        """
        return bool(connections[self.database].features.supports_transactions)
