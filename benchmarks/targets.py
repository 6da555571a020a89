"""The targets, the comparison of a figure with its target, and the floor below which no code of this project gets."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.cases import ADD_MANY, DJANGO, READ_ALL, SINGLE_ROW

# Maximum growth from 10,000 to 1,000,000 rows, as a factor of the time.
GROWTH = 1.5
# Maximum growth of the memory while all rows are iterated, in megabytes. It is above the batches that a driver holds
# (on MongoDB 64 to 76 MB with 50,000, 200,000 and 500,000 rows alike) and far below a table of a million rows.
FLAT = 128.0
FLAT_FROM = 100_000
# Maximum over sqlite3, which has no server to wait for, in microseconds.
SQLITE_MORE = 150.0
TIMES = {
    "sqlite": {READ_ALL: 4.0, ADD_MANY: 4.0},
    "postgres": {**dict.fromkeys(SINGLE_ROW, 2.0), READ_ALL: 3.0, ADD_MANY: 4.0},
    "postgres-unprepared": {},
    "mongodb": {**dict.fromkeys(SINGLE_ROW, 2.0), READ_ALL: 3.0, ADD_MANY: 4.0},
}
# If the floor is above a limit: the maximum factor of the floor for the outcome ``floor``.
AT_FLOOR = 1.1

PASS, FLOOR, FAIL = "pass", "floor", "FAIL"


class Verdict(NamedTuple):
    """A figure and its limit.

    Args:
        name: the name of the figure.
        value: the value of the figure.
        limit: the maximum.
        floor: the same figure of the layer below this project, the bare driver or Django's cursor, if it is measured.
    """

    name: str
    value: float
    limit: float
    floor: float | None = None

    @property
    def outcome(self) -> str:
        """Return ``pass``, ``FAIL``, or ``floor``: the floor is over the limit, and the value hardly over the floor."""
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
        return f"{self.name}: {self.value:.2f}, at most {self.limit:g}{floor}"


def verdict(database: str, verb: str, times: dict[str, float], where: str) -> Verdict | None:
    """Compare the medians of a verb with its target, if it has one.

    Args:
        times: microseconds by the name of the variant.
    """
    ours, driver, cursor = times["ours"], times["driver"], times.get(DJANGO)
    if database == "sqlite" and verb in SINGLE_ROW:
        floor = None if cursor is None else cursor - driver
        return Verdict(f"{database}, {verb}, {where}, µs more than the driver", ours - driver, SQLITE_MORE, floor)
    if verb in TIMES[database]:
        floor = None if cursor is None else cursor / driver
        name = f"{database}, {verb}, {where}, times the driver"
        return Verdict(name, ours / driver, TIMES[database][verb], floor)
    return None
