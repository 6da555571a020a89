"""Two people, or a person and an agent, wrote the same memory: what both wrote, side by side."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from agno_memory.admin.forms import UserMemoryForm
from agno_memory.cleaning import field_named
from agno_memory.models import UserMemory

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Longer texts are shown without marks: comparing them takes too long.
MOST_WORDS = 2_000


class Difference(NamedTuple):
    """A field that differs: as it is now, and as the editor wrote it."""

    name: str
    now: SafeString
    typed: SafeString


class Conflict:
    """What stands against each other.

    Args:
        current: the memory as it is now.
        form: as it was sent.
    """

    def __init__(self, current: UserMemory, form: UserMemoryForm) -> None:
        self.current, self.form = current, form

    def differences(self) -> Iterator[Difference]:
        """Yield the fields in which the two differ."""
        for name in self.form.changed_data:
            if name in UserMemory.content_fields:
                now, typed = self._text(name, getattr(self.current, name)), str(self.form[name].value() or "")
                if now != typed:
                    yield Difference(str(capfirst(field_named(name).verbose_name)), *marked(now, typed))

    def _text(self, name: str, value: Any) -> str:
        return str(self.form.fields[name].prepare_value(value) or "")

    def editor(self) -> LogEntry | None:
        """Return the last entry of a member of staff about it, if there was no write after it."""
        of_model = get_content_type_for_model(self.current)
        entries = LogEntry.objects.filter(content_type=of_model, object_id=self.current.pk).select_related("user")
        entry = entries.order_by("-action_time").first()
        return entry if entry and entry.action_time >= self.current.last_updated else None


def marked(now: str, typed: str) -> tuple[SafeString, SafeString]:
    """Return both texts with marks at the words in which they differ."""
    ours, theirs = WORDS.findall(now), WORDS.findall(typed)
    if len(ours) + len(theirs) > MOST_WORDS:
        return format_html("{}", now), format_html("{}", typed)
    codes = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    left = format_html_join("", "{}", ((_mark("del", ours[a:b], code),) for code, a, b, _c, _d in codes))
    right = format_html_join("", "{}", ((_mark("ins", theirs[c:d], code),) for code, _a, _b, c, d in codes))
    return left, right


def _mark(tag: str, words: list[str], code: str) -> SafeString:
    text = "".join(words)
    if code == "equal" or not words:
        return format_html("{}", text)
    # Names of this module, never a value.
    return format_html(f"<{tag}>{{}}</{tag}>", text)
