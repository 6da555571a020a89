from __future__ import annotations

USE_TZ = True
INSTALLED_APPS = ["agno_memory"]
