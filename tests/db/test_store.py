"""``Store``: its own promises to the verbs, the importer and the copier; the contract has those of the verbs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from agno_memory.cleaning import cleaned_memory
from agno_memory.db.store import Store
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added, memory_replaced
from agno_memory.test.helpers import with_settings
from tests.databases import commits, each_database

pytestmark = [commits]

EARLIER = datetime(2020, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def moved(memory_id: str, **values: Any) -> UserMemory:
    """Return a memory of another store, with times and a version."""
    memory = cleaned_memory(UserMemory, UserMemory(memory="x", memory_id=memory_id), "maya")
    for name, value in {"created_at": EARLIER, "last_updated": EARLIER, "version": 7, **values}.items():
        setattr(memory, name, value)
    return memory


@each_database
@pytest.mark.parametrize(("options", "version"), [({}, 1), ({"keep_version": False}, 1), ({"keep_version": True}, 7)])
def test_memories_that_move_in_begin_at_version_1_unless_it_is_kept(
    alias: str, options: dict[str, bool], version: int
) -> None:
    Store(alias).move_in([moved("a"), moved("b")], **options)
    stored = Memory(alias).get_user_memories("maya")
    assert [(each.memory_id, each.version) for each in stored] == [("b", version), ("a", version)]
    assert {each.created_at for each in stored} == {each.last_updated for each in stored} == {EARLIER}


@each_database
def test_memories_that_move_in_get_the_times_and_versions_that_they_lack(alias: str) -> None:
    Store(alias).move_in([moved("a", created_at=None, last_updated=None, version=None)], keep_version=True)
    (stored,) = Memory(alias).get_user_memories("maya")
    assert stored.version == 1
    assert stored.created_at == stored.last_updated > EARLIER


@each_database
def test_a_memory_moves_in_with_a_text_that_another_call_has_just_added(alias: str) -> None:
    with with_settings(ON_DUPLICATE="refuse"):
        memory = Memory(alias)
        memory.add_user_memory(UserMemory(memory="x", memory_id="a"), "maya")
        with mock.patch.object(Store, "_release_texts"):
            Store(alias).move_in([moved("b")])
    assert [each.memory for each in memory.get_user_memories("maya")] == ["x", "x"]


class Sent:
    """The signals of additions and replacements, by name."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __enter__(self) -> Sent:
        memory_added.connect(self.on_added)
        memory_replaced.connect(self.on_replaced)
        return self

    def __exit__(self, *_error: object) -> None:
        memory_added.disconnect(self.on_added)
        memory_replaced.disconnect(self.on_replaced)

    def on_added(self, **arguments: Any) -> None:
        self.names.append("added")

    def on_replaced(self, **arguments: Any) -> None:
        self.names.append("replaced")


@each_database
def test_an_upsert_announces_an_addition_and_then_a_replacement(alias: str) -> None:
    """MongoDB does both in one statement if no history is kept."""
    memory = Memory(alias)
    for days in (0, 30):
        with with_settings(HISTORY_DAYS=days), Sent() as sent:
            for text in ("one", "two"):
                memory.upsert_user_memory(UserMemory(memory=text, memory_id=f"{days}"), "maya")
        assert sent.names == ["added", "replaced"]


@pytest.mark.parametrize("alias", ["default", "postgres"])
@pytest.mark.parametrize("is_deleted_again", [False, True])
def test_an_upsert_that_loses_a_race_announces_its_own_write(alias: str, is_deleted_again: bool) -> None:
    """The memory is added by another writer between the update and the insertion, and perhaps deleted again.

    MongoDB does both in one statement.
    """
    memory, add = Memory(alias), Store.add

    def add_second(store: Store, candidate: UserMemory) -> tuple[UserMemory, bool]:
        patched.stop()
        add(store, cleaned_memory(UserMemory, UserMemory(memory="other", memory_id="m"), "maya"))
        try:
            return add(store, candidate)
        finally:
            if is_deleted_again:
                UserMemory.objects.using(alias).filter(memory_id="m").erase()

    patched = mock.patch.object(Store, "add", add_second)
    patched.start()
    with Sent() as sent:
        written = memory.upsert_user_memory(UserMemory(memory="mine", memory_id="m"), "maya")
    assert sent.names == (["added"] if is_deleted_again else ["replaced"])
    assert written.version == (1 if is_deleted_again else 2)
    assert [each.memory for each in memory.get_user_memories("maya")] == ["mine"]
