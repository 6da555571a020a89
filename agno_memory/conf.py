"""The settings of this app, all of them keys of ``AGNO_MEMORY``.

Every property reads ``django.conf.settings`` when it is accessed, so nothing is frozen at import and
``override_settings`` works. A value of the wrong type raises ``ImproperlyConfigured``; ``manage.py check``
reports the same sentence together with unknown names.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS

THROTTLE_SCOPES = ("read", "write", "erase", "export")
# As DRF writes them: a number, and a period of which the first letter counts.
RATE = re.compile(r"[1-9]\d*/[smhd][a-z]*")


def _is_rate(scope: object, rate: object) -> bool:
    return scope in THROTTLE_SCOPES and isinstance(rate, str) and RATE.fullmatch(rate) is not None


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

    # The REST API

    @property
    def REST_PERMISSION_CLASSES(self) -> list[str]:
        """Dotted paths of the DRF permission classes of every view of the REST API."""
        return self._texts("REST_PERMISSION_CLASSES", ["agno_memory.rest.permissions.MemoryPermissions"])

    @property
    def REST_PAGE_SIZE(self) -> int:
        """Memories on a page of the REST API when the client names no ``page_size``."""
        return self._count("REST_PAGE_SIZE", 50)

    @property
    def REST_MAX_PAGE_SIZE(self) -> int:
        """Largest ``page_size`` that a client of the REST API may ask for."""
        return self._count("REST_MAX_PAGE_SIZE", 200)

    @property
    def REST_MAX_BULK(self) -> int:
        """Most memories in one bulk request of the REST API, to add or to delete."""
        return self._count("REST_MAX_BULK", 1_000)

    @property
    def REST_MAX_BODY_SIZE(self) -> int:
        """Longest body of a request to the REST API, in bytes."""
        return self._count("REST_MAX_BODY_SIZE", 10_485_760)

    @property
    def REST_THROTTLE_RATES(self) -> dict[str, str]:
        """Rates of the REST API by scope, ``{"read": "600/min", "write": "60/min", "erase": "5/hour", "export":
        "10/hour"}``; a scope that is not named is not throttled."""
        rates = self.given().get("REST_THROTTLE_RATES", {})
        if not isinstance(rates, dict) or not all(_is_rate(scope, rate) for scope, rate in rates.items()):
            raise ImproperlyConfigured(
                f"AGNO_MEMORY['REST_THROTTLE_RATES'] must be rates such as '60/min' by scope "
                f"({', '.join(THROTTLE_SCOPES)}), not {rates!r}."
            )
        return rates

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

    def _texts(self, name: str, default: list[str]) -> list[str]:
        value = self.given().get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ImproperlyConfigured(f"AGNO_MEMORY[{name!r}] must be a list of strings, not {value!r}.")
        return list(value)

    def _count(self, name: str, default: int, most: int = 2**31 - 1) -> int:
        value = self.given().get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ImproperlyConfigured(
                f"AGNO_MEMORY[{name!r}] must be a whole number from 1 to {most:,}, not {value!r}."
            )
        return value


conf = Settings()
