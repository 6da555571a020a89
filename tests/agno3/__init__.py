"""agno 3 as it is, on this project's store. These tests run where agno 3 is installed: ``make test-agno``."""
