"""The statements that write one memory, each compiled once for its fields and conditions; ``store.py`` runs them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, TypeAlias

from agno_memory.cleaning import field_named
from agno_memory.db.revisions import KeepingDelete, KeepingUpdate
from agno_memory.db.statements import Delete, Update, Upsert
from agno_memory.db.stored_rows import TEXT_KEY
from agno_memory.models import UserMemory
from agno_memory.validators import check, validate_version

SEARCH_TEXT: Any = field_named("search_text")
SEARCH_TERMS: Any = field_named("search_terms")
# The fields that follow from others, in the order in which they are computed.
DERIVED: Final = (SEARCH_TEXT, SEARCH_TERMS, TEXT_KEY)
BY_KEY: Final = ("key", "user_id")
# The version that a write is for: its number, or the memory as it was read; None is any.
Version: TypeAlias = UserMemory | int | None


@cache
def replace_statement(*names: str, guards: tuple[str, ...], keeps: bool, unexpired: bool = True) -> Update:
    """Return the statement that sets these fields of an owner's memory.

    Args:
        names: of the fields; those that follow from them are set too.
        guards: the further conditions, of ``guard()``.
        keeps: whether it keeps the version before.
        unexpired: whether a memory that has expired stays as it is.
    """
    followers = [each.name for each in DERIVED if set(each.sources) & set(names) and each.name not in names]
    kind = KeepingUpdate if keeps else Update
    return kind(*BY_KEY, *guards, fields=[*names, *followers], unexpired=unexpired)


@cache
def upsert_statement(*names: str) -> Upsert:
    """Return the statement that sets these content fields of an owner's memory, or adds it, and keeps no version."""
    followers = [each.name for each in DERIVED if set(each.sources) & set(names)]
    return Upsert(*BY_KEY, fields=[*names, *followers], unexpired=True)


@cache
def delete_statement(*, guards: tuple[str, ...], keeps: bool, unexpired: bool = True) -> Delete:
    """Return the statement that deletes an owner's memory.

    Args:
        guards: as of ``replace_statement()``.
        keeps: as of ``replace_statement()``.
        unexpired: whether a memory that has expired stays.
    """
    return (KeepingDelete if keeps else Delete)(*BY_KEY, *guards, unexpired=unexpired)


def version_number(version: Version, name: str = "version") -> int | None:
    """Return the number of a version.

    Args:
        version: the argument of a caller.
        name: of the argument.

    Raises:
        ValidationError: not a version.
    """
    number = version.version if isinstance(version, UserMemory) else version
    check(name, number, validate_version)
    return number


def guard(version: Version) -> dict[str, Any]:
    """Return the conditions of a write that is for a version alone, as values by lookup.

    A memory that was deleted and added again has the same id and may have the same version, but another time.
    """
    if isinstance(version, UserMemory):
        # Another name for the value, because a write may set the field.
        return {"version": version.version, "created_at__exact": version.created_at}
    return {} if version is None else {"version": version}
