"""Measure the verbs of a memory store in four stores: the bare driver, agno's own, this service, and ``DjangoDb``.

    python -m benchmarks.peers [--rows 10000] [--databases sqlite postgres mongodb] [--seconds 3] [--repeat 4000]
                               [--chart FILE.svg]

All four run in one process and take turns in small blocks of calls, on rows of the same content, 100 for each user.
agno's store has its own tables and client; the other three share a table. All keep what agno's store keeps: no earlier
versions; and on MongoDB, all wait for the journal. Times are medians in microseconds. Run it by ``make bench-peers``,
in an environment of its own: agno's stores need SQLAlchemy.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import platform
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

TABLE: Final = "agno_memory_usermemory"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
# DjangoDb has the model's own table, so all three that share a table use that one.
os.environ["BENCHMARK_TABLE"] = TABLE

import django  # noqa: E402

django.setup()

from agno.db.base import BaseDb  # noqa: E402
from agno.db.schemas.memory import UserMemory as AgnoMemory  # noqa: E402
from django.conf import settings  # noqa: E402

from agno_memory.contrib.agno import DjangoDb  # noqa: E402
from benchmarks.chart import Bars, chart  # noqa: E402
from benchmarks.drivers import EXTRA  # noqa: E402
from benchmarks.measure import Case, measure  # noqa: E402
from benchmarks.places import PLACES, Place  # noqa: E402
from benchmarks.rows import PER_USER, THINGS, TOPICS, Draw, Row, as_memory, fresh, stored_rows  # noqa: E402

STORES: Final = ("driver", "agno", "ours", "DjangoDb")
VERBS: Final = ("add", "read 100", "read one", "replace", "by topic", "by text", "delete")
TOPIC, WORD = TOPICS[3], THINGS[0].split()[-1]

# Ours over agno's own: at most, by verb, and for the geometric mean of all verbs.
LIMITS: Final[dict[str, dict[str, float]]] = {
    "sqlite": dict.fromkeys(VERBS, 1.1) | dict.fromkeys(("read 100", "by topic", "by text"), 0.6),
    "postgres": dict.fromkeys(VERBS, 1.1) | dict.fromkeys(("read 100", "by topic", "by text"), 0.6),
    "mongodb": dict.fromkeys(VERBS, 1.1) | dict.fromkeys(("read 100", "by topic", "by text"), 0.8),
}
MEANS: Final = {"sqlite": 0.3, "postgres": 0.4, "mongodb": 0.9}
TITLES: Final = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mongodb": "MongoDB"}

Times = dict[str, dict[str, float]]


class Peers(NamedTuple):
    """The stores on one database: the bare driver and this service in ``place``, and the two that agno's agents use."""

    place: Place
    agno: BaseDb
    django: BaseDb


