"""``make demo-agentos``: the demo's site and an AgentOS in one server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.databases import ROOT


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/demo.db",
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        "OPENAI_API_KEY": "",
        "ANTHROPIC_API_KEY": "",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "demo_agentos", address]
    with (folder / "output").open("w") as output:
        server = subprocess.Popen(command, cwd=folder, env=os.environ | settings, stdout=output, stderr=output)
    try:
        for _ in range(300):
            time.sleep(0.2)
            assert server.poll() is None, (folder / "output").read_text()
            try:
                httpx.get(f"http://{address}/login/")
            except httpx.TransportError:
                continue
            break
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(20)


def test_the_admin_shows_what_the_agent_learned_over_http(tmp_path: Path) -> None:
    with served(tmp_path) as address, httpx.Client(base_url=address, follow_redirects=True) as client:
        assert client.get("/agents/agents").status_code == 401
        client.get("/login/")
        login = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post("/login/", data=login)
        form = {"message": "I am allergic to nuts", "stream": "false", "session_id": "dinner"}
        runs = "/agents/agents/demo-agent/runs"
        assert client.post(runs, data=form).status_code == 403
        answer = client.post(runs, data=form, headers={"X-CSRFToken": client.cookies["csrftoken"]})
        assert (answer.status_code, answer.json()["user_id"]) == (200, "1")
        assert "I am allergic to nuts" in client.get("/admin/agno_memory/usermemory/").text
        assert "dinner" in client.get("/admin/agno_memory/agentsession/").text
        assert client.get("/static/admin/css/base.css").status_code == 200
        token = httpx.post(f"{address}/api/token/", data={"username": "demo", "password": "demo"}).json()["token"]
        answer = httpx.get(f"{address}/agents/sessions", headers={"Authorization": f"Token {token}"})
        assert "dinner" in [session["session_id"] for session in answer.json()["data"]]
