"""The time of these tests."""

from __future__ import annotations

import datetime
from typing import Any

from agno_memory.test import at

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def ago(**since: float) -> Any:
    return at(NOW - datetime.timedelta(**since))
