"""Durations for people: in the unit in which the number is short."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def duration_text(microseconds: int) -> str:
    """Return a duration as ``0.25 ms``, ``250 ms``, ``2.5 s`` or ``2 min 5 s``."""
    if microseconds < 1_000:
        return _("%(number)s ms") % {"number": number_format(microseconds / 1_000, 2)}
    if microseconds < 1_000_000:
        return _("%(number)s ms") % {"number": number_format(microseconds // 1_000)}
    if microseconds < 60_000_000:
        return _("%(number)s s") % {"number": number_format(microseconds / 1_000_000, 1)}
    minutes, seconds = divmod(microseconds // 1_000_000, 60)
    return _("%(minutes)s min %(seconds)s s") % {"minutes": number_format(minutes), "seconds": seconds}
