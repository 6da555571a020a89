"""Searches with an embedding model: what it finds, its failures, outdated vectors, erasure, and the command."""

from __future__ import annotations

import datetime
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from agno_memory import people, vector_querysets
from agno_memory.bulk import BulkMemory
from agno_memory.db.table_models import model_for
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search import embedders, embeddings, vectors
from agno_memory.search.embedders import current_embedder
from agno_memory.search.embedding import Embedding
from agno_memory.search.ranking import Row
from agno_memory.search.recall import Match
from agno_memory.search.shares import model_shares
from agno_memory.search.stored_words import NOTHING
from agno_memory.search.vectors import WrongVectors, checked_vectors, pack, similarities
from agno_memory.test import at
from agno_memory.times import now
from tests.databases import commits, each_database, handle, handles_allowed, place
from tests.statements import names_owner, recorded

pytestmark = [commits]

# A model for tests: a number for each subject, in several languages.
SUBJECTS = (
    ("dog", "puppy", "hund", "pet"),
    ("tea", "coffee", "drink", "kaffee"),
    ("train", "travel", "reise", "trip"),
    ("guitar", "music", "song", "musik"),
)


def subjects(texts: list[str]) -> list[list[float]]:
    return [[1 + 5.0 * sum(word in text.lower() for word in words) for words in SUBJECTS] for text in texts]


@pytest.fixture(autouse=True)
def model(settings: Any) -> Iterator[None]:
    embedders._logged.clear()
    settings.AGNO_MEMORY = {**getattr(settings, "AGNO_MEMORY", {}), "EMBEDDER": subjects, "EMBEDDER_NAME": "subjects-1"}
    yield
    embedders._logged.clear()


def use(settings: Any, embedder: Any, **others: Any) -> None:
    settings.AGNO_MEMORY = {**getattr(settings, "AGNO_MEMORY", {}), "EMBEDDER": embedder, **others}


TEXTS = ("Has a puppy", "Likes green tea", "Takes the train", "Plays the guitar")


def fill(alias: Any, owner: str = "maya") -> Memory:
    memory = Memory(alias)
    memory.add_user_memories([UserMemory(memory_id=text.split()[-1], memory=text) for text in TEXTS], owner)
    embed(memory, owner)
    return memory


def embed(memory: Memory, owner: str = "maya") -> None:
    embedder = current_embedder()
    assert embedder is not None
    rows = memory.rows_to_write(owner).model.objects.using(memory.write_alias)
    Embedding(rows, embedder).embed(owner)


def search(memory: Memory, query: str, owner: str = "maya", **options: Any) -> list[Match]:
    return memory.search_user_memories(query, user_id=owner, explain=True, **options)


def count(memory: Memory, owner: str | None = None) -> int:
    rows = memory.rows_to_write("x").vectors()
    return rows.count() if owner is None else rows.filter(user_id=owner).count()


@each_database
def test_a_model_finds_what_shares_no_word(alias: str) -> None:
    memory = fill(alias)
    first = search(memory, "Welcher Hund?")[0]
    assert first.memory.memory == "Has a puppy"
    assert first.explanation.model > 0
    assert first.explanation.model_name == "subjects-1"
    assert first.explanation.problem is None
    assert first.score == pytest.approx(first.explanation.model)


@each_database
def test_vectors_of_others_are_not_compared(alias: str) -> None:
    memory = fill(alias)
    fill(alias, "noah")
    with recorded(memory.write_alias) as statements:
        found = search(memory, "Hund")
    assert {each.memory.user_id for each in found} == {"maya"}
    assert [each for each in statements if not names_owner(each)] == []
    memory.clear_user_memories("noah")
    assert (count(memory, "maya"), count(memory, "noah")) == (4, 0)


@each_database
def test_filters_apply_before_the_model(alias: str) -> None:
    memory = fill(alias)
    memory.add_user_memory(UserMemory(memory_id="a", memory="Her trip by sea", agent_id="guide"), "maya")
    embed(memory)
    assert [each.memory.memory_id for each in search(memory, "Reise", agent_id="guide")] == ["a"]


def test_the_best_memory_is_found_by_a_share_also_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill("default")
    monkeypatch.setattr(embeddings, "model_shares", lambda rows, cosines: dict.fromkeys(cosines, -9.0))
    (found,) = search(memory, "green", min_relative=0.7)
    assert (found.memory.memory_id, found.score < 0) == ("tea", True)


