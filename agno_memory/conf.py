"""The settings of this app, all of them keys of ``AGNO_MEMORY``.

Each property reads ``django.conf.settings`` when it is accessed, so that ``override_settings`` works and importing the
app reads no settings. A value of the wrong type raises ``ImproperlyConfigured``; ``manage.py check`` reports the same
text, and unknown names.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.utils.dateparse import parse_duration

THROTTLE_SCOPES = ("read", "write", "erase", "export")
ON_USER_DELETE = ("keep", "erase")
ON_DUPLICATE = ("allow", "return", "refuse")
# The format of DRF: a number, and a period of which only the first letter is significant.
RATE = re.compile(r"[1-9]\d*/[smhd][a-z]*")

# The path of an object in a module.
PATH = re.compile(r"\w+(\.\w+)+")
# Of the name of an embedding model.
MAX_NAME_LENGTH = 255

# The name of a header field (RFC 9110).
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _is_rate(scope: object, rate: object) -> bool:
    return scope in THROTTLE_SCOPES and isinstance(rate, str) and RATE.fullmatch(rate) is not None


def _duration(topic: object, value: object) -> datetime.timedelta:
    """Return a time span of ``EXPIRE_AFTER``: a timedelta, or a text that Django parses as one."""
    try:
        duration = parse_duration(value) if isinstance(value, str) else value
    except ValueError:
        duration = None
    if not isinstance(topic, str) or not isinstance(duration, datetime.timedelta) or duration <= datetime.timedelta():
        raise ImproperlyConfigured(
            "AGNO_MEMORY['EXPIRE_AFTER'] must be a dictionary of time spans such as '30 days' or a timedelta by topic, "
            f"not {topic!r}: {value!r}."
        )
    return duration


class Settings:
    """The settings in ``settings.AGNO_MEMORY``, lazy and typed."""

    @property
    def DATABASE(self) -> str:
        """Alias in ``DATABASES`` of the database that stores the memories; ``MemoryRouter`` routes this app to it."""
        return self._text("DATABASE", DEFAULT_DB_ALIAS)

    @property
    def DEFAULT_USER_ID(self) -> str:
        """Owner of a memory if a call names no user (``user_id=None``)."""
        return self._text("DEFAULT_USER_ID", "default")

    @property
    def USER_ID_FIELD(self) -> str:
        """Attribute of a Django user that is used as the owner's id: ``"pk"``, ``"uuid"`` ..."""
        return self._text("USER_ID_FIELD", "pk")

    @property
    def ON_USER_DELETE(self) -> str:
        """Effect of the deletion of a Django user on the data about them: ``"keep"`` or ``"erase"``."""
        value = self._text("ON_USER_DELETE", "keep")
        if value not in ON_USER_DELETE:
            raise ImproperlyConfigured(f"AGNO_MEMORY['ON_USER_DELETE'] must be 'keep' or 'erase', not {value!r}.")
        return value

    @property
    def HISTORY_DAYS(self) -> int:
        """For how many days earlier versions and deleted memories are kept; 0 keeps none. ``manage.py prune_memories``
        removes older ones."""
        return self._count("HISTORY_DAYS", 30, minimum=0, maximum=36_500)

    @property
    def EXPIRE_AFTER(self) -> dict[str, datetime.timedelta]:
        """How long memories with a topic are kept if they have no ``expires_at``: ``{"session-notes": "30 days"}``. Of
        several topics, the shortest time counts."""
        return {topic: _duration(topic, value) for topic, value in self._durations().items()}

    @property
    def ON_DUPLICATE(self) -> str:
        """Effect of an addition of a text that the person has already: ``"allow"`` adds it, ``"return"`` returns the
        memory that is there, and ``"refuse"`` raises ``DuplicateMemory``."""
        value = self._text("ON_DUPLICATE", "allow")
        if value not in ON_DUPLICATE:
            raise ImproperlyConfigured(
                f"AGNO_MEMORY['ON_DUPLICATE'] must be 'allow', 'return' or 'refuse', not {value!r}."
            )
        return value

    @property
    def READ_DATABASES(self) -> list[str]:
        """Aliases in ``DATABASES`` of read replicas of ``DATABASE``; ``MemoryRouter`` routes reads to them."""
        return self._texts("READ_DATABASES", [])

    @property
    def READ_YOUR_WRITES_SECONDS(self) -> int:
        """How long a caller that has written memories does not read from replicas, in seconds."""
        return self._count("READ_YOUR_WRITES_SECONDS", 10)

    @property
    def MAX_MEMORY_LENGTH(self) -> int:
        """Maximum length of a memory's text, in characters."""
        return self._count("MAX_MEMORY_LENGTH", 10_000)

    @property
    def MAX_INPUT_LENGTH(self) -> int:
        """Maximum length of ``input`` (the message that a memory came from) and of ``feedback``, in characters."""
        return self._count("MAX_INPUT_LENGTH", 100_000)

    @property
    def MAX_TOPICS(self) -> int:
        """Maximum number of topics of a memory."""
        return self._count("MAX_TOPICS", 50)

    @property
    def MAX_TOPIC_LENGTH(self) -> int:
        """Maximum length of a topic, in characters."""
        return self._count("MAX_TOPIC_LENGTH", 100)

    @property
    def MAX_METADATA_SIZE(self) -> int:
        """Maximum size of ``metadata``, in bytes of JSON."""
        return self._count("MAX_METADATA_SIZE", 65_536)

    @property
    def BATCH_SIZE(self) -> int:
        """Maximum number of memories that one statement adds, deletes or looks up in bulk; at most 10,000."""
        return self._count("BATCH_SIZE", 1_000, maximum=10_000)

    @property
    def LANGUAGE(self) -> str:
        """Language of the memories, for the stems and the stop words of ranked searches: a stemmer of Snowball."""
        return self._text("LANGUAGE", "english")

    @property
    def EMBEDDER(self) -> Any:
        """Embedding model of ranked searches: a function that takes a list of texts and returns a list of vectors, an
        object with ``documents`` and ``queries``, or the dotted path of one; None for searches without a model."""
        value = self.site_values().get("EMBEDDER")
        is_path = isinstance(value, str) and PATH.fullmatch(value) is not None
        is_object = hasattr(value, "documents") and hasattr(value, "queries")
        if value is None or is_path or callable(value) or is_object:
            return value
        raise ImproperlyConfigured(
            "AGNO_MEMORY['EMBEDDER'] must be a function, an object with documents() and queries(), or the dotted path "
            f"of one, not {value!r}."
        )

    @property
    def EMBEDDER_NAME(self) -> str:
        """Name of the embedding model and its version, stored with each vector; after a change of it, run
        ``manage.py embed_memories``. By default the dotted path of ``EMBEDDER``."""
        embedder = "none" if self.EMBEDDER is None else self.EMBEDDER
        path = embedder if isinstance(embedder, str) else getattr(embedder, "__qualname__", type(embedder).__qualname__)
        name = self._text("EMBEDDER_NAME", path)
        if len(name) > MAX_NAME_LENGTH:
            raise ImproperlyConfigured(f"AGNO_MEMORY['EMBEDDER_NAME'] must have at most {MAX_NAME_LENGTH} characters.")
        return name

    @property
    def EMBEDDER_TIMEOUT(self) -> int:
        """Maximum wait of a search for the embedding model, in milliseconds; after it, the search ranks by words."""
        return self._count("EMBEDDER_TIMEOUT", 1_000)

    @property
    def CALLER_HEADERS(self) -> list[str]:
        """Names of the request headers that identify a caller; responses with memories name them in ``Vary``."""
        headers = self._texts("CALLER_HEADERS", ["Authorization", "Cookie"])
        # A key of request.META has the form of a name too, but is none.
        if not headers or not all(HEADER_NAME.fullmatch(name) and name[:5] != "HTTP_" for name in headers):
            raise ImproperlyConfigured(
                f"AGNO_MEMORY['CALLER_HEADERS'] must be a list of names such as 'X-Api-Key', not {headers!r}."
            )
        return headers

    # The REST API

    @property
    def REST_PERMISSION_CLASSES(self) -> list[str]:
        """Dotted paths of the DRF permission classes of all views of the REST API."""
        return self._texts("REST_PERMISSION_CLASSES", ["agno_memory.rest.permissions.MemoryPermissions"])

    @property
    def REST_PAGE_SIZE(self) -> int:
        """Number of memories on a page of the REST API if the request has no ``page_size``."""
        return self._count("REST_PAGE_SIZE", 50)

    @property
    def REST_MAX_PAGE_SIZE(self) -> int:
        """Maximum ``page_size`` of a request to the REST API."""
        return self._count("REST_MAX_PAGE_SIZE", 200)

    @property
    def REST_MAX_BULK(self) -> int:
        """Maximum number of memories that one bulk request to the REST API adds or deletes."""
        return self._count("REST_MAX_BULK", 1_000)

    @property
    def REST_MAX_BODY_SIZE(self) -> int:
        """Maximum size of the body of a request to the REST API, in bytes."""
        return self._count("REST_MAX_BODY_SIZE", 10_485_760)

    @property
    def REST_THROTTLE_RATES(self) -> dict[str, str]:
        """Throttle rates of the REST API by scope, ``{"read": "600/min", "write": "60/min", "erase": "5/hour",
        "export": "10/hour"}``; a scope without a rate is not throttled."""
        rates = self.site_values().get("REST_THROTTLE_RATES", {})
        if not isinstance(rates, dict) or not all(_is_rate(scope, rate) for scope, rate in rates.items()):
            raise ImproperlyConfigured(
                f"AGNO_MEMORY['REST_THROTTLE_RATES'] must be a dictionary of rates such as '60/min' by scope "
                f"({', '.join(THROTTLE_SCOPES)}), not {rates!r}."
            )
        return rates

    @classmethod
    def names(cls) -> list[str]:
        """Return the name of every setting, in the order of this file."""
        return [name for name, value in vars(cls).items() if isinstance(value, property)]

    @staticmethod
    def site_values() -> dict[str, Any]:
        """Return ``settings.AGNO_MEMORY`` as it stands in the site's settings, without defaults.

        Raises:
            ImproperlyConfigured: it is not a dictionary.
        """
        site_values = getattr(django_settings, "AGNO_MEMORY", {})
        if not isinstance(site_values, dict):
            raise ImproperlyConfigured("AGNO_MEMORY must be a dictionary of settings.")
        return site_values

    def _text(self, name: str, default: str) -> str:
        value = self.site_values().get(name, default)
        if not isinstance(value, str) or not value.strip():
            raise ImproperlyConfigured(f"AGNO_MEMORY[{name!r}] must be a non-empty string, not {value!r}.")
        return value

    def _texts(self, name: str, default: list[str]) -> list[str]:
        value = self.site_values().get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ImproperlyConfigured(f"AGNO_MEMORY[{name!r}] must be a list of strings, not {value!r}.")
        return list(value)

    def _durations(self) -> dict[Any, Any]:
        value = self.site_values().get("EXPIRE_AFTER", {})
        if not isinstance(value, dict):
            raise ImproperlyConfigured(f"AGNO_MEMORY['EXPIRE_AFTER'] must be a dictionary, not {value!r}.")
        return value

    def _count(self, name: str, default: int, minimum: int = 1, maximum: int = 2**31 - 1) -> int:
        value = self.site_values().get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise ImproperlyConfigured(
                f"AGNO_MEMORY[{name!r}] must be a whole number from {minimum} to {maximum:,}, not {value!r}."
            )
        return value


conf = Settings()
