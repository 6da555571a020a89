from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from demo_project import people
from demo_project.management.commands import demo


class Command(demo.Command):
    help = "Set up the demo if necessary, and serve the site with an AgentOS of agno 3 at /agents/."

    def run_examples(self) -> None:
        """Do nothing: ``demo`` runs them."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # They are optional.
            import agno.os  # noqa: F401
            import uvicorn  # noqa: F401
        except ImportError as error:
            raise CommandError(f"{error}. `make demo-agentos` installs the packages that it needs.") from error
        super().handle(*args, **options)

    def serve(self, address: str) -> None:
        import uvicorn

        host, _, port = address.rpartition(":")
        site, login = f"http://{address}", f"-d username={people.LOGIN} -d password={demo.PASSWORD}"
        self.heading("The site, with AgentOS at /agents/")
        self.stdout.write(
            f"{site}/admin/ (log in as {people.LOGIN}, password {demo.PASSWORD}), then {site}/agents/docs"
        )
        self.heading("The agent over HTTP (docs/agno.md)")
        self.stdout.write(f"TOKEN=$(curl -s {login} {site}/api/token/ | cut -d '\"' -f 4)")
        self.stdout.write(
            f'curl -H "Authorization: Token $TOKEN" -F message="I am allergic to nuts" -F stream=false '
            f"-F session_id=dinner {site}/agents/agents/demo-agent/runs"
        )
        self.stdout.write("Then /admin/ shows the memory and the session.")
        self.stdout.flush()
        uvicorn.run("demo_project.agentos:application", host=host.strip("[]"), port=int(port), log_level="warning")
