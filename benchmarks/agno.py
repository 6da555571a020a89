"""Measure agents of agno 3 on ``DjangoDb`` and on agno's own store, on each database.

    python -m benchmarks.agno [--databases sqlite postgres mongodb] [--seconds 4] [--rounds 5]

Both stores run in one process and take turns in small blocks of calls, on sessions of the same content. The model
answers at once, so the time is that of agno and the store. Run it by ``make bench-agno``.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import os
import platform
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from agno.agent import Agent  # noqa: E402
from agno.db.in_memory import InMemoryDb  # noqa: E402
from agno.models.response import ModelResponse  # noqa: E402
from django.core.management import call_command  # noqa: E402

from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb  # noqa: E402
from benchmarks.measure import Case, measure  # noqa: E402
from benchmarks.peers import TITLES, agno_store  # noqa: E402
from benchmarks.places import PLACES, Place  # noqa: E402
from demo_project.scripted import ScriptedModel  # noqa: E402

SIDES: Final = ("agno", "ours")
# The numbers of runs that a session has before the call.
LENGTHS: Final = (10, 500)
THREADS: Final = 8
# The numbers of runs that take place on an event loop at the same time.
CONCURRENT: Final = (10, 100)
USER: Final = "maya"
TEXT: Final = "Which dishes without nuts can I cook for six guests on a Sunday in spring? "
# Ours over agno's own time, at most; and over agno's own rate, at least.
LIMIT: Final = 1.0


class Outcome(NamedTuple):
    """One row of the table.

    Args:
        agno: microseconds, or turns a second.
        ours: likewise.
        is_rate: whether more is better.
    """

    name: str
    agno: float
    ours: float
    is_rate: bool = False

    @property
    def ratio(self) -> float:
        return self.ours / self.agno

    @property
    def passes(self) -> bool:
        return self.ratio >= LIMIT if self.is_rate else self.ratio <= LIMIT

    def text(self) -> str:
        target = f"at {'least' if self.is_rate else 'most'} {LIMIT:g}"
        return (
            f"{self.name:32}{self.agno:12,.0f}{self.ours:12,.0f}{self.ratio:8.2f}"
            f"  {'pass' if self.passes else 'FAIL'} ({target})"
        )


class Parrot(ScriptedModel):
    """A model that always gives the same answer."""

    def respond(self, messages: list[Any], tools: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content=TEXT * 4)


class Side(NamedTuple):
    """The stores of one side: that of ``run()``, and the one that ``arun()`` awaits."""

    sync: Any
    awaited: Any


def main() -> None:
    options = parsed()
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}, {os.cpu_count()} cores")
    missed: list[str] = []
    for name in options.databases:
        with sides_on(name) as (version, sides):
            print(f"\n{version}, load average {os.getloadavg()[0]:.1f}")
            print(f"{'µs':32}{'agno':>12}{'ours':>12}{'ratio':>8}  target")
            for outcome in outcomes(sides, options):
                print(outcome.text(), flush=True)
                missed += [] if outcome.passes else [f"{name}, {outcome.name}: {outcome.ratio:.2f}"]
    print(f"\n{len(missed)} targets missed.", *missed, sep="\n")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--databases", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each case")
    parser.add_argument("--rounds", type=int, default=5, help="of the threads")
    parser.add_argument("--turns", type=int, default=20, help="of each thread in a round")
    parser.add_argument("--only", help="cases with a name that contains this text")
    return parser.parse_args()


@contextmanager
def sides_on(name: str) -> Iterator[tuple[str, dict[str, Side]]]:
    """Yield the version of a database, and the two sides on it."""
    with ExitStack() as stack:
        place = stack.enter_context(PLACES[name]())
        own = stack.enter_context(agno_store(name, place))
        alias = place.handle.alias
        # The handle has created the table of memories alone.
        place.handle.drop()
        call_command("migrate", "agno_memory", database=alias, verbosity=0, interactive=False)
        ours = DjangoDb(alias)
        yield (
            place.driver.version(),
            {"agno": Side(own, own_awaited(name, place)), "ours": Side(ours, AsyncDjangoDb(alias))},
        )


def own_awaited(name: str, place: Place) -> Any:
    """Return agno's own store for ``arun()``, in the database of its other one."""
    if name == "sqlite":
        from agno.db.sqlite import AsyncSqliteDb

        return AsyncSqliteDb(db_file=str(Path(place.driver.url).with_name("agno.sqlite3")))
    if name == "postgres":
        from agno.db.postgres import AsyncPostgresDb

        return AsyncPostgresDb(db_url=place.driver.url.replace("postgresql://", "postgresql+psycopg_async://"))
    from agno.db.mongo import AsyncMongoDb

    return AsyncMongoDb(db_url=place.driver.url, db_name="agno_own")


