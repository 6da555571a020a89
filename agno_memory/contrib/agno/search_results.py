"""The answer of the tool with which an agent searches the memories of its user. The same for each major of agno."""

from __future__ import annotations

from typing import Final

from agno_memory.contrib.agno.agent_memory import AgentMemory, storable
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.db import handles

# In characters: some forty memories.
DEFAULT_BUDGET: Final = 3_000
NOTHING_FOUND: Final = "No memories of the user match. Try other words."
NO_QUERY: Final = "The query is empty. Pass a question or words."
INSTRUCTIONS: Final = "Call `search_memories` if the memories in your context do not answer a question about the user."


class Results:
    """Memories for a model: numbered, and marked as data.

    Args:
        db: an alias of ``DATABASES``, or a handle; None follows the router.
        budget: the maximum size of an answer, in characters.
    """

    def __init__(self, db: str | handles.MemoryDb | None, budget: int) -> None:
        self._memory = AgentMemory(db)
        self._budget = budget

    @from_anywhere
    def text(self, user_id: str, query: str) -> str:
        """Return the memories of a user that answer a query, the best first."""
        question = storable(query)
        if not question.strip():
            return NO_QUERY
        return self._memory.context(user_id, question, self._budget).text or NOTHING_FOUND
