"""The page of deleted memories, the last deleted one first, with buttons that restore them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agno_memory.acting import acting
from agno_memory.admin.accounts import Account, Accounts
from agno_memory.admin.filters import PersonFilter
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.restoring import report_restored, restore_versions
from agno_memory.admin.rows import VisibleRows
from agno_memory.admin.version_entries import Event, authors_of, end_of
from agno_memory.db.keyset import parse_position, position_token
from agno_memory.deleted_querysets import DeletedPosition
from agno_memory.pruning import expire_all
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.signals import by_owner
from agno_memory.times import from_milliseconds, now, to_milliseconds
from agno_memory.validators import check, validate_identifier, validate_note

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object

PAGE_SIZE: Final = 50
# The parameter of the query string with the position of a page.
BEFORE: Final = "before"
# The name of a button that restores one memory, with the key of its last version.
ONE: Final = "one"
# The name of the box that selects all deleted memories, with the time of the page: those of later are not meant.
EVERY: Final = "every"
# The fields that the page shows; other texts may be long.
COLUMNS: Final = (
    *("key", "memory_id", "user_id", "memory", "topics", "version", "last_updated", "valid_until"),
    *("action", "actor", "through", "reason", "merged_into", "is_deleted", "restored"),
)


class DeletedMemory(NamedTuple):
    """A deleted memory on the page.

    Args:
        version: its last one.
        event: the deletion.
        account: of the person; None if the staff user may not view it.
        url: of its versions.
        person_url: of the person's page.
    """

    version: MemoryRevision
    event: Event
    account: Account | None
    url: str
    person_url: str


class TrashPages(VisibleRows, PageMixin, _Admin):
    """Mixin of the admin class: the deleted memories of all people or of one, page by page."""

    def get_urls(self) -> list[URLPattern]:
        view = require_http_methods(["GET", "HEAD", "POST"])(self.deleted_view)
        return [
            path("deleted/", self.admin_site.admin_view(view), name="agno_memory_usermemory_deleted"),
            *super().get_urls(),
        ]

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """Show a page of deleted memories; a POST request restores some of them."""
        if not self.has_view_deleted_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._restore_deleted(request)
        user_id, position = _person(request), _position(request)
        found = self._owned(request, user_id).deleted_page(PAGE_SIZE + 1, position, COLUMNS)
        shown, here = found[:PAGE_SIZE], self._here(user_id)
        context = {
            "memories": self._rows_of(request, shown),
            "user_id": user_id,
            "completion_url": self.url("people"),
            "may_restore": self.has_change_permission(request),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "has_other_pages": bool(position) or len(found) > PAGE_SIZE,
            "until": to_milliseconds(now()),
            "here": self.url("deleted"),
            "first_url": here if position else "",
            "older_url": self._here(user_id, shown[-1]) if len(found) > PAGE_SIZE else "",
        }
        return self.render_page(request, "trash", _("Deleted memories"), context)

    def _restore_deleted(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        one, keys = request.POST.getlist(ONE), request.POST.getlist(ACTION_CHECKBOX_NAME)
        reason = request.POST.get("reason", "").strip()
        try:
            check("reason", reason, validate_note)
        except ValidationError:
            return HttpResponseBadRequest()
        if len(keys) > PAGE_SIZE or any("\x00" in key for key in (*one, *keys)):
            return HttpResponseBadRequest()
        user_id, until = _person(request), _until(request)
        with acting(reason=reason):
            if until and not one:
                versions = self._every_deletion(request, user_id, until)
            else:
                versions = self._deletions(request, user_id, one or keys)
            report_restored(request, restore_versions(request, versions, "Restored."))
        return HttpResponseRedirect(request.get_full_path())

    def _owned(self, request: HttpRequest, user_id: str) -> UserMemoryQuerySet:
        """Return the memories, deleted and expired ones included, of a person or of all."""
        rows = self.every_row(request)
        return rows.filter(user_id=user_id) if user_id else rows

    def _every_deletion(self, request: HttpRequest, user_id: str, until: datetime.datetime) -> RevisionQuerySet:
        """Return the last versions of all deleted memories of a person or of all people, until a time."""
        rows = self._owned(request, user_id)
        expire_all(rows.filter(expires_at__lte=until))
        return rows.versions().filter(is_deleted=True, valid_until__lte=until)

    def _deletions(self, request: HttpRequest, user_id: str, keys: list[str]) -> RevisionQuerySet:
        """Return the last versions of deleted memories with these keys; those that have expired are kept first."""
        rows = self._owned(request, user_id)
        expired = {(each.user_id, each.key) for each in rows.with_deletion(keys).only("user_id")}
        expire_all(rows.with_deletion(keys))
        for owner, memory_keys in by_owner(expired).items():
            last = rows.filter(user_id=owner, key__in=memory_keys).deleted_page(None, names=["key"])
            keys = [*keys, *(version.key for version in last)]
        return rows.versions().filter(key__in=keys, is_deleted=True)

    def _rows_of(self, request: HttpRequest, versions: list[MemoryRevision]) -> list[DeletedMemory]:
        ids: Iterable[str | None] = {*authors_of(versions), *(version.user_id for version in versions)}
        accounts = Accounts(request, self.admin_site).with_ids(ids)
        return [
            DeletedMemory(version, end_of(version, accounts), accounts.get(version.user_id), *self._urls_of(version))
            for version in versions
        ]

    def _urls_of(self, version: MemoryRevision) -> tuple[str, str]:
        """Return the URLs of the versions of a memory and of its person; "" without ids, as other programs write it."""
        if not (isinstance(version.user_id, str) and isinstance(version.memory_id, str)):
            return "", ""
        return self.url("versions", version.user_id, version.memory_id), self.url("person", version.user_id)

    def _here(self, user_id: str, last: MemoryRevision | None = None) -> str:
        """Return the URL of the page of all people or one, from its beginning or after a version."""
        query = {PersonFilter.parameter: user_id} if user_id else {}
        if last is not None:
            moment, key = last.deletion
            query[BEFORE] = position_token(to_milliseconds(moment), key)
        return f"{self.url('deleted')}?{urlencode(query)}" if query else self.url("deleted")


def _person(request: HttpRequest) -> str:
    """Return the person of the query string, or "" for all.

    Raises:
        Http404: not a user id.
    """
    user_id = request.GET.get(PersonFilter.parameter, "")
    if not user_id.strip():
        return ""
    try:
        check("user_id", user_id, validate_identifier)
    except ValidationError:
        raise Http404 from None
    return user_id


def _until(request: HttpRequest) -> datetime.datetime | None:
    """Return the time until which all deleted memories are to be restored; None if only those of some keys are."""
    text = request.POST.get(EVERY, "")
    try:
        return from_milliseconds(int(text)) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None


def _position(request: HttpRequest) -> DeletedPosition | None:
    """Return the position of the query string; None, for the first page, if it is missing or not valid."""
    try:
        milliseconds, key = parse_position(request.GET.get(BEFORE, ""))
        return from_milliseconds(milliseconds), key
    except ValueError:
        return None
