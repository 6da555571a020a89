"""Checks of the schema and the migrations, and the start of a migration on MongoDB."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004  Django's own name
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import BaseConstraint, Index, Model

from agno_memory.aliases import with_memories
from agno_memory.checks import TAG
from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.guarded import run_on
from agno_memory.models import AgentSession, UserMemory
from agno_memory.operations import CreateKeyIndexes, CreateTopicsIndex, CreateWordsIndex


class MissingParts:
    """The collections and indexes that a database lacks. SQL databases refuse writes to a missing table themselves."""

    @classmethod
    def missing_on_sql(cls, connection: BaseDatabaseWrapper) -> Iterator[str]:
        has_partial = connection.features.supports_partial_indexes
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            for model in apps.get_app_config("agno_memory").get_models():
                if model._meta.db_table in tables:
                    present = connection.introspection.get_constraints(cursor, model._meta.db_table)
                    # Django does not create partial indexes where the database has none, such as MariaDB.
                    declared = (each for each in _declared(model) if has_partial or not _is_partial(each))
                    names = [*(each.name for each in declared), *_topics_indexes(connection, model)]
                    yield from (name for name in names if name not in present)

    @classmethod
    def missing_on_mongodb(cls, connection: BaseDatabaseWrapper) -> Iterator[str]:
        for model in apps.get_app_config("agno_memory").get_models():
            present = mongodb.index_names(connection, model._meta.db_table)
            if present:
                names = [*_index_names(model), *_topics_indexes(connection, model)]
                yield from (name for name in names if name not in present)
            else:
                yield model._meta.db_table


def _declared(model: type[Model]) -> list[Index | BaseConstraint]:
    """Return the indexes of a model, with those of its unique constraints."""
    return [*model._meta.indexes, *model._meta.constraints]


def _is_partial(index: Index | BaseConstraint) -> bool:
    return getattr(index, "condition", None) is not None


def _topics_indexes(connection: BaseDatabaseWrapper, model: type[Model]) -> list[str]:
    """Return the names of the indexes of topics, which are no part of the model."""
    return list(vendor_method(CreateTopicsIndex, connection, "names_on")(model)) if model is UserMemory else []


def _index_names(model: type[Model]) -> list[str]:
    names = [index.name for index in _declared(model)]
    if model is UserMemory:
        names.append(CreateWordsIndex.mongodb_index().name)
    if model is AgentSession:
        names += [index.name for index in CreateKeyIndexes.unique_indexes(model)]
    return names


@register(Tags.database)
def check_schema(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report collections and indexes that are missing; run by ``check --database`` and ``migrate``.

    ``migrate`` does not report those that it will create.

    Raises:
        OperationalError: the MongoDB that ``migrate`` changes does not answer.
    """
    return [message for alias in with_memories(databases) for message in _schema_of(alias)]


def _schema_of(alias: str) -> list[CheckMessage]:
    connection = connection_to(alias)
    try:
        missing = list(vendor_method(MissingParts, connection, "missing_on")(connection))
        if missing and _is_run_by_migrate() and run_on(alias, partial(_has_migrations_to_apply, connection)):
            # This run creates them.
            missing = []
    except DatabaseError as error:
        if _is_run_by_migrate() and mongodb.is_connection_failure(error):
            # Django would go on, and the backend of MongoDB raise the driver's error.
            raise
        return [unreachable(alias, error)]
    return [incomplete(alias, missing)] if missing else []


def _is_run_by_migrate() -> bool:
    # Django runs the checks before the signal pre_migrate, and does not name the command.
    return sys.argv[1:2] == ["migrate"]


def _has_migrations_to_apply(connection: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes("agno_memory")))


@register(TAG)
def check_migrations(**kwargs: Any) -> list[CheckMessage]:
    """Report migrations of the site's own, as ``makemigrations`` generates them."""
    module = settings.MIGRATION_MODULES.get("agno_memory", "agno_memory.migrations")
    return [] if module in (None, "agno_memory.migrations") else [other_migrations(module)]


def other_migrations(module: str) -> CheckMessage:
    return Warning(
        f"MIGRATION_MODULES replaces the migrations of agno_memory by {module!r}: those that makemigrations generates "
        "lack the indexes of topics on PostgreSQL and MongoDB, which are no part of the model.",
        hint='Remove "agno_memory" from MIGRATION_MODULES. If your migrations have the operations of '
        'agno_memory.operations too, add "agno_memory.W017" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W017",
    )


def incomplete(alias: str, missing: Sequence[str]) -> CheckMessage:
    repair = vendor_method(Repair, connection_to(alias), "repair_on")(alias)
    return Warning(
        f"The database {alias!r} lacks collections or indexes of memories: {', '.join(sorted(missing))}. It accepts "
        "writes without them, also those that a unique index refuses.",
        hint=f"Run: python manage.py migrate agno_memory --database {alias}. If it has nothing to apply, {repair}",
        id="agno_memory.W015",
    )


def unreachable(alias: str, error: DatabaseError) -> CheckMessage:
    return Warning(f"The database {alias!r} could not be examined: {error}", id="agno_memory.W016")


class Repair:
    """The way to create missing indexes where all migrations are recorded."""

    @classmethod
    def repair_on_sql(cls, alias: str) -> str:
        return f"execute their statements, which sqlmigrate agno_memory prints for each migration (--database {alias})."

    @classmethod
    def repair_on_mongodb(cls, alias: str) -> str:
        return "run it with zero --fake first: it keeps all memories."


class Preparation:
    """Work before the first migration of a database."""

    @classmethod
    def prepare_on_sql(cls, connection: BaseDatabaseWrapper) -> None:
        """Do nothing: Django prepares the database."""

    @classmethod
    def prepare_on_mongodb(cls, connection: BaseDatabaseWrapper) -> None:
        mongodb.create_migrations_table(connection)


def prepare_migrations(using: str, plan: Sequence[Any] = (), **kwargs: Any) -> None:
    """Let several processes migrate a new database at once; a receiver of ``pre_migrate``."""
    if plan:
        connection = connections[using]
        vendor_method(Preparation, connection, "prepare_on")(connection)