@each_database
def test_memories_that_have_expired_take_no_place_of_the_nearest(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill(alias)
    soon = now() + datetime.timedelta(minutes=1)
    memory.add_user_memory(UserMemory(memory="A hund, once a puppy", expires_at=soon), "maya")
    embed(memory)
    monkeypatch.setattr(embeddings, "NEAREST", 1)
    assert [each.memory.memory_id for each in search(memory, "pet dog")] != ["puppy"]
    with at(soon + datetime.timedelta(minutes=1)):
        assert [each.memory.memory_id for each in search(memory, "pet dog")] == ["puppy"]


@each_database
def test_vectors_of_an_older_text_are_ignored(alias: str) -> None:
    memory = fill(alias)
    memory.replace_user_memory("puppy", UserMemory(memory="Has no animal"), "maya")
    found = {each.memory.memory_id: each.explanation.model for each in search(memory, "hund")}
    assert found.get("puppy", 0.0) == 0.0
    embed(memory)
    assert count(memory) == 4
    assert found.keys() >= {"tea"}


@each_database
def test_vectors_of_another_model_are_ignored(alias: str, settings: Any) -> None:
    memory = fill(alias)
    use(settings, subjects, EMBEDDER_NAME="subjects-2")
    assert search(memory, "hund") == []
    first = search(memory, "hund puppy")[0]
    assert first.explanation.model_name is None
    assert "embed_memories" in str(first.explanation.problem)


def delete_each(memory: Memory) -> None:
    for text in TEXTS:
        memory.delete_user_memory(text.split()[-1], "maya")


Erase = Callable[[Memory], object]
ERASURES: list[Erase] = [
    lambda memory: delete_each(memory),
    lambda memory: memory.delete_user_memories([text.split()[-1] for text in TEXTS], "maya"),
    lambda memory: memory.clear_user_memories("maya"),
    lambda memory: BulkMemory(memory.rows_to_write("maya")).delete(),
    lambda memory: BulkMemory(memory.rows_to_write("maya")).reassign("zoe"),
    lambda memory: memory.rows_to_write("maya").mentioning("a").erase() + memory.rows_to_write("maya").erase(),
    lambda memory: memory.rows_to_write("maya").delete(),
    lambda memory: [each.delete() for each in memory.rows_to_write("maya")],
    lambda memory: people.erase("maya", memory.write_alias),
]


@each_database
@pytest.mark.parametrize("erase", ERASURES)
def test_each_deletion_deletes_the_vectors(alias: str, erase: Erase) -> None:
    memory = fill(alias)
    fill(alias, "noah")
    erase(memory)
    assert memory.rows_to_write("maya").count() == 0
    assert (count(memory, "maya"), count(memory, "noah")) == (0, 4)
    memory.clear()
    assert count(memory) == 0


@each_database
def test_a_memory_that_is_added_during_an_erasure_stays(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill(alias)
    batches = vector_querysets._batches

    def add(keys: list[tuple[str, str]]) -> Any:
        memory.add_user_memory(UserMemory(memory_id="new", memory="Has a dog"), "maya")
        embed(memory)
        return batches(keys)

    monkeypatch.setattr(vector_querysets, "_batches", add)
    assert memory.rows_to_write("maya").erase() == 4
    assert [each.memory_id for each in memory.get_user_memories("maya")] == ["new"]
    assert count(memory, "maya") == 1


@each_database
def test_people_count_and_erase_vectors(alias: str) -> None:
    memory = fill(alias)
    assert people.count("maya", alias)["vectors"] == 4
    erasure = people.erase("maya", alias)
    assert (erasure.erased["vectors"], erasure.left["vectors"]) == (4, 0)
    assert erasure.is_complete
    assert count(memory) == 0


@each_database
def test_handles_have_a_table_of_vectors(alias: str, tmp_path: Path) -> None:
    with handles_allowed():
        db = handle(*place(alias, tmp_path), table="notes_with_vectors")
        try:
            memory = fill(db)
            assert search(memory, "hund")[0].memory.memory_id == "puppy"
            assert memory.rows().vectors().model._meta.db_table == "notes_with_vectors_vectors"
            memory.delete_user_memory("tea", "maya")
            assert count(memory) == 3
            # A table of an earlier release has no vectors.
            with connections[db.alias].schema_editor() as editor:
                editor.delete_model(memory.rows().vectors().model)
            db._forget_created()
            memory.delete_user_memory("puppy", "maya")
            assert count(memory) == 0
        finally:
            db.drop()


def test_names_of_tables_of_vectors_are_short_and_unique() -> None:
    names = {model_for(f"{'x' * 60}{number}").vectors(None).model._meta.db_table for number in range(3)}
    assert len(names) == 3
    assert max(map(len, names)) <= 63


def slow(texts: list[str]) -> list[list[float]]:
    time.sleep(2)
    return subjects(texts)


def broken(texts: list[str]) -> list[list[float]]:
    raise RuntimeError(f"no model for {texts}")


def exits(texts: list[str]) -> list[list[float]]:
    raise SystemExit(1)


FAULTS: dict[str, Any] = {
    "raised RuntimeError": broken,
    "raised SystemExit": exits,
    "longer than": slow,
    "2 vectors for 1": lambda texts: subjects([*texts, "x"]),
    "0 vectors for 1": lambda texts: [],
    "of 3 dimensions, not 4": lambda texts: [[1.0, 2.0, 3.0]],
    "not finite": lambda texts: [[math.nan, 1.0, 1.0, 1.0]],
    "did not return lists": lambda texts: None,
    "cannot import": "nowhere.embed",
}


@pytest.mark.parametrize("problem", FAULTS)
def test_a_model_that_fails_leaves_a_search_by_words(problem: str, settings: Any, caplog: Any) -> None:
    memory = fill("default")
    use(settings, FAULTS[problem], EMBEDDER_TIMEOUT=100)
    with caplog.at_level(logging.WARNING, "agno_memory.search"):
        found = search(memory, "green tea")
        again = search(memory, "green tea")
    assert found == again
    assert [each.memory.memory_id for each in found] == ["tea"]
    assert problem in str(found[0].explanation.problem)
    assert found[0].explanation.model_name is None
    assert len(caplog.records) == 1
    assert "tea" not in caplog.text


def test_models_that_hang_are_not_waited_for(settings: Any) -> None:
    memory = fill("default")
    gate = threading.Event()

    def hang(texts: list[str]) -> list[list[float]]:
        gate.wait(10)
        return subjects(texts)

    use(settings, hang, EMBEDDER_TIMEOUT=1)
    try:
        problems = [search(memory, "tea")[0].explanation.problem for _ in range(embedders.MAX_CALLS + 1)]
    finally:
        gate.set()
    assert "longer than" in str(problems[0])
    assert "still running" in str(problems[-1])
    # The calls end by themselves.
    for thread in threading.enumerate():
        if thread.name == "agno_memory-embedder":
            thread.join(10)
    use(settings, subjects)
    assert search(memory, "hund")[0].memory.memory_id == "puppy"


def test_people_with_many_vectors_are_ranked_by_words_and_model(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fill("default")
    monkeypatch.setattr(embeddings, "MAX_SCAN", 3)
    assert search(memory, "hund") == []
    assert search(memory, "green hund")[0].explanation.model_name == "subjects-1"


class TwoWays:
    """An embedder with a method for each kind of text."""

    def documents(self, texts: list[str]) -> list[list[float]]:
        return subjects(texts)

    def queries(self, texts: list[str]) -> list[list[float]]:
        return subjects(["puppy" for _ in texts])


def test_objects_with_two_methods_and_their_paths(settings: Any) -> None:
    memory = fill("default")
    for embedder in (TwoWays(), "tests.test_embeddings.TwoWays", "tests.test_embeddings.subjects"):
        use(settings, embedder)
        assert search(memory, "hund")[0].memory.memory_id == "puppy"


def run(**options: Any) -> str:
    out = StringIO()
    call_command("embed_memories", stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@each_database
def test_the_command_fills_in_what_is_missing(alias: str, settings: Any) -> None:
    memory = Memory(alias)
    for owner in ("maya", "noah"):
        memory.add_user_memories([UserMemory(memory=text) for text in TEXTS], owner)
    assert "4 of 4 memories embedded with subjects-1." in run(database=alias, user="maya")
    assert "4 of 8 memories embedded" in run(database=alias)
    assert "0 of 8 memories embedded" in run(database=alias)
    use(settings, subjects, EMBEDDER_NAME="subjects-2")
    out = run(database=alias, prune=True)
    assert "8 of 8 memories embedded" in out
    assert "8 vectors of other models deleted" in out
    assert count(memory) == 8


def test_the_command_reports_a_model_that_fails(settings: Any) -> None:
    Memory("default").add_user_memory(UserMemory(memory="x"), "maya")
    use(settings, lambda texts: [])
    with pytest.raises(CommandError, match="0 vectors for 1 texts"):
        run(database="default")
    use(settings, None)
    with pytest.raises(CommandError, match="No model is set"):
        run(database="default")
    use(settings, "nowhere.embed")
    with pytest.raises(CommandError, match="cannot import"):
        run(database="default")


@each_database
def test_a_memory_that_is_deleted_meanwhile_keeps_no_vector(alias: str, settings: Any) -> None:
    memory = Memory(alias)
    memory.add_user_memories([UserMemory(memory_id=str(n), memory=f"tea {n}") for n in range(3)], "maya")

    def deleting(texts: list[str]) -> list[list[float]]:
        memory.delete_user_memory("1", "maya")
        return subjects(texts)

    use(settings, deleting)
    embed(memory)
    assert count(memory) == 2


EMBEDDER_IDS = ("E005", "E021", "W021")


def test_checks_report_a_wrong_embedder_and_stale_vectors(settings: Any) -> None:
    def ids(**options: Any) -> set[str]:
        return {str(message.id) for message in run_checks(**options)} & {f"agno_memory.{each}" for each in EMBEDDER_IDS}

    fill("default")
    assert ids(databases=["default"]) == set()
    use(settings, subjects, EMBEDDER_NAME="subjects-2")
    assert ids(databases=["default"]) == {"agno_memory.W021"}
    use(settings, "nowhere.embed")
    assert "agno_memory.E021" in ids()
    use(settings, "no path")
    assert "agno_memory.E005" in ids()
    with pytest.raises(ImproperlyConfigured):
        current_embedder()


NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4)


@given(NUMBERS, st.lists(NUMBERS, max_size=12))
def test_similarities_are_the_same_with_and_without_numpy(query: list[float], others: list[list[float]]) -> None:
    packed = [pack(each) for each in others]
    with pytest.MonkeyPatch.context() as patch:
        fast = similarities(pack(query), packed)
        patch.setattr(vectors, "numpy", None)
        assert similarities(pack(query), packed) == fast
    assert all(-1.01 <= each <= 1.01 for each in fast)


def test_wrong_vectors() -> None:
    results: list[Any] = [None, [1, 2], [["a"]], [[]], [[1.0], [1.0, 2.0]], [[math.inf]]]
    for result in results:
        with pytest.raises(WrongVectors):
            checked_vectors(result, len(result) if isinstance(result, list) else 1)
    assert checked_vectors([[1, 2]], 1) == [[1.0, 2.0]]


def row(number: int, session: str | None = None) -> Row:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return Row(f"k{number}", f"m{number}", moment, session, number, NOTHING)


def test_shares_need_eight_rows_for_a_distribution() -> None:
    cosines = {f"k{number}": number / 10 for number in range(8)}
    few = model_shares([row(number) for number in range(7)], cosines)
    assert few == pytest.approx({key: 1.5 * cosines[key] for key in few})
    many = model_shares([row(number) for number in range(8)], cosines)
    assert sum(many.values()) == pytest.approx(0)
    assert many["k7"] == pytest.approx(1.5 * 3.5 / math.sqrt(5.25))
    assert model_shares([], {}) == {}


def test_shares_of_a_session_come_from_its_rows() -> None:
    shares = model_shares([row(1, "s"), row(2, "s"), row(3, "s")], {"k1": 0.1, "k2": 0.8, "k3": 0.2})
    best_three = (0.1 + 0.8 + 0.2) / 3
    assert shares == pytest.approx(
        {
            "k1": 0.5 * 0.1 + 0.25 * 0.3 * 0.8 + 0.25 * best_three,
            "k2": 0.5 * 0.8 + 0.25 * 0.8 + 0.25 * best_three,
            "k3": 0.5 * 0.2 + 0.25 * 0.6 * 0.8 + 0.25 * best_three,
        }
    )


@each_database
def test_vectors_of_a_model_that_was_removed_are_reported_and_pruned(alias: str, settings: Any) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory="Has a puppy"), "maya")
    call_command("embed_memories", database=alias, stdout=StringIO(), stderr=StringIO())
    use(settings, None, DATABASE=alias)
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    assert [each.id for each in run_checks(tags=["database"], databases=[alias]) if each.id == "agno_memory.W022"]
    out = StringIO()
    call_command("embed_memories", "--prune", database=alias, stdout=out)
    assert out.getvalue() == "1 vectors of other models deleted.\n"
    assert not [each.id for each in run_checks(tags=["database"], databases=[alias]) if each.id == "agno_memory.W022"]
