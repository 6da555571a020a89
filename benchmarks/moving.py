"""Copy a store from SQLite to PostgreSQL, from there to MongoDB, and back into SQLite, and export and import it.

    python -m benchmarks.moving [--rows 10000 1000000]

Each size runs in a process of its own and prints its peak memory, which must not grow with the number of memories.
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

from benchmarks.rows import PER_USER, stored_rows

# Maximum factor of the peak memory of the process, from the smallest to the largest table.
GROWTH = 1.2


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
        grown = peaks[-1] / peaks[0]
        print(f"memory, from the smallest to the largest table: {grown:.2f}x (at most {GROWTH})")
        sys.exit(grown > GROWTH)


def run(rows: int) -> float:
    """Run one size in a process of its own, and return its peak memory in MB."""
    with tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-") as folder:
        chosen = {
            "BENCHMARK_SETTINGS": "benchmarks.admin_settings",
            "BENCHMARK_FOLDER": folder,
            "BENCHMARK_TABLE": "agno_memory_usermemory",
        }
        command = [sys.executable, "-m", "benchmarks.moving", "--inside", str(rows)]
        done = subprocess.run(command, env=os.environ | chosen, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return float(done.stdout.rsplit(maxsplit=2)[-2])


def inside(rows: int) -> None:
    from agno_memory.db import SqliteMemoryDb
    from benchmarks.places import PLACES

    print(f"\nwith {rows:,} memories")
    with ExitStack() as stack:
        places: dict[str, Any] = {
            name: stack.enter_context(PLACES[name]()) for name in ("sqlite", "postgres", "mongodb")
        }
        places["sqlite"].driver.load(stored_rows(0, rows // PER_USER))
        aliases = {name: place.handle.alias for name, place in places.items()}
        for source, target in (("sqlite", "postgres"), ("postgres", "mongodb")):
            timed(f"copy, {source} to {target}", rows, "copy_memories", source=aliases[source], target=aliases[target])
        folder = Path(os.environ["BENCHMARK_FOLDER"])
        back = SqliteMemoryDb(os.environ["BENCHMARK_TABLE"], folder / "back.sqlite3")
        back.create()
        timed("copy, mongodb to sqlite", rows, "copy_memories", source=aliases["mongodb"], target=back.alias)
        file = folder / "export.jsonl"
        timed("export from postgres", rows, "export_memories", database=aliases["postgres"], output=file)
        timed("import, all of it there already", rows, "import_memories", str(file), database=back.alias)
    print(f"memory of the process at its height: {peak():.0f} MB")


def timed(what: str, rows: int, command: str, *arguments: str, **options: Any) -> None:
    from django.core.management import call_command

    begun = time.perf_counter()
    with Path(os.devnull).open("w") as quiet:
        call_command(command, *arguments, stdout=quiet, stderr=quiet, **options)
    print(f"{what:40}{rows / (time.perf_counter() - begun):10,.0f} memories a second, {peak():6.0f} MB", flush=True)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
