"""What is counted in the database for which the ORM has no words: a class each, a method for each database."""

from __future__ import annotations

from agno_memory.aggregates.owners import OwnerCount, OwnerCounts
from agno_memory.aggregates.sizes import Size, SizeEstimate
from agno_memory.aggregates.spans import SpanCounts
from agno_memory.aggregates.topics import TopicCount, TopicCounts

__all__ = ["OwnerCount", "OwnerCounts", "Size", "SizeEstimate", "SpanCounts", "TopicCount", "TopicCounts"]
