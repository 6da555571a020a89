"""The history of memories that have expired, that were merged, and that have the id or the text of another one."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from agno_memory import people
from agno_memory.acting import acting
from agno_memory.bulk import BulkMemory
from agno_memory.db import mongodb
from agno_memory.db.revisions import KeepMany
from agno_memory.exceptions import DuplicateMemory, MemoryChanged, MemoryNotFound, VersionNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.people import reassign_memories
from agno_memory.pruning import prune
from agno_memory.restoring import BulkRestore
from agno_memory.services import ANYONE
from agno_memory.test import at
from agno_memory.test.helpers import with_settings
from agno_memory.times import now
from tests.databases import commits, each_database

pytestmark = commits

SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)


@pytest.fixture
def memory(alias: str, transactional_db: None) -> Memory:
    """An empty store."""
    empty = Memory(alias)
    empty.clear()
    return empty


def expire(memory: Memory) -> None:
    """Write a memory of two versions that has expired, and is not pruned."""
    start = now() - 100 * SECOND
    with at(start):
        memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "maya")
    with at(start + SECOND):
        memory.replace_user_memory("a", UserMemory(memory="two", expires_at=start + 10 * SECOND), "maya")


@each_database
def test_an_expired_memory_is_restored_before_and_after_it_is_pruned(alias: str, memory: Memory) -> None:
    for is_pruned in (False, True):
        memory.clear()
        expire(memory)
        if is_pruned:
            with acting("ann", reason="cron"):
                prune(alias)
        (deleted,) = memory.rows("maya").deleted_page(5)
        last, first = memory.get_user_memory_history("a", "maya")
        for each in (deleted, last):
            ended = each.memory, each.version, each.action, each.is_deleted, each.valid_until
            assert ended == ("two", 2, "expired", True, last.expires_at)
            assert (each.actor, each.through, each.reason) == (None, "", "")
        assert memory.get_user_memory_history("a", "maya", limit=1) == [last]
        assert memory.get_user_memory_history("a", "maya", position=last) == [first]
        assert (first.memory, first.valid_until) == ("one", last.valid_from)
        with with_settings(BATCH_SIZE=1):
            walked = [(each.memory, each.action) for each in memory.rows("maya").walk_versions()]
        assert sorted(walked) == [("one", "replaced"), ("two", "expired")]
        assert list(memory.rows("maya").without_deleted().walk_versions()) == []
        assert memory.rows("ann").deleted_page(5) == memory.rows("maya").without_deleted().deleted_page(5) == []
        restored = memory.restore_user_memory("a", "maya")
        assert (restored.memory, restored.version, restored.expires_at) == ("two", 3, None)
        history = memory.get_user_memory_history("a", "maya")
        assert [(each.version, each.memory) for each in history] == [(3, "two"), (2, "two"), (1, "one")]


@each_database
def test_a_memory_that_had_expired_before_it_was_written_ends_when_it_was(alias: str, memory: Memory) -> None:
    added = memory.add_user_memory(UserMemory(memory="over", expires_at=now() - DAY), "maya")
    for _pruned in (False, True):
        (version,) = memory.get_user_memory_history(added.memory_id, "maya")
        assert (version.action, version.valid_from, version.valid_until) == ("expired", *[added.last_updated] * 2)
        prune(alias)


@each_database
def test_pages_of_deleted_memories_have_those_that_have_expired_in_their_order(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND
    for number in range(8):
        # Two end at each time.
        end = start + number // 2 * SECOND
        with at(end):
            is_deleted = number % 3 == 0
            content = UserMemory(memory=str(number), expires_at=None if is_deleted else end, topics=["t"])
            added = memory.add_user_memory(content, f"user {number % 2}")
            if is_deleted:
                memory.delete_user_memory(added.memory_id, added.user_id)
    rows = memory.rows_to_write(ANYONE)
    whole = rows.deleted_page(None)
    assert [int(each.memory) // 2 for each in whole] == [3, 3, 2, 2, 1, 1, 0, 0]
    assert len({each.memory for each in whole}) == 8
    # A page is read at once, and no more than is asked for.
    assert [each.get_deferred_fields() - {"search_text"} for each in whole] == [set()] * 8
    stored = [each for each in rows.deleted_page(None, names=["memory"]) if not each._state.adding]
    assert ["topics" in each.get_deferred_fields() for each in stored] == [True] * 3
    for batch_size in (1, 2, 3):
        with with_settings(BATCH_SIZE=batch_size):
            assert sorted(each.memory for each in rows.walk_versions()) == sorted(each.memory for each in whole)
    for size in (1, 3):
        seen = page = rows.deleted_page(size)
        while page := rows.deleted_page(size, page[-1].deletion):
            # A memory that is pruned in between comes once, too.
            assert prune(alias).expired == (5 if len(seen) == size == 1 else 0)
            seen = [*seen, *page]
        assert [int(each.memory) // 2 for each in seen] == [3, 3, 2, 2, 1, 1, 0, 0]
        assert {each.memory for each in seen} == {each.memory for each in whole}
    assert {each.memory for each in rows.filter(user_id="user 1").about("t").deleted_page(9)} == set("1357")
    with with_settings(HISTORY_DAYS=0):
        assert rows.deleted_page(9) == []


@each_database
def test_versions_that_are_too_old_are_not_shown_before_they_are_pruned(alias: str, memory: Memory) -> None:
    start = now() - 20 * DAY
    with at(start):
        for memory_id in ("kept", "gone"):
            memory.add_user_memory(UserMemory(memory_id=memory_id, memory="one"), "maya")
        memory.add_user_memory(UserMemory(memory_id="over", memory="over", expires_at=start + DAY), "maya")
    with at(start + DAY):
        memory.replace_user_memory("kept", UserMemory(memory="two"), "maya")
        memory.delete_user_memory("gone", "maya")
    memory.replace_user_memory("kept", UserMemory(memory="three"), "maya")

    def known() -> tuple[list[str], list[str], list[str]]:
        rows = memory.rows("maya")
        history = [each.memory for each in memory.get_user_memory_history("kept", "maya")]
        exported = [each.memory for each in rows.walk_versions() if each.memory != "over"]
        return history, sorted(exported), sorted(each.memory for each in rows.deleted_page(9))

    assert known() == (["three", "two", "one"], ["one", "one", "two"], ["one", "over"])
    # To the millisecond.
    with with_settings(HISTORY_DAYS=18), at(start + 19 * DAY):
        assert known() == (["three", "two"], ["two"], [])
    for days, shown in ((18, ["three", "two"]), (0, ["three"])):
        with with_settings(HISTORY_DAYS=days):
            assert known() == (shown, ["two"] if days else [], [])
            for memory_id in ("gone", "over"):
                with pytest.raises(MemoryNotFound):
                    memory.restore_user_memory(memory_id, "maya")
                with pytest.raises(MemoryNotFound):
                    memory.get_user_memory_history(memory_id, "maya")
            with pytest.raises(VersionNotFound):
                memory.restore_user_memory("kept", "maya", version=1)
            assert BulkRestore(memory.rows_to_write("maya").versions().filter(action="deleted")).run() == (0, 0)
            with pytest.raises(ValidationError):
                memory.get_user_memories("maya", as_of=start + DAY / 2)
    with with_settings(HISTORY_DAYS=0):
        # An attempt to restore has moved the memory that has expired.
        assert prune(alias) == (0, 4)
    assert not memory.rows_to_write(ANYONE).revisions().exists()


@each_database
def test_nothing_stays_of_an_expired_memory_that_is_deleted_permanently(alias: str, memory: Memory) -> None:
    expire(memory)
    memory.delete_user_memory("a", "maya", permanently=True)
    prune(alias)
    assert memory.rows_to_write("maya").revisions().count() == 0


@each_database
@pytest.mark.parametrize("on_duplicate", ["return", "refuse"])
def test_the_text_of_an_expired_memory_is_free(alias: str, memory: Memory, on_duplicate: str) -> None:
    start = now() - 100 * SECOND
    with with_settings(ON_DUPLICATE=on_duplicate):
        for text in ("one", "two"):
            with at(start):
                memory.add_user_memory(UserMemory(memory=text, expires_at=start + SECOND), "maya")
        one = memory.add_user_memory(UserMemory(memory="one"), "maya")
        (two,) = memory.add_user_memories([UserMemory(memory="two")], "maya")
    assert {each.memory_id for each in memory.get_user_memories("maya")} == {one.memory_id, two.memory_id}


@each_database
@pytest.mark.parametrize("secrets", [["secret"], ["secret", "more secret"]], ids=["one version", "two versions"])
def test_versions_of_a_deleted_memory_are_not_those_of_a_later_one_that_came_from_another_person(
    alias: str, memory: Memory, secrets: list[str]
) -> None:
    for is_deleted_meanwhile in (False, True):
        memory.clear()
        start = now() - 100 * SECOND
        for number, text in enumerate(secrets):
            with at(start + number * SECOND * (2.5 if is_deleted_meanwhile else 0.5)):
                memory.upsert_user_memory(UserMemory(memory_id="a", memory=text), "maya")
        for second, text in enumerate(("one", "two", "three"), 2):
            # Deleted before the other memory was added, or while it had its second version.
            if (is_deleted_meanwhile, text) in ((False, "one"), (True, "three")):
                with at(start + second * SECOND - SECOND / 2):
                    memory.delete_user_memory("a", "maya")
            with at(start + second * SECOND):
                memory.upsert_user_memory(UserMemory(memory_id="a", memory=text), "ann")
        # As pruning does it with old versions.
        memory.rows_to_write("ann").revisions().filter(user_id="ann", version=1).erase()
        BulkMemory(memory.rows_to_write("ann")).reassign("maya")
        history = memory.get_user_memory_history("a", "maya")
        assert [each.memory for each in history if not each.is_event] == ["three", "two"]
        assert [each.action for each in history] == ["", "reassigned", "replaced"]
        position = history[-1].last_updated, history[-1].version
        assert memory.get_user_memory_history("a", "maya", position=position) == []
        # After the version that holds now, and after the event.
        for each in history[:2]:
            page = memory.get_user_memory_history("a", "maya", position=(each.last_updated, each.version))
            assert [later.memory for later in page if not later.is_event] == ["two"]
        with pytest.raises(VersionNotFound):
            memory.restore_user_memory("a", "maya", version=1)
        memory.rows_to_write("maya").revisions().filter(memory="two").erase()
        assert memory.get_user_memory_history("a", "maya") == history[:2]
        assert memory.get_user_memory_history("a", "maya", position=history[1]) == []


@each_database
def test_a_reassignment_is_in_the_history_on_pages_of_any_size(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND
    with at(start):
        memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "ann")
        BulkMemory(memory.rows_to_write("ann")).reassign("maya")

    def history(owner: str) -> list[tuple[int, str]]:
        whole = memory.get_user_memory_history("a", owner)
        for size in range(1, len(whole)):
            position = None
            for first in range(0, len(whole), size):
                page = memory.get_user_memory_history("a", owner, limit=size, position=position)
                assert page == whole[first : first + size]
                position = page[-1]
        return [(each.version, each.action) for each in whole]

    # In the millisecond of the addition.
    assert history("maya") == [(1, ""), (0, "reassigned")]
    with at(start + SECOND):
        memory.replace_user_memory("a", UserMemory(memory="two"), "maya")
    with at(start + 2 * SECOND):
        BulkMemory(memory.rows_to_write("maya")).reassign("noah")
    before = [(0, "reassigned"), (2, "replaced"), (1, "replaced"), (0, "reassigned")]
    assert history("noah") == [(2, ""), before[0], *before[2:]]
    for second, text in enumerate(("three", "four"), 3):
        with at(start + second * SECOND):
            memory.replace_user_memory("a", UserMemory(memory=text), "noah")
    assert history("noah") == [(4, ""), (3, "replaced"), *before]
    with at(start + 5 * SECOND):
        # In the millisecond of the deletion.
        BulkMemory(memory.rows_to_write("noah")).reassign("zoe")
        memory.delete_user_memory("a", "zoe")
    assert history("zoe") == [(0, "reassigned"), (4, "deleted"), (3, "replaced"), *before]


@each_database
def test_versions_before_a_deletion_that_was_not_kept_are_not_those_of_a_later_memory(
    alias: str, memory: Memory
) -> None:
    start = now() - 100 * SECOND
    with at(start):
        memory.add_user_memory(UserMemory(memory_id="a", memory="secret"), "maya")
    with at(start + SECOND):
        memory.replace_user_memory("a", UserMemory(memory="more secret"), "maya")
    with with_settings(HISTORY_DAYS=0):
        memory.delete_user_memory("a", "maya")
        memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "maya")
        memory.replace_user_memory("a", UserMemory(memory="two"), "maya")
    memory.replace_user_memory("a", UserMemory(memory="three"), "maya")
    history = memory.get_user_memory_history("a", "maya")
    assert [each.memory for each in history] == ["three", "two"]
    position = history[-1].last_updated, history[-1].version
    assert memory.get_user_memory_history("a", "maya", position=position) == []
    rows = memory.rows_to_write("maya").without_deleted()
    assert [each.memory for each in rows.versions()] == ["two"]
    assert list(rows.as_of(start + SECOND / 2)) == []


@each_database
def test_versions_are_not_those_of_a_later_memory_that_is_said_to_be_older(alias: str, memory: Memory) -> None:
    memory.add_user_memory(UserMemory(memory_id="a", memory="secret"), "maya")
    memory.replace_user_memory("a", UserMemory(memory="more secret"), "maya")
    with with_settings(HISTORY_DAYS=0):
        memory.delete_user_memory("a", "maya")
    memory.add_user_memory(UserMemory(memory_id="a", memory="one", created_at=now() - 100 * SECOND), "maya")
    assert [each.memory for each in memory.get_user_memory_history("a", "maya")] == ["one"]


@each_database
def test_a_memory_that_came_back_has_its_versions_without_the_note_of_that(alias: str, memory: Memory) -> None:
    """A process was killed in between, on a database without transactions."""
    memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "maya")
    memory.replace_user_memory("a", UserMemory(memory="two"), "maya")
    memory.delete_user_memory("a", "maya")
    memory.restore_user_memory("a", "maya")
    memory.rows_to_write("maya").revisions().filter(version=2).update(is_deleted=True, restored=None)
    history = memory.get_user_memory_history("a", "maya")
    assert [(each.version, each.memory) for each in history] == [(3, "two"), (2, "two"), (1, "one")]


@each_database
def test_versions_of_two_owners_that_began_at_one_time_are_both_kept(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND
    for number, owner in enumerate(("maya", "ann")):
        with at(start):
            memory.add_user_memory(UserMemory(memory_id="a", memory=f"{owner} 1"), owner)
        with at(start + (number + 1) * SECOND):
            memory.replace_user_memory("a", UserMemory(memory=f"{owner} 2"), owner)
    memory.delete_user_memory("a", "maya")
    assert BulkMemory(memory.rows_to_write("ann")).reassign("maya") == 1
    kept = [each.memory for each in memory.rows_to_write("maya").versions() if not each.is_event]
    assert sorted(kept) == ["ann 1", "maya 1", "maya 2"]


@each_database
def test_each_memory_that_cannot_be_reassigned_is_reported_once(alias: str, memory: Memory) -> None:
    """It is there with earlier versions, or deleted, and the new owner has the id."""
    for memory_id in "abcde":
        for owner in ("maya", "noah"):
            memory.add_user_memory(UserMemory(memory_id=memory_id, memory=owner), owner)
    memory.replace_user_memory("a", UserMemory(memory="new"), "maya")
    memory.delete_user_memories(list("bcde"), "maya")
    memory.delete_user_memory("e", "noah")
    with with_settings(BATCH_SIZE=2):
        count, conflicts = reassign_memories("maya", "noah", alias)
    assert (count, sorted(conflicts)) == (0, list("abcd"))
    left = memory.rows_to_write("maya").versions()
    assert sorted(version.memory_id for version in left) == list("abcd")


@each_database
def test_a_merged_memory_has_its_text(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND
    with with_settings(ON_DUPLICATE="refuse"):
        for number, text in enumerate(["Drinks tea", "Drinks much tea"]):
            with at(start + number * SECOND):
                memory.add_user_memory(UserMemory(memory_id=str(number), memory=text), "maya")
        merged = memory.merge_user_memories(["0", "1"], "maya", memory="Drinks tea")
        with pytest.raises(DuplicateMemory):
            memory.add_user_memory(UserMemory(memory="Drinks tea"), "maya")
        memory.add_user_memory(UserMemory(memory="Drinks much tea"), "maya")
    assert (merged.memory_id, merged.version) == ("1", 2)


@each_database
def test_only_texts_that_are_taken_are_there_twice(alias: str, memory: Memory) -> None:
    with with_settings(ON_DUPLICATE="refuse"):
        for memory_id, text, owner in (("a", "one", "ann"), ("b", "two", "ann"), ("c", "one", "maya")):
            memory.add_user_memory(UserMemory(memory_id=memory_id, memory=text), owner)
        assert BulkMemory(memory.rows_to_write("ann")).reassign("maya") == 2
        for text in ("one", "two"):
            with pytest.raises(DuplicateMemory):
                memory.add_user_memory(UserMemory(memory=text), "maya")
    assert sorted(each.memory for each in memory.get_user_memories("maya")) == ["one", "one", "two"]


@each_database
def test_an_undone_text_may_be_there_twice(alias: str, memory: Memory) -> None:
    with with_settings(ON_DUPLICATE="refuse"):
        memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "maya")
        memory.replace_user_memory("a", UserMemory(memory="two"), "maya")
        memory.add_user_memory(UserMemory(memory_id="b", memory="three"), "maya")
        memory.replace_user_memory("b", UserMemory(memory="four"), "maya")
        memory.add_user_memory(UserMemory(memory_id="c", memory="one"), "maya")
        assert BulkRestore(memory.rows_to_write("maya").versions()).run() == (2, 0)
        for text in ("one", "three"):
            with pytest.raises(DuplicateMemory):
                memory.add_user_memory(UserMemory(memory=text), "maya")
    assert sorted(each.memory for each in memory.get_user_memories("maya")) == ["one", "one", "three"]


@each_database
def test_a_memory_that_is_written_during_a_merge_is_not_deleted(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND
    for number in range(2):
        with at(start + number * SECOND):
            memory.add_user_memory(UserMemory(memory_id=str(number), memory=f"Likes {number}"), "maya")
    existing = memory._store.existing

    def written_since(*args: Any) -> list[UserMemory]:
        found = existing(*args)
        Memory(alias).replace_user_memory("0", UserMemory(memory="Likes tea"), "maya")
        return found

    with mock.patch.object(memory._store, "existing", written_since), pytest.raises(MemoryChanged) as caught:
        memory.merge_user_memories(["0", "1"], "maya")
    assert (caught.value.memory_id, caught.value.version) == ("0", 1)


@pytest.mark.parametrize("alias", ["postgres"])
@pytest.mark.parametrize("verb", ["update", "delete", "delete_user_memories"])
def test_a_memory_that_is_added_during_a_write_of_many_is_not_written(alias: str, memory: Memory, verb: str) -> None:
    """PostgreSQL shows it to the second statement of the transaction; on other databases it waits or is not seen."""
    memory.add_user_memory(UserMemory(memory_id="a", memory="one"), "maya")
    keep = KeepMany.run

    def add() -> None:
        Memory(alias).add_user_memory(UserMemory(memory_id="b", memory="new"), "maya")
        connections[alias].close()

    def added_since(*args: Any) -> Any:
        kept, thread = keep(*args), threading.Thread(target=add)
        thread.start()
        thread.join()
        return kept

    rows = memory.rows_to_write("maya")
    with mock.patch.object(KeepMany, "run", added_since):
        match verb:
            case "update":
                assert rows.update(memory="two") == 1
            case "delete":
                assert rows.delete()[0] == 1
            case _:
                assert memory.delete_user_memories(["a", "b"], "maya") == ["a"]
    assert [each.memory for each in memory.get_user_memory_history("b", "maya")] == ["new"]
    assert [each.memory for each in memory.get_user_memory_history("a", "maya")][-1] == "one"


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
def test_a_write_of_many_holds_one_batch_of_documents(alias: str, memory: Memory) -> None:
    memory.add_user_memories([UserMemory(memory=str(number)) for number in range(5)], "maya")
    put, sizes = mongodb.put_documents, []

    def noted(model: Any, connection: Any, documents: list[Any]) -> None:
        sizes.append(len(documents))
        put(model, connection, documents)

    with with_settings(BATCH_SIZE=2), mock.patch.object(mongodb, "put_documents", noted):
        assert memory.rows_to_write("maya").update(feedback="good") == 5
    assert sizes == [2, 2, 1]
    assert memory.rows("maya").versions().count() == 5


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
@pytest.mark.parametrize("document", [{}, {"user_id": 5, "memory_id": "a"}, {"user_id": "maya", "memory": 3}])
def test_pruning_ends_with_documents_of_another_program(alias: str, memory: Memory, document: dict[str, Any]) -> None:
    collection: Any = connections[alias].get_collection(UserMemory._meta.db_table)  # type: ignore[attr-defined]
    collection.insert_one({**document, "_id": "a", "expires_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)})
    batches: list[int] = []

    def count(number: int) -> None:
        batches.append(number)
        assert len(batches) < 5

    # A sound one in the same batch goes, too.
    memory.add_user_memory(UserMemory(memory="x", expires_at=now()), "maya")
    assert prune(alias, count).expired == 2
    assert collection.count_documents({}) == 0


@pytest.mark.parametrize("alias", ["mongodb"])
def test_pruning_keeps_the_versions_of_a_memory_of_which_another_program_changed_the_owner(
    alias: str, memory: Memory
) -> None:
    for text in ("one", "two"):
        memory.upsert_user_memory(UserMemory(memory_id="a", memory=text), "5")
    collection: Any = connections[alias].get_collection(UserMemory._meta.db_table)  # type: ignore[attr-defined]
    collection.update_one(
        {}, {"$set": {"user_id": 5, "expires_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}}
    )
    assert prune(alias).expired == 1
    assert [each.memory for each in memory.get_user_memory_history("a", "5")] == ["one"]


@each_database
def test_a_deleted_memory_stays_with_its_person_if_another_one_with_its_id_moves(alias: str, memory: Memory) -> None:
    start = now() - 100 * SECOND

    def texts(owner: str) -> set[str]:
        return {each.memory for each in memory.rows_to_write(owner).revisions().filter(user_id=owner)}

    def write(second: int, work: Callable[[], object]) -> None:
        with at(start + second * SECOND):
            work()

    write(0, lambda: memory.add_user_memory(UserMemory(memory_id="a", memory="of dan"), "dan"))
    write(1, lambda: memory.replace_user_memory("a", UserMemory(memory="of dan, too"), "dan"))
    write(2, lambda: memory.add_user_memory(UserMemory(memory_id="b", memory="of maya"), "maya"))
    write(3, lambda: memory.add_user_memory(UserMemory(memory_id="a", memory="first"), "maya"))
    # It gets the earlier time of addition.
    write(4, lambda: memory.merge_user_memories(["a", "b"], "maya", memory="second"))
    write(5, lambda: memory.delete_user_memory("a", "maya"))
    write(6, lambda: BulkMemory(memory.rows_to_write("dan")).reassign("maya"))
    assert texts("dan") == set()
    write(7, lambda: BulkMemory(memory.rows_to_write("maya")).reassign("dan"))
    assert texts("dan") == {"of dan", "of dan, too"}
    assert texts("maya") == {"of maya", "first", "second"}
    assert memory.restore_user_memory("a", "maya").memory == "second"
    memory.delete_user_memory("a", "maya")
    # A name given up keeps nothing.
    write(8, lambda: BulkMemory(memory.rows_to_write("dan")).reassign("maya"))
    assert people.reassign_memories("maya", "zoe", alias).conflicts == []
    assert texts("maya") == set()
    assert texts("zoe") == {"of dan", "of dan, too", "of maya", "first", "second"}