def main() -> None:
    options = parsed()
    settings.AGNO_MEMORY = {**settings.AGNO_MEMORY, "HISTORY_DAYS": 0}
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}")
    measured: dict[str, Times] = {}
    missed: list[str] = []
    for name in options.databases:
        with PLACES[name]() as place, agno_store(name, place) as agno:
            place.create_tables()
            peers = Peers(place, agno, DjangoDb(place.handle.alias))
            load(peers, options.rows)
            print(f"\n{place.driver.version()}, {options.rows:,} rows, load average {os.getloadavg()[0]:.1f}")
            measured[name] = measure_peers(peers, options)
            missed += report(name, measured[name])
    print(f"\n{len(missed)} targets missed.", *missed, sep="\n")
    if options.chart:
        options.chart.write_text(chart([bars(name, times) for name, times in measured.items()]))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000, help="in the table")
    parser.add_argument("--databases", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--seconds", type=float, default=3.0, help="for each verb")
    parser.add_argument("--repeat", type=int, default=4_000, help="most calls of each verb and store")
    parser.add_argument("--chart", type=Path, help="write the chart to this SVG file")
    return parser.parse_args()


@contextmanager
def agno_store(name: str, place: Place) -> Iterator[BaseDb]:
    """Yield agno's own store on the same server, or in a file beside ours."""
    if name == "sqlite":
        from agno.db.sqlite import SqliteDb

        yield SqliteDb(db_file=str(Path(place.driver.url).with_name("agno.sqlite3")))
    elif name == "postgres":
        from agno.db.postgres import PostgresDb

        yield PostgresDb(db_url=place.driver.url.replace("postgresql://", "postgresql+psycopg://"))
    else:
        from agno.db.mongo import MongoDb

        url = place.driver.url.rstrip("/")
        yield MongoDb(db_url=f"{url}{'&' if '?' in url else '/?'}journal=true", db_name="agno_own")


def as_agno(row: Row) -> AgnoMemory:
    names = ("memory_id", "user_id", "memory", "topics", "input", "agent_id", "team_id", "feedback")
    times = {"created_at": int(row["created_at"].timestamp()), "updated_at": int(row["last_updated"].timestamp())}
    return AgnoMemory(**{name: row[name] for name in names}, **times)


def load(peers: Peers, rows: int) -> None:
    peers.place.driver.load(stored_rows(0, rows // PER_USER))
    peers.place.driver.settle()
    batch: list[AgnoMemory] = []
    for row in stored_rows(0, rows // PER_USER):
        batch.append(as_agno(row))
        if len(batch) == 1_000:
            peers.agno.upsert_memories(batch, preserve_updated_at=True)
            batch = []
    if batch:
        peers.agno.upsert_memories(batch, preserve_updated_at=True)


def measure_peers(peers: Peers, options: argparse.Namespace) -> Times:
    times: Times = {}
    for case in cases(peers, Draw(options.rows // PER_USER)):
        gc.collect()
        times[case.verb] = measure(case, options.seconds, options.repeat)
        peers.place.driver.tidy()
    return times


def cases(peers: Peers, draw: Draw) -> list[Case]:
    place, agno, django = peers
    memory, driver = place.memory, place.driver
    extra = itertools.count()

    def new_row() -> Row:
        return fresh(f"{EXTRA}-{next(extra):06d}")

    def changed_row() -> Row:
        row = draw.row()
        return {**fresh(row["user_id"]), "key": row["key"], "memory_id": row["memory_id"]}

    # Whatever a caller has in hand, the instance of each store's own class, is made outside of the clock.
    prepared = {"agno": as_agno, "DjangoDb": as_agno, "ours": lambda row: (row, as_memory(row))}

    def undo_delete(row: Row) -> None:
        driver.upsert(row)
        agno.upsert_user_memory(as_agno(row))

    def reading(verb: str, bare: Callable[[str], Any], ours: Callable[[str], Any], **filters: Any) -> Case:
        ways = {
            "driver": bare,
            "agno": lambda user_id: agno.get_user_memories(user_id=user_id, **filters),
            "ours": ours,
            "DjangoDb": lambda user_id: django.get_user_memories(user_id=user_id, **filters),
        }
        return Case(verb, draw.user_id, ways)

    def key(row: Row) -> dict[str, Any]:
        return {"memory_id": row["memory_id"], "user_id": row["user_id"]}

    return [
        Case(
            "add",
            new_row,
            {
                "driver": driver.add,
                "agno": agno.upsert_user_memory,
                "ours": lambda both: memory.add_user_memory(both[1], both[0]["user_id"]),
                "DjangoDb": django.upsert_user_memory,
            },
            before=prepared,
        ),
        reading("read 100", driver.newest, memory.get_user_memories),
        Case(
            "read one",
            draw.row,
            {
                "driver": driver.get,
                "agno": lambda row: agno.get_user_memory(**key(row)),
                "ours": lambda row: memory.get_user_memory(**key(row)),
                "DjangoDb": lambda row: django.get_user_memory(**key(row)),
            },
        ),
        Case(
            "replace",
            changed_row,
            {
                "driver": driver.replace,
                "agno": agno.upsert_user_memory,
                "ours": lambda both: memory.replace_user_memory(both[0]["memory_id"], both[1], both[0]["user_id"]),
                "DjangoDb": django.upsert_user_memory,
            },
            before=prepared,
        ),
        reading(
            "by topic",
            lambda user_id: driver.about(user_id, [TOPIC], PER_USER),
            lambda user_id: memory.get_user_memories(user_id, topics=[TOPIC]),
            topics=[TOPIC],
        ),
        reading(
            "by text",
            lambda user_id: driver.mentioning(user_id, [WORD]),
            lambda user_id: memory.search_user_memories(WORD, user_id=user_id, retrieval_method="keyword"),
            search_content=WORD,
        ),
        Case(
            "delete",
            draw.row,
            {
                "driver": driver.delete,
                "agno": lambda row: agno.delete_user_memory(**key(row)),
                "ours": lambda row: memory.delete_user_memory(**key(row)),
                "DjangoDb": lambda row: django.delete_user_memory(**key(row)),
            },
            undo=undo_delete,
        ),
    ]


def report(name: str, times: Times) -> list[str]:
    """Print a database's table and return its missed targets."""
    print(
        f"{'µs':12}" + "".join(f"{store:>12}" for store in STORES) + f"{'ours/agno':>12}{'DjangoDb/agno':>15}  target"
    )
    missed = []
    for verb, taken in times.items():
        ratio, limit = taken["ours"] / taken["agno"], LIMITS[name][verb]
        outcome = "pass" if ratio <= limit else "FAIL"
        figures = "".join(f"{taken[store]:12,.0f}" for store in STORES)
        print(
            f"{verb:12}{figures}{ratio:12.2f}{taken['DjangoDb'] / taken['agno']:15.2f}  {outcome} (at most {limit:g})"
        )
        missed += [] if ratio <= limit else [f"{name}, {verb}: {ratio:.2f}, at most {limit:g}"]
    mean = statistics.geometric_mean(taken["ours"] / taken["agno"] for taken in times.values())
    print(f"{'geometric mean':12}{mean:58.2f}  {'pass' if mean <= MEANS[name] else 'FAIL'} (at most {MEANS[name]:g})")
    return missed + ([] if mean <= MEANS[name] else [f"{name}, geometric mean: {mean:.2f}, at most {MEANS[name]:g}"])


def bars(name: str, times: Times) -> Bars:
    """Return the chart of one database: every store's time as a share of agno's."""
    shares = {
        verb: {store: taken[store] / taken["agno"] for store in STORES if store != "agno"}
        for verb, taken in times.items()
    }
    return Bars(TITLES[name], shares)


if __name__ == "__main__":
    main()
