from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.handles.base import MemoryDb

# A host name, an IPv4 address or an IPv6 address in brackets, with or without a port.
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:\d{1,5})?")

# Those of the connection string win.
MONGODB_OPTIONS: Final = {
    # A single server confirms other writes up to 100 milliseconds before it writes them to its journal.
    "journal": True,
    # Without a timeout, a call waits for ever for a server that has lost its network.
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 60_000,
}


class MongoMemoryDb(MemoryDb):
    """Memories in MongoDB, through ``django-mongodb-backend``.

    Args:
        collection_name: the name of the collection.
        connection_string: ``mongodb://user:password@host:27017/`` or ``mongodb+srv://...``.
        db_name: the name of the database; by default the one in the connection string.

    Raises:
        ImproperlyConfigured: an invalid name or connection string. The text does not repeat the string.
    """

    alias_prefix = "agno_memory_mongodb"

    @sensitive_variables("connection_string", "path")
    def __init__(
        self, collection_name: str = "memories", *, connection_string: str, db_name: str | None = None
    ) -> None:
        hosts, path = _parts_of(connection_string)
        name = db_name or unquote(path)
        if not name:
            raise ImproperlyConfigured(
                'MongoMemoryDb: name the database, as db_name="..." or in mongodb://user:password@host:27017/database'
            )
        self._location = f"{hosts}/{name}"
        named = options_in(connection_string)
        options = {key: value for key, value in MONGODB_OPTIONS.items() if key.lower() not in named}
        settings = {"HOST": connection_string, "NAME": name, "OPTIONS": options}
        super().__init__(collection_name, {"ENGINE": "django_mongodb_backend", **settings})

    @property
    def collection_name(self) -> str:
        """The name of the collection."""
        return self.table_name

    @property
    def location(self) -> str:
        return self._location

    def _missing_fields(self) -> list[Any]:
        # A collection has no columns; a document without a field is read with None.
        return []

    def _index_names(self, table: str) -> Iterable[str]:
        # The backend's introspection fails on a hashed index, which a sharded collection has.
        return mongodb.index_names(connection_to(self.alias), table)


@sensitive_variables("connection_string")
def options_in(connection_string: str) -> dict[str, str]:
    """Return the options of a connection string, by their names in lower case."""
    pairs = (pair.partition("=") for pair in re.split("[&;]", connection_string.partition("?")[2]))
    return {name.lower(): unquote(value) for name, _, value in pairs if name}


@sensitive_variables("connection_string", "rest", "authority", "credentials", "path")
def _parts_of(connection_string: str | None) -> tuple[str, str]:
    """Return the hosts of a connection string, and its path: the quoted name of a database, or ""."""
    # An environment variable that is not set is None.
    scheme, separator, rest = (connection_string or "").partition("://")
    if scheme not in ("mongodb", "mongodb+srv") or not separator:
        raise ImproperlyConfigured(
            "MongoMemoryDb: the connection string must look like mongodb://user:password@host:27017/"
        )
    # urlsplit() cannot read a string with several hosts.
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    path = path.partition("?")[0]
    if "@" in credentials + path or not all(HOST.fullmatch(host) for host in hosts.split(",")):
        raise ImproperlyConfigured(
            "MongoMemoryDb: the connection string is not a valid URL. Write special characters of the password as "
            "%xx: mongodb://user:password@host:27017/"
        )
    return hosts, path
