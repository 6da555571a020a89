"""Measure what history costs, on SQLite, PostgreSQL and MongoDB.

    python -m benchmarks.history [--quick] [--rows 10000 1000000] [--databases sqlite postgres mongodb] [--seconds 3]

Each verb is measured with ``HISTORY_DAYS`` and without, in turns; then with few and with many memories, of which each
has five earlier versions; at last ``prune()``. Times are medians in microseconds.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import itertools
import os
import platform
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from agno_memory.batches import batched
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.times import now
from benchmarks.drivers import BATCH, EXTRA, MongoDriver, PostgresDriver, SqliteDriver
from benchmarks.measure import Case, measure, resident
from benchmarks.places import PLACES, Place
from benchmarks.rows import PER_USER, SINCE, Draw, Row, as_memory, fresh, stored_rows
from benchmarks.targets import FLAT, GROWTH, Verdict
from benchmarks.verbs import summary

# Of each memory.
VERSIONS = 5
# How long each version held.
HELD = datetime.timedelta(hours=10)
# The time at which as_of() asks: the memories of a user have one version each.
THEN = SINCE + datetime.timedelta(hours=50)
# As long as the setting allows: the versions are those of the rows, of January 2025.
EVERYTHING = 36_500
# Maximum factor of the time without history.
COSTS = {"replace_user_memory": 1.8, "delete_user_memory": 2.0}
AS_BEFORE = 1.05
# Maximum factor of the list of today, for a person with 100 memories and 1,000 versions.
AS_OF = 3.0
PRUNED_PER_SECOND = 20_000
# Enough to measure a rate.
PRUNED_AT_LEAST = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 memories only, one second for each verb")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000], help="memories, ascending")
    parser.add_argument("--databases", nargs="+", choices=PLACES, default=["sqlite", "postgres", "mongodb"])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each verb")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.seconds = [10_000], 1.0
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    verdicts: list[Verdict] = []
    for name in options.databases:
        with PLACES[name]() as place:
            print(f"\n{place.driver.version()}")
            verdicts += measure_place(name, place, options)
    print("\n".join(summary(verdicts)))


def measure_place(name: str, place: Place, options: argparse.Namespace) -> list[Verdict]:
    """Measure one database, with each number of memories."""
    verdicts: list[Verdict] = []
    grown: list[dict[str, float]] = []
    filled = 0
    for rows in options.rows:
        fill(place, filled, rows)
        filled = rows
        print(f"load average {os.getloadavg()[0]:.1f}")
        draw = Draw(rows // PER_USER)
        if rows == options.rows[0]:
            verdicts += with_and_without(name, place, draw, options.seconds)
            verdicts.append(one_person(name, place, options.seconds))
        grown.append(with_versions(place, draw, rows, options.seconds))
    if len(grown) > 1:
        verdicts += compared(name, grown[0], grown[-1], f"{options.rows[0]:,} to {options.rows[-1]:,} memories")
    return [*verdicts, *pruned(name, place)]


def keep_history(days: int) -> None:
    """Set ``HISTORY_DAYS``."""
    settings.AGNO_MEMORY = {**settings.AGNO_MEMORY, "HISTORY_DAYS": days}


def in_turns(verb: str, draw: Callable[[], Any], call: Callable[[Any], Any], **more: Any) -> Case:
    """Return the case of a verb with history, as ``ours``, and without it, as ``driver``."""

    def keeping(days: int) -> Callable[[Any], Any]:
        def prepared(drawn: Any) -> Any:
            keep_history(days)
            return drawn

        return prepared

    before = {"ours": keeping(EVERYTHING), "driver": keeping(0)}
    return Case(verb, draw, {"ours": call, "driver": call}, before, **more)


def verbs(place: Place, draw: Draw) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any], dict[str, Any]]]:
    """Return the verbs: how an argument is drawn, the call, and what restores the rows."""
    memory = place.memory
    extra = itertools.count()

    def new() -> tuple[Row, UserMemory]:
        row = fresh(f"{EXTRA}-{next(extra):06d}")
        return row, as_memory(row)

    def changed() -> tuple[Row, UserMemory]:
        row = draw.row()
        return row, as_memory({**fresh(row["user_id"]), "key": row["key"], "memory_id": row["memory_id"]})

    return {
        "add_user_memory": (new, lambda both: memory.add_user_memory(both[1], both[0]["user_id"]), {}),
        "get_user_memory": (draw.row, lambda row: memory.get_user_memory(row["memory_id"], row["user_id"]), {}),
        f"get_user_memories ({PER_USER})": (draw.user_id, memory.get_user_memories, {}),
        "search_user_memories (2 words)": (
            draw.user_id,
            lambda user_id: memory.search_user_memories("tea trip", user_id=user_id),
            {},
        ),
        "replace_user_memory": (
            changed,
            lambda both: memory.replace_user_memory(both[1].memory_id, both[1], both[0]["user_id"]),
            {},
        ),
        "delete_user_memory": (
            draw.row,
            lambda row: memory.delete_user_memory(row["memory_id"], row["user_id"]),
            {},
        ),
    }


def added(place: Place) -> Row:
    """Return a new row of another user."""
    row = fresh(f"{EXTRA}-deleted")
    place.driver.add(row)
    return row


def with_and_without(name: str, place: Place, draw: Draw, seconds: float) -> list[Verdict]:
    """Measure the verbs with history and without it."""
    print(f"{'':36}{'history':>12}{'without':>12}{'ratio':>8}  target")
    verdicts = []
    calls = verbs(place, draw)
    # Another memory with the id of a deleted one begins a history of its own, so others are deleted here.
    calls["delete_user_memory"] = (lambda: added(place), calls["delete_user_memory"][1], {})
    for verb, (drawn, call, more) in calls.items():
        gc.collect()
        times = measure(in_turns(verb, drawn, call, **more), seconds, 2_000)
        keep_history(EVERYTHING)
        place.driver.tidy()
        ratio = times["ours"] / times["driver"]
        found = Verdict(f"{name}, {verb}, times that without history", ratio, COSTS.get(verb, AS_BEFORE))
        print(f"{verb:36}{times['ours']:12,.0f}{times['driver']:12,.0f}{ratio:7.2f}x  {found.text()}", flush=True)
        verdicts.append(found)
    return verdicts


def one_person(name: str, place: Place, seconds: float) -> Verdict:
    """Measure the list of an earlier moment beside that of today, of 100 memories with 1,000 versions."""
    memory, user_id = place.memory, f"{EXTRA}-as-of"
    texts = [UserMemory(memory=f"Fact {number}", topics=["fact"]) for number in range(100)]
    memory.add_user_memories(texts, user_id)
    moments = []
    for turn in range(10):
        moments.append(now())
        for each in memory.get_user_memories(user_id):
            memory.replace_user_memory(each.memory_id, UserMemory(memory=f"{each.memory}, {turn}"), user_id)
    ways: dict[str, Callable[[Any], Any]] = {
        "ours": lambda moment: memory.get_user_memories(user_id, as_of=moment),
        "driver": lambda _moment: memory.get_user_memories(user_id),
    }
    times = measure(Case("as_of", lambda: random.choice(moments), ways), seconds, 2_000)
    found = Verdict(f"{name}, as_of, times the list of today", times["ours"] / times["driver"], AS_OF)
    print(f"{'as_of, beside the list of today':36}{times['ours']:12,.0f}{times['driver']:12,.0f}", end="")
    print(f"{found.value:7.2f}x  {found.text()}", flush=True)
    memory.clear_user_memories(user_id)
    return found


def with_versions(place: Place, draw: Draw, rows: int, seconds: float) -> dict[str, float]:
    """Return the time of each verb, in microseconds, where each memory has earlier versions."""
    memory = place.memory
    print(f"{f'{rows:,} memories, {rows * VERSIONS:,} versions':44}{'µs':>12}")
    drawn, delete, _undo = verbs(place, draw)["delete_user_memory"]

    def restore(row: Row) -> UserMemory:
        return memory.restore_user_memory(row["memory_id"], row["user_id"])

    calls = verbs(place, draw) | {
        "delete_user_memory": (drawn, delete, {"undo": restore}),
        "get_user_memory_history": (
            draw.row,
            lambda row: memory.get_user_memory_history(row["memory_id"], row["user_id"]),
            {},
        ),
        "restore_user_memory": (draw.row, restore, {}),
        f"get_user_memories(as_of=...) ({PER_USER})": (
            draw.user_id,
            lambda user_id: memory.get_user_memories(user_id, as_of=THEN),
            {},
        ),
        "search_user_memories(as_of=...)": (
            draw.user_id,
            lambda user_id: memory.search_user_memories("tea trip", user_id=user_id, as_of=THEN),
            {},
        ),
        "duplicates": (draw.user_id, memory.duplicates, {}),
    }
    times = {}
    for verb, (drawn, call, more) in calls.items():
        gc.collect()
        times[verb] = measure(Case(verb, drawn, {"ours": call}, **more), seconds, 2_000)["ours"]
        place.driver.tidy()
        print(f"{verb:44}{times[verb]:12,.0f}", flush=True)
    return times


def compared(name: str, small: dict[str, float], large: dict[str, float], sizes: str) -> list[Verdict]:
    """Return the growth of each verb."""
    print(f"\n{f'from {sizes}':44}")
    verdicts = []
    for verb, time_of_few in small.items():
        found = Verdict(f"{name}, {verb}, growth from {sizes}", large[verb] / time_of_few, GROWTH)
        print(f"{verb:44}{found.value:7.2f}x  {found.text()}")
        verdicts.append(found)
    return verdicts


def pruned(name: str, place: Place) -> list[Verdict]:
    """Remove the oldest versions, and return the rate and the growth of this process's memory."""
    # The first day of the rows is in their history, and the days before it are not.
    keep_history((now() - SINCE).days + 1)
    before = most = resident()

    def on_batch(_count: int) -> None:
        nonlocal most
        most = max(most, resident())

    start = time.perf_counter()
    count = prune(place.handle, on_batch).versions
    rate, more = count / (time.perf_counter() - start), (most - before) / 1e6
    keep_history(EVERYTHING)
    print(f"prune: {count:,} versions, {rate:,.0f} a second, {more:.1f} MB more")
    if count < PRUNED_AT_LEAST:
        return []
    verdicts = [Verdict(f"{name}, memory while pruning {count:,} versions, MB", more, FLAT)]
    if name == "postgres":
        verdicts.append(Verdict(f"{name}, pruning, µs a version", 1e6 / rate, 1e6 / PRUNED_PER_SECOND))
    return verdicts


