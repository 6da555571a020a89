"""Capabilities of databases for which Django has no feature flag.

They depend on feature flags, not on the vendor, so they hold for backends that Django does not ship.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper


def returns_written_rows(connection: BaseDatabaseWrapper) -> bool:
    """Return whether UPDATE and DELETE take a ``RETURNING`` clause and return rows as a SELECT does.

    PostgreSQL and SQLite from 3.35 on do. MariaDB has no ``UPDATE ... RETURNING``, MySQL has none at all, and Oracle
    returns into variables. Django 5.2 has no flag for UPDATE, and that of Django 6 (``can_return_rows_from_update``)
    includes Oracle. So this combines two flags: ``RETURNING`` of INSERT, which these databases got together with the
    other two, and PostgreSQL's ``ON CONFLICT (target)``, which MariaDB and Oracle lack.
    """
    features = connection.features
    return bool(features.can_return_columns_from_insert and features.supports_update_conflicts_with_target)


def takes_any_app(connection: BaseDatabaseWrapper) -> bool:
    """Return whether any app can have tables here. MongoDB does not count up, so it has no type for ``AutoField``."""
    return bool(connection.data_types.get("AutoField"))


def has_pool(connection: BaseDatabaseWrapper) -> bool:
    """Return whether closing this connection returns it to a pool of Django's, so that it must not be held."""
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool"))
