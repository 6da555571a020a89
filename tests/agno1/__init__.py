"""Tests with agno 1.8 itself on this project's stores. They need agno 1.8: ``make test-agno`` installs it."""
