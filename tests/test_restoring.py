"""``BulkRestore``: the writes of many memories undone, batch by batch, unless they were written since."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from agno_memory.acting import acting
from agno_memory.bulk import BulkMemory
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import MemoryExists
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.restoring import Batch, BulkRestore
from agno_memory.revision_models import MemoryRevision
from agno_memory.signals import memory_added, memory_replaced
from agno_memory.test import at
from agno_memory.test.helpers import with_settings
from agno_memory.times import now
from tests.databases import commits, each_database
from tests.samples import sample_memory

pytestmark = [commits, each_database]


def state(alias: str) -> dict[str, tuple[str, list[str]]]:
    """Return the text and the topics of each memory, by its id and owner."""
    rows = UserMemory.objects.using(alias)
    return {f"{each.memory_id} of {each.user_id}": (each.memory, each.topics) for each in rows}


@pytest.fixture
def memory(alias: str) -> Memory:
    memory = Memory(alias)
    memory.clear()
    for owner in ("maya", "noah"):
        memory.add_user_memories(
            [
                UserMemory(memory_id=f"m{number}", memory=f"Text {number}", topics=["a", "x", "ü"])
                for number in range(5)
            ],
            owner,
        )
    return memory


def rows(alias: str) -> Any:
    return UserMemory.objects.using(alias)


def undo(alias: str, through: str = "action 1", *, by: str = "undo") -> tuple[int, int]:
    with acting("ann", through=by):
        return BulkRestore(MemoryRevision.objects.using(alias).filter(through=through)).run()


def test_changed_topics_are_as_before(alias: str, memory: Memory) -> None:
    before = state(alias)
    with acting(through="action 1"):
        assert BulkMemory(rows(alias)).remove_topic("x") == 10
    memory.replace_user_memory("m1", UserMemory(memory="later"), "maya")
    memory.delete_user_memory("m2", "maya")
    # In statements on many memories.
    with with_settings(BATCH_SIZE=3), mock.patch.object(Store, "replace", side_effect=AssertionError):
        assert undo(alias) == (8, 2)
    expected = before | {"m1 of maya": ("later", [])}
    del expected["m2 of maya"]
    assert state(alias) == expected
    first, second = memory.get_user_memory_history("m0", "maya")[:2]
    assert (first.version, second.action, second.actor, second.through) == (3, "restored", "ann", "undo")
    assert [each.memory_id for each in memory.get_user_memories("maya", topics=["x"])] != []
    assert memory.search_user_memories("x", user_id="noah", retrieval_method="ranked") != []
    # A second call finds nothing to do.
    assert undo(alias) == (0, 10)
    # And it can be undone itself.
    assert undo(alias, "undo", by="redo") == (8, 0)


def test_a_call_ends_if_the_versions_that_it_ends_meet_the_conditions_too(alias: str, memory: Memory) -> None:
    before = state(alias)
    with at(now() - datetime.timedelta(minutes=1)), acting(through="undo"):
        BulkMemory(rows(alias)).add_topic("new")
    with with_settings(BATCH_SIZE=2):
        assert undo(alias, "undo") == (10, 0)
    assert state(alias) == before


def test_deleted_memories_are_back(alias: str, memory: Memory) -> None:
    before = state(alias)
    created = {each.key: each.created_at for each in rows(alias)}
    with acting(through="action 1"):
        assert BulkMemory(rows(alias)).delete() == 10
    memory.add_user_memory(UserMemory(memory_id="m1", memory="new"), "maya")
    memory.add_user_memory(UserMemory(memory_id="m2", memory="new"), "maya")
    memory.delete_user_memory("m2", "maya")
    batches: list[int] = []
    with with_settings(BATCH_SIZE=4), acting("ann", through="undo", reason="a mistake"):
        versions = MemoryRevision.objects.using(alias).filter(through="action 1")
        assert BulkRestore(versions, lambda batch: batches.append(len(batch))).run() == (8, 2)
    assert sum(batches) == 8
    expected = before | {"m1 of maya": ("new", [])}
    del expected["m2 of maya"]
    assert state(alias) == expected
    assert {each.key: each.created_at for each in rows(alias) if each.memory != "new"}.items() <= created.items()
    now_held, last = memory.get_user_memory_history("m0", "maya")[:2]
    assert now_held.version == last.version + 1
    assert last.restored is not None
    assert {name: last.restored[name] for name in ("by", "through", "reason")} == {
        "by": "ann",
        "through": "undo",
        "reason": "a mistake",
    }
    deleted = {each.memory_id for each in MemoryRevision.objects.using(alias).deleted()}
    assert deleted == {"m1", "m2"}


def test_a_merge_is_undone(alias: str, memory: Memory) -> None:
    before = state(alias)
    with acting(through="action 1"):
        memory.merge_user_memories(["m0", "m3", "m4"], "maya", memory="All")
    assert undo(alias) == (3, 0)
    assert state(alias) == before


def test_all_fields_are_restored(alias: str, memory: Memory) -> None:
    memory.clear()
    added = memory.add_user_memory(sample_memory(), "maya")
    with acting(through="action 1"):
        memory.replace_user_memory(added.memory_id, UserMemory(memory="other"), "maya")
    assert undo(alias) == (1, 0)
    restored = memory.get_user_memory(added.memory_id, "maya")
    assert restored is not None
    assert [getattr(restored, name) for name in UserMemory.content_fields] == [
        getattr(added, name) for name in UserMemory.content_fields
    ]


def test_a_write_that_let_a_memory_expire_is_undone(alias: str, memory: Memory) -> None:
    """Before and after it is pruned, but not a write before that one, or before a deletion."""
    start, second = now() - datetime.timedelta(seconds=100), datetime.timedelta(seconds=1)
    for is_pruned in (False, True):
        memory.clear()
        names = ("over", "over later", "deleted")
        with at(start):
            memory.add_user_memories([UserMemory(memory_id=name, memory=name) for name in names], "maya")
        with at(start + second), acting(through="action 1"):
            memory.replace_user_memory("over", UserMemory(memory="new", expires_at=start + 10 * second), "maya")
            for name in names[1:]:
                memory.replace_user_memory(name, UserMemory(memory="new"), "maya")
        with at(start + 2 * second):
            memory.replace_user_memory("over later", UserMemory(memory="newer", expires_at=start + 3 * second), "maya")
            memory.delete_user_memory("deleted", "maya")
        if is_pruned:
            assert prune(alias).expired == 2
        assert undo(alias) == (1, 2)
        (restored,) = memory.get_user_memories("maya")
        assert (restored.memory, restored.version, restored.expires_at) == ("over", 3, None)


def test_an_interrupted_call_is_completed_by_the_next(alias: str, memory: Memory) -> None:
    before = state(alias)
    with acting(through="action 1"):
        BulkMemory(rows(alias)).delete()

    def stop(batch: Batch) -> None:
        raise InterruptedError

    versions = MemoryRevision.objects.using(alias).filter(through="action 1")
    with with_settings(BATCH_SIZE=3):
        with pytest.raises(InterruptedError):
            BulkRestore(versions, stop).run()
        assert rows(alias).count() == 3
        assert BulkRestore(versions).run() == (7, 3)
    assert state(alias) == before


def test_an_id_that_is_taken_in_between_stays(alias: str, memory: Memory) -> None:
    memory.clear()
    memory.add_user_memories([UserMemory(memory_id=name, memory=name) for name in ("a", "b")], "maya")
    with acting(through="action 1"):
        BulkMemory(rows(alias)).delete()
    restore = BulkRestore(MemoryRevision.objects.using(alias).filter(through="action 1"))
    calls: list[str] = []

    def racing(alias: str, work: Callable[[], Batch]) -> Batch:
        calls.append(alias)
        if len(calls) == 1:
            memory.add_user_memory(UserMemory(memory_id="a", memory="new"), "maya")
            raise MemoryExists(["a"])
        return all_or_nothing(alias, work)

    with mock.patch("agno_memory.restoring.all_or_nothing", racing):
        assert restore.run() == (1, 1)
    assert {each.memory for each in rows(alias)} == {"new", "b"}


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(1, [1] * 10), (2, [2, 2, 2, 1, 1, 1, 1]), (3, [3, 3, 2, 2]), (4, [4, 2, 3, 1]), (100, [10])],
)
def test_batches_of_any_size_have_each_version_once(alias: str, memory: Memory, size: int, sizes: list[int]) -> None:
    """Six of one time, and four of other times: one of several times leaves the last of them to the next."""
    before = state(alias)
    moment = now()
    for owner, seconds in (("maya", 0), ("noah", 1)):
        for number in range(5):
            with at(moment + datetime.timedelta(seconds=seconds * number)), acting(through="action 1"):
                memory.delete_user_memory(f"m{number}", owner)
    batches: list[int] = []
    with with_settings(BATCH_SIZE=size):
        versions = MemoryRevision.objects.using(alias).filter(through="action 1")
        assert BulkRestore(versions, lambda batch: batches.append(len(batch))).run() == (10, 0)
    assert batches == sizes
    assert state(alias) == before


def test_signals_are_sent(alias: str, memory: Memory) -> None:
    sent: list[tuple[str, str, int]] = []

    def added(user_id: str, memory_ids: list[str], **kwargs: Any) -> None:
        sent.append(("added", user_id, len(memory_ids)))

    def replaced(user_id: str, memory_ids: list[str], **kwargs: Any) -> None:
        sent.append(("replaced", user_id, len(memory_ids)))

    with acting(through="action 1"):
        BulkMemory(rows(alias).filter(user_id="maya")).add_topic("new")
        BulkMemory(rows(alias).filter(user_id="noah")).delete()
    memory_added.connect(added)
    memory_replaced.connect(replaced)
    try:
        undo(alias)
    finally:
        memory_added.disconnect(added), memory_replaced.disconnect(replaced)
    assert sorted(sent) == [("added", "noah", 5), ("replaced", "maya", 5)]


def test_clocks_that_went_back_leave_no_overlap(alias: str, memory: Memory) -> None:
    with acting(through="action 1"):
        BulkMemory(rows(alias)).delete()
    with at(now() - datetime.timedelta(hours=1)):
        assert undo(alias) == (10, 0)
    for each in memory.get_user_memories("maya"):
        current, deleted = memory.get_user_memory_history(each.memory_id, "maya")
        assert deleted.valid_until <= current.valid_from


def test_slices_are_refused(alias: str, memory: Memory) -> None:
    versions = MemoryRevision.objects.using(alias).all()
    for refused in (versions[:3], versions.union(versions)):
        with pytest.raises(TypeError, match="BulkRestore takes neither a slice nor a union"):
            BulkRestore(refused)
