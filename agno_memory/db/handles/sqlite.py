from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db.handles.base import MemoryDb

Identity = tuple[int, int]

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
# SQLite writes zeros over deleted rows, so an erased text is not in the file any more.
SECURE_DELETE = "PRAGMA secure_delete=ON"
# 16 MB instead of 2: of a large table, those hold few pages of the indexes that a write changes.
CACHE_SIZE = "PRAGMA cache_size=-16000"


# The file of each alias, and the one that each connection opened.
_files: dict[str, Identity | None] = {}
_opened: WeakKeyDictionary[BaseDatabaseWrapper, Identity | None] = WeakKeyDictionary()


def _identity(path: Path) -> Identity | None:
    """Return the file system and the number of a file, which another file of the same name does not have."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


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
                "OPTIONS": SQLITE_OPTIONS
                | {"init_command": "; ".join((WAL_MODE, NO_FOREIGN_KEYS, SECURE_DELETE, CACHE_SIZE))},
            },
        )

    def _add_field(self, editor: Any, field: Any) -> None:
        # Django would copy the whole table, by a model of its own.
        definition, params = editor.column_sql(self.model, field, include_default=True)
        column, table = (editor.quote_name(name) for name in (field.column, self.table_name))
        # A statement that changes a table takes no parameters.
        editor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition % tuple(map(editor.quote_value, params))}")

    @property
    def location(self) -> str:
        return str(self.db_file)

    def create(self) -> None:
        self._leave_deleted_file()
        super().create()

    def _leave_deleted_file(self) -> None:
        """Close this thread's connection to a file that was deleted or replaced: no other one reads its writes."""
        connection = connections[self.alias]
        current = _identity(self.db_file)
        if current is not None and _opened.get(connection) == current:
            return
        if connection.connection is not None and not connection.in_atomic_block:
            connection.close()
        if connection.connection is None:
            if current is None or _files.get(self.alias) != current:
                self._forget_created()
            # The next connection opens the file that this leaves there.
            super().create()
            _opened[connection] = _files[self.alias] = _identity(self.db_file)

    def _create(self) -> None:
        try:
            self.db_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationalError(f"Cannot create the folder {self.db_file.parent}: {error.strerror}") from error
        stale = {path: _identity(path) for path in self._write_ahead_files()}
        if not self.db_file.exists():
            # Without its file, a log holds writes of a deleted database, and SQLite would replay them into the new one.
            for path, identity in stale.items():
                if identity is not None and _identity(path) == identity:
                    path.unlink(missing_ok=True)
            self._create_file()
        super()._create()

    def _write_ahead_files(self) -> list[Path]:
        return [self.db_file.with_name(f"{self.db_file.name}{suffix}") for suffix in ("-wal", "-shm")]

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

    def _is_among(self, tables: list[str], name: str) -> bool:
        # SQLite ignores case in names of tables.
        return name.casefold() in map(str.casefold, tables)
