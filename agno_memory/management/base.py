"""The base of the commands that write memories."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agno_memory.acting import COMMAND, acting
from agno_memory.db.transactions import PATIENT_SECONDS, patient


class WritingCommand(BaseCommand):
    """A command whose writes wait for the transaction of a killed process, which keeps its rows for a minute.

    Only MongoDB has such transactions: other databases end them with the connection.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        with patient(self._notice), acting(through=COMMAND, reason=name):
            return super().execute(*args, **options)

    def _notice(self, alias: str) -> None:
        # The bar of the progress may be on the line.
        start = "\r\x1b[K" if self.stderr.isatty() else ""
        text = (
            f"{start}Database {alias!r}: another transaction holds some of the rows, perhaps of a process that was "
            f"killed. Waiting until it ends, for {PATIENT_SECONDS:.0f} seconds at most."
        )
        # Without a style: Django writes to stderr in red, and this is not an error.
        self.stderr.write(text, str)
        self.stderr.flush()
