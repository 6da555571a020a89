from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agno_memory.models import UserMemory
from agno_memory.stats.cache import SnapshotCache


class Command(BaseCommand):
    help = "Count everything for the admin's dashboard, so that it finds a complete snapshot in the cache."

    def handle(self, *args: Any, **options: Any) -> None:
        snapshot = SnapshotCache(UserMemory.objects.all()).refresh()
        if snapshot is None:
            # Not an error: the other process will cache a snapshot.
            self.stdout.write("Somebody else has everything counted at this moment.")
            return
        self.stdout.write(
            f"{snapshot.memory_count:,} memories of {snapshot.owner_count:,} owners, "
            f"counted in {snapshot.seconds:.1f} seconds"
        )
