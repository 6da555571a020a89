"""Versions of many memories restored by staff: logged in batches, and reported with their numbers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import ngettext

from agno_memory.admin.charts import number
from agno_memory.admin.history import log_plain
from agno_memory.models import UserMemory
from agno_memory.restoring import Batch, BulkRestore, Restored
from agno_memory.revision_querysets import RevisionQuerySet


def restore_versions(request: HttpRequest, versions: RevisionQuerySet, logged: str) -> Restored:
    """Restore versions that a staff user may see, log each memory, and return the numbers.

    Args:
        request: of the staff user, whose permissions are not checked here.
        versions: at most one of each memory.
        logged: the text of the log, which names nothing of a memory.
    """

    def log(batch: Batch) -> None:
        memories = (UserMemory(key=each.memory_key, memory_id=each.memory_id, user_id=each.user_id) for each in batch)
        log_plain(request, memories, logged)

    return BulkRestore(versions, log).run()


def report_restored(request: HttpRequest, result: Restored) -> None:
    """Show the numbers of memories that were restored, and of those that were left."""
    restored, left = result
    if restored or not left:
        text = ngettext("%(count)s memory is restored.", "%(count)s memories are restored.", restored)
        messages.add_message(
            request, messages.SUCCESS if restored else messages.WARNING, text % {"count": number(restored)}
        )
    if left:
        text = ngettext(
            "%(count)s memory was left as it is, because it was written since.",
            "%(count)s memories were left as they are, because they were written since.",
            left,
        )
        messages.warning(request, text % {"count": number(left)})
