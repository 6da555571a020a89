"""Measure each verb of ``Memory`` beside the bare driver, on SQLite, PostgreSQL and MongoDB.

    python -m benchmarks.verbs [--quick] [--rows 10000 1000000] [--databases sqlite postgres mongodb]
                               [--seconds 3] [--repeat 2000] [--only VERB] [--profile VERB]

The variants take turns in small blocks, so that a slower machine slows all of them. Times are medians in
microseconds. ``TEST_POSTGRES_URL`` and ``TEST_MONGODB_STANDALONE_URL`` name servers; otherwise it starts its
own. The load average is printed because a busy machine makes Python look slower than servers.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import platform
import pstats
import time

from benchmarks import cases
from benchmarks.measure import Case, agree, measure
from benchmarks.places import PLACES, Place
from benchmarks.rows import PER_USER, Draw, stored_rows
from benchmarks.targets import FAIL, FLAT, FLAT_FROM, FLOOR, GROWTH, PASS, Verdict, verdict

Medians = dict[str, dict[str, float]]


def main() -> None:
    options = parsed()
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}")
    verdicts: list[Verdict] = []
    for name in options.databases:
        with PLACES[name]() as place:
            print(f"\n{place.driver.version()}")
            if options.profile:
                fill(place, 0, options.rows[0])
                profile(place, options)
            else:
                verdicts += measure_place(name, place, options)
    print("\n".join(summary(verdicts)))


def summary(verdicts: list[Verdict]) -> list[str]:
    """Return the lines with the results of the targets, the missed ones last."""
    if not verdicts:
        return []
    found = {outcome: [each for each in verdicts if each.outcome == outcome] for outcome in (PASS, FLOOR, FAIL)}
    return [
        f"\n{len(found[PASS])} of {len(verdicts)} targets reached, {len(found[FLOOR])} at the floor.",
        *(f"at the floor: {each}" for each in found[FLOOR]),
        *(f"missed: {each}" for each in found[FAIL]),
    ]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 rows only, one second for each verb")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000], help="in the table, ascending")
    parser.add_argument("--databases", nargs="+", choices=PLACES, default=["sqlite", "postgres", "mongodb"])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each verb, longer where one call takes longer")
    parser.add_argument("--repeat", type=int, default=2_000, help="most calls of each verb")
    parser.add_argument("--only", default="", metavar="VERB", help="verbs that begin so")
    parser.add_argument("--profile", metavar="VERB", help="profile verbs that begin so, and measure nothing")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.seconds = [10_000], 1.0
    return options


def measure_place(name: str, place: Place, options: argparse.Namespace) -> list[Verdict]:
    verdicts: list[Verdict] = []
    measured: dict[int, Medians] = {}
    filled = 0
    for rows in options.rows:
        fill(place, filled, rows)
        filled = rows
        measured[rows], found = measure_rows(name, place, rows, options)
        verdicts += found
    small, large = options.rows[0], options.rows[-1]
    if large > small:
        verdicts += compare_sizes(name, measured[small], measured[large], f"{small:,} to {large:,} rows")
    return verdicts


def measure_rows(name: str, place: Place, rows: int, options: argparse.Namespace) -> tuple[Medians, list[Verdict]]:
    print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{f'with {rows:,} rows':36}{'ours':>12}{'driver':>12}{'ratio':>8}{'more':>12}  target")
    medians: Medians = {}
    verdicts: list[Verdict] = []
    growth: dict[str, int] = {}
    for case in all_cases(place, rows, growth, options.only):
        gc.collect()
        agree(case)
        medians[case.verb] = times = measure(case, options.seconds, options.repeat)
        place.driver.tidy()
        found = verdict(name, case.verb, times, f"{rows:,} rows")
        verdicts += [found] if found else []
        print(line(case.verb, times, found), flush=True)
    if growth:
        verdicts += compare_memory(name, rows, growth)
    return medians, verdicts


def compare_memory(name: str, rows: int, growth: dict[str, int]) -> list[Verdict]:
    ours, driver = growth["ours"] / 1e6, growth["driver"] / 1e6
    # A small table fits into the limit as a whole, so it proves nothing.
    found = [Verdict(f"{name}, memory while iterating {rows:,} rows, MB", ours, FLAT)] if rows >= FLAT_FROM else []
    print(
        f"{'MB more while iterating':36}{ours:12,.1f}{driver:12,.1f}{'':20}  {''.join(each.text() for each in found)}"
    )
    return found


def all_cases(place: Place, rows: int, growth: dict[str, int], only: str) -> list[Case]:
    draw = Draw(rows // PER_USER)
    chosen = [
        *cases.single_row(place, draw),
        *cases.lists(place, draw),
        *cases.whole_table(place, growth),
        *cases.many(place, draw),
    ]
    return [case for case in chosen if case.verb.startswith(only)]


def line(verb: str, times: dict[str, float], found: Verdict | None) -> str:
    ours, driver = times["ours"], times["driver"]
    others = [f"{name}: {taken:,.0f}" for name, taken in times.items() if name not in ("ours", "driver")]
    notes = [found.text()] if found else []
    figures = f"{ours:12,.0f}{driver:12,.0f}{ours / driver:7.2f}x{ours - driver:+12,.0f}"
    return f"{verb:36}{figures}  {'; '.join(notes + others)}"


def compare_sizes(name: str, small: Medians, large: Medians, sizes: str) -> list[Verdict]:
    print(f"\n{f'from {sizes}':44}{'ours':>8}{'driver':>8}")
    verdicts = []
    for verb in small:
        if verb not in cases.WHOLE_TABLE:
            grown = {way: large[verb][way] / small[verb][way] for way in ("ours", "driver")}
            found = Verdict(f"{name}, {verb}, growth from {sizes}", grown["ours"], GROWTH, grown["driver"])
            print(f"{verb:44}{grown['ours']:7.2f}x{grown['driver']:7.2f}x  {found.text()}")
            verdicts.append(found)
    return verdicts


def fill(place: Place, filled: int, rows: int) -> None:
    start = time.monotonic()
    place.driver.load(stored_rows(filled // PER_USER, rows // PER_USER))
    place.driver.settle()
    print(f"loaded {rows - filled:,} rows in {time.monotonic() - start:.0f} s")


def profile(place: Place, options: argparse.Namespace) -> None:
    for case in all_cases(place, options.rows[0], {}, options.profile):
        print(case.verb)
        profiler = cProfile.Profile()
        give_up = time.monotonic() + options.seconds
        while time.monotonic() < give_up:
            case.block_of("ours", profiler.runcall)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
