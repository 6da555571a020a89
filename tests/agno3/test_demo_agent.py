"""``make demo-agent``: a chat whose memories and conversation are in the site afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.databases import ROOT

SAID = """
I am allergic to nuts
Remember that I prefer trains
forget the trains
what do you know about me?
bye
"""


def chat(folder: Path, said: str) -> str:
    keys = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": ""}
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/demo.db",
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        **keys,
    }
    command = [sys.executable, str(ROOT / "manage.py"), "demo_agent"]
    done = subprocess.run(
        command, input=said, cwd=folder, env=os.environ | settings | keys, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_remembers_forgets_and_knows_again_after_a_restart(tmp_path: Path) -> None:
    said = chat(tmp_path, SAID)
    assert "[remembered: Says: I am allergic to nuts; food]" in said
    assert "[forgotten: Says: I prefer trains]" in said
    assert said.count("- Says: ") == 1
    assert "- Says: I am allergic to nuts" in chat(tmp_path, "What do you know about me?\n")
    assert "Nothing yet." in chat(tmp_path, "forget everything\nWhat do you know?\n")


def test_it_forgets_nothing_else_than_what_was_meant(tmp_path: Path) -> None:
    said = chat(tmp_path, "I like coffee\nforget that I like tea\nforget all my pets\nWhat do you know?\n")
    assert "[forgotten" not in said
    assert said.count("agent: There is nothing like that.") == 2
    assert "- Says: I like coffee" in said
