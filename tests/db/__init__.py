"""Tests of ``agno_memory.db``, one file per module.

Without a file of their own:

- ``lookups``, ``expressions``, ``keyset`` and ``store``: the contract (``agno_memory.test``) and
  ``tests/test_shapes.py`` run them on every database.
- ``compiled``, ``rows`` and ``dispatch``: every statement of ``test_statements.py`` uses them.
- ``table`` and ``table_models``: ``test_handles.py``.
- ``drivers``: ``tests/test_checks.py``.
"""
