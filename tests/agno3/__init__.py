"""Tests with agno 3 itself on this project's store. They need agno 3: ``make test-agno`` installs it."""
