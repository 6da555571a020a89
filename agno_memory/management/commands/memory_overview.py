from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agno_memory.models import UserMemory
from agno_memory.stats.cache import SnapshotCache


class Command(BaseCommand):
    help = "Count all memories for the admin's dashboard, which then finds a complete snapshot in the cache."

    def handle(self, *args: Any, **options: Any) -> None:
        snapshot = SnapshotCache(UserMemory.objects.current()).refresh()
        if snapshot is None:
            # Not an error: the other process writes the snapshot.
            self.stdout.write("Another process is counting the memories at this moment.")
            return
        self.stdout.write(
            f"{snapshot.memory_count:,} memories of {snapshot.owner_count:,} people, "
            f"counted in {snapshot.seconds:.1f} seconds"
        )
