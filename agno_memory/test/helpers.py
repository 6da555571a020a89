"""Helpers for tests that work with memories."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.test import override_settings

from agno_memory.conf import conf
from agno_memory.content_models import MemoryContent
from agno_memory.models import UserMemory


@contextmanager
def at(moment: datetime.datetime) -> Iterator[None]:
    """Set the current time, as ``django.utils.timezone.now()`` returns it, inside the block.

    Args:
        moment: an aware datetime.
    """
    with mock.patch("django.utils.timezone.now", return_value=moment):
        yield


@contextmanager
def with_settings(**settings: Any) -> Iterator[None]:
    """Set keys of ``AGNO_MEMORY`` inside the block, and keep the others."""
    with override_settings(AGNO_MEMORY={**conf.site_values(), **settings}):
        yield


def values(memory: UserMemory) -> dict[str, Any]:
    """Return all fields of a memory by name. Compare these: Django compares models by their key alone."""
    return {field.attname: getattr(memory, field.attname) for field in memory._meta.concrete_fields}


def texts(memories: Iterable[MemoryContent]) -> list[str]:
    """Return the texts of memories, or of versions of them, in their order."""
    return [memory.memory for memory in memories]
