"""The store for agno 3. ``store`` assembles it from ``memories``, ``sessions``, ``runs`` and ``refusals``."""
