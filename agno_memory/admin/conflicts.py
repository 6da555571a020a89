"""Conflicts: a memory changed while a staff user was editing it. Both texts are shown side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from agno_memory.admin.differences import mark_differences
from agno_memory.admin.forms import UserMemoryForm
from agno_memory.cleaning import field_named
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS


class Difference(NamedTuple):
    """A field that differs, with its current text and the submitted text."""

    label: str
    current: SafeString
    submitted: SafeString


class Conflict:
    """The current memory and the submitted form.

    Args:
        current: the memory as it is in the database.
        form: the form as it was submitted.
    """

    def __init__(self, current: UserMemory, form: UserMemoryForm) -> None:
        self.current, self.form = current, form

    def differences(self) -> Iterator[Difference]:
        """Yield the fields that differ."""
        for name in self.form.changed_data:
            if name in CONTENT_FIELDS:
                current = self._text(name, getattr(self.current, name))
                submitted = str(self.form[name].value() or "")
                if current != submitted:
                    label = str(capfirst(field_named(name).verbose_name))
                    yield Difference(label, *mark_differences(current, submitted))

    def _text(self, name: str, value: Any) -> str:
        return str(self.form.fields[name].prepare_value(value) or "")

    def editor(self) -> LogEntry | None:
        """Return the admin's log entry of the last write; None if the last write came from outside the admin."""
        content_type = get_content_type_for_model(self.current)
        entries = LogEntry.objects.filter(content_type=content_type, object_id=self.current.pk).select_related("user")
        entry = entries.order_by("-action_time").first()
        return entry if entry and entry.action_time >= self.current.last_updated else None
