"""agno 1.8 as it is, on this project's stores. These tests run where agno 1.8 is installed: ``make test-agno``."""
