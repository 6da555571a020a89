"""Marks at the differences of two texts. The page of a conflict is tested with the form, in test_admin_form.py."""

from __future__ import annotations

from agno_memory.admin.conflicts import MAX_WORDS, mark_differences


def test_differences_are_marked_and_escaped() -> None:
    now, typed = mark_differences("Likes <b>strong</b> tea", "Likes weak tea & cake")
    assert now == "Likes <del>&lt;b&gt;strong&lt;/b&gt;</del> tea"
    assert typed == "Likes <ins>weak</ins> tea<ins> &amp; cake</ins>"
    long = "<x> " * MAX_WORDS
    assert mark_differences(long, "y") == (long.replace("<", "&lt;").replace(">", "&gt;"), "y")
