"""The committed description of the API is that of the code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_committed_copy(tmp_path: Path) -> None:
    """Where this fails, ``make openapi`` writes the copy anew."""
    written = tmp_path / "openapi.yaml"
    command = [sys.executable, "-W", "error", "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    done = subprocess.run(
        [*command, "--file", str(written)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "demo_project.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert written.read_text("utf-8") == (ROOT / "docs" / "openapi.yaml").read_text("utf-8")