def agent(store: Any) -> Agent:
    return Agent(id="chef", model=Parrot(), db=store, add_history_to_context=True, telemetry=False)


def outcomes(sides: dict[str, Side], options: argparse.Namespace) -> Iterator[Outcome]:
    template = template_session(sides)
    for length in LENGTHS:
        for side in sides.values():
            fill(side.sync, template, session_of(length), length)
    with asyncio.Runner() as runner:
        for case in cases(sides, runner):
            if options.only and options.only not in case.verb:
                continue
            gc.collect()
            times = measure(case, options.seconds, 2_000)
            yield Outcome(case.verb, times["agno"], times["ours"])
        for count in CONCURRENT:
            name = f"longest wait, {count} arun"
            if not options.only or options.only in name:
                yield waits(name, sides, count, options.rounds, runner)
    if not options.only or options.only in "threads":
        yield threads(sides, options)


def session_of(length: int) -> str:
    return f"of-{length}-runs"


def template_session(sides: dict[str, Side]) -> Any:
    """Let an agent of each side take a turn, and return the session with this one run."""
    sessions = []
    for side in sides.values():
        agent(side.sync).run(TEXT, user_id=USER, session_id="template")
        sessions.append(side.sync.get_session("template", user_id=USER))
    return sessions[0]


def fill(store: Any, template: Any, session_id: str, length: int) -> None:
    """Store a session with runs like that of the template."""
    session = copy.deepcopy(template)
    session.session_id = session_id
    store.upsert_session(session)
    run = session.runs[0]
    for index in range(length):
        run.run_id, run.session_id = str(uuid.uuid4()), session_id
        store.upsert_run(run, session_id=session_id, user_id=USER, run_index=index)


def cases(sides: dict[str, Side], runner: asyncio.Runner) -> Iterator[Case]:
    for length in LENGTHS:
        yield turns(sides, length)
        yield async_turns("arun", {name: side.sync for name, side in sides.items()}, sides, length, runner)
        yield async_turns("arun, awaited", {name: side.awaited for name, side in sides.items()}, sides, length, runner)
    for length in LENGTHS:
        yield reading(sides, length)
    for length in LENGTHS:
        yield saving(sides, length)
    for length in LENGTHS:
        yield saving_changes(sides, length)


def block_of(length: int) -> int:
    return 10 if length < 100 else 4


def new_id() -> str:
    return str(uuid.uuid4())


def turns(sides: dict[str, Side], length: int) -> Case:
    """Turns in a session that has ``length`` runs: each run is deleted after it was timed."""

    def way(store: Any) -> Callable[[str], Any]:
        chef = agent(store)
        return lambda run_id: chef.run(TEXT, user_id=USER, session_id=session_of(length), run_id=run_id)

    ways = {name: way(side.sync) for name, side in sides.items()}
    return Case(f"run, {length} before", new_id, ways, undo=forget(sides), block=block_of(length))


