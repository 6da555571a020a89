"""Copy a store from SQLite to PostgreSQL, from there to MongoDB, and back into SQLite, and export and import it.

    python -m benchmarks.transfer [--rows 10000 1000000]

Each size runs in its own process. The process's peak memory is printed: it must not grow with the number of memories.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management import call_command

from agno_memory.db import SqliteMemoryDb
from benchmarks.places import PLACES
from benchmarks.rows import PER_USER, stored_rows

# The largest ratio of peak memory, of the largest to the smallest size.
MAX_GROWTH = 1.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000], help="ascending")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options.inside)
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    peaks = [run(rows) for rows in options.rows]
    if len(peaks) > 1:
        growth = peaks[-1] / peaks[0]
        print(f"peak memory, largest to smallest size: {growth:.2f}x (at most {MAX_GROWTH})")
        sys.exit(growth > MAX_GROWTH)


def run(rows: int) -> float:
    """Run one size in its own process, and return the process's peak memory in MB."""
    with tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-") as folder:
        environment = {
            "BENCHMARK_SETTINGS": "benchmarks.admin_settings",
            "BENCHMARK_FOLDER": folder,
            "BENCHMARK_TABLE": "agno_memory_usermemory",
        }
        command = [sys.executable, "-m", "benchmarks.transfer", "--inside", str(rows)]
        done = subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return float(done.stdout.rsplit(maxsplit=2)[-2])


def inside(rows: int) -> None:
    """Copy, export and import this number of memories in this process."""
    print(f"\nwith {rows:,} memories")
    with ExitStack() as stack:
        places: dict[str, Any] = {
            name: stack.enter_context(PLACES[name]()) for name in ("sqlite", "postgres", "mongodb")
        }
        places["sqlite"].driver.load(stored_rows(0, rows // PER_USER))
        aliases = {name: place.handle.alias for name, place in places.items()}
        for source, target in (("sqlite", "postgres"), ("postgres", "mongodb")):
            timed(
                f"copy, {source} to {target}",
                rows,
                "copy_memories",
                what="memories",
                source=aliases[source],
                target=aliases[target],
            )
        folder = Path(os.environ["BENCHMARK_FOLDER"])
        back = SqliteMemoryDb(os.environ["BENCHMARK_TABLE"], folder / "back.sqlite3")
        back.create()
        timed(
            "copy, mongodb to sqlite",
            rows,
            "copy_memories",
            what="memories",
            source=aliases["mongodb"],
            target=back.alias,
        )
        file = folder / "export.jsonl"
        timed("export from postgres", rows, "export_memories", database=aliases["postgres"], output=file)
        timed("import, all stored already", rows, "import_memories", str(file), database=back.alias)
    print(f"peak memory of the process: {peak():.0f} MB")


def timed(label: str, rows: int, command: str, *arguments: str, **options: Any) -> None:
    started = time.perf_counter()
    with Path(os.devnull).open("w") as devnull:
        call_command(command, *arguments, stdout=devnull, stderr=devnull, **options)
    print(f"{label:40}{rows / (time.perf_counter() - started):10,.0f} memories a second, {peak():6.0f} MB", flush=True)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
