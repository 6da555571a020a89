"""Measure the REST API beside bare views that return the same responses with the raw driver, and beside AgentOS.

    python -m benchmarks.rest [--quick] [--rows 10000 1000000] [--databases sqlite postgres agentos] [--seconds 2]
                              [--rounds 4]

gunicorn serves with two workers; a load generator on loopback sends to the API and to the other side in turn. It
prints requests per second, medians and 95th percentiles in milliseconds, and the ratios. ``agentos`` is SQLite on both
sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.load import run, summary, wait_for
from tests.servers import free_port
from tests.servers import postgres as postgres_server

# One user has 1,000 pages of 50 memories; the others have 100 memories each.
HEAVY, HEAVY_ROWS = "heavy", 60_000
PAGE_SIZE, FAR = 50, 1_000
RATE, P95 = 0.5, 1.5


class Target(NamedTuple):
    name: str
    value: float
    reached: bool

    def __str__(self) -> str:
        return f"{'pass' if self.reached else 'FAIL'}: {self.name}: {self.value:.2f}"


class Question(NamedTuple):
    """One request, in the format of the API and in that of the bare view."""

    name: str
    ours: Callable[[], bytes]
    bare: Callable[[], bytes]
    status: int = 200


def main() -> None:
    options = parsed()
    print(f"Python {platform.python_version()}, gunicorn with 2 workers, {os.cpu_count()} cores")
    targets: list[Target] = []
    for name in options.databases:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-"))
            os.environ |= {"BENCHMARK_FOLDER": folder, "BENCHMARK_TABLE": "agno_memory_usermemory"}
            os.environ["BENCHMARK_URL"] = stack.enter_context(postgres_server()) if name == "postgres" else ""
            command = [sys.executable, "-m", "benchmarks.rest", "--inside", name, *sys.argv[1:]]
            done = subprocess.run(
                command, env={**os.environ, "BENCHMARK_SETTINGS": "benchmarks.rest_settings"}, check=True
            )
            assert done.returncode == 0
            targets += [Target(*each) for each in json.loads((Path(folder) / "targets.json").read_text())]
    print(f"\n{sum(target.reached for target in targets)} of {len(targets)} targets reached.")
    for target in targets:
        if not target.reached:
            print(f"missed: {target}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 rows only")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000], help="in the table, ascending")
    places = ["sqlite", "postgres", "agentos"]
    parser.add_argument("--databases", nargs="+", choices=places, default=places)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each block of requests")
    parser.add_argument("--rounds", type=int, default=4, help="blocks for each way")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rows = [10_000]
    return options


def inside(name: str, options: argparse.Namespace) -> None:
    """Measure one database, in a process with the settings of the site."""
    # Imported here, because they import from this module or its data.
    from benchmarks import agentos, rest_data

    print(f"\n{name}")
    tokens = rest_data.prepare([rest_data.USER, HEAVY])
    if name == "agentos":
        rest_data.fill(0, options.rows[0], heavy=0, heavy_user=HEAVY)
        with served() as port:
            write_targets(list(agentos.compare(agentos.Side(port, tokens[rest_data.USER]), options)))
        with served("nothing") as port:
            agentos.print_ceiling(port, options.seconds)
        return
    measured: dict[int, dict[str, Any]] = {}
    filled = 0
    for rows in options.rows:
        rest_data.fill(filled, rows, heavy=HEAVY_ROWS if not filled else 0, heavy_user=HEAVY)
        filled = rows
        with served() as port:
            print(f"\nload average {os.getloadavg()[0]:.1f}")
            heading = f"{f'with {rows:,} rows':36}{'ours/s':>9}{'bare/s':>9}{'ratio':>7}"
            print(f"{heading}{'p50':>8}{'p95':>8}{'bare p95':>10}")
            measured[rows] = {
                question.name: measure(port, question, options)
                for question in rest_data.questions(port, tokens, HEAVY, PAGE_SIZE, FAR)
            }
    targets = list(judged(name, measured))
    for target in targets:
        print(target)
    write_targets(targets)


def write_targets(targets: Sequence[tuple[str, float, bool]]) -> None:
    """Leave the outcomes for the process that prints the summary of all databases."""
    (Path(os.environ["BENCHMARK_FOLDER"]) / "targets.json").write_text(json.dumps(targets))


def measure(port: int, question: Question, options: argparse.Namespace) -> dict[str, Any]:
    ways = {"ours": question.ours, "bare": question.bare}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        # Both workers connect and compile.
        run(port, way, question.status, 0.5)
    for number in range(options.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            times[name] += run(port, ways[name], question.status, options.seconds)
    ours, bare = (summary(times[name], options.seconds * options.rounds) for name in ("ours", "bare"))
    figures = f"{ours.rate:9,.0f}{bare.rate:9,.0f}{ours.rate / bare.rate:7.2f}"
    print(f"{question.name:36}{figures}{ours.median:8.2f}{ours.p95:8.2f}{bare.p95:10.2f}", flush=True)
    return {"ratio": ours.rate / bare.rate, "p95": ours.p95, "bare_p95": bare.p95}


def judged(name: str, measured: dict[int, dict[str, Any]]) -> Iterator[Target]:
    for rows, questions in measured.items():
        for question, found in questions.items():
            what = f"{name}, {question}, {rows:,} rows, requests a second over the bare view's (at least {RATE})"
            yield Target(what, found["ratio"], found["ratio"] >= RATE)
        first, far = (questions[f"GET memories/, page {page:,}"]["p95"] for page in (1, FAR))
        what = f"{name}, {rows:,} rows, p95 of page {FAR:,} over page 1 of the same user (at most {P95})"
        yield Target(what, far / first, far / first <= P95)
    small, large = min(measured), max(measured)
    for question in measured[small] if small < large else ():
        growth = measured[large][question]["p95"] / measured[small][question]["p95"]
        yield Target(f"{name}, {question}, p95 from {small:,} to {large:,} rows (at most {P95})", growth, growth <= P95)


@contextmanager
def served(application: str = "application") -> Iterator[int]:
    """Serve the site, or another application of its module, with gunicorn's two workers, and yield its port."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--workers",
        "2",
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([*command, f"benchmarks.rest_site:{application}"])
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    options = parsed()
    if options.inside:
        inside(options.inside, options)
    else:
        main()
