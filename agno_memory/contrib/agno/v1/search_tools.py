"""``MemorySearchTools``: an agent of agno 1.8 searches the memories of a user."""

from __future__ import annotations

from typing import Any

from agno.tools import Toolkit

from agno_memory.contrib.agno.search_results import DEFAULT_BUDGET, INSTRUCTIONS, Results
from agno_memory.db import handles


class MemorySearchTools(Toolkit):
    """The tool ``search_memories``, for ``Agent(user_id="maya", tools=[MemorySearchTools("maya")])``.

    agno 1.8 does not pass the user of a run to a tool, and an agent that serves several users at once has the state of
    the last one. So the tool belongs to one user: make one for each.

    Args:
        user_id: the owner of the memories.
        db: an alias of ``DATABASES``, or a handle; None follows the router.
        budget: the maximum size of an answer, in characters.
        **options: those of agno's ``Toolkit``.
    """

    def __init__(
        self, user_id: str, db: str | handles.MemoryDb | None = None, *, budget: int = DEFAULT_BUDGET, **options: Any
    ) -> None:
        self._user_id = user_id
        self._results = Results(db, budget)
        defaults = {"name": "memory_search", "instructions": INSTRUCTIONS, "add_instructions": True}
        super().__init__(tools=[self.search_memories], **defaults | options)

    def search_memories(self, query: str) -> str:
        """Search everything that is known about the user, and return numbered facts, the best first.

        Args:
            query: a question, or words to look for.
        """
        return self._results.text(self._user_id, query)
