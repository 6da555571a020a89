"""Search: selecting and ordering memories by a query."""
