"""The option --lenient corrects rows that are rejected otherwise, on every database."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.lenience import lenient_fields
from tests.databases import commits, each_database
from tests.transfer.commands import by_text, import_error, rejected, run, write_mem0

pytestmark = [commits]


@each_database
def test_nul_and_blank_topics_are_removed(alias: str) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "memory": "Likes\x00 tea", "categories": ["te\x00a", " ", "", None, "drinks"]},
        {"id": "b", "memory": "Likes \ud83c cake", "metadata": {"k\x00": ["\x00v"]}},
        {"id": "c", "memory": "\x00 "},
        {"id": "d\x00", "memory": "x"},
        {"id": "e", "memory": "y", "categories": [5]},
    ]
    write_mem0(*rows)
    import_error("in.jsonl", f"--database={alias}")
    assert len(rejected()) == 5
    import_error("in.jsonl", "--lenient", f"--database={alias}")
    assert [row["where"] for row in rejected()] == ["line 3", "line 4", "line 5"]
    found = by_text(alias)
    assert found.keys() == {"Likes tea", "Likes  cake"}
    assert (found["Likes tea"].topics, found["Likes  cake"].metadata) == (["tea", "drinks"], {"k": ["v"]})
    write_mem0(*rows[:2])
    assert "2 read: 0 imported, 2 unchanged" in run("import_memories", "in.jsonl", "--lenient", database=alias)


def test_valid_fields_stay_as_they_are() -> None:
    fields = {"memory": "Größe 🎈", "topics": ["a"], "user_id": "maya", "metadata": {"n": [1.5, None, {"a": True}]}}
    assert lenient_fields(fields) == fields
