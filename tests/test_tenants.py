"""Tenants by schema, with the real django-tenants, in a process: its backend of PostgreSQL is for a whole site."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.databases import ROOT


@pytest.mark.parametrize("alias", ["postgres"])
def test_no_tenant_sees_topics_or_people_of_another_one(alias: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.tenants.site", os.environ["TEST_POSTGRES_URL"]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    assert len(pages) == 6
    for page, html in pages.items():
        own, other = ("north", "south") if page.startswith("north") else ("south", "north")
        assert f"topic-{own}" in html, page
        assert other not in html, page
