"""Stores for agents built with agno 3."""
