"""System checks of ranked searches: the language of the settings, and the words that rows store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from agno_memory.aliases import with_memories
from agno_memory.checks import TAG
from agno_memory.conf import conf
from agno_memory.db.connections import connection_to
from agno_memory.db.guarded import run_on
from agno_memory.db.words_index import WordsIndex
from agno_memory.models import UserMemory
from agno_memory.operations import CreateWordsIndex
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.analyser import Analyser, current_analyser, languages, unknown_language
from agno_memory.search.embedders import current_embedder
from agno_memory.vector_models import MemoryVector

# The rows that the check of a database reads, at each end of the table.
SAMPLE: Final = 1_000


@register(TAG, Tags.compatibility)
def check_language(**kwargs: Any) -> list[CheckMessage]:
    """Report a ``LANGUAGE`` that has no stemmer."""
    try:
        language = conf.LANGUAGE
    except ImproperlyConfigured:
        # Reported by check_settings().
        return []
    if language in languages():
        return []
    hint = "LANGUAGE: the name of a stemmer of Snowball, in English."
    return [Error(str(unknown_language(language)), hint=hint, id="agno_memory.E020")]


@register(TAG, Tags.compatibility)
def check_embedder(**kwargs: Any) -> list[CheckMessage]:
    """Report an ``EMBEDDER`` that cannot be imported."""
    try:
        if conf.EMBEDDER is None:
            return []
    except ImproperlyConfigured:
        # Reported by check_settings().
        return []
    try:
        current_embedder()
    except ImproperlyConfigured as error:
        hint = "EMBEDDER: the dotted path of a function, or of a class with documents() and queries()."
        return [Error(str(error), hint=hint, id="agno_memory.E021")]
    return []


def _tables_of(alias: str) -> list[str]:
    return run_on(alias, connection_to(alias).introspection.table_names)


@register(Tags.database)
def check_vectors(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report vectors of another model, or none of this one; run by ``check --database`` and ``migrate``."""
    aliases = [] if check_embedder() else with_memories(databases)
    return [message for alias in aliases for message in _vectors_on(alias)]


def _vectors_on(alias: str) -> list[CheckMessage]:
    try:
        embedder = current_embedder()
        if MemoryVector._meta.db_table not in _tables_of(alias):
            return []
        rows = MemoryVector.objects.using(alias)
        if embedder is None:
            return [vectors_without_a_model(alias)] if rows.exists() else []
        newest = list(UserMemory.objects.using(alias).sorted_by("-created_at").values_list("key", flat=True)[:SAMPLE])
        of_newest = dict(rows.filter(memory_key__in=newest).order_by("model").values_list("model", "dims"))
    except (DatabaseError, ImproperlyConfigured):
        return []
    is_current = set(of_newest) == {embedder.name} if newest else True
    return [] if is_current else [another_model(alias, embedder.name)]


def vectors_without_a_model(alias: str) -> CheckMessage:
    return Warning(
        f"{alias!r} has vectors, but AGNO_MEMORY has no EMBEDDER: searches do not use them, and deleting a memory "
        "leaves them.",
        hint=f"Run: python manage.py embed_memories --database {alias} --prune",
        id="agno_memory.W022",
    )


def another_model(alias: str, name: str) -> CheckMessage:
    return Warning(
        f"Memories in {alias!r} have no vectors of the model {name!r} in EMBEDDER_NAME, or those of another model too.",
        hint=f"Run: python manage.py embed_memories --database {alias} --prune",
        id="agno_memory.W021",
    )


@register(Tags.database)
def check_words_index(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report a missing index of words; run by ``check --database`` and ``migrate``."""
    return [message for alias in with_memories(databases) for message in _words_index_on(alias)]


def _words_index_on(alias: str) -> list[CheckMessage]:
    connection = connection_to(alias)
    try:
        if UserMemory._meta.db_table not in _tables_of(alias):
            return []
        is_missing = CreateWordsIndex.is_made_on(connection) and not WordsIndex.exists(connection, UserMemory)
    except DatabaseError:
        return []
    return [without_words_index(alias)] if is_missing else []


def without_words_index(alias: str) -> CheckMessage:
    return Warning(
        f"The database {alias!r} lacks the index of the words of memories. Ranked searches of a person with more than "
        "2,000 memories read all of them.",
        hint=f"Run: python manage.py reindex_memories --database {alias}",
        id="agno_memory.W023",
    )


@register(Tags.database)
def check_stored_words(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report memories with words of another analyser; run by ``check --database`` and ``migrate``."""
    aliases = [] if check_language() else with_memories(databases)
    return [message for alias in aliases for message in _stored_words_on(alias)]


def _stored_words_on(alias: str) -> list[CheckMessage]:
    analyser = current_analyser()
    try:
        if UserMemory._meta.db_table not in _tables_of(alias):
            return []
        rows = UserMemory.objects.using(alias)
        stale = max(_stale_in(rows.sorted_by(order), analyser) for order in ("-created_at", "created_at"))
    except DatabaseError:
        # A table of an earlier migration; the check runs before a migration too.
        return []
    return [another_analyser(alias, analyser.name)] if stale else []


def _stale_in(rows: UserMemoryQuerySet, analyser: Analyser) -> int:
    stored = rows.values_list("search_terms", flat=True)[:SAMPLE]
    return sum(not (words or "").startswith(f"{analyser.name} ") for words in stored)


def another_analyser(alias: str, name: str) -> CheckMessage:
    return Warning(
        f"Some memories in {alias!r} have no words for ranked searches, or those of another analyser than {name!r}, "
        "which follows from LANGUAGE and the installed packages. A search does not find them by all of their words.",
        hint=f"Run: python manage.py reindex_memories --database {alias}",
        id="agno_memory.W020",
    )
