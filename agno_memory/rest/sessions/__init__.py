"""Agents' sessions: list, read, rename and delete one's own."""
