"""What is to be reached, whether it was, and whether anything written here could have reached it."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.cases import ADD_MANY, DJANGO, READ_ALL, SINGLE_ROW

# From 10,000 to 1,000,000 rows: times the time.
GROWTH = 1.5
# While all rows are iterated: megabytes more than before. Above what a driver holds at a time (on MongoDB 64 to 76 MB
# with 50,000, 200,000 and 500,000 rows alike) and far below a table of a million rows.
FLAT = 128.0
FLAT_FROM = 100_000
# Over sqlite3, where there is no server to wait for: microseconds.
SQLITE_MORE = 150.0
TIMES = {
    "sqlite": {READ_ALL: 4.0, ADD_MANY: 4.0},
    "postgres": {**dict.fromkeys(SINGLE_ROW, 2.0), READ_ALL: 3.0, ADD_MANY: 4.0},
    "postgres-unprepared": {},
    "mongodb": {**dict.fromkeys(SINGLE_ROW, 2.0), READ_ALL: 3.0, ADD_MANY: 4.0},
}
# Where the floor itself is above a limit: how many times the floor is still called at it.
AT_FLOOR = 1.1

PASS, FLOOR, FAIL = "pass", "floor", "FAIL"


class Verdict(NamedTuple):
    """One figure beside its limit.

    Args:
        what: was measured.
        value: the figure.
        limit: what it may be at most.
        floor: the same figure of what lies below this project, the bare driver or Django's cursor, if it is known.
    """

    what: str
    value: float
    limit: float
    floor: float | None = None

    @property
    def outcome(self) -> str:
        """Return ``pass``, ``FAIL``, or ``floor``: what lies below is over the limit itself, and ours hardly higher."""
        if self.value <= self.limit:
            return PASS
        if self.floor is not None and self.floor > self.limit and self.value <= self.floor * AT_FLOOR:
            return FLOOR
        return FAIL

    def text(self) -> str:
        floor = "" if self.floor is None else f", floor {self.floor:.2f}"
        return f"{self.outcome} (at most {self.limit:g}{floor})"

    def __str__(self) -> str:
        floor = "" if self.floor is None else f"; the floor is {self.floor:.2f}"
        return f"{self.what}: {self.value:.2f}, at most {self.limit:g}{floor}"


def verdict(database: str, verb: str, times: dict[str, float], where: str) -> Verdict | None:
    """Compare the medians of a verb, in microseconds by the name of the way, with its target, if it has one."""
    ours, driver, cursor = times["ours"], times["driver"], times.get(DJANGO)
    if database == "sqlite" and verb in SINGLE_ROW:
        floor = None if cursor is None else cursor - driver
        return Verdict(f"{database}, {verb}, {where}, µs more than the driver", ours - driver, SQLITE_MORE, floor)
    if verb in TIMES[database]:
        floor = None if cursor is None else cursor / driver
        what = f"{database}, {verb}, {where}, times the driver"
        return Verdict(what, ours / driver, TIMES[database][verb], floor)
    return None
