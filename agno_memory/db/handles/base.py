"""``MemoryDb``: the base of all handles."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable
from copy import deepcopy
from itertools import count
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, transaction
from django.db.models import BaseConstraint, Index, Model
from django.db.utils import ConnectionHandler, load_backend
from django.views.decorators.debug import sensitive_variables

from agno_memory.db.connections import connection_to
from agno_memory.db.drivers import how_to_install
from agno_memory.db.errors import with_django_errors
from agno_memory.db.table_models import model_for
from agno_memory.db.words_index import WordsIndex
from agno_memory.operations import CreateTopicsIndex, CreateWordsIndex

# Letters, digits, underscores and hyphens: every database accepts these in a name.
TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")

_lock = threading.RLock()
# The settings of each alias that a handle has registered.
_settings: dict[str, dict[str, Any]] = {}
# Aliases with their tables that exist for certain.
_created: set[tuple[str, str]] = set()


def is_handle(alias: str) -> bool:
    """Return whether a handle has registered an alias."""
    return alias in _settings


class MemoryDb:
    """A table in a database that ``DATABASES`` does not name. Use one of its subclasses.

    A test that uses one must allow its alias, as any other: ``databases = {"default", memory_db.alias}``.

    Args:
        table_name: the name of the table or collection: letters, digits, ``_`` and ``-``, at most 63 characters.
        settings: the settings of the connection, as in ``DATABASES``.

    Raises:
        ImproperlyConfigured: an invalid table name, or a driver that is not installed.
    """

    alias_prefix: ClassVar[str] = "agno_memory"

    @sensitive_variables("settings")
    def __init__(self, table_name: str, settings: dict[str, Any]) -> None:
        if not TABLE_NAME.fullmatch(table_name):
            raise ImproperlyConfigured(
                f"{table_name!r} is not a valid table name. Use letters, digits, _ and -, at most 63 characters, "
                "and begin with a letter or _."
            )
        self.table_name = table_name
        self.alias = self._register(settings)
        self.model = model_for(table_name)
        # The tables beside that of the memories.
        self._others: list[type[Model]] = [
            self.model.vectors(self.alias).model,
            self.model.revisions(self.alias).model,
        ]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.table_name!r} at {self.location}>"

    @property
    def location(self) -> str:
        """The location of the database, without a password."""
        raise NotImplementedError("A subclass of MemoryDb must define location.")

    def table_exists(self) -> bool:
        """Return whether the table exists."""
        return self._is_among(self._table_names(), self.table_name)

    def _table_names(self) -> list[str]:
        connection = connection_to(self.alias)

        def table_names() -> list[str]:
            with connection.cursor() as cursor:
                return connection.introspection.table_names(cursor)

        return with_django_errors(connection, table_names)

    def _is_among(self, tables: list[str], name: str) -> bool:
        return name in tables

    def create(self) -> None:
        """Create the table and its indexes unless they exist. ``Memory`` calls this; later calls cost nothing."""
        if (self.alias, self.table_name) in _created:
            return
        with _lock:
            if (self.alias, self.table_name) in _created:
                return
            with_django_errors(connection_to(self.alias), self._create)
            # Inside a transaction of the caller, the table exists for certain only after its commit.
            transaction.on_commit(lambda: _created.add((self.alias, self.table_name)), using=self.alias)

    def _forget_created(self) -> None:
        """Look for all tables of this database again before they are used."""
        with _lock:
            _created.difference_update({each for each in _created if each[0] == self.alias})

    def drop(self) -> None:
        """Drop the table with all of its memories. The next use by this process creates an empty one."""
        with _lock:
            if self.table_exists():
                with_django_errors(connection_to(self.alias), self._drop)
            _created.discard((self.alias, self.table_name))

    def _create(self) -> None:
        connection = connection_to(self.alias)
        for model in self._missing():
            try:
                with connection.schema_editor() as editor:
                    editor.create_model(model)
                    if model is self.model:
                        CreateTopicsIndex.create(editor, model)
                # On SQLite, the editor turns the checks of foreign keys on; see sqlite.NO_FOREIGN_KEYS.
                connection.disable_constraint_checking()
            except DatabaseError:
                # Another process may have created the table at the same time, which is as good.
                if model in self._missing():
                    raise
        if self._add_missing_columns():
            self._create_missing_indexes()
        self._create_words_index()
        if not connection.features.can_rollback_ddl:
            # A process that was killed between two statements may have left a table without all of its indexes.
            self._create_missing_indexes()
            with connection.schema_editor() as editor:
                CreateTopicsIndex.create(editor, self.model)

    def _add_missing_columns(self) -> bool:
        """Add the columns that a table of an earlier version lacks, and return whether it lacked some."""
        missing = self._missing_fields()
        if not missing:
            return False
        connection = connection_to(self.alias)
        try:
            with connection.schema_editor() as editor:
                for field in missing:
                    self._add_field(editor, field)
            connection.disable_constraint_checking()
        except DatabaseError:
            # Another process may have added them at the same time, which is as good.
            if self._missing_fields():
                raise
        return True

    def _add_field(self, editor: Any, field: Any) -> None:
        editor.add_field(self.model, field)

    def _missing_fields(self) -> list[Any]:
        connection = connection_to(self.alias)
        with connection.cursor() as cursor:
            columns = {each.name for each in connection.introspection.get_table_description(cursor, self.table_name)}
        return [field for field in self.model._meta.local_concrete_fields if field.column not in columns]

    def _missing(self) -> list[type[Model]]:
        """Return the models of the tables that do not exist: a table of memories may be older than the others."""
        tables = self._table_names()
        models: list[type[Model]] = [self.model, *self._others]
        return [model for model in models if not self._is_among(tables, model._meta.db_table)]

    def _create_words_index(self) -> None:
        """Create the index of words, which a table of an earlier version lacks, unless it exists."""
        connection = connection_to(self.alias)
        if not CreateWordsIndex.is_made_on(connection) or WordsIndex.exists(connection, self.model):
            return
        try:
            with connection.schema_editor() as editor:
                CreateWordsIndex.create(editor, self.model)
            connection.disable_constraint_checking()
        except DatabaseError:
            # Another process may have created it at the same time, which is as good.
            if not WordsIndex.exists(connection, self.model):
                raise

    def _drop(self) -> None:
        missing = self._missing()
        with connection_to(self.alias).schema_editor() as editor:
            if self.model not in missing:
                CreateWordsIndex.drop(editor, self.model)
            for model in (self.model, *self._others):
                if model not in missing:
                    editor.delete_model(model)

    def _create_missing_indexes(self) -> None:
        with connection_to(self.alias).schema_editor() as editor:
            for model in (self.model, *self._others):
                present = self._index_names(model._meta.db_table)
                for index in (*model._meta.indexes, *model._meta.constraints):
                    if index.name not in present:
                        self._add_index(editor, model, index)

    @staticmethod
    def _add_index(editor: Any, model: type[Model], index: Index | BaseConstraint) -> None:
        add = editor.add_index if isinstance(index, Index) else editor.add_constraint
        add(model, index)

    def _index_names(self, table: str) -> Iterable[str]:
        connection = connection_to(self.alias)
        with connection.cursor() as cursor:
            return connection.introspection.get_constraints(cursor, table).keys()

    @sensitive_variables("settings")
    def _register(self, settings: dict[str, Any]) -> str:
        """Register the connection and return its alias, which is made from its location.

        The same settings get the same alias. The same location with another password gets another alias.
        """
        try:
            load_backend(settings["ENGINE"])
        except (ImportError, ImproperlyConfigured) as error:
            # Django must not learn of it: code that loops over all connections would fail.
            raise ImproperlyConfigured(
                f"{type(self).__name__}: cannot import the database driver. {how_to_install(settings['ENGINE'])}"
            ) from error
        base = f"{self.alias_prefix}_{hashlib.sha256(self.location.encode()).hexdigest()[:16]}"
        with _lock:
            for number in count(1):
                alias = base if number == 1 else f"{base}_{number}"
                if alias not in connections.settings:
                    # The handler adds the defaults of the settings that are left out.
                    complete = ConnectionHandler({"default": {}, alias: deepcopy(settings)}).settings
                    connections.settings[alias] = complete[alias]
                    _settings[alias] = settings
                if _settings.get(alias) == settings:
                    return alias
        raise AssertionError("unreachable: one of the numbers is free")
