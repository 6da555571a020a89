from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from agno_memory.db.handles.base import MemoryDb

# Without timeouts, a call waits for ever for a server that has lost its network. Connecting may take 5 seconds; a
# connection ends if the network confirms no byte for 30,000 milliseconds. While a reply is awaited, no byte is on its
# way: after 30 seconds the system asks every 10 seconds, 3 times, whether the server is there.
POSTGRES_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class PostgresMemoryDb(MemoryDb):
    """Memories in PostgreSQL.

    Args:
        table_name: the name of the table.
        connection_string: ``postgresql://user:password@host:5432/database?sslmode=require``; parameters after the ``?``
            are those of libpq.
        options: further ``OPTIONS``, as in ``DATABASES``; those of ``POSTGRES_OPTIONS`` are set by default.
            docs/databases.md has options for prepared statements, which a connection pool in between may not support.

    Raises:
        ImproperlyConfigured: an invalid table name or connection string. The text does not repeat the string.
    """

    alias_prefix = "agno_memory_postgres"

    @sensitive_variables("connection_string", "settings")
    def __init__(
        self, table_name: str = "memories", *, connection_string: str, options: dict[str, Any] | None = None
    ) -> None:
        settings = _settings_of(connection_string)
        settings["OPTIONS"] = POSTGRES_OPTIONS | settings["OPTIONS"] | (options or {})
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
