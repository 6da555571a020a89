"""Entries of ``DATABASES`` from URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import environ

# Readers do not wait for writers, a transaction takes its lock at its start instead of failing later, and a writer
# waits up to 30 seconds for the lock.
SQLITE_OPTIONS = {
    "init_command": "PRAGMA journal_mode=WAL",
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}
# A server that does not answer is given up.
POSTGRES_OPTIONS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
MONGODB_OPTIONS = {"journal": True, "connectTimeoutMS": 5_000, "socketTimeoutMS": 60_000}


def from_url(url: str) -> dict[str, Any]:
    """Return an entry of ``DATABASES``.

    Args:
        url: ``sqlite:///relative``, ``sqlite:////absolute``, ``postgres://user:password@host:5432/name``,
            ``mongodb://host:27017/name?replicaSet=rs0``, or another URL that django-environ supports.
    """
    if url.startswith(("mongodb://", "mongodb+srv://")):
        return mongodb(url)
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config["ENGINE"].endswith("sqlite3"):
        return sqlite(config["NAME"])
    if config["ENGINE"].endswith("postgresql"):
        config["OPTIONS"] = {**POSTGRES_OPTIONS, **config.get("OPTIONS", {})}
    return config


def sqlite(name: str) -> dict[str, Any]:
    """Return an entry for a SQLite file that readers and writers can share."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": dict(SQLITE_OPTIONS)}


def mongodb(url: str) -> dict[str, Any]:
    """Return an entry for MongoDB, with writes that survive a crash. Its backend needs the whole URL as its host.

    django-environ splits such a URL into its parts, and fails if it has several hosts.
    """
    path = url.partition("://")[2].rpartition("@")[2].partition("/")[2]
    name = unquote(path.partition("?")[0]) or "agno_memory"
    return {"ENGINE": "django_mongodb_backend", "HOST": url, "NAME": name, "OPTIONS": dict(MONGODB_OPTIONS)}
