"""The outcomes of ``make bench-agno``."""

from __future__ import annotations

import pytest

from benchmarks.agno import Outcome


@pytest.mark.parametrize(
    ("agno", "ours", "is_rate", "passes"),
    [(100, 100, False, True), (100, 101, False, False), (100, 100, True, True), (100, 99, True, False)],
)
def test_a_time_is_at_most_and_a_rate_at_least_that_of_agno(
    agno: float, ours: float, is_rate: bool, passes: bool
) -> None:
    outcome = Outcome("reading", agno, ours, is_rate=is_rate)
    assert outcome.passes == passes
    assert f"{'pass' if passes else 'FAIL'} (at {'least' if is_rate else 'most'} 1)" in outcome.text()
