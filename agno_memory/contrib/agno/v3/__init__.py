"""The store for agno 3. ``store`` assembles it from one module for each kind of data, and ``refusals`` for the rest."""
