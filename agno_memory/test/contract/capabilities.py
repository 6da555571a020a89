"""Capability flags of the contract: the differences between databases that the contract permits.

Each flag changes what a test expects; none of them skips a test.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import connections

from agno_memory.validators import MAX_METADATA_DEPTH


class Capabilities:
    """What one database can do. Override a flag in the subclass for a database that differs::

    class MariaDbContract(MemoryContract, TransactionTestCase):
        database = "mariadb"
        can_return_updated_row = False
        max_json_depth = 31
    """

    #: Alias of the database in ``DATABASES``.
    database: ClassVar[str] = "default"

    #: Whether one statement changes a row and returns it, as ``UPDATE ... RETURNING`` does. Django has no feature for
    #: it. Set it to False if ``agno_memory.db.statements.Update`` has no method for the database: a replace is then
    #: an UPDATE and a SELECT, and may return what another writer wrote in between.
    can_return_updated_row: bool = True

    #: The deepest nesting of JSON that the database stores, in levels. It can store less than the service accepts
    #: (MariaDB stores 31): deeper ``metadata`` then raises ``DatabaseError``, and nothing is written.
    max_json_depth: int = MAX_METADATA_DEPTH

    @property
    def supports_transactions(self) -> bool:
        """Whether the end of ``django.db.transaction.atomic()`` by an exception undoes the verbs inside it.

        Computed from ``connection.features``. It is False on MongoDB, also on a replica set: its backend ignores
        Django's ``atomic()``, and has one of its own.
        """
        return bool(connections[self.database].features.supports_transactions)
