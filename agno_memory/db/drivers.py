"""The extra of this package that installs the driver of a database."""

from __future__ import annotations

EXTRAS = {
    "django.db.backends.postgresql": "postgres",
    "django_mongodb_backend": "mongodb",
}
# Names of MongoDB in other libraries, which their users may write as ENGINE.
OTHER_NAMES = {"mongodb", "mongodb+srv", "pymongo"}


def how_to_install(engine: str) -> str:
    """Return a hint for an ``ENGINE`` if its driver cannot be imported."""
    if engine in OTHER_NAMES:
        return 'For MongoDB write ENGINE "django_mongodb_backend", with the whole connection string as "HOST".'
    extra = EXTRAS.get(engine)
    return f'pip install "agno-memory[{extra}]"' if extra else f"Install the package with the module {engine!r}."
