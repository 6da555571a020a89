"""``AsyncDjangoDb`` for tests that were written for ``DjangoDb``: each call runs on an event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
from functools import wraps
from typing import Any

from agno.agent import Agent
from agno.team import Team

from agno_memory.contrib.agno import AsyncDjangoDb


def run(call: Any) -> Any:
    """Return the result of a coroutine."""

    async def wait() -> Any:
        return await call

    return asyncio.run(wait())


class AwaitedDb:
    """The methods of an ``AsyncDjangoDb`` without ``await``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.awaited = AsyncDjangoDb(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.awaited, name)
        if not inspect.iscoroutinefunction(value):
            return value

        @wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            return run(value(*args, **kwargs))

        return call


class AwaitedAgent(Agent):
    """An agent with an async store, of which ``run()`` is ``arun()``."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return run(self.arun(*args, **kwargs))


class AwaitedTeam(Team):
    """A team, likewise."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return run(self.arun(*args, **kwargs))
