from __future__ import annotations

USE_TZ = True
INSTALLED_APPS = ["agno_memory"]

# As a site that follows README has it. Where it is missing, Django looks for it anew at every limit that is checked,
# which costs a write about 8 microseconds.
AGNO_MEMORY = {"DATABASE": "default"}