# The rows


def fill(place: Place, filled: int, rows: int) -> None:
    """Add memories with earlier versions, of the users from ``filled`` to ``rows``."""
    keep_history(EVERYTHING)
    start = time.monotonic()
    users = filled // PER_USER, rows // PER_USER
    place.driver.load(map(loaded, stored_rows(*users)))
    load_versions(place, (version for row in stored_rows(*users) for version in versions_of(row)))
    place.driver.settle()
    print(f"loaded {rows - filled:,} memories with {VERSIONS} versions each in {time.monotonic() - start:.0f} s")


def loaded(row: Row) -> Row:
    """Return a memory that has earlier versions."""
    return {**row, "version": VERSIONS + 1, "created_at": row["created_at"] - VERSIONS * HELD}


def versions_of(row: Row) -> Iterator[Row]:
    """Yield the earlier versions of a memory, as values of ``MemoryRevision``."""
    moment = row["last_updated"]
    for version in range(1, VERSIONS + 1):
        ended = moment - (VERSIONS - version) * HELD
        yield {
            **row,
            "key": f"{row['key']}-{version}",
            "memory_key": row["key"],
            "memory": f"{row['memory']} Version {version}.",
            "version": version,
            "created_at": moment - VERSIONS * HELD,
            "last_updated": ended - HELD,
            "valid_until": ended,
            "action": "replaced",
            "is_deleted": False,
            "actor": None,
            "through": "benchmark",
            "reason": "",
            "merged_into": None,
            "restored": None,
        }


