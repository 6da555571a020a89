"""Public test helpers, among them the contract suite, for people who bring another database.

Bring another database in two lines::

    from agno_memory.test import MemoryContract
    from django.test import TransactionTestCase

    class MariaDbContract(MemoryContract, TransactionTestCase):
        database = "mariadb"
"""

from __future__ import annotations

from agno_memory.test.contract import *  # noqa: F403
