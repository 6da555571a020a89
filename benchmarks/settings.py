from __future__ import annotations

# What README recommends for PostgreSQL: plans are kept, as psycopg does by default and Django does not.
PREPARED = {"server_side_binding": True, "prepare_threshold": 5}

USE_TZ = True
INSTALLED_APPS = ["agno_memory"]

# As a site that follows README has it. Where it is missing, Django looks for it anew at every limit that is checked,
# which costs a write about 8 microseconds.
AGNO_MEMORY = {"DATABASE": "default"}