def load_versions(place: Place, rows: Iterator[Row]) -> None:
    """Add earlier versions in the fastest way of the driver."""
    options = place.handle.model.revisions(place.handle.alias).model._meta
    table, fields = options.db_table, options.concrete_fields
    columns = ", ".join(str(field.column) for field in fields)
    driver: Any = place.driver

    def values(row: Row) -> list[Any]:
        encoded = driver.encoded({field.attname: row[field.attname] for field in fields})
        return list(encoded.values())

    for batch in batched(rows, BATCH):
        if isinstance(driver, MongoDriver):
            documents = ({str(field.column): row[field.attname] for field in fields} for row in batch)
            driver.collection.database[table].insert_many(documents, ordered=False)
        elif isinstance(driver, PostgresDriver):
            copying = f"COPY {table} ({columns}) FROM STDIN"
            with driver.connection.transaction(), driver.connection.cursor() as cursor, cursor.copy(copying) as copy:
                for row in batch:
                    copy.write_row(values(row))
        elif isinstance(driver, SqliteDriver):
            places = ", ".join("?" * len(fields))
            driver.connection.execute("BEGIN IMMEDIATE")
            driver.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", map(values, batch))
            driver.connection.execute("COMMIT")
    if isinstance(driver, PostgresDriver):
        driver.connection.execute(f"VACUUM (ANALYZE, BUFFER_USAGE_LIMIT 0) {table}")


if __name__ == "__main__":
    main()
