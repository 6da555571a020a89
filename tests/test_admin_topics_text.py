"""Topics as a line of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.admin import topics_text
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
