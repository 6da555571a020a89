"""The base of the commands that write a file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from agno_memory.transfer.exporter import atomic_file


class ExportingCommand(BaseCommand):
    """A command that writes a file, or the standard output."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", metavar="FILE", help="file to write (default: -, the standard output)")
        parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
        parser.add_argument(
            "--database", choices=list(connections), help="alias to read from (default: chosen by the router)"
        )

    def write_to(
        self, output: str | Path | None, write: Callable[[Callable[[str], object]], str], *, overwrite: bool
    ) -> None:
        """Write the file, and print the numbers of its parts.

        Args:
            output: the file; a string from the command line, a string or a path from ``call_command()``.
            write: writes the pieces of the file by the function that it gets, and returns their number in words.
            overwrite: replace a file that exists.

        Raises:
            CommandError: the file exists, or cannot be written; it is as before.
        """
        if output in (None, "-"):
            write(lambda piece: self.stdout.write(piece, ending=""))
            return
        path = Path(str(output))
        if path.exists() and not overwrite:
            raise CommandError(f"{path} exists already. --overwrite replaces it.")
        try:
            with atomic_file(path) as file:
                words = write(file.write)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None
        self.stdout.write(f"{words} in {path}.")
