"""Rows are read a few at a time, in their order, on every database."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory import small_pages
from agno_memory.agent_records import AgentRecords
from agno_memory.models import AgentRecord
from tests.databases import commits, each_database

pytestmark = [commits]


@each_database
def test_rows_are_read_a_few_at_a_time_in_their_order(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_pages, "SIZE", 2)
    records = AgentRecords("learning", alias)
    for number in range(5):
        records.add_record(AgentRecord(record_id=str(number), user_id="maya", sort_number=-number, data={}))
    rows = small_pages.in_small_pages(records.rows("maya").by_number())
    with CaptureQueriesContext(connections[alias]) as captured:
        assert [next(rows).record_id, next(rows).record_id] == ["4", "3"]
        assert len(captured) == 2
        records.delete_record("1", "maya")
        records.add_record(AgentRecord(record_id="5", user_id="maya", sort_number=-1, data={}))
    assert [each.record_id for each in rows] == ["2", "0"]
