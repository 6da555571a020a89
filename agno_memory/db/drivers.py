"""Which package brings which database."""

from __future__ import annotations

EXTRAS = {
    "django.db.backends.postgresql": "postgres",
    "django_mongodb_backend": "mongodb",
}
# What other libraries call it, and so what people write who come from there.
OTHER_NAMES = {"mongodb", "mongodb+srv", "pymongo"}


def how_to_install(engine: str) -> str:
    """Return what to do when the driver of an ENGINE cannot be loaded."""
    if engine in OTHER_NAMES:
        return 'For MongoDB write ENGINE "django_mongodb_backend", with the whole connection string as "HOST".'
    extra = EXTRAS.get(engine)
    return f'pip install "agno-memory[{extra}]"' if extra else f"Install the package with the module {engine!r}."
