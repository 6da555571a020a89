"""What ``--what`` chooses: the kinds of data that are copied and imported."""

from __future__ import annotations

from collections.abc import Iterable

from agno_memory.transfer.sources import SourceError


def chosen(what: str | Iterable[str] | None, kinds: Iterable[str]) -> list[str]:
    """Return the chosen kinds, in the order in which they are written.

    Args:
        what: names, separated by commas; None or "" for all.
        kinds: those that there are, in their order.

    Raises:
        SourceError: there is no such kind.
    """
    kinds = list(kinds)
    parts = what.split(",") if isinstance(what, str) else what or ()
    names = [name.strip() for name in parts if name.strip()]
    unknown = [name for name in names if name not in kinds]
    if unknown:
        raise SourceError(f"--what does not know {', '.join(unknown)}. Choose some of: {', '.join(kinds)}.")
    return [name for name in kinds if name in names] if names else kinds
