"""People: their topics and totals, the list of their ids, and their erasure."""
