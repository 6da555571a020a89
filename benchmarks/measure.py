"""Measure several variants of one operation, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

# The number of calls of one variant before the next one's turn.
BLOCK = 20


@dataclass
class Case:
    """One operation, in several variants.

    Args:
        verb: the name of the operation.
        draw: returns the argument of one call. Not measured.
        ways: the variants, by name: functions of the argument; ``"ours"`` and ``"driver"`` among them.
        before: by the name of a variant, a function that prepares its argument from the drawn one. Not measured.
        undo: restores the rows that a call with a drawn argument deleted. Not measured.
        same: converts our result for comparison with the driver's; None if they are not compared.
        block: the number of calls before the next variant's turn.
        least: the minimum number of rounds.
    """

    verb: str
    draw: Callable[[], Any]
    ways: dict[str, Callable[[Any], Any]]
    before: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    undo: Callable[[Any], Any] | None = None
    same: Callable[[Any], Any] | None = None
    block: int = BLOCK
    least: int = 3

    def block_of(self, name: str, run: Callable[[Callable[[Any], Any], Any], Result]) -> list[Result]:
        """Let ``run`` call one variant with each argument of a block, and return its results."""
        drawn = [self.draw() for _ in range(self.block)]
        before = self.before.get(name)
        arguments = [before(argument) for argument in drawn] if before else drawn
        results = [run(self.ways[name], argument) for argument in arguments]
        if self.undo:
            for argument in drawn:
                self.undo(argument)
        return results


def measure(case: Case, seconds: float, repeat: int) -> dict[str, float]:
    """Return the median time of each variant, in microseconds.

    Args:
        seconds: the time after which no new round begins.
        repeat: the maximum number of calls of each variant.
    """
    times: dict[str, list[int]] = {name: [] for name in case.ways}
    names = list(case.ways)
    give_up = time.monotonic() + seconds
    rounds = 0
    while rounds < case.least or (time.monotonic() < give_up and rounds * case.block < repeat):
        for name in names:
            times[name] += case.block_of(name, timed)
        names.append(names.pop(0))
        rounds += 1
    # The first block fills caches and prepares statements.
    warm = case.block if rounds > 1 else 0
    return {name: statistics.median(taken[warm:]) / 1_000 for name, taken in times.items()}


def timed(way: Callable[[Any], Any], argument: Any) -> int:
    """Return the nanoseconds that one call takes."""
    start = time.perf_counter_ns()
    way(argument)
    return time.perf_counter_ns() - start


def agree(case: Case) -> None:
    """Raise ValueError if the results of this project and of the driver differ: both must do the same work."""
    if case.same is None:
        return
    drawn = case.draw()
    before = case.before.get("ours")
    ours = case.same(case.ways["ours"](before(drawn) if before else drawn))
    driver = case.ways["driver"](drawn)
    if plain(ours) != plain(driver):
        raise ValueError(f"{case.verb}: ours is {ours!r}, the driver's is {driver!r}")


def plain(result: Any) -> Any:
    """Return a result with its tuples as lists."""
    return [plain(item) for item in result] if isinstance(result, list | tuple) else result


def resident() -> int:
    """Return the memory that this process holds now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
