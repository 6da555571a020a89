from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from agno_memory.db.handles.base import MemoryDb


class PostgresMemoryDb(MemoryDb):
    """Memories in PostgreSQL.

    Args:
        table_name: the name of the table.
        connection_string: ``postgresql://user:password@host:5432/database?sslmode=require``; parameters after the ``?``
            are those of libpq.
        options: further ``OPTIONS``, as in ``DATABASES``: ``{"prepare_threshold": 5, "server_side_binding": True}``
            lets the server keep its plans, if there is no connection pooler in between.

    Raises:
        ImproperlyConfigured: an invalid table name or connection string. The text does not repeat the string.
    """

    alias_prefix = "agno_memory_postgres"

    @sensitive_variables("connection_string", "settings")
    def __init__(
        self, table_name: str = "memories", *, connection_string: str, options: dict[str, Any] | None = None
    ) -> None:
        settings = _settings_of(connection_string)
        settings["OPTIONS"] |= options or {}
        self._location = f"{settings['HOST'] or 'local socket'}:{settings['PORT'] or 5432}/{settings['NAME']}"
        super().__init__(table_name, settings)

    @property
    def location(self) -> str:
        return self._location


@sensitive_variables("connection_string", "url", "settings", "parameters")
def _settings_of(connection_string: str | None) -> dict[str, Any]:
    """Return the settings of a connection string, as in ``DATABASES``."""
    try:
        # An environment variable that is not set is None.
        url = urlsplit(connection_string or "")
        port = url.port
    except ValueError:
        raise ImproperlyConfigured(
            "PostgresMemoryDb: the connection string is not a valid URL. Write special characters of the password as "
            "%xx: postgresql://user:password@host:5432/database"
        ) from None
    # SQLAlchemy's URLs name their driver after a plus sign: postgresql+psycopg://
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
        "OPTIONS": parameters,
    }
    if not settings["NAME"]:
        raise ImproperlyConfigured(
            "PostgresMemoryDb: the connection string must end with a database: "
            "postgresql://user:password@host:5432/database"
        )
    return settings
