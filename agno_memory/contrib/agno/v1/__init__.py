"""Stores for agents built with agno 1."""
