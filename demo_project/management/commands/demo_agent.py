from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from demo_project import people
from demo_project.management.commands.demo import Command as Demo

GOODBYES = ("bye", "exit", "quit")


class Command(BaseCommand):
    help = "Chat with an agent built with agno 3 that keeps its memories and sessions in this site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="The user id of the person in the chat; by default the demo's login.")
        parser.add_argument("--session", default="demo-agent", help="The id of the session to continue or to begin.")

    def handle(self, *args: Any, user: str | None, session: str, **options: Any) -> None:
        try:
            # agno is optional.
            from agno_memory.contrib.agno import DjangoDb
            from demo_project.agent import demo_agent

            agent = demo_agent(DjangoDb())
        except ImportError as error:
            raise CommandError(f"{error}. `make demo-agent` installs the packages that it needs.") from error
        setup = Demo()
        setup.migrate()
        setup.create_login()
        owner = user or people.accounts()[people.LOGIN]
        self.stdout.write(
            f"Model: {agent.model.name}. Write something about yourself, ask what it knows, or write bye."
        )
        while (message := self.next_message()) is not None:
            before = self.memories(owner)
            run = agent.run(message, user_id=owner, session_id=session)
            self.stdout.write(f"agent: {run.content}")
            self.report_changes(before, self.memories(owner))
        self.stdout.write("`make demo` serves the site: /admin/ shows the agent's memories and this conversation.")

    def next_message(self) -> str | None:
        """Return the next message that is not empty; None at the end."""
        is_terminal = sys.stdin.isatty()
        while True:
            if is_terminal:
                self.stdout.write("you: ", ending="")
                self.stdout.flush()
            line = sys.stdin.readline()
            message = line.strip()
            if not line or message.lower() in GOODBYES:
                return None
            if message:
                if not is_terminal:
                    self.stdout.write(f"you: {message}")
                return message

    def memories(self, user: str) -> dict[str, UserMemory]:
        return {memory.memory_id: memory for memory in Memory().get_user_memories(user)}

    def report_changes(self, before: dict[str, UserMemory], after: dict[str, UserMemory]) -> None:
        """Write the memories that were added, replaced or deleted."""
        for memory_id, memory in after.items():
            if memory_id not in before or before[memory_id].version != memory.version:
                self.stdout.write(f"       [remembered: {memory.memory}; {', '.join(memory.topics)}]")
        for memory_id in before.keys() - after.keys():
            self.stdout.write(f"       [forgotten: {before[memory_id].memory}]")
