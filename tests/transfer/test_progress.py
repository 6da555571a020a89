"""Progress is a bar on a terminal, and lines elsewhere."""

from __future__ import annotations

from unittest import mock

import pytest

from agno_memory.transfer.progress import Progress


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = mock.Mock(side_effect=[0.0, 0.05, 20.0, 0.0, 5.0, 20.0])
    monkeypatch.setattr("agno_memory.transfer.progress.time.monotonic", clock)
    for is_terminal, expected in (
        (True, "\r[#######.......................]  25%  1,000 memories, 50 a second, 1:00 left\x1b[K\r\x1b[K"),
        (False, "25%, 1,000 memories, 50 a second, 1:00 left\n"),
    ):
        stream = mock.Mock(isatty=lambda is_terminal=is_terminal: is_terminal)
        written: list[str] = []
        stream.write = lambda text, style, ending, written=written: written.append(style(text) + ending)
        progress = Progress(stream)
        progress.update(1, 1, 4_000)
        progress.update(1_000, 1_000, 4_000)
        progress.close()
        assert "".join(written) == expected
