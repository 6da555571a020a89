"""Keys of rows: UUIDs of version 7, with their bits, their order and their time; and digests of texts."""

from __future__ import annotations

import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from agno_memory import keys
from agno_memory.keys import composite_key, uuid7

COUNT = 5_000
THREADS = 8


def milliseconds(key: str) -> int:
    return uuid.UUID(key).int >> 80


def test_it_is_a_uuid_in_canonical_text() -> None:
    key = uuid7()
    assert str(uuid.UUID(key)) == key


def test_version_and_variant_are_those_of_rfc_9562() -> None:
    for _ in range(COUNT):
        key = uuid.UUID(uuid7())
        assert (key.version, key.variant) == (7, uuid.RFC_4122)


def test_keys_sort_in_the_order_in_which_they_were_made() -> None:
    made = [uuid7() for _ in range(COUNT)]
    assert sorted(set(made)) == made


def test_the_time_is_in_the_key() -> None:
    # Keys of this process may be ahead of the clock by the keys that one tick of it has seen.
    first = uuid7()
    before = max(time.time_ns() // 1_000_000, milliseconds(first))
    key = uuid7()
    after = max(time.time_ns() // 1_000_000, milliseconds(first) + 1)
    assert before <= milliseconds(key) <= after


def test_the_milliseconds_and_4096ths_of_them_are_in_their_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_789)
    # In the same tick, and after a clock that goes back, each key has the next fraction.
    found = [uuid.UUID(uuid7()).int >> 64 for _ in range(2)]
    monkeypatch.setattr(time, "time_ns", lambda: 1_600_000_000_000_000_000)
    found.append(uuid.UUID(uuid7()).int >> 64)
    first = 1_700_000_000_123 << 16 | 7 << 12 | 456_789 * 4096 // 1_000_000
    assert found == [first, first + 1, first + 2]


def test_threads_make_different_keys_each_in_order() -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        by_thread = list(pool.map(lambda _: [uuid7() for _ in range(COUNT)], range(THREADS)))
    assert all(sorted(made) == made for made in by_thread)
    assert len({key for made in by_thread for key in made}) == COUNT * THREADS


def test_threads_in_one_tick_make_keys_of_different_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.time_ns()

    def slow_clock() -> int:
        time.sleep(0.002)
        return begun

    monkeypatch.setattr(keys, "_last", 0)
    monkeypatch.setattr(keys, "time", SimpleNamespace(time_ns=slow_clock))
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(lambda _: uuid7(), range(THREADS)))
    assert len({uuid.UUID(key).int >> 64 for key in made}) == THREADS


def test_the_rest_is_random() -> None:
    tails = [uuid.UUID(uuid7()).int & (1 << 62) - 1 for _ in range(COUNT)]
    assert len(set(tails)) == COUNT
    # Every bit is set in some and clear in others.
    ones = zeros = 0
    for tail in tails:
        ones |= tail
        zeros |= ~tail & (1 << 62) - 1
    assert ones == zeros == (1 << 62) - 1


@pytest.mark.parametrize(
    ("parts", "others"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", ""), ("", "a")),
        (("1:a", "b"), ("a", "1:b")),
        (("a", "b"), ("b", "a")),
        (("a", "b"), ("a", "b", "")),
        (("A",), ("a",)),
        # One letter in two forms of Unicode.
        (("\u00e9",), ("e\u0301",)),
        (("a",), ("a ",)),
    ],
)
def test_different_texts_have_different_digests(parts: tuple[str, ...], others: tuple[str, ...]) -> None:
    assert composite_key(*parts) != composite_key(*others)


def test_a_digest_has_192_bits_in_characters_of_urls() -> None:
    digests = {composite_key("maya", str(number)) for number in range(COUNT)}
    assert len(digests) == COUNT
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", digest) for digest in digests)
    # Stored keys depend on it.
    assert composite_key("maya", "memory_123") == "n18eU1kGgznJK5nqKkMevXdxEiFrfoHc"
