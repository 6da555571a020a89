"""The REST API beside AgentOS, the server of agno, on SQLite: the part of ``benchmarks.rest`` with that comparison.

Each side has its own server with two workers, the same rows in its own file, and a token that it checks. The load
generator sends to both in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.load import request, run, summary, wait_for
from benchmarks.rows import stored
from tests.servers import free_port

CLIENTS: Final = 8
# The rate of ours over that of AgentOS, at least.
TIMES: Final = 6.0
KEY: Final = "key-of-a-benchmark"
USER_NUMBER: Final = 7
BODY: Final = {
    "memory": "Likes green tea better than jazz, as mentioned while planning trip 7 with a friend.",
    "topics": ["food", "music"],
}


class Side(NamedTuple):
    """A running server, and the token that it accepts."""

    port: int
    token: str


class Pair(NamedTuple):
    """The same question to both servers: the message and the expected status of each."""

    name: str
    ours: bytes
    agentos: bytes
    our_status: int = 200


def python() -> str:
    """Return the path of the Python of the environment that has agno."""
    return str(Path(os.environ.get("BENCHMARK_PEERS", ".venv-peers")) / "bin" / "python")


def compare(ours: Side, options: argparse.Namespace) -> Iterator[tuple[str, float, bool]]:
    """Print the rates of both, and yield each ratio as a target: name, value, and whether it is reached."""
    with served(options.rows[0]) as agentos:
        print(f"\n{CLIENTS} connections, load average {os.getloadavg()[0]:.1f}")
        print(
            f"{f'with {options.rows[0]:,} rows':36}{'ours/s':>9}{'AgentOS/s':>11}{'ratio':>7}{'p50':>8}{'its p50':>9}"
        )
        for pair in pairs(ours, agentos):
            ratio = measure(pair, ours.port, agentos.port, options)
            name = f"sqlite, {pair.name}, requests a second over AgentOS's (at least {TIMES:g})"
            yield name, ratio, ratio >= TIMES


def print_ceiling(port: int, seconds: float) -> None:
    """Print the rate of an application that does nothing, on our server: no framework can be faster there."""
    message = request("GET", "/", port, "none")
    # The workers start.
    run(port, lambda: message, 200, 0.5, CLIENTS)
    rate = summary(run(port, lambda: message, 200, seconds, CLIENTS), seconds).rate
    print(f"{'an empty WSGI application':36}{rate:9,.0f}", flush=True)


def pairs(ours: Side, agentos: Side) -> list[Pair]:
    row = stored(USER_NUMBER, 50)
    user, memory_id = row["user_id"], row["memory_id"]

    def pair(name: str, method: str, path: str, its_path: str, status: int = 200) -> Pair:
        body, its_body = b"", b""
        if method == "POST":
            body, its_body = json.dumps(BODY).encode(), json.dumps({**BODY, "user_id": user}).encode()
        message = request(method, path, ours.port, ours.token, body)
        its_message = request(method, its_path, agentos.port, agentos.token, its_body, scheme="Bearer")
        return Pair(name, message, its_message, status)

    return [
        pair("a list of 50", "GET", "/api/memories/?page_size=50", f"/memories?limit=50&user_id={user}"),
        pair("one memory", "GET", f"/api/memories/{memory_id}/", f"/memories/{memory_id}?user_id={user}"),
        pair("one POST", "POST", "/api/memories/", "/memories", 201),
    ]


def measure(pair: Pair, port: int, its_port: int, options: argparse.Namespace) -> float:
    """Return the rate of ours over that of AgentOS."""

    def send(to_ours: bool, seconds: float) -> list[float]:
        if to_ours:
            return run(port, lambda: pair.ours, pair.our_status, seconds, CLIENTS)
        return run(its_port, lambda: pair.agentos, 200, seconds, CLIENTS)

    times: dict[bool, list[float]] = {True: [], False: []}
    for to_ours in times:
        # Both workers connect and compile.
        send(to_ours, 0.5)
    for number in range(options.rounds):
        for to_ours in sorted(times, reverse=bool(number % 2)):
            times[to_ours] += send(to_ours, options.seconds)
    ours, agentos = (summary(times[to_ours], options.seconds * options.rounds) for to_ours in (True, False))
    ratio = ours.rate / agentos.rate
    outcome = "pass" if ratio >= TIMES else "FAIL"
    figures = f"{ours.rate:9,.0f}{agentos.rate:11,.0f}{ratio:7.2f}{ours.median:8.2f}{agentos.median:9.2f}"
    print(f"{pair.name:36}{figures}  {outcome} (at least {TIMES:g})", flush=True)
    return ratio


@contextmanager
def served(rows: int) -> Iterator[Side]:
    """Fill agno's store, and serve AgentOS with uvicorn's two workers."""
    environment = {
        **os.environ,
        "BENCHMARK_AGENTOS_FILE": str(Path(os.environ["BENCHMARK_FOLDER"]) / "agentos.sqlite3"),
        # The rows come from this project's own module, which needs settings, but not those of the REST site.
        "BENCHMARK_SETTINGS": "benchmarks.settings",
        "OS_SECURITY_KEY": KEY,
    }
    subprocess.run([python(), "-m", "benchmarks.agentos_site", str(rows)], env=environment, check=True)
    port = free_port()
    options = ["--workers", "2", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--no-access-log"]
    command = [python(), "-m", "uvicorn", *options, "benchmarks.agentos_site:application"]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_for(port)
        yield Side(port, KEY)
    finally:
        process.terminate()
        process.wait(30)
