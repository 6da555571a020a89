"""Memories as JSON and CSV."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import time
from typing import Any

import pytest

from agno_memory.formats import BYTE_ORDER_MARK, as_dict, cell, csv_lines, json_lines, value_of_cell, version_lines
from agno_memory.models import UserMemory
from agno_memory.names import FIELDS, VERSION_FIELDS
from agno_memory.revision_models import MemoryRevision

MOMENT = datetime.datetime(2026, 11, 25, 9, 30, 0, 125_000, tzinfo=datetime.UTC)


def memory(**values: Any) -> UserMemory:
    fields = {"memory": "Likes tea", "user_id": "ana", "created_at": MOMENT, "last_updated": MOMENT, **values}
    return UserMemory(**fields)


def test_every_field_except_those_of_searches_is_included() -> None:
    every = {field.name for field in UserMemory._meta.concrete_fields}
    assert set(FIELDS) == every - {"key", "search_text", "search_terms", "text_key"}
    assert tuple(as_dict(memory())) == FIELDS


def test_times_are_utc_to_the_millisecond() -> None:
    east = MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    values = as_dict(memory(created_at=MOMENT.replace(microsecond=0), last_updated=east))
    assert values["created_at"] == "2026-11-25T09:30:00.000Z"
    assert values["last_updated"] == "2026-11-25T09:30:00.125Z"


def test_json_lines_hold_one_memory_each() -> None:
    memories = [
        memory(memory="one\ntwo \u2028 \x85", topics=["caf\u00e9"]),
        memory(memory="three", metadata={"a": [1.5]}),
    ]
    lines = list(json_lines(memories))
    assert [line.count("\n") for line in lines] == [1, 1]
    assert [json.loads(line) for line in lines] == [as_dict(each) for each in memories]


def test_the_lines_of_versions_are_marked() -> None:
    """``valid_until`` tells them from memories, and the rest of a line has the same fields."""
    values: dict[str, Any] = {
        "memory": "caf\u00e9",
        "user_id": "ana",
        "version": 2,
        "action": "replaced",
        "actor": "ann",
    }
    times = dict.fromkeys(("created_at", "last_updated", "valid_until"), MOMENT)
    revision = MemoryRevision(**values, **times)
    (line,) = version_lines([revision])
    found = json.loads(line)
    assert list(found) == [*FIELDS, *VERSION_FIELDS]
    assert (found["memory"], found["action"], found["actor"], found["restored"]) == (
        "caf\u00e9",
        "replaced",
        "ann",
        None,
    )
    assert found["valid_from"] == found["valid_until"] == found["last_updated"] == "2026-11-25T09:30:00.125Z"
    assert "\u00e9" in line
    assert "valid_until" not in as_dict(memory())


def test_csv_can_be_read_back() -> None:
    memories = [memory(memory='says "hi",\r\ntwice', topics=["a, b", "caf\u00e9"], metadata={"a": 1})]
    text = "".join(csv_lines(memories))
    assert text.startswith(BYTE_ORDER_MARK)
    header, row = csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))
    assert header == list(FIELDS)
    read = dict(zip(header, row, strict=True))
    assert read["memory"] == 'says "hi",\r\ntwice'
    assert json.loads(read["topics"]) == ["a, b", "caf\u00e9"]
    assert json.loads(read["metadata"]) == {"a": 1}
    assert (read["agent_id"], read["version"]) == ("", "1")


STARTS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\u00a0=", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
# Characters that a spreadsheet may take for the end of a cell.
SEPARATORS = re.compile(r"[;\t\r\n]")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", ["", "a;", "a;;'", "a\t", "a\r\n", "a\n ;", "';"])
def test_no_cell_is_a_formula(before: str, start: str) -> None:
    formula = f"{before}{start}HYPERLINK(1)"
    written = cell(formula)
    assert value_of_cell(written) == formula
    for part in SEPARATORS.split(written):
        assert not part.strip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    line = list(csv_lines([memory(memory=formula, user_id=formula)]))[1]
    assert next(csv.reader(io.StringIO(line, newline="")))[1:3] == [written] * 2


def test_no_part_of_json_is_a_formula() -> None:
    topics = ["a;=1+1", "b; '-2", "c;d", "\n;@x"]
    written = cell(topics)
    assert json.loads(written) == topics
    assert not re.search(r";[\s']*[=+\-@]", written)
    assert "c;d" in written


@pytest.mark.parametrize(
    "text", ["\n" * 100_000, "\n'" * 50_000, ";" * 100_000, "\n" * 100_000 + "=1", "; \n" * 30_000]
)
def test_a_cell_takes_no_longer_than_its_text(text: str) -> None:
    started = time.monotonic()
    assert value_of_cell(cell(text)) == text
    assert time.monotonic() - started < 5


def test_other_cells_are_unchanged() -> None:
    assert [cell(value) for value in ("tea = good", "1-2", None, 3, "'", "")] == ["tea = good", "1-2", "", "3", "'", ""]
