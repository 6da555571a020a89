"""Undo: a button in the message after a write by staff, which restores the memories as they were before.

The button submits a signed address that names the write by its author, its way and its time, so it is as short for
100,000 memories as for one. Memories that were written since stay as they are.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agno_memory.acting import ADMIN, acting, current_author
from agno_memory.admin.history import log_plain
from agno_memory.admin.moving import move_back, report_moved_back
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.restoring import report_restored, restore_versions
from agno_memory.admin.rows import VisibleRows
from agno_memory.admin.urls import unquoted
from agno_memory.conf import conf
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.times import from_milliseconds, now, to_milliseconds

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object

SALT: Final = "agno_memory.undo"
# For this long a button works.
MAX_AGE: Final = datetime.timedelta(hours=1)
# The clocks of two machines of the site may differ by this much.
MARGIN: Final = datetime.timedelta(minutes=1)
# The undoable write of a request, for the next message.
WRITE: Final = "_agno_memory_write"

# The description of a write in the address, as values of JSON.
Write = dict[str, Any]


class UndoPages(VisibleRows, PageMixin, _Admin):
    """Mixin of the admin class: "Undo" in the messages after writes, and the view that it submits to."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.undo_view))
        return [path("undo/<str:token>/", view, name="agno_memory_usermemory_undo"), *super().get_urls()]

    # Messages

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **kwargs: Any) -> None:
        """Add "Undo" to the message about a write that can be undone."""
        write = request.__dict__.pop(WRITE, None)
        if write:
            message = format_html("{} {}", message, self._undo_form(request, write))
        super().message_user(request, message, *args, **kwargs)

    def _undo_form(self, request: HttpRequest, write: Write) -> SafeString:
        token = signing.dumps({**write, "staff": str(request.user.pk)}, salt=SALT, compress=True)
        return format_html(
            '<form class="am-undo" method="post" action="{}">'
            '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<button type="submit" class="am-button">{}</button></form>',
            *(self.url("undo", token), get_token(request), _("Undo")),
        )

    @contextmanager
    def undoable(self, request: HttpRequest, memory: UserMemory | None = None) -> Iterator[Callable[[], None]]:
        """Let the next message have "Undo" for the writes of a block.

        Args:
            request: of the staff user.
            memory: that is written; None for a bulk action, whose writes get a name of their own.

        Yields:
            A function to call if something was written.
        """
        way = ADMIN if memory else f"{ADMIN}, action {secrets.token_hex(4)}"
        began = now()

        def offer_undo() -> None:
            if not (conf.HISTORY_DAYS and self.has_change_permission(request)):
                return
            write: Write = {"by": current_author().actor, "through": way, "from": to_milliseconds(began)}
            # A clock that went back leaves the time of the version before.
            until = max(now(), memory.last_updated) if memory else now()
            write["to"] = to_milliseconds(until)
            if memory:
                write |= {"user_id": memory.user_id, "key": memory.key}
            setattr(request, WRITE, write)

        with acting(through=way):
            yield offer_undo

    def offer_undo_of_move(
        self, request: HttpRequest, count: int, began: datetime.datetime, until: datetime.datetime
    ) -> None:
        """Let the next message have "Undo" for memories that were moved to another person.

        Args:
            request: of the staff user.
            count: how many memories were moved.
            began: a time before the move.
            until: memories that were written later stay when it is undone.
        """
        if self.has_change_permission(request):
            period = {"from": to_milliseconds(began), "until": to_milliseconds(until)}
            setattr(request, WRITE, {"moved": count, "through": current_author().through, **period})

    def offer_undo_of_addition(self, request: HttpRequest, memory: UserMemory) -> None:
        """Let the next message have "Undo" for a memory that was added."""
        if self.has_delete_permission(request) and self.has_view_or_change_permission(request):
            created = to_milliseconds(memory.created_at)
            setattr(request, WRITE, {"added": memory.key, "user_id": memory.user_id, "created_at": created})

    # The view

    def undo_view(self, request: HttpRequest, token: str) -> HttpResponse:
        """Undo a write of this staff user."""
        try:
            write: Write = signing.loads(unquoted(token), salt=SALT, max_age=MAX_AGE)
        except signing.BadSignature:
            messages.error(request, _("This button has expired. The history of each memory still has its versions."))
            return HttpResponseRedirect(self.url("changelist"))
        if write["staff"] != str(request.user.pk):
            raise PermissionDenied
        if "added" in write:
            return self._undo_addition(request, write)
        if not self.has_change_permission(request):
            raise PermissionDenied
        if "moved" in write:
            return self._undo_move(request, write)
        result = restore_versions(request, self.narrow(self.versions(request), write), "Undone.")
        report_restored(request, result)
        if "key" in write and result.restored:
            return HttpResponseRedirect(self.url("change", write["key"]))
        return HttpResponseRedirect(self._list_before(request))

    @staticmethod
    def narrow(versions: RevisionQuerySet, write: Write) -> RevisionQuerySet:
        """Narrow to the versions that a write has ended."""
        is_bulk = "key" not in write
        margin = MARGIN if is_bulk else datetime.timedelta()
        period = from_milliseconds(write["from"]) - margin, from_milliseconds(write["to"]) + margin
        if not is_bulk:
            versions = versions.of_memory(write["user_id"], write["key"])
        return versions.filter(
            valid_until__gte=period[0], valid_until__lte=period[1], actor=write["by"], through=write["through"]
        )

    def _undo_addition(self, request: HttpRequest, write: Write) -> HttpResponse:
        if not self.has_delete_permission(request):
            raise PermissionDenied
        memory = self.every_row(request).filter(user_id=write["user_id"], key=write["added"]).first()
        try:
            if memory is None or (memory.version, to_milliseconds(memory.created_at)) != (1, write["created_at"]):
                raise MemoryNotFound(write["added"])
            Memory().delete_user_memory(memory.memory_id, memory.user_id, version=memory)
        except (MemoryChanged, MemoryNotFound):
            messages.warning(request, _("This memory was written since. Nothing was undone."))
        else:
            log_plain(request, [memory], "Undone.")
            messages.success(request, _("The memory is deleted again."))
        return HttpResponseRedirect(self.url("changelist"))

    def _undo_move(self, request: HttpRequest, write: Write) -> HttpResponse:
        began, until = from_milliseconds(write["from"]) - MARGIN, from_milliseconds(write["until"])
        count = move_back(request, self.every_row(request), write["through"], began, until)
        report_moved_back(request, count, write["moved"] - count)
        return HttpResponseRedirect(self._list_before(request))

    def _list_before(self, request: HttpRequest) -> str:
        """Return the URL of the list, with its filters if the button was on it."""
        page, changelist = request.META.get("HTTP_REFERER", ""), self.url("changelist")
        is_own = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
        return page if is_own and urlsplit(page).path == changelist else changelist
