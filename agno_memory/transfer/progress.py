"""How far a long command is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Any, Final

WIDTH: Final = 30
# Seconds between two lines where there is no terminal, and between two pictures of the bar.
LINES_EVERY: Final = 10.0
DRAWN_EVERY: Final = 0.1


class Progress:
    """Tells how much was done, how fast, and how long it still takes.

    Args:
        stream: to write to, a command's ``stderr``: what a command prints may go into a file.
        what: is counted, in the plural.
    """

    def __init__(self, stream: Any, what: str = "memories") -> None:
        self._stream = stream
        self._what = what
        self._is_terminal = bool(stream.isatty())
        self._begun = self._told = time.monotonic()

    def tell(self, done: int, position: int, total: int | None) -> None:
        """Show it, unless it was shown just now.

        Args:
            done: how many, for people.
            position: how far in the source, in its own unit.
            total: how far it goes in that unit; None is unknown.
        """
        now = time.monotonic()
        if now - self._told < (DRAWN_EVERY if self._is_terminal else LINES_EVERY):
            return
        self._told = now
        text = self._text(done, position, total, now - self._begun)
        if self._is_terminal:
            self._write(f"\r{text}\x1b[K")
        else:
            self._write(f"{text}\n")

    def close(self) -> None:
        """Take the bar away."""
        if self._is_terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        # Django writes to stderr in red.
        self._stream.write(text, str, ending="")
        self._stream.flush()

    def _text(self, done: int, position: int, total: int | None, seconds: float) -> str:
        rate = f"{done:,} {self._what}, {done / seconds:,.0f} a second"
        if not total or not position:
            return rate
        part = min(position / total, 1.0)
        left = _duration(seconds / part - seconds)
        if not self._is_terminal:
            return f"{part:.0%}, {rate}, {left} left"
        full = int(part * WIDTH)
        return f"[{'#' * full}{'.' * (WIDTH - full)}] {part:4.0%}  {rate}, {left} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
