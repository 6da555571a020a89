"""Measure the pages of the admin beside those of a stock ``ModelAdmin`` with the same columns.

    python -m benchmarks.admin [--quick] [--rows 10000 1000000] [--databases sqlite postgres mongodb]
                               [--seconds 4] [--repeat 200] [--only PAGE]

Both get requests in turn, through Django's test client: session, user, queries and templates, without a web server.
Times are medians in milliseconds. The person page is compared with the stock list of one owner; the dashboard is not
compared.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings

from benchmarks.measure import Case, measure
from benchmarks.places import PLACES
from benchmarks.rows import PER_USER, TOPICS, Draw, stored_rows
from benchmarks.targets import Verdict

OURS, STOCK = "/admin/agno_memory/usermemory/", "/stock/agno_memory/usermemory/"
# Maximum factors of the time: from the smallest to the largest table, and over the stock page.
GROWTH, SLOWER = 2.0, 1.0
# Maximum milliseconds for the dashboard before anything is counted.
FIRST_LOOK = 1_000.0
FIRST, COUNTED = "dashboard, the first look", "dashboard, everything counted"
BLOCK = 5

Medians = dict[str, dict[str, float]]


def main() -> None:
    """Measure in a process with the settings of the site."""
    with tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-") as folder:
        chosen = {
            "BENCHMARK_SETTINGS": "benchmarks.admin_settings",
            "BENCHMARK_FOLDER": folder,
            "BENCHMARK_TABLE": "agno_memory_usermemory",
        }
        command = [sys.executable, "-m", "benchmarks.admin", "--inside", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | chosen).returncode)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 rows only, one second for each page")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000], help="in the table, ascending")
    places = ["sqlite", "postgres", "mongodb"]
    parser.add_argument("--databases", nargs="+", choices=places, default=places)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each page, longer where one call takes longer")
    parser.add_argument("--repeat", type=int, default=200, help="most calls of each page")
    parser.add_argument("--only", default="", metavar="PAGE", help="pages that begin so")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rows, options.seconds = [10_000], 1.0
    return options


def inside(options: argparse.Namespace) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    client = Client(raise_request_exception=True)
    client.force_login(get_user_model().objects.create_superuser("staff"))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    verdicts: list[Verdict] = []
    for name in options.databases:
        with PLACES[name]() as place:
            print(f"\n{place.driver.version()}")
            verdicts += measure_place(name, place, client, options)
    reached = [found for found in verdicts if found.value <= found.limit]
    print(f"\n{len(reached)} of {len(verdicts)} targets reached.")
    for found in verdicts:
        if found not in reached:
            print(f"missed: {found}")


def measure_place(name: str, place: Any, client: Any, options: argparse.Namespace) -> list[Verdict]:
    verdicts: list[Verdict] = []
    measured: dict[int, Medians] = {}
    filled = 0
    with override_settings(AGNO_MEMORY={"DATABASE": place.handle.alias}):
        place.create_tables()
        for rows in options.rows:
            place.driver.load(stored_rows(filled // PER_USER, rows // PER_USER))
            place.driver.settle()
            filled = rows
            cache.clear()
            measured[rows] = measure_pages(rows, client, options)
    small, large = options.rows[0], options.rows[-1]
    # A small table is measured for comparison with a large one.
    verdicts += beside_stock(name, large, measured[large])
    return verdicts + (compare_sizes(name, measured[small], measured[large]) if small < large else [])


def measure_pages(rows: int, client: Any, options: argparse.Namespace) -> Medians:
    print(f"\nload average {os.getloadavg()[0]:.1f}")
    print(f"{f'with {rows:,} rows, milliseconds':40}{'ours':>10}{'stock':>10}{'ratio':>8}")
    medians: Medians = {}
    for case in pages(client, Draw(rows // PER_USER)):
        if case.verb.startswith(options.only):
            times = measure(case, options.seconds, options.repeat)
            medians[case.verb] = {way: taken / 1_000 for way, taken in times.items()}
            print(line(case.verb, medians[case.verb]), flush=True)
    return medians


def line(page: str, times: dict[str, float]) -> str:
    ours = f"{page:40}{times['ours']:10.1f}"
    if page == FIRST:
        return f"{ours}{'':20}{Verdict(page, times['ours'], FIRST_LOOK).text()}"
    if "stock" not in times:
        return f"{ours}{'none':>10}"
    return f"{ours}{times['stock']:10.1f}{times['ours'] / times['stock']:7.2f}x"


def pages(client: Any, draw: Draw) -> list[Case]:
    """Return the pages, each with its request."""

    def get(url: str) -> Callable[[Any], None]:
        def ask(value: Any) -> None:
            response = client.get(url.format(value))
            assert response.status_code == 200, (url, response.status_code)

        return ask

    def page(name: str, drawn: Callable[[], Any], ours: str, stock: str) -> Case:
        ways = {"ours": get(OURS + ours)}
        if answers(client, (STOCK + stock).format(drawn())):
            ways["stock"] = get(STOCK + stock)
        return Case(name, drawn, ways, block=BLOCK)

    # The admin can be imported only when the apps are ready.
    from agno_memory.admin.urls import quoted

    topics = iter(TOPICS * 10_000)
    dashboard = get(f"{OURS}dashboard/")

    def first_look(value: Any) -> None:
        cache.clear()
        dashboard(value)

    def count_everything(value: Any) -> None:
        assert client.post(f"{OURS}dashboard/").status_code == 200

    return [
        page("list", str, "", ""),
        page("list, a topic", lambda: next(topics), "?topic={}", "?topic={}"),
        page("list, search for an owner", draw.user_id, "?q={}", "?q={}"),
        page("person", draw.user_id, "person/{}/", "?user_id={}"),
        page("form", lambda: quoted(draw.row()["key"]), "{}/change/", "{}/change/"),
        Case(COUNTED, str, {"ours": count_everything}, block=1),
        Case("dashboard", str, {"ours": dashboard}, block=BLOCK),
        Case(FIRST, str, {"ours": first_look}, block=BLOCK),
    ]


def answers(client: Any, url: str) -> bool:
    """Return whether a page works: some stock pages fail on some databases."""
    client.raise_request_exception = False
    try:
        response = client.get(url)
    finally:
        client.raise_request_exception = True
    if response.exc_info:
        print(f"the stock page fails: {response.exc_info[0].__name__}")
    return bool(response.status_code == 200)


def beside_stock(name: str, rows: int, measured: Medians) -> list[Verdict]:
    found = [
        Verdict(f"{name}, {page}, {rows:,} rows, times the stock page", times["ours"] / times["stock"], SLOWER)
        for page, times in measured.items()
        if "stock" in times
    ]
    if FIRST in measured:
        found.append(Verdict(f"{name}, {FIRST}, {rows:,} rows, ms", measured[FIRST]["ours"], FIRST_LOOK))
    return found


def compare_sizes(name: str, small: Medians, large: Medians) -> list[Verdict]:
    print(f"\n{'from the smallest to the largest table':40}{'ours':>10}{'stock':>10}")
    found = []
    for page, times in small.items():
        grown = {way: large[page][way] / taken for way, taken in times.items()}
        text = f"{page:40}{grown['ours']:9.2f}x" + (f"{grown['stock']:9.2f}x" if "stock" in grown else f"{'none':>10}")
        # The time of a count grows with the rows, and the first request has a limit of its own.
        if page not in (FIRST, COUNTED):
            found.append(Verdict(f"{name}, {page}, growth", grown["ours"], GROWTH))
            text += f"  {found[-1].text()}"
        print(text)
    return found


if __name__ == "__main__":
    options = parsed()
    inside(options) if options.inside else main()
