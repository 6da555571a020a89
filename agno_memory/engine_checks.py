"""System checks of the settings of one database; ``checks.py`` calls those of each database with models of this app."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.core.checks import CheckMessage, Warning  # noqa: A004  Django's own name

from agno_memory.db.handles import SQLITE_OPTIONS, options_in

WAL = re.compile(r"\bjournal_mode\s*[=(]\s*['\"]?wal\b", re.IGNORECASE)
# A transaction in these modes takes its lock when it begins.
IMMEDIATE_MODES = {"IMMEDIATE", "EXCLUSIVE"}
# Ports of pools in transaction mode, by the documentation of the pool or of the provider. Neon's pool has PostgreSQL's
# own port, and runs prepared statements.
POOL_PORTS: Final = {
    "6432": "PgBouncer",  # the default of PgBouncer, Odyssey and PgCat; Azure keeps it
    "6543": "Supabase",  # Supavisor in transaction mode
    "5431": "Crunchy Bridge",
    "25061": "DigitalOcean",
}


def _sqlite(alias: str, settings_dict: Mapping[str, Any]) -> Iterator[CheckMessage]:
    name, options = str(settings_dict["NAME"]), settings_dict["OPTIONS"]
    if name.startswith((":memory:", "file::memory:")) or "mode=memory" in name:
        return
    missing = []
    if not WAL.search(str(options.get("init_command", ""))):
        missing.append("WAL mode")
    if str(options.get("transaction_mode", "")).upper() not in IMMEDIATE_MODES:
        missing.append("immediate transactions")
    if missing:
        yield unsafe_sqlite(alias, " and ".join(missing))


def unsafe_sqlite(alias: str, missing: str) -> CheckMessage:
    return Warning(
        f"The SQLite database {alias!r} is opened without {missing}: readers and writers block each other "
        'until one fails with "database is locked".',
        hint=f'Add to DATABASES["{alias}"]: "OPTIONS": {json.dumps(SQLITE_OPTIONS)}',
        id="agno_memory.W001",
    )


def _postgresql(alias: str, settings_dict: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Report prepared statements where the settings suggest a pool that shares connections."""
    options = settings_dict["OPTIONS"]
    if options.get("prepare_threshold") is None:
        return
    if settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        yield unsafe_pool(alias, "DISABLE_SERVER_SIDE_CURSORS")
        return
    # Django prefers PORT; libpq takes a list, a port for each host.
    ports = str(settings_dict.get("PORT") or options.get("port", "")).split(",")
    of_pools = [port for port in map(str.strip, ports) if port in POOL_PORTS]
    if of_pools:
        yield unsafe_pool(alias, f"PORT {of_pools[0]} ({POOL_PORTS[of_pools[0]]})")


def unsafe_pool(alias: str, sign: str) -> CheckMessage:
    return Warning(
        f"The PostgreSQL database {alias!r} has prepare_threshold, and by its {sign} it seems to be behind a "
        "connection pool in transaction mode: a statement may run under the name of another one, so that a read "
        "deletes rows.",
        hint=f'Remove "prepare_threshold" from DATABASES["{alias}"]["OPTIONS"]. PgBouncer 1.21 or later with '
        'max_prepared_statements supports it: then add "agno_memory.W010" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W010",
    )


def _mongodb(alias: str, settings_dict: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Report writes that are confirmed before they are in the journal."""
    options = {name.lower(): value for name, value in settings_dict["OPTIONS"].items()}
    # The driver prefers OPTIONS to the connection string.
    journal = options.get("journal", options_in(str(settings_dict["HOST"])).get("journal"))
    if str(journal).lower() != "true":
        yield unsafe_mongodb(alias)


def unsafe_mongodb(alias: str) -> CheckMessage:
    return Warning(
        f"The MongoDB database {alias!r} is opened without journal=true: if a single server is killed, it loses "
        "writes that it has confirmed, and deleted memories come back.",
        hint=f'Add journal=true to the connection string in DATABASES["{alias}"]["HOST"]: '
        '"mongodb://localhost:27017/?journal=true". A replica set is slower by it only where it waits for less than '
        "a majority.",
        id="agno_memory.W013",
    )


# By the vendor of the database.
ENGINE_CHECKS: Final[dict[str, Callable[[str, Mapping[str, Any]], Iterator[CheckMessage]]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mongodb": _mongodb,
}
