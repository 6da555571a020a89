"""``MemorySearchTools``: an agent of agno 3 searches the memories of its user."""

from __future__ import annotations

from typing import Any

from agno.run import RunContext
from agno.tools import Toolkit

from agno_memory.contrib.agno.search_results import DEFAULT_BUDGET, INSTRUCTIONS, Results

# agno's user of a run without one.
DEFAULT_USER = "default"


class MemorySearchTools(Toolkit):
    """The tool ``search_memories``, for ``Agent(tools=[MemorySearchTools()])`` and teams.

    It finds memories of the user of the run. The model cannot name another user.

    Args:
        db: an alias of ``DATABASES``; None follows the router.
        budget: the maximum size of an answer, in characters.
        **options: those of agno's ``Toolkit``.
    """

    def __init__(self, db: str | None = None, *, budget: int = DEFAULT_BUDGET, **options: Any) -> None:
        self._results = Results(db, budget)
        defaults = {"name": "memory_search", "instructions": INSTRUCTIONS, "add_instructions": True}
        super().__init__(tools=[self.search_memories], **defaults | options)

    def search_memories(self, run_context: RunContext, query: str) -> str:
        """Search everything that is known about the user, and return numbered facts, the best first.

        Args:
            query: a question, or words to look for.
        """
        user_id = run_context.user_id
        return self._results.text(DEFAULT_USER if user_id is None else user_id, query)
