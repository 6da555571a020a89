"""Requests that schemathesis generates from the schema, to a live server, with a seed.

They are about HTTP, which is the same on each database: ``make test`` sends them to a server on SQLite,
``make test-long`` also to servers on PostgreSQL and MongoDB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rest_framework.authtoken.models import Token

from tests.databases import ROOT, children
from tests.rest.api import ROUTERS, Caller, add, one_server_database_commits

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# Off: it compares paths alone, but the memories of two users may have one path and differ by ?user_id=. That of the
# other user is still there after a DELETE.
COMPARES_PATHS = "use_after_free"
PHASES = ("examples", "coverage", "fuzzing", "stateful")


def run(url: str, token: str, report: Path) -> subprocess.CompletedProcess[str]:
    """Let schemathesis at the site, in a folder of its own."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "--no-color", f"--config-file={CONFIGURATION}", "run", f"{url}/api/schema/"]
    command += [
        f"--header=Authorization: Token {token}",
        "--checks=all",
        f"--exclude-checks={COMPARES_PATHS}",
        "--report=json",
        f"--report-json-path={report}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=report.parent, env=environment, capture_output=True, text=True, timeout=900)


def settings(alias: str) -> dict[str, Any]:
    # Limits that are low are made up to, and passed, sooner.
    limits = {"MAX_MEMORY_LENGTH": 300, "MAX_INPUT_LENGTH": 300, "MAX_TOPIC_LENGTH": 30, "REST_MAX_BULK": 10}
    return {
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "DATABASE_ROUTERS": ROUTERS,
        "AGNO_MEMORY": {"DATABASE": alias, "USER_ID_FIELD": "username", **limits},
    }


@one_server_database_commits
def test_the_api_conforms_to_its_schema(alias: str, admin: Caller, tmp_path: Path) -> None:
    """None of a thousand requests causes a server error or a response that differs from the schema."""
    add("admin", memory_id="maya-1", topics=["food"])
    with children([{"job": "serve", **settings(alias)}]) as (server,):
        url = f"http://127.0.0.1:{server.read()}"
        done = run(url, Token.objects.get(user__username="admin").key, tmp_path / "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: report["phases"][name]["status"] for name in PHASES} == dict.fromkeys(PHASES, "success")
    assert report["operations"]["tested"] == report["operations"]["total"] == 26
    assert report["test_cases"]["generated"] > 1_000
    # From POST memories/ to GET, PUT, PATCH and DELETE of the new memory.
    assert "4 covered / 4 selected" in done.stdout
