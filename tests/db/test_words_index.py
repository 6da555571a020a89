"""The index of words: it finds what a scan finds, is in step with every write, and has nothing of an erased person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections

from agno_memory import people
from agno_memory.db import SqliteMemoryDb
from agno_memory.db.words_index import OwnedWords, WordsIndex, WordsTables
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.operations import CreateWordsIndex
from agno_memory.search import candidates
from tests.databases import RUNNING, each_database, handles_allowed
from tests.statements import names_owner, recorded

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

TABLE: Final = UserMemory._meta.db_table
# The part of a statement by which the index answers.
USES_INDEX: Final = {"sqlite": "MATCH", "postgresql": "&& ", "mongodb": "$text"}


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a person with more than 20 memories be one with many."""
    monkeypatch.setattr(candidates, "STATISTICS_ROWS", 20)
    monkeypatch.setattr(candidates, "MAX_CANDIDATES", 10)
    monkeypatch.setattr(candidates, "FETCHED_FIRST", (2, 6))


# fmt: off
WORDS: Final = (
    "tea", "Zürich", "piano", "蕎麦アレルギー", "กาแฟ", "16", "maya", "swims", "often", "green", "ーー", "don't",
)
# fmt: on


def text(number: int) -> str:
    return " ".join(word for position, word in enumerate(WORDS) if number % (position + 2) == 0) or f"word{number}"


def fill(alias: str, person: str, number: int = 60) -> Memory:
    memory = Memory(alias)
    added = (UserMemory(memory_id=f"{each}", memory=text(each), topics=["food"] * (each % 2)) for each in range(number))
    memory.add_user_memories(added, person)
    return memory


def ids(memory: Memory, query: str, person: str = "maya", **options: Any) -> list[str]:
    return [found.memory_id for found in memory.search_user_memories(query, user_id=person, **options)]


