"""The settings of this app, all of them keys of ``AGNO_MEMORY``.

Every property reads ``django.conf.settings`` when it is accessed, so nothing is frozen at import and
``override_settings`` works. A value of the wrong type raises ``ImproperlyConfigured``; ``manage.py check``
reports the same sentence together with unknown names.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS


class Settings:
    """Lazy, typed view of ``settings.AGNO_MEMORY``."""

    @property
    def DATABASE(self) -> str:
        """Alias of ``DATABASES`` that holds the memories; ``MemoryRouter`` sends this app there."""
        return self._text("DATABASE", DEFAULT_DB_ALIAS)

    @property
    def DEFAULT_USER_ID(self) -> str:
        """Owner of a memory when a call names no user (``user_id=None``)."""
        return self._text("DEFAULT_USER_ID", "default")

    @property
    def USER_ID_FIELD(self) -> str:
        """Attribute of a Django user whose value is the owner's id: ``"pk"``, ``"username"``, ``"uuid"`` ..."""
        return self._text("USER_ID_FIELD", "pk")

    @property
    def MAX_MEMORY_LENGTH(self) -> int:
        """Longest text of a memory, in characters."""
        return self._count("MAX_MEMORY_LENGTH", 10_000)

    @property
    def MAX_INPUT_LENGTH(self) -> int:
        """Longest ``input`` (the message a memory came from) and ``feedback``, in characters."""
        return self._count("MAX_INPUT_LENGTH", 100_000)

    @property
    def MAX_TOPICS(self) -> int:
        """Most topics on one memory."""
        return self._count("MAX_TOPICS", 50)

    @property
    def MAX_TOPIC_LENGTH(self) -> int:
        """Longest topic, in characters."""
        return self._count("MAX_TOPIC_LENGTH", 100)

    @property
    def MAX_METADATA_SIZE(self) -> int:
        """Largest ``metadata``, in bytes of JSON."""
        return self._count("MAX_METADATA_SIZE", 65_536)

    @property
    def BATCH_SIZE(self) -> int:
        """Memories that one statement of the verbs on many writes, deletes or looks for; at most 10,000."""
        return self._count("BATCH_SIZE", 1_000, most=10_000)

    @classmethod
    def names(cls) -> list[str]:
        """Return the name of every setting, in the order of this file."""
        return [name for name, value in vars(cls).items() if isinstance(value, property)]

    @staticmethod
    def given() -> dict[str, Any]:
        """Return ``settings.AGNO_MEMORY`` as the site wrote it.

        Raises:
            ImproperlyConfigured: it is not a dictionary.
        """
        given = getattr(django_settings, "AGNO_MEMORY", {})
        if not isinstance(given, dict):
            raise ImproperlyConfigured("AGNO_MEMORY must be a dictionary of settings.")
        return given

    def _text(self, name: str, default: str) -> str:
        value = self.given().get(name, default)
        if not isinstance(value, str) or not value.strip():
            raise ImproperlyConfigured(f"AGNO_MEMORY[{name!r}] must be a non-empty string, not {value!r}.")
        return value

    def _count(self, name: str, default: int, most: int = 2**31 - 1) -> int:
        value = self.given().get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ImproperlyConfigured(
                f"AGNO_MEMORY[{name!r}] must be a whole number from 1 to {most:,}, not {value!r}."
            )
        return value


conf = Settings()
