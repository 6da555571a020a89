"""Periods of the query string, and the time navigation."""

from __future__ import annotations

import datetime

import pytest
from django.test import override_settings

from agno_memory.admin import periods
from agno_memory.test import at


def day(year: int, month: int, day: int) -> datetime.datetime:
    return datetime.datetime(year, month, day, tzinfo=datetime.UTC)


@override_settings(TIME_ZONE="UTC")
@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", day(2026, 11, 25), day(2026, 11, 26)),
        ("1d", day(2026, 11, 25), None),
        ("7d", day(2026, 11, 19), None),
        ("2026", day(2026, 1, 1), day(2027, 1, 1)),
        ("2024-02", day(2024, 2, 1), day(2024, 3, 1)),
        ("2024-12", day(2024, 12, 1), day(2025, 1, 1)),
        ("2024-02-29", day(2024, 2, 29), day(2024, 3, 1)),
    ],
)
def test_periods(text: str, start: datetime.datetime, end: datetime.datetime | None) -> None:
    with at(datetime.datetime(2026, 11, 25, 23, 59, tzinfo=datetime.UTC)):
        assert periods.parse(text) == (start, end)


@pytest.mark.parametrize(
    "text", ["", "x", "2026-13", "2026-02-30", "0000", "9999", "2026-1", "d", "99999d", "2026-11-25 ", "²⁰²⁶"]
)
def test_no_periods(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        periods.parse(text)


def test_steps_lie_between_the_first_and_the_last() -> None:
    first, last = datetime.date(2024, 11, 29), datetime.date(2026, 2, 2)

    def steps(value: str) -> list[str]:
        return [step.value for step in periods.steps(value, first, last)[1]]

    assert steps("") == steps("7d") == ["2026", "2025", "2024"]
    assert steps("2024") == ["2024-11", "2024-12"]
    assert steps("2026") == ["2026-01", "2026-02"]
    assert steps("2024-11") == ["2024-11-29", "2024-11-30"]
    assert steps("2026-02") == ["2026-02-01", "2026-02-02"]
    assert steps("2026-02-01") == steps("1999") == []
    assert [step.value for step in periods.steps("2026-02-01", first, last)[0]] == ["2026", "2026-02", "2026-02-01"]