def async_turns(verb: str, stores: dict[str, Any], sides: dict[str, Side], length: int, runner: asyncio.Runner) -> Case:
    def way(store: Any) -> Callable[[str], Any]:
        chef = agent(store)
        return lambda run_id: runner.run(chef.arun(TEXT, user_id=USER, session_id=session_of(length), run_id=run_id))

    ways = {name: way(store) for name, store in stores.items()}
    return Case(f"{verb}, {length} before", new_id, ways, undo=forget(sides), block=block_of(length))


def forget(sides: dict[str, Side]) -> Callable[[str], None]:
    def undo(run_id: str) -> None:
        for side in sides.values():
            side.sync.delete_run(run_id)

    return undo


def reading(sides: dict[str, Side], length: int) -> Case:
    def way(store: Any) -> Callable[[str], Any]:
        return lambda session_id: store.get_session(session_id, user_id=USER)

    ways = {name: way(side.sync) for name, side in sides.items()}
    return Case(f"reading, {length} runs", lambda: session_of(length), ways)


def saving(sides: dict[str, Side], length: int) -> Case:
    def way(store: Any) -> Callable[[str], Any]:
        session = store.get_session(session_of(length), user_id=USER)
        return lambda _: store.upsert_session(session)

    ways = {name: way(side.sync) for name, side in sides.items()}
    return Case(f"saving, {length} runs", new_id, ways)


def saving_changes(sides: dict[str, Side], length: int) -> Case:
    def way(store: Any) -> Callable[[str], Any]:
        session = store.get_session(session_of(length), user_id=USER)

        def save(text: str) -> None:
            session.session_data["session_state"] = {"last": text}
            store.upsert_session(session)

        return save

    ways = {name: way(side.sync) for name, side in sides.items()}
    return Case(f"saving a change, {length} runs", new_id, ways)


def waits(name: str, sides: dict[str, Side], count: int, rounds: int, runner: asyncio.Runner) -> Outcome:
    """Return the longest time for which concurrent runs keep the event loop from other tasks.

    That of agno is without a database: its own work between two awaits, for all runs that are ready.
    """
    stores = {"agno": InMemoryDb(), "ours": sides["ours"].awaited}
    found: dict[str, list[float]] = {side: [] for side in stores}
    for number in range(rounds + 1):
        for side in sorted(stores, reverse=bool(number % 2)):
            wait = runner.run(longest_wait(stores[side], count, f"{name}, {number}"))
            # The first round connects.
            found[side] += [wait * 1_000_000] if number else []
    agno, ours = (statistics.median(found[side]) for side in SIDES)
    return Outcome(name, agno, ours)


async def longest_wait(store: Any, count: int, name: str) -> float:
    """Return the longest delay of a task that wakes up every millisecond, in seconds."""
    delays = [0.0]

    async def beat() -> None:
        while True:
            start = time.perf_counter()
            try:
                await asyncio.sleep(0.001)
            finally:
                delays.append(time.perf_counter() - start - 0.001)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    chef = agent(store)
    await asyncio.gather(*(chef.arun(TEXT, user_id=USER, session_id=f"{name}, {run}") for run in range(count)))
    beating.cancel()
    await asyncio.wait([beating])
    return max(delays)


def threads(sides: dict[str, Side], options: argparse.Namespace) -> Outcome:
    """Return the turns a second of several threads, each with a session of its own that grows."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(options.rounds + 1):
        for name in sorted(sides, reverse=bool(number % 2)):
            rate = concurrent_rate(sides[name].sync, f"round-{number}", options.turns)
            # The first round connects.
            rates[name] += [rate] if number else []
    agno, ours = (statistics.median(rates[name]) for name in SIDES)
    return Outcome(f"{THREADS} threads, turns a second", agno, ours, is_rate=True)


def concurrent_rate(store: Any, round_name: str, count: int) -> float:
    def work(thread: int) -> None:
        chef = agent(store)
        for _ in range(count):
            chef.run(TEXT, user_id=USER, session_id=f"{round_name}-{thread}")

    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    return THREADS * count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
