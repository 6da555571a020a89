"""What the admin reads and writes as text: topics in a line, periods, searches, differences."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.admin import periods, topics_text
from agno_memory.admin.conflicts import MAX_WORDS, mark_differences
from agno_memory.admin.keyset import Position
from agno_memory.admin.urls import quoted
from agno_memory.test import at
from agno_memory.times import from_milliseconds
from agno_memory.validators import canonical_topics

topic = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip)


@given(st.lists(topic, max_size=5).map(canonical_topics))
def test_topics_come_back_as_they_were(topics: list[str]) -> None:
    assert topics_text.read(topics_text.write(topics)) == topics


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("", []),
        (" , ,", []),
        ("food", ["food"]),
        (" food , dark mode ", ["food", "dark mode"]),
        ('"a, b", c', ["a, b", "c"]),
        ("a\nb\r\nc", ["a", "b", "c"]),
        ('5" disk', ['5" disk']),
    ],
)
def test_topics_as_people_type_them(text: str, topics: list[str]) -> None:
    assert topics_text.read(text) == topics


@pytest.mark.parametrize("text", ['"a', '"a"b, c'])
def test_topics_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        topics_text.read(text)


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


@given(
    st.text(st.characters(exclude_characters="\x00"), min_size=1),
    st.integers(-(10**12), 10**13),
    st.booleans(),
    st.booleans(),
)
def test_positions_come_back_as_they_were(key: str, milliseconds: int, back: bool, far: bool) -> None:
    position = Position(from_milliseconds(milliseconds), key, back, far)
    assert Position.parse(position.token) == position


@pytest.mark.parametrize(
    "token", ["", "after", "after.1", "x.1.y", "after.x.y", "after.1e5.y", "after.1.\x00", f"after.{'9' * 5000}.y"]
)
def test_tokens_without_a_position(token: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Position.parse(token)


def test_differences_are_marked_and_escaped() -> None:
    now, typed = mark_differences("Likes <b>strong</b> tea", "Likes weak tea & cake")
    assert now == "Likes <del>&lt;b&gt;strong&lt;/b&gt;</del> tea"
    assert typed == "Likes <ins>weak</ins> tea<ins> &amp; cake</ins>"
    long = "<x> " * MAX_WORDS
    assert mark_differences(long, "y") == (long.replace("<", "&lt;").replace(">", "&gt;"), "y")


@pytest.mark.parametrize(("key", "url"), [(".", "_2E"), ("..", "_2E_2E"), ("a/b", "a_2Fb"), ("a.b", "a.b")])
def test_ids_in_addresses(key: str, url: Any) -> None:
    assert quoted(key) == url
