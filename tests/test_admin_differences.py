"""Marks at the differences of two texts. The page of a conflict is tested with the form, in test_admin_form.py."""

from __future__ import annotations

import re
import time

import pytest

from agno_memory.admin.differences import MAX_WORDS, Budget, mark_differences, merged_differences


def bare(markup: str) -> str:
    """Return markup without the labels for screen readers."""
    return re.sub(r' data-am-label="[^"]*"', "", markup)


def test_differences_are_marked_and_escaped() -> None:
    now, typed = mark_differences("Likes <b>strong</b> tea", "Likes weak tea & cake")
    assert bare(now) == "Likes <del>&lt;b&gt;strong&lt;/b&gt;</del> tea"
    assert bare(typed) == "Likes <ins>weak</ins> tea <ins>&amp; cake</ins>"
    assert now.count('<del data-am-label="removed">') == 1
    long = "<x> " * MAX_WORDS
    assert mark_differences(long, "y") == (long.replace("<", "&lt;").replace(">", "&gt;"), "y")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Lives in Porto", "Lives in Lisbon", "Lives in <del>Porto</del><ins>Lisbon</ins>"),
        ("Has a cat and a dog", "Has a dog", "Has a <del>cat and a</del> dog"),
        ("", "Likes tea", "<ins>Likes tea</ins>"),
        ("Likes tea", "", "<del>Likes tea</del>"),
        ("Likes tea", "Likes tea", "Likes tea"),
        ("住在里斯本", "住在波尔图", "住在<del>里斯本</del><ins>波尔图</ins>"),
        # In nothing but spaces.
        ("a b", "a\nb", "<del>a b</del><ins>a\nb</ins>"),
    ],
)
def test_differences_in_one_text(before: str, after: str, expected: str) -> None:
    assert bare(merged_differences(before, after, Budget())) == expected


def test_a_long_text_with_a_small_change_is_marked() -> None:
    words = [f"word{number}" for number in range(3 * MAX_WORDS)]
    changed = [*words[:10], "other", *words[11:]]
    marked = bare(merged_differences(" ".join(words), " ".join(changed), Budget()))
    assert "word9 <del>word10</del> <ins>other</ins> word11" in marked


def test_texts_that_repeat_few_words_take_no_long_time() -> None:
    """They would take seconds each."""
    budget, started = Budget(), time.perf_counter()
    for number in range(20):
        merged_differences(f"{number} " + "a " * 900, "b a " * 450 + f"{number}", budget)
        merged_differences(f"{number} " + "a " * 240, "b a " * 120 + f"{number}", budget)
    assert time.perf_counter() - started < 5
