from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from agno_memory.db.handles.base import MemoryDb

# In WAL mode, readers do not wait for writers. An immediate transaction takes its lock at the start instead of failing
# in the middle. The timeout is the number of seconds that a writer waits for its turn.
WAL_MODE = "PRAGMA journal_mode=WAL"
SQLITE_OPTIONS = {
    "init_command": WAL_MODE,
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}

# The table has no foreign keys, and SQLite can create a table inside a transaction only if it does not check them.
NO_FOREIGN_KEYS = "PRAGMA foreign_keys=OFF"


class SqliteMemoryDb(MemoryDb):
    """Memories in a SQLite file, in WAL mode with immediate transactions.

    Args:
        table_name: the name of the table.
        db_file: path of the file. The file and its folder are created on first use.

    Raises:
        ImproperlyConfigured: an invalid table name, or a database in memory, which threads could not share.
    """

    alias_prefix = "agno_memory_sqlite"

    def __init__(self, table_name: str = "memories", db_file: str | Path = "tmp/memory.db") -> None:
        if str(db_file).startswith((":memory:", "file:")) or not str(db_file):
            raise ImproperlyConfigured(
                f"SqliteMemoryDb(db_file={str(db_file)!r}): pass the path of a file. "
                "Each thread would have a separate database in memory."
            )
        self.db_file = Path(db_file).expanduser().resolve()
        super().__init__(
            table_name,
            {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(self.db_file),
                "OPTIONS": SQLITE_OPTIONS | {"init_command": f"{WAL_MODE}; {NO_FOREIGN_KEYS}"},
            },
        )

    @property
    def location(self) -> str:
        return str(self.db_file)

    def _create(self) -> None:
        try:
            self.db_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationalError(f"Cannot create the folder {self.db_file.parent}: {error.strerror}") from error
        if not self.db_file.exists():
            self._create_file()
        super()._create()

    def _create_file(self) -> None:
        """Create the file under another name and link it when it is in WAL mode.

        If several connections switch a file to WAL mode at once, SQLite fails all but one.
        """
        # Another process may have created the file at the same time, or the file system has no links. Then the first
        # connection creates the file or raises the error.
        with suppress(OSError), TemporaryDirectory(dir=self.db_file.parent, prefix=f".{self.db_file.name}-") as folder:
            new_file = Path(folder) / self.db_file.name
            with closing(sqlite3.connect(new_file)) as connection:
                connection.execute(WAL_MODE)
            self.db_file.hardlink_to(new_file)

    def table_exists(self) -> bool:
        # Without this check, connecting would create the file.
        return self.db_file.exists() and super().table_exists()

    def _is_among(self, tables: list[str]) -> bool:
        # SQLite ignores case in names of tables.
        return self.table_name.casefold() in map(str.casefold, tables)
