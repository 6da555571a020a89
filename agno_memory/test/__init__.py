"""Public test helpers, among them ``MemoryContract``, the suite that every database passes.

To test another database, add it to ``DATABASES`` and subclass the suite::

    from agno_memory.test import MemoryContract
    from django.test import TransactionTestCase

    class MariaDbContract(MemoryContract, TransactionTestCase):
        database = "mariadb"
        max_json_depth = 31

``database`` is an alias with this app's migrations applied. The suite deletes all memories before each test: run it on
a test database, as Django's test runner does. ``agno_memory.test.contract.capabilities`` documents the flags.
"""

from __future__ import annotations

from agno_memory.test.contract import ContractCase, MemoryContract
from agno_memory.test.helpers import at, texts, values

__all__ = ["ContractCase", "MemoryContract", "at", "texts", "values"]
