"""The agent of ``make demo-agent`` and ``make demo-agentos``. It needs agno 3."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

from agno.agent import Agent
from agno.memory import MemoryManager

from demo_project.scripted import ScriptedModel

# By the environment variable of the key: module and name of agno's class, the package that it needs, and a model.
MODELS: Final = {
    "OPENAI_API_KEY": ("agno.models.openai", "OpenAIChat", "openai", "gpt-4o-mini"),
    "ANTHROPIC_API_KEY": ("agno.models.anthropic", "Claude", "anthropic", "claude-sonnet-4-5"),
}


def demo_agent(db: Any) -> Agent:
    """Return the agent.

    Args:
        db: a store of ``agno_memory.contrib.agno``.

    Raises:
        ImportError: the package of the model is missing.
    """
    model = demo_model()
    return Agent(
        id="demo-agent",
        name="Demo agent",
        model=model,
        db=db,
        memory_manager=MemoryManager(model=model, db=db, delete_memories=True, clear_memories=True),
        enable_agentic_memory=True,
        add_memories_to_context=True,
        add_history_to_context=True,
        telemetry=False,
    )


def demo_model() -> Any:
    """Return the model of the first key in the environment; without a key, the scripted model."""
    for key, (module, name, package, model) in MODELS.items():
        if os.environ.get(key):
            try:
                return getattr(import_module(module), name)(id=os.environ.get("DEMO_AGENT_MODEL", model))
            except ImportError as error:
                raise ImportError(f"{key} is set, but {package} is not installed: pip install {package}") from error
    return ScriptedModel()
