"""``manage.py memory_bench`` measures the speed of a store, and leaves it as it was."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search.sample_texts import sample_question, sample_text
from tests.databases import commits, each_database

pytestmark = [commits]


def bench(alias: str, **options: Any) -> str:
    printed = StringIO()
    call_command("memory_bench", database=alias, stdout=printed, **options)
    return printed.getvalue()


@each_database
def test_it_measures_and_removes_what_it_wrote(alias: str) -> None:
    Memory(db=alias).add_user_memory(UserMemory(memory_id="m", memory="Likes tea"), "maya")
    before = UserMemory.objects.using(alias).get()
    printed = bench(alias, memories=30, calls=3)
    for name in ("add one memory", "read one memory", "list the newest 20", "search, the best 10", "context"):
        assert re.search(rf"^{name}.* \d+\.\d\d ms +\d+\.\d\d ms$", printed, re.MULTILINE), name
    assert "Removed the 33 memories of memory_bench-" in printed
    after = UserMemory.objects.using(alias).get()
    assert (after.memory_id, after.version, after.last_updated) == ("m", 1, before.last_updated)


@commits
def test_it_removes_what_it_wrote_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Memory, "search_user_memories", fail)
    with pytest.raises(KeyboardInterrupt):
        bench("default", memories=3, calls=1)
    assert not UserMemory.objects.using("default").exists()


@pytest.mark.parametrize("options", [{"memories": 0}, {"memories": 100_001}, {"calls": 0}, {"calls": 1_001}])
def test_its_size_is_bounded(options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="is a number from 1 to"):
        bench("default", **options)


def test_a_sample_question_has_words_of_its_text() -> None:
    assert sample_text(7) == sample_text(7) != sample_text(8)
    assert set(sample_text(7).split()[:4]) <= set(sample_question(7).strip("?").split())
