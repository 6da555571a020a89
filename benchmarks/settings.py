from __future__ import annotations

# As README recommends for PostgreSQL: prepared statements, which psycopg uses by default and Django does not.
PREPARED = {"server_side_binding": True, "prepare_threshold": 5}

USE_TZ = True
INSTALLED_APPS = ["agno_memory"]

# As README recommends. Without this setting, Django searches for it at each check of a limit, which adds about
# 8 microseconds to a write.
AGNO_MEMORY = {"DATABASE": "default"}
