"""A copy is identical and can be repeated, between all databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError

from agno_memory.db.store import Store
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import RUNNING, commits, each_database
from tests.transfer.commands import fill, owned, run, stored

pytestmark = [commits]


def copy(source: str, target: str) -> str:
    return run("copy_memories", f"--from={source}", f"--to={target}")


@each_database
def test_a_copy_is_identical_and_can_be_repeated(alias: str) -> None:
    for target in set(RUNNING) - {alias}:
        Memory(db=alias).clear()
        fill(alias)
        Memory(db=target).add_user_memory(UserMemory(memory_id="stays", memory="x"))
        before = stored(alias)
        output = copy(alias, target)
        assert "3 read: 3 copied, 0 updated, 0 unchanged." in output
        assert output.endswith("Done: the copy is identical to the source.\n")
        assert {name: row for name, row in stored(target).items() if name != "stays"} == before == stored(alias)
        Memory(db=alias).replace_user_memory("c", UserMemory(memory="new"), "maya")
        assert "0 copied, 1 updated, 2 unchanged." in copy(alias, target)
        Memory(db=target).replace_user_memory("c", UserMemory(memory="newer"), "maya")
        Memory(db=target).delete_user_memory("a", "maya")
        with pytest.raises(
            CommandError, match=r"^1 memories were not overwritten, because .* with other content: c of maya$"
        ):
            copy(alias, target)
        assert stored(target)["c"]["memory"] == "newer"
        assert stored(target)["a"] == before["a"]
    with pytest.raises(CommandError, match="the same database"):
        copy(alias, alias)


@each_database
def test_each_owner_has_ids_of_their_own(alias: str) -> None:
    target = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    for user in ("maya", "noah", "zoe"):
        Memory(db=alias).add_user_memory(UserMemory(memory_id="m", memory=f"{user}'s"), user)
    Memory(db=target).add_user_memory(UserMemory(memory_id="m", memory="Stays"), "liam")
    assert "3 copied, 0 updated, 0 unchanged." in copy(alias, target)
    Memory(db=alias).replace_user_memory("m", UserMemory(memory="noah's new"), "noah")
    for user in ("maya", "zoe"):
        Memory(db=target).replace_user_memory("m", UserMemory(memory=f"Edited by {user}"), user)
    with pytest.raises(CommandError, match=r"not overwritten.*: m of maya, m of zoe$"):
        copy(alias, target)
    assert {user: text for user, _, text in owned(target)} == {
        "liam": "Stays",
        "maya": "Edited by maya",
        "noah": "noah's new",
        "zoe": "Edited by zoe",
    }


def test_a_different_copy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("default")
    other = RUNNING[1]
    move_in: Callable[..., None] = Store.move_in

    def change(self: Store, memories: list[UserMemory], **options: Any) -> None:
        memories[0].memory += "!"
        move_in(self, memories, **options)

    monkeypatch.setattr(Store, "move_in", change)
    with pytest.raises(CommandError, match="The copy differs from the source"):
        copy("default", other)
