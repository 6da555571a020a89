from __future__ import annotations

import socket
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections, router

from agno_memory.models import UserMemory
from demo_project import conversations, documents, examples, outdated, people
from demo_project.people import LOGIN

PASSWORD = LOGIN


class Command(BaseCommand):
    help = "Set up the demo if necessary, run the examples, and serve the site."
    # They may open the database: first, the port must be free.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "addrport", nargs="?", default="127.0.0.1:8000", help="Port, or address:port, of the server."
        )
        parser.add_argument(
            "--no-serve",
            "--noserve",
            dest="serve",
            action="store_false",
            help="Set up and run the examples, but do not start the server.",
        )

    def handle(self, *args: Any, addrport: str, serve: bool, **options: Any) -> None:
        address = addrport if ":" in addrport else f"127.0.0.1:{addrport}"
        if serve:
            refuse_busy(address)
        self.check()
        self.migrate()
        self.create_login()
        self.load_people()
        self.run_examples()
        if serve:
            self.serve(address)

    def migrate(self) -> None:
        outdated.refuse()
        migrate = partial(call_command, "migrate", interactive=False, verbosity=0)
        migrate(database=DEFAULT_DB_ALIAS)
        alias = router.db_for_write(UserMemory)
        if UserMemory._meta.db_table not in connections[alias].introspection.table_names():
            # Django also records a migration as applied if the router refuses its tables. A database without the
            # tables of the memories must lose that record.
            migrate("agno_memory", "zero", fake=True, database=alias)
        migrate("agno_memory", database=alias)

    def create_login(self) -> None:
        users = get_user_model().objects
        if not users.filter(username=LOGIN).exists():
            users.create_superuser(LOGIN, "demo@example.com", PASSWORD)

    def load_people(self) -> None:
        connection = connections[router.db_for_write(UserMemory)]
        existing = UserMemory.objects.count()
        # People who were erased stay erased, with their conversations and documents. A start that was stopped before
        # all was there is completed.
        is_new = not people.were_loaded()
        loaded = people.load() if is_new else 0
        self.heading(f"Memories in {connection.display_name}, {connection.settings_dict['NAME']}")
        self.stdout.write(f"{existing} existing, {loaded} loaded")
        if is_new:
            conversations.load()
            documents.load()

    def run_examples(self) -> None:
        for title, code in examples.for_this_site().items():
            self.heading(title)
            self.stdout.write(examples.run(title, code))

    def serve(self, address: str) -> None:
        self.heading("The site")
        self.stdout.write(f"http://{address}/ (log in as {LOGIN}, password {PASSWORD})")
        self.heading("The same over HTTP (docs/rest.md)")
        self.stdout.write(f"http://{address}/api/docs/ to try it in a browser, or with a token:")
        self.stdout.write(f"curl -d username={LOGIN} -d password={PASSWORD} http://{address}/api/token/")
        self.stdout.flush()
        # The reloader would run this whole command a second time.
        call_command("runserver", address, use_reloader=False)

    def heading(self, text: str) -> None:
        self.stdout.write("\n" + self.style.MIGRATE_HEADING(text))


def refuse_busy(address: str) -> None:
    """Check that the server can listen, before the command prints an address that is another program's.

    Args:
        address: host and port, such as ``127.0.0.1:8000`` or ``[::1]:8000``.

    Raises:
        CommandError: the port is in use, or the address is not one of this machine.
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), int(port)), family=family).close()
    except ValueError:
        raise CommandError(f"{port!r} is not a port. Use a number, such as 8100.") from None
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"The server cannot listen on {address}: {error}. Use another port: make demo PORT=8100."
        ) from None
