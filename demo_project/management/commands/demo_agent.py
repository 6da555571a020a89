from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from demo_project.management.commands.demo import Command as Demo

# By the key that the environment holds: agno's class, the package that it needs, and a model.
MODELS: Final = {
    "OPENAI_API_KEY": ("agno.models.openai", "OpenAIChat", "openai", "gpt-4o-mini"),
    "ANTHROPIC_API_KEY": ("agno.models.anthropic", "Claude", "anthropic", "claude-sonnet-4-5"),
}
ENDS = ("bye", "exit", "quit")


class Command(BaseCommand):
    help = "Talk to an agent of agno 3 that keeps its memories and its sessions in this site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", default="demo", help="Who talks.")
        parser.add_argument("--session", default="demo-agent", help="The session that is gone on with.")

    def handle(self, *args: Any, user: str, session: str, **options: Any) -> None:
        try:
            agent = self.agent()
        except ImportError as error:
            raise CommandError(f"{error}. `make demo-agent` installs what it takes.") from error
        setup = Demo()
        setup.migrate()
        setup.create_login()
        self.stdout.write(f"A {agent.model.name} model. Say something about yourself, ask what it knows, or say bye.")
        while (said := self.heard()) is not None:
            before = self.known(user)
            run = agent.run(said, user_id=user, session_id=session)
            self.stdout.write(f"agent: {run.content}")
            self.tell(before, self.known(user))
        self.stdout.write("`make demo` serves the site: /admin/ shows what it remembers, and this conversation.")

    def agent(self) -> Any:
        """Make the agent."""
        from agno.agent import Agent
        from agno.memory import MemoryManager

        from agno_memory.contrib.agno import DjangoDb

        model, db = self.model(), DjangoDb()
        return Agent(
            id="demo-agent",
            model=model,
            db=db,
            memory_manager=MemoryManager(model=model, db=db, delete_memories=True, clear_memories=True),
            enable_agentic_memory=True,
            add_memories_to_context=True,
            add_history_to_context=True,
            telemetry=False,
        )

    def model(self) -> Any:
        """Return a real model where the environment has a key for one, and otherwise the scripted one."""
        for key, (module, name, package, model) in MODELS.items():
            if os.environ.get(key):
                try:
                    return getattr(import_module(module), name)(id=os.environ.get("DEMO_AGENT_MODEL", model))
                except ImportError as error:
                    raise CommandError(
                        f"{key} is set, and {package} is not installed: pip install {package}"
                    ) from error
        from demo_project.scripted import ScriptedModel

        return ScriptedModel()

    def heard(self) -> str | None:
        """Return what is said next; None at the end."""
        is_terminal = sys.stdin.isatty()
        while True:
            if is_terminal:
                self.stdout.write("you: ", ending="")
                self.stdout.flush()
            line = sys.stdin.readline()
            said = line.strip()
            if not line or said.lower() in ENDS:
                return None
            if said:
                if not is_terminal:
                    self.stdout.write(f"you: {said}")
                return said

    def known(self, user: str) -> dict[str, UserMemory]:
        return {memory.memory_id: memory for memory in Memory().get_user_memories(user)}

    def tell(self, before: dict[str, UserMemory], after: dict[str, UserMemory]) -> None:
        """Say what changed in the store."""
        for memory_id, memory in after.items():
            if memory_id not in before or before[memory_id].version != memory.version:
                self.stdout.write(f"       [remembered: {memory.memory}; {', '.join(memory.topics)}]")
        for memory_id in before.keys() - after.keys():
            self.stdout.write(f"       [forgotten: {before[memory_id].memory}]")
