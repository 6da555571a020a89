"""Databases that the demo of an earlier version has set up.

There, an id is unique over all people. This version keeps ids unique within a person, and has no migration for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db import SqliteMemoryDb
from agno_memory.models import UserMemory
from demo_project import examples

HANDLE = re.compile(r"""SqliteMemoryDb\(table_name="(?P<table>[^"]+)", db_file=["'](?P<file>[^"']+)["']\)""")


def refuse() -> None:
    """Check the database of the memories and the files of the examples.

    Raises:
        CommandError: one of them is of an earlier version.
    """
    for connection, table in tables():
        if is_outdated(connection, table):
            place = connection.settings_dict["NAME"]
            kind = "file" if Path(place).is_file() else "database"
            raise CommandError(
                f"The memories in {place} are in the format of an earlier version of this demo: "
                f"delete this {kind} or move it away, and run the command again."
            )


def tables() -> Iterator[tuple[BaseDatabaseWrapper, str]]:
    """Yield the tables that the demo uses, each with its connection. A file that does not exist is not made."""
    yield connections[router.db_for_write(UserMemory)], UserMemory._meta.db_table
    for code in examples.for_this_site().values():
        for handle in HANDLE.finditer(code):
            if Path(handle["file"]).is_file():
                memory_db = SqliteMemoryDb(table_name=handle["table"], db_file=handle["file"])
                yield connections[memory_db.alias], memory_db.table_name


def is_outdated(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Return whether the ids in a table are unique over all people."""
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        try:
            constraints = connection.introspection.get_constraints(cursor, table).values()
        except KeyError:
            # MongoDB's backend cannot read an index of texts, and only this version has one.
            return False
    return any(each["columns"] == ["memory_id"] and (each["unique"] or each["primary_key"]) for each in constraints)
