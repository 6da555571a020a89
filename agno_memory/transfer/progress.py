"""Progress of a long command: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

import time
from typing import Any, Final

# Characters of the bar.
WIDTH: Final = 30
# Seconds between two updates: of lines, and of the bar.
LINE_INTERVAL: Final = 10.0
BAR_INTERVAL: Final = 0.1


class Progress:
    """Shows the number of items done, the rate, and the remaining time.

    Args:
        stream: to write to, a command's ``stderr``, because the standard output may go into a file.
        unit: name of the items, in the plural.
    """

    def __init__(self, stream: Any, unit: str = "memories") -> None:
        self._stream = stream
        self._unit = unit
        self._is_terminal = bool(stream.isatty())
        self._started = self._last_shown = time.monotonic()

    def update(self, done: int, position: int, total: int | None) -> None:
        """Show the progress, unless the last update is too recent.

        Args:
            done: number of items.
            position: position in the source, in the source's unit (rows or bytes).
            total: end of the source in the same unit; None if unknown.
        """
        now = time.monotonic()
        if now - self._last_shown < (BAR_INTERVAL if self._is_terminal else LINE_INTERVAL):
            return
        self._last_shown = now
        text = self._text(done, position, total, now - self._started)
        if self._is_terminal:
            self._write(f"\r{text}\x1b[K")
        else:
            self._write(f"{text}\n")

    def close(self) -> None:
        """Remove the bar."""
        if self._is_terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        # Without a style: Django writes to stderr in red.
        self._stream.write(text, str, ending="")
        self._stream.flush()

    def _text(self, done: int, position: int, total: int | None, seconds: float) -> str:
        rate = f"{done:,} {self._unit}, {done / seconds:,.0f} a second"
        if not total or not position:
            return rate
        fraction = min(position / total, 1.0)
        remaining = _duration(seconds / fraction - seconds)
        if not self._is_terminal:
            return f"{fraction:.0%}, {rate}, {remaining} left"
        filled = int(fraction * WIDTH)
        return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {fraction:4.0%}  {rate}, {remaining} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
