from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agno_memory.models import UserMemory
from agno_memory.stats.cache import SnapshotCache


class Command(BaseCommand):
    help = "Count everything for the admin's dashboard, so that whoever opens it finds a whole picture in the cache."

    def handle(self, *args: Any, **options: Any) -> None:
        picture = SnapshotCache(UserMemory.objects.all()).refresh()
        if picture is None:
            # Not an error: there will be a picture.
            self.stdout.write("Somebody else has everything counted at this moment.")
            return
        self.stdout.write(
            f"{picture.memories:,} memories of {picture.owners:,} owners, counted in {picture.took:.1f} seconds"
        )
