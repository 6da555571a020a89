"""Positions of pages as tokens. The pages themselves are tested with the list, in test_admin_list.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.admin.keyset import Position
from agno_memory.keys import composite_key
from agno_memory.times import from_milliseconds


@given(
    st.text(st.characters(exclude_characters="\x00"), min_size=1),
    st.text(st.characters(exclude_characters="\x00"), min_size=1),
    st.integers(-(10**12), 10**13),
    st.booleans(),
    st.booleans(),
)
def test_positions_come_back_as_they_were(
    user_id: str, memory_id: str, milliseconds: int, back: bool, far: bool
) -> None:
    key = composite_key(user_id, memory_id)
    position = Position(from_milliseconds(milliseconds), memory_id, key, back, far)
    assert Position.parse(position.token) == position


@pytest.mark.parametrize(
    "token",
    [
        "",
        "after",
        "after.1",
        "after.1.k",
        "x.1.k.y",
        "after.x.k.y",
        "after.1e5.k.y",
        "after.1.k.\x00",
        f"after.{'9' * 5000}.k.y",
    ],
)
def test_tokens_without_a_position(token: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Position.parse(token)
