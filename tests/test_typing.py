"""The package's types as a site sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.databases import ROOT

SITE = ROOT / "tests" / "data" / "typed_site.py"


def test_managers_have_the_methods_of_their_querysets_without_a_plugin(tmp_path: Path) -> None:
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = True\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*command, str(SITE)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
