"""What is to be reached, and whether it was."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.cases import ADD_MANY, READ_ALL, SINGLE_ROW

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


class Verdict(NamedTuple):
    what: str
    value: float
    limit: float

    @property
    def reached(self) -> bool:
        return self.value <= self.limit

    def text(self) -> str:
        return f"{'pass' if self.reached else 'FAIL'} (at most {self.limit:g})"

    def __str__(self) -> str:
        return f"{self.what}: {self.value:.2f}, at most {self.limit:g}"


def verdict(database: str, verb: str, ours: float, driver: float, where: str) -> Verdict | None:
    """Compare the medians of a verb, in microseconds, with its target, if it has one."""
    if database == "sqlite" and verb in SINGLE_ROW:
        return Verdict(f"{database}, {verb}, {where}, µs more than the driver", ours - driver, SQLITE_MORE)
    if verb in TIMES[database]:
        return Verdict(f"{database}, {verb}, {where}, times the driver", ours / driver, TIMES[database][verb])
    return None
