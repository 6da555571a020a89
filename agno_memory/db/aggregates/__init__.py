"""Counts in the database that the ORM cannot express: one class per question, one method per database."""

from __future__ import annotations

from agno_memory.db.aggregates.owners import OwnerCount, OwnerCounts
from agno_memory.db.aggregates.sizes import Size, SizeEstimate
from agno_memory.db.aggregates.spans import SpanCounts
from agno_memory.db.aggregates.topics import TopicCount, TopicCounts

__all__ = ["OwnerCount", "OwnerCounts", "Size", "SizeEstimate", "SpanCounts", "TopicCount", "TopicCounts"]
