"""``make demo-agent``: a chat that keeps its memories and its conversation in the site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.databases import ROOT

MESSAGES = """
I am allergic to nuts
Remember that I prefer trains
forget the trains
what do you know about me?
bye
"""


def chat(folder: Path, messages: str) -> str:
    keys = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": ""}
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/demo.db",
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        **keys,
    }
    command = [sys.executable, str(ROOT / "manage.py"), "demo_agent"]
    done = subprocess.run(
        command,
        input=messages,
        cwd=folder,
        env=os.environ | settings | keys,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_remembers_forgets_and_knows_again_after_a_restart(tmp_path: Path) -> None:
    output = chat(tmp_path, MESSAGES)
    assert "[remembered: Says: I am allergic to nuts; food]" in output
    assert "[forgotten: Says: I prefer trains]" in output
    assert output.count("- Says: ") == 1
    assert "- Says: I am allergic to nuts" in chat(tmp_path, "What do you know about me?\n")
    assert "Nothing yet." in chat(tmp_path, "forget everything\nWhat do you know?\n")


def test_it_forgets_only_the_memory_that_was_named(tmp_path: Path) -> None:
    output = chat(tmp_path, "I like coffee\nforget that I like tea\nforget all my pets\nWhat do you know?\n")
    assert "[forgotten" not in output
    assert output.count("agent: There is nothing like that.") == 2
    assert "- Says: I like coffee" in output
