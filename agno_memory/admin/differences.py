"""The words that differ between two texts, as markup with ``<del>`` and ``<ins>``."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

# A word, or a character of a script without spaces, or another sign, each with the spaces after it.
CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORDS: Final = re.compile(rf"[{CJK}]\s*|[^\W{CJK}]+\s*|[^\w\s]\s*|\s+")
# Longer texts, and texts that repeat few words, are shown without marks, because comparing them takes too long.
MAX_WORDS: Final = 4_000
MAX_PAIRS: Final = 60_000


class Part(NamedTuple):
    """A part of two texts: the same words in both, or different ones."""

    is_same: bool
    before: str
    after: str


class Budget:
    """The work that a page may do for comparisons, in pairs of equal words. Texts beyond it are shown without marks.

    Args:
        pairs: the maximum for all texts of the page.
    """

    def __init__(self, pairs: int = 5 * MAX_PAIRS) -> None:
        self._left = pairs

    def takes(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Return whether two texts can be compared, and count the work."""
        if len(before) + len(after) > MAX_WORDS:
            return False
        counts, others = Counter(before), Counter(after)
        pairs = sum(count * others[word] for word, count in counts.items())
        if pairs > min(MAX_PAIRS, self._left):
            return False
        self._left -= pairs
        return True


def mark_differences(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Return both texts as markup, with ``<del>`` and ``<ins>`` around the words that differ."""
    parts = list(_parts(before, after, Budget()))
    if not any(part.is_same for part in parts):
        # Marks around everything show nothing.
        return format_html("{}", before), format_html("{}", after)
    left = format_html_join("", "{}", ((_mark("del", part.before, part.is_same),) for part in parts))
    right = format_html_join("", "{}", ((_mark("ins", part.after, part.is_same),) for part in parts))
    return left, right


def merged_differences(before: str, after: str, budget: Budget) -> SafeString:
    """Return one text as markup, with the words that were removed and those that were added."""
    return format_html_join(
        "",
        "{}{}",
        (
            ("" if part.is_same else _mark("del", part.before), _mark("ins", part.after, part.is_same))
            for part in _parts(before, after, budget)
        ),
    )


def _parts(before: str, after: str, budget: Budget) -> Iterator[Part]:
    """Yield the parts of two texts, in their order."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    old_words, new_words = [word.strip() for word in old], [word.strip() for word in new]
    first = _common(old_words, new_words)
    last = _common(old_words[first:][::-1], new_words[first:][::-1])
    ends = len(old) - last, len(new) - last
    left, right = old_words[first : ends[0]], new_words[first : ends[1]]
    # Texts that differ in their spaces alone are as different as any.
    if (old_words == new_words and before != after) or not budget.takes(left, right):
        yield Part(False, before, after)
        return
    yield Part(True, "".join(old[:first]), "".join(new[:first]))
    for code, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        yield Part(code == "equal", "".join(old[first + a : first + b]), "".join(new[first + c : first + d]))
    yield Part(True, "".join(old[ends[0] :]), "".join(new[ends[1] :]))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words both have at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))


def _mark(tag: str, text: str, is_same: bool = False) -> SafeString:
    words = text.rstrip()
    if is_same or not words:
        return format_html("{}", text)
    # Screen readers do not announce these elements; the style sheet adds the label for them alone.
    label = _("removed") if tag == "del" else _("added")
    # The tag is a constant of this module, never data.
    return format_html(f'<{tag} data-am-label="{{}}">{{}}</{tag}>{{}}', label, words, text[len(words) :])
