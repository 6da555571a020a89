"""Stores for agno 1.8: ``memory_db`` for memories, ``storage`` for sessions, ``rows`` for their translation."""