@each_database
def test_the_index_finds_what_a_scan_finds(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill(alias, "maya")
    fill(alias, "tom", 30)
    queries = [
        *WORDS,
        "green tea",
        "swims in Zürich",
        "word17",
        "word7 piano",
        "word11 tea",
        " ".join(WORDS),
        "16 ーー กาแฟ",
    ]
    filters: list[dict[str, Any]] = [{}, {"topics": ["food"]}]
    by_index = [ids(memory, query, **each) for query in queries for each in filters]
    monkeypatch.setattr(WordsIndex, "exists", lambda *args: False)
    assert [ids(memory, query, **each) for query in queries for each in filters] == by_index
    assert sum(map(len, by_index)) > 100


@each_database
def test_a_search_of_many_memories_uses_the_index_and_names_the_owner(alias: str) -> None:
    memory = fill(alias, "maya")
    with recorded(alias) as statements:
        assert ids(memory, "word17 piano")
    using = [each for each in statements if USES_INDEX[connections[alias].vendor] in str(each)]
    assert using
    assert all(map(names_owner, using))


@each_database
def test_entries_lead_to_memories_of_their_owner_only(alias: str) -> None:
    fill(alias, "maya")
    rows = UserMemory.objects.using(alias).filter(user_id="maya")
    for owner, number in (("maya", 30), ("may", 0), ("tom", 0)):
        found = rows.filter(search_terms__has_any_word=OwnedWords(owner, ["tea"])).count()
        # MongoDB's index begins with the owner of the rows, so this one has no effect.
        assert found == (30 if connections[alias].vendor == "mongodb" else number)


def found_by_index(alias: str, word: str) -> list[str]:
    rows = UserMemory.objects.using(alias).filter(user_id="maya")
    return sorted(each.memory_id for each in rows.filter(search_terms__has_any_word=OwnedWords("maya", [word])))


@each_database
def test_the_index_follows_every_write(alias: str) -> None:
    memory = Memory(alias)
    rows = UserMemory.objects.using(alias)
    memory.add_user_memory(UserMemory(memory_id="a", memory="canari"), "maya")
    assert found_by_index(alias, "canari") == ["a"]
    memory.replace_user_memory("a", UserMemory(memory="parrot"), "maya")
    assert (found_by_index(alias, "canari"), found_by_index(alias, "parrot")) == ([], ["a"])
    memory.upsert_fields(UserMemory(memory_id="a", memory="ignored", topics=["heron"]), "maya", ["topics"])
    assert found_by_index(alias, "heron") == found_by_index(alias, "parrot") == ["a"]
    rows.filter(user_id="maya").update(memory="stork")
    assert (found_by_index(alias, "parrot"), found_by_index(alias, "stork")) == ([], ["a"])
    saved = rows.get(user_id="maya")
    saved.memory = "raven"
    saved.save(using=alias)
    assert (found_by_index(alias, "stork"), found_by_index(alias, "raven")) == ([], ["a"])
    memory.delete_user_memory("a", "maya")
    assert found_by_index(alias, "raven") == []


def remembered(table: str, connection: Any) -> tuple[int, list[Any]]:
    """Return the number of keys in the index of SQLite, and the entries of FTS5."""
    names = WordsTables.of(table)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT COUNT(*) FROM "{names.keys}"')
        number = cursor.fetchone()[0]
        cursor.execute(f'CREATE VIRTUAL TABLE temp.entries USING fts5vocab(main, "{names.words}", instance)')
        cursor.execute("SELECT term FROM temp.entries")
        entries = [term for (term,) in cursor.fetchall()]
        cursor.execute("DROP TABLE temp.entries")
    return number, entries


@pytest.mark.parametrize("alias", ["default"])
def test_sqlite_has_an_entry_for_each_memory_that_is_left(alias: str) -> None:
    memory = fill(alias, "maya", 10)
    fill(alias, "tom", 5)
    memory.delete_user_memories(["1", "2"], "maya")
    number, entries = remembered(TABLE, connections[alias])
    assert number == 13
    people.erase("maya", alias)
    number, entries = remembered(TABLE, connections[alias])
    assert number == 5
    assert [entry for entry in entries if entry.startswith(b"maya".hex())] == []
    assert [entry for entry in entries if entry.startswith(b"tom".hex())]
    memory.clear()
    assert remembered(TABLE, connections[alias]) == (0, [])


@pytest.fixture
def handles() -> Iterator[None]:
    with handles_allowed():
        yield


@pytest.mark.usefixtures("handles")
def test_an_erased_word_is_not_in_the_file_of_a_handle(tmp_path: Path) -> None:
    db = SqliteMemoryDb(db_file=tmp_path / "memory.db")
    memory = Memory(db=db)
    memory.add_user_memory(UserMemory(memory="Likes canarybird"), "tom")
    memory.add_user_memory(UserMemory(memory="Has a quetzalcoatl"), "maya")
    memory.clear_user_memories("maya")
    with closing(connections[db.alias]):
        connections[db.alias].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = db.db_file.read_bytes()
    assert (b"anarybird" in content, b"uetzalcoat" in content) == (True, False)
    db.drop()


@pytest.mark.usefixtures("handles")
def test_vacuum_does_not_mix_up_memories(tmp_path: Path) -> None:
    db = SqliteMemoryDb(db_file=tmp_path / "memory.db")
    memory = Memory(db=db)
    memory.add_user_memories([UserMemory(memory_id=str(each), memory=f"word{each}") for each in range(50)], "maya")
    memory.delete_user_memories([str(each) for each in range(20)], "maya")
    with connections[db.alias].cursor() as cursor:
        cursor.execute("VACUUM")
    memory.add_user_memory(UserMemory(memory_id="new", memory="word7"), "maya")
    assert (ids(memory, "word45"), ids(memory, "word7")) == (["45"], ["new"])
    db.drop()


@each_database
def test_a_missing_index_is_reported_and_created_by_reindex_memories(alias: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {**getattr(settings, "AGNO_MEMORY", {}), "DATABASE": alias}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    memory = fill(alias, "maya")
    before = ids(memory, "word17 tea")
    connection = connections[alias]
    with connection.schema_editor() as editor:
        CreateWordsIndex.drop(editor, UserMemory)
    try:
        assert not WordsIndex.exists(connection, UserMemory)
        expected = "agno_memory.W015" if connection.vendor == "mongodb" else "agno_memory.W023"
        assert expected in [message.id for message in run_checks(databases=[alias], include_deployment_checks=False)]
        assert ids(memory, "word17 tea") == before
        memory.add_user_memory(UserMemory(memory_id="new", memory="flamingo"), "maya")
    finally:
        out = StringIO()
        call_command("reindex_memories", database=alias, stdout=out, stderr=StringIO())
    assert "Index of words created." in out.getvalue()
    assert WordsIndex.exists(connection, UserMemory)
    assert found_by_index(alias, "flamingo") == ["new"]
    assert ids(memory, "word17 tea") == before


def test_a_table_that_django_replaces_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill("default", "maya")
    before = ids(memory, "word17 tea")
    connection: Any = connections["default"]
    with connection.schema_editor() as editor:
        editor._remake_table(UserMemory)
    assert not WordsIndex.exists(connection, UserMemory)
    assert ids(memory, "word17 tea") == before
    with connection.schema_editor() as editor:
        CreateWordsIndex.create(editor, UserMemory)
    assert ids(memory, "word17 tea") == before


def test_every_database_of_the_tests_has_the_index() -> None:
    assert {alias: WordsIndex.exists(connections[alias], UserMemory) for alias in RUNNING} == dict.fromkeys(
        RUNNING, True
    )
