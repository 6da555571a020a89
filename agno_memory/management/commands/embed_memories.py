from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import router

from agno_memory.conf import conf
from agno_memory.identifiers import owner_id
from agno_memory.management.base import WritingCommand
from agno_memory.models import UserMemory
from agno_memory.search.embedders import Embedder, current_embedder
from agno_memory.search.embedding import Embedding
from agno_memory.search.vectors import WrongVectors
from agno_memory.transfer.progress import Progress
from agno_memory.vector_models import MemoryVector


class Command(WritingCommand):
    help = (
        "Make the vectors of ranked searches that are missing or of an older text, by the model in EMBEDDER. Run it "
        "regularly: adding a memory does not wait for a model. Can be interrupted and repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help="Alias of the database; that of the memories by default.")
        parser.add_argument("--user", help="Only the memories of the person with this id.")
        parser.add_argument("--prune", action="store_true", help="Delete the vectors of other models.")

    def handle(self, *args: Any, database: str | None, user: str | None, prune: bool, **options: Any) -> None:
        if prune and conf.EMBEDDER is None:
            vectors = MemoryVector.objects.using(database or router.db_for_write(MemoryVector))
            count = (vectors if user is None else vectors.filter(user_id=owner_id(user))).erase()
            self.stdout.write(f"{count:,} vectors of other models deleted.")
            return
        embedder = _embedder()
        rows = UserMemory.objects.using(database or router.db_for_write(UserMemory))
        total = rows.count() if user is None else rows.filter(user_id=user).count()
        progress = Progress(self.stderr)
        read = embedded = pruned = 0

        def show(more_read: int, more_embedded: int) -> None:
            nonlocal read, embedded
            read, embedded = read + more_read, embedded + more_embedded
            progress.update(embedded, read, total)

        embedding = Embedding(rows, embedder, show)
        try:
            for owner in embedding.owners() if user is None else [owner_id(user)]:
                embedding.embed(owner)
                pruned += embedding.prune(owner) if prune else 0
        except WrongVectors as error:
            raise CommandError(f"{embedder.name}: {error}.") from error
        finally:
            progress.close()
        self.stdout.write(f"{embedded:,} of {read:,} memories embedded with {embedder.name}.")
        if prune:
            self.stdout.write(f"{pruned:,} vectors of other models deleted.")


def _embedder() -> Embedder:
    try:
        embedder = current_embedder()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    if embedder is None:
        raise CommandError("No model is set. Name one in AGNO_MEMORY['EMBEDDER'].")
    return embedder
