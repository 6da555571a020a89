"""Handles: a place for memories that is named in code instead of ``DATABASES``.

A handle makes its connection known to Django under an alias of its own and its table through the model, and creates
the table with its indexes on first use. Handles for one place are interchangeable: they share alias and table.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
from contextlib import closing, suppress
from copy import copy, deepcopy
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from django.apps.registry import Apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.models import Field, Index
from django.db.utils import ConnectionHandler, load_backend
from django.views.decorators.debug import sensitive_variables

from agno_memory.db.drivers import how_to_install
from agno_memory.db.errors import with_django_errors
from agno_memory.models import UserMemory
from agno_memory.operations import CreateTopicsIndex

# Letters, digits, underscores and hyphens: what every database takes as a name without a second thought.
TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")

# A name, an IPv4 address or an IPv6 address in brackets, with or without a port.
MONGODB_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:\d{1,5})?")

# Readers do not wait for writers, a transaction takes its lock at the start instead of failing in the middle, and
# a writer waits this many seconds for its turn.
WAL_MODE = "PRAGMA journal_mode=WAL"
SQLITE_OPTIONS = {
    "init_command": WAL_MODE,
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}

# There are none here, and SQLite can create a table inside a transaction only where they are not checked.
NO_FOREIGN_KEYS = "PRAGMA foreign_keys=OFF"

_lock = threading.RLock()
_models: dict[str, type[UserMemory]] = {}
_given: dict[str, dict[str, Any]] = {}
_ready: set[tuple[str, str]] = set()


class MemoryDb:
    """A table in a database that Django did not know before. Use one of its subclasses.

    Tests that use one name its alias, as any other: ``databases = {"default", memory_db.alias}``.

    Args:
        table_name: of the table or collection: letters, digits, ``_`` and ``-``, at most 63.
        settings: of the connection, as in ``DATABASES``.
    """

    alias_prefix: ClassVar[str] = "agno_memory"

    @sensitive_variables("settings")
    def __init__(self, table_name: str, settings: dict[str, Any]) -> None:
        if not TABLE_NAME.fullmatch(table_name):
            raise ImproperlyConfigured(
                f"{table_name!r} is no table name: use letters, digits, _ and -, at most 63, not a digit first."
            )
        self.table_name = table_name
        self.alias = self._register(settings)
        self.model = _model_for(table_name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.table_name!r} at {self.place}>"

    @property
    def place(self) -> str:
        """Where the database is, without a password."""
        raise NotImplementedError("A handle says where its database is, without a password.")

    def table_exists(self) -> bool:
        """Tell whether the table is there."""
        connection = connections[self.alias]

        def look() -> list[str]:
            with connection.cursor() as cursor:
                return connection.introspection.table_names(cursor)

        return self._is_among(with_django_errors(connection, look))

    def _is_among(self, tables: list[str]) -> bool:
        return self.table_name in tables

    def create(self) -> None:
        """Create the table and its indexes unless they are there. ``Memory`` calls it; again costs nothing."""
        if (self.alias, self.table_name) in _ready:
            return
        with _lock:
            if (self.alias, self.table_name) in _ready:
                return
            with_django_errors(connections[self.alias], self._create)
            # In a transaction of the caller's, the table is there when that commits.
            transaction.on_commit(lambda: _ready.add((self.alias, self.table_name)), using=self.alias)

    def drop(self) -> None:
        """Drop the table, with every memory in it. The next use by this process creates an empty one."""
        with _lock:
            if self.table_exists():
                with_django_errors(connections[self.alias], self._drop)
            _ready.discard((self.alias, self.table_name))

    def _create(self) -> None:
        connection = connections[self.alias]
        if not self.table_exists():
            try:
                with connection.schema_editor() as editor:
                    editor.create_model(self.model)
                    CreateTopicsIndex.create(editor, self.model)
                # The editor leaves foreign keys checked on SQLite; see NO_FOREIGN_KEYS.
                connection.disable_constraint_checking()
            except DatabaseError:
                # Another process was faster: its table is as good, once it is there.
                if not self.table_exists():
                    raise
        if not connection.features.can_rollback_ddl:
            # The table and its indexes came one by one, and whoever made them may have died in between.
            self._complete()

    def _drop(self) -> None:
        with connections[self.alias].schema_editor() as editor:
            editor.delete_model(self.model)

    def _complete(self) -> None:
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            present = connection.introspection.get_constraints(cursor, self.table_name)
        with connection.schema_editor() as editor:
            for index in self.model._meta.indexes:
                if index.name not in present:
                    editor.add_index(self.model, index)
            CreateTopicsIndex.create(editor, self.model)

    @sensitive_variables("settings")
    def _register(self, settings: dict[str, Any]) -> str:
        """Give the connection an alias of its own, made from its place; the same settings get the same alias."""
        try:
            load_backend(settings["ENGINE"])
        except (ImportError, ImproperlyConfigured) as error:
            # Known to Django, it would break everything that goes through all connections.
            raise ImproperlyConfigured(
                f"{type(self).__name__}: its driver cannot be loaded. {how_to_install(settings['ENGINE'])}"
            ) from error
        base = f"{self.alias_prefix}_{hashlib.sha256(self.place.encode()).hexdigest()[:16]}"
        with _lock:
            for number in count(1):
                # Another password for the same place is another connection.
                alias = base if number == 1 else f"{base}_{number}"
                if alias not in connections.settings:
                    # Which fills in what is left out.
                    complete = ConnectionHandler({"default": {}, alias: deepcopy(settings)}).settings
                    connections.settings[alias] = complete[alias]
                    _given[alias] = settings
                if _given.get(alias) == settings:
                    return alias
        raise AssertionError("unreachable: one of the numbers is free")


class SqliteMemoryDb(MemoryDb):
    """Memories in a SQLite file, in WAL mode with immediate transactions.

    Args:
        table_name: of the table.
        db_file: path of the file. Its folder is made when it is first used.

    Raises:
        ImproperlyConfigured: no good table name, or a database in memory, which threads could not share.
    """

    alias_prefix = "agno_memory_sqlite"

    def __init__(self, table_name: str = "memories", db_file: str | Path = "tmp/memory.db") -> None:
        if str(db_file).startswith((":memory:", "file:")) or not str(db_file):
            raise ImproperlyConfigured(
                f"SqliteMemoryDb(db_file={str(db_file)!r}): give the path of a file; "
                "a database in memory would be another one in every thread."
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
    def place(self) -> str:
        return str(self.db_file)

    def _create(self) -> None:
        try:
            self.db_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationalError(f"cannot make the folder {self.db_file.parent}: {error.strerror}") from error
        if not self.db_file.exists():
            self._make_file()
        super()._create()

    def _make_file(self) -> None:
        """Show the file to others once it is in WAL mode: of many that switch it at once, SQLite fails all but one."""
        # Another process was faster, or there are no links here: then the first connection makes it or says why not.
        with suppress(OSError), TemporaryDirectory(dir=self.db_file.parent, prefix=f".{self.db_file.name}-") as folder:
            made = Path(folder) / self.db_file.name
            with closing(sqlite3.connect(made)) as connection:
                connection.execute(WAL_MODE)
            self.db_file.hardlink_to(made)

    def table_exists(self) -> bool:
        # Looking must not make a file.
        return self.db_file.exists() and super().table_exists()

    def _is_among(self, tables: list[str]) -> bool:
        # SQLite's names differ by more than case.
        return self.table_name.casefold() in map(str.casefold, tables)


class PostgresMemoryDb(MemoryDb):
    """Memories in PostgreSQL.

    Args:
        table_name: of the table.
        connection_string: ``postgresql://user:password@host:5432/database?sslmode=require``; parameters after the ``?``
            are libpq's.
        options: more of ``OPTIONS``, as in ``DATABASES``: ``{"prepare_threshold": 5, "server_side_binding": True}``
            lets the server keep its plans, where no connection pooler stands in between.

    Raises:
        ImproperlyConfigured: no good table name or connection string. The text never repeats the string.
    """

    alias_prefix = "agno_memory_postgres"

    @sensitive_variables("connection_string", "url", "settings", "parameters")
    def __init__(
        self, table_name: str = "memories", *, connection_string: str, options: dict[str, Any] | None = None
    ) -> None:
        try:
            # An environment variable that is not set is None.
            url = urlsplit(connection_string or "")
            port = url.port
        except ValueError:
            raise ImproperlyConfigured(
                "PostgresMemoryDb: the connection string is no URL. Write special characters of the password as %xx: "
                "postgresql://user:password@host:5432/database"
            ) from None
        # SQLAlchemy's spelling, postgresql+psycopg://, names its driver after a plus sign.
        if url.scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ImproperlyConfigured(
                "PostgresMemoryDb: the connection string must look like postgresql://user:password@host:5432/database"
            )
        parameters = dict(parse_qsl(url.query))
        settings: dict[str, Any] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path.removeprefix("/")) or parameters.pop("dbname", ""),
            "USER": unquote(url.username or "") or parameters.pop("user", ""),
            "PASSWORD": unquote(url.password or "") or parameters.pop("password", ""),
            "HOST": unquote(url.hostname or "") or parameters.pop("host", ""),
            "PORT": str(port or parameters.pop("port", "")),
            "OPTIONS": {**parameters, **(options or {})},
        }
        if not settings["NAME"]:
            raise ImproperlyConfigured(
                "PostgresMemoryDb: the connection string names no database: postgresql://user:password@host:5432/database"
            )
        self._place = f"{settings['HOST'] or 'local socket'}:{settings['PORT'] or 5432}/{settings['NAME']}"
        super().__init__(table_name, settings)

    @property
    def place(self) -> str:
        return self._place


class MongoMemoryDb(MemoryDb):
    """Memories in MongoDB, through ``django-mongodb-backend``.

    Args:
        collection_name: of the collection.
        connection_string: ``mongodb://user:password@host:27017/`` or ``mongodb+srv://...``.
        db_name: of the database; by default the one that the connection string names.

    Raises:
        ImproperlyConfigured: no good name or connection string. The text never repeats the string.
    """

    alias_prefix = "agno_memory_mongodb"

    @sensitive_variables("connection_string", "rest", "authority", "credentials", "path")
    def __init__(
        self, collection_name: str = "memories", *, connection_string: str, db_name: str | None = None
    ) -> None:
        scheme, separator, rest = (connection_string or "").partition("://")
        if scheme not in ("mongodb", "mongodb+srv") or not separator:
            raise ImproperlyConfigured(
                "MongoMemoryDb: the connection string must look like mongodb://user:password@host:27017/"
            )
        # Many hosts may stand in it, so urlsplit() cannot read it.
        authority, _, path = rest.partition("/")
        credentials, _, hosts = authority.rpartition("@")
        path = path.partition("?")[0]
        if "@" in credentials + path or not all(MONGODB_HOST.fullmatch(host) for host in hosts.split(",")):
            raise ImproperlyConfigured(
                "MongoMemoryDb: the connection string is no URL. Write special characters of the password as %xx: "
                "mongodb://user:password@host:27017/"
            )
        name = db_name or unquote(path)
        if not name:
            raise ImproperlyConfigured(
                'MongoMemoryDb: name a database, db_name="..." or mongodb://user:password@host:27017/database'
            )
        self._place = f"{hosts}/{name}"
        super().__init__(collection_name, {"ENGINE": "django_mongodb_backend", "HOST": connection_string, "NAME": name})

    @property
    def collection_name(self) -> str:
        return self.table_name

    @property
    def place(self) -> str:
        return self._place


def _model_for(table_name: str) -> type[UserMemory]:
    """Return ``UserMemory`` on another table: a subclass, so that its instances are memories like any other.

    Django has no word for "this model, that table". A proxy comes closest; what makes it stand on its own table is told
    to its options, which the queries, ``save()`` and the schema editor all read.
    """
    with _lock:
        if table_name not in _models:
            meta = type("Meta", (), {"proxy": True, "app_label": "agno_memory", "apps": Apps()})
            members = {"__module__": UserMemory.__module__, "Meta": meta, "__reduce__": _reduce}
            model = cast("type[UserMemory]", type("UserMemory", (UserMemory,), members))
            options: Any = model._meta
            options.proxy = False
            options.parents = {}
            options.db_table = table_name
            options.local_fields = [_of_model(model, field) for field in UserMemory._meta.local_fields]
            options.pk = next(field for field in options.local_fields if field.primary_key)
            options._expire_cache()
            options.indexes = [_named_after(model, index) for index in UserMemory._meta.indexes]
            _models[table_name] = model
        return _models[table_name]


def _reduce(memory: UserMemory) -> Any:
    """Say how an instance is copied and pickled: Django would make it one of the model of that name."""
    state = UserMemory.__reduce__(memory)[2]
    return _unsaved_on, (memory._meta.db_table,), state


def _unsaved_on(table_name: str) -> UserMemory:
    model = _model_for(table_name)
    return model.__new__(model)


def _of_model(model: type[UserMemory], field: Field[Any, Any]) -> Field[Any, Any]:
    """Return a field that knows the model's table as its own: some statements name a column with its table."""
    own = copy(field)
    own.model = model
    vars(own).pop("cached_col", None)
    return own


def _named_after(model: type[UserMemory], index: Index) -> Index:
    """Return an index under a name made from the model's table: names are unique in a whole database."""
    own = index.clone()
    own.name = ""
    own.set_name_with_model(model)
    return own
