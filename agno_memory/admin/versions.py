"""The history of a memory: its versions with the words that changed, and buttons that restore them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agno_memory.acting import acting
from agno_memory.admin.accounts import Accounts
from agno_memory.admin.history import log_plain
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.rows import VisibleRows
from agno_memory.admin.titles import memory_title, person_title
from agno_memory.admin.urls import unquoted
from agno_memory.admin.version_entries import Entry, authors_of, entries_of
from agno_memory.cleaning import KEY
from agno_memory.db.keyset import parse_position, position_token
from agno_memory.deleted_querysets import version_of
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import MAX_COUNT
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import VersionPosition, version_position
from agno_memory.times import to_milliseconds
from agno_memory.validators import check, is_count, validate_identifier, validate_note

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object

# The number of versions of a page.
PAGE_SIZE: Final = 20
# The parameter of the query string with the position of a page.
BEFORE: Final = "before"


class Subject(NamedTuple):
    """A memory that is there, has expired or was deleted, as this staff user may see it.

    Args:
        user_id: the owner.
        memory_id: its id.
        version: as it is now, or was at last.
        state: ``"current"``, ``"expired"`` or ``"deleted"``.
    """

    user_id: str
    memory_id: str
    version: MemoryRevision
    state: str


class VersionsPage(NamedTuple):
    """The versions on a page, for the template.

    Args:
        entries: the versions.
        seen: the number of the last version, which a restoration must find.
        state: of the memory.
        restore_url: the address that restores one of them; "" without permission.
        first_url: the first page; "" if this is it.
        older_url: the next page, or "".
    """

    entries: list[Entry]
    seen: int
    state: str
    restore_url: str
    first_url: str
    older_url: str


class VersionPages(VisibleRows, PageMixin, _Admin):
    """Mixin of the admin class: the versions of a memory, on Django's page of its history and, if it is gone, alone."""

    object_history_template = "admin/agno_memory/object_history.html"

    def get_urls(self) -> list[URLPattern]:
        views = {"versions": ("", require_safe(self.versions_view)), "restore": ("restore/", self.restore_view)}
        return [
            path(
                f"person/<str:user_id>/history/<str:memory_id>/{route}",
                self.admin_site.admin_view(view),
                name=f"agno_memory_usermemory_{name}",
            )
            for name, (route, view) in views.items()
        ] + super().get_urls()

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Show the versions above the admin's log."""
        memory = self.get_object(request, unquoted(object_id)) if self.has_view_or_change_permission(request) else None
        if memory is not None and not memory.damaged_fields:
            subject = Subject(memory.user_id, memory.memory_id, version_of(memory), "current")
            context = {"versions": self.versions_page(request, subject, request.path), "media": self.media}
            extra_context = {**context, **(extra_context or {})}
        return super().history_view(request, object_id, extra_context)

    def versions_view(self, request: HttpRequest, user_id: str, memory_id: str) -> HttpResponse:
        """Show the versions of a memory of a person, which may be deleted."""
        subject = self.subject(request, unquoted(user_id), unquoted(memory_id))
        if subject.state == "current":
            return HttpResponseRedirect(self.url("history", _key(subject)))
        here = self.url("versions", subject.user_id, subject.memory_id)
        context = {
            "versions": self.versions_page(request, subject, here),
            "user_id": subject.user_id,
            "person_url": self.url("person", subject.user_id),
            "subtitle": person_title(subject.user_id, Accounts(request, self.admin_site).with_id(subject.user_id)),
        }
        memory: Any = subject.version
        title = _("Deleted memory: %(memory)s") if subject.state == "deleted" else _("Expired memory: %(memory)s")
        return self.render_page(request, "versions", title % {"memory": memory_title(memory)}, context)

    def restore_view(self, request: HttpRequest, user_id: str, memory_id: str) -> HttpResponse:
        """Restore a version, if the memory is still as the page with the button has shown it."""
        return require_POST(self._restore)(request, unquoted(user_id), unquoted(memory_id))

    def _restore(self, request: HttpRequest, user_id: str, memory_id: str) -> HttpResponse:
        subject = self.subject(request, user_id, memory_id)
        if not self.has_change_permission(request):
            raise PermissionDenied
        version, seen, reason = _restoration(request)
        if version is None or seen is None:
            return HttpResponseBadRequest()
        with acting(reason=reason):
            self._restore_version(request, subject, version, seen)
        return HttpResponseRedirect(self.url("versions", subject.user_id, subject.memory_id))

    def _restore_version(self, request: HttpRequest, subject: Subject, version: int, seen: int) -> None:
        try:
            if subject.version.version != seen:
                raise MemoryChanged(subject.memory_id, seen)
            restored = self.bring_back(request, subject, version)
        except MemoryChanged:
            text = _("This memory has changed since the page was opened. Nothing was restored.")
            messages.error(request, text)
        except MemoryNotFound:
            messages.error(request, _("This version is not kept any more. Nothing was restored."))
        else:
            log_plain(request, [restored], f"Restored version {version}.")
            text = _("Version %(version)s of the memory %(memory)s is restored.")
            values = {"version": version, "memory": memory_title(restored)}
            self.message_user(request, text % values, messages.SUCCESS)

    def bring_back(self, request: HttpRequest, subject: Subject, version: int) -> UserMemory:
        """Restore a version of a memory, and return the memory as it is now.

        Raises:
            MemoryChanged: another request wrote the memory in between.
            MemoryNotFound: the version is not kept, or this staff user may not see it.
        """
        owner, memory_id = subject.user_id, subject.memory_id
        is_last = subject.state != "current" and version == subject.version.version
        if not (is_last or self.versions(request).of_memory(owner, _key(subject)).filter(version=version).exists()):
            raise MemoryNotFound(memory_id)
        at_version = subject.version.version if subject.state == "current" else None
        return Memory().restore_user_memory(memory_id, owner, version, at_version=at_version)

    # Reading

    def subject(self, request: HttpRequest, user_id: str, memory_id: str) -> Subject:
        """Return the memory of a person with an id, which may be expired or deleted.

        Raises:
            PermissionDenied: without permission to view memories.
            Http404: there is none, or this staff user may not see it.
        """
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            check("user_id", user_id, validate_identifier)
            check("memory_id", memory_id, validate_identifier)
        except ValidationError:
            raise Http404 from None
        own = {"user_id": user_id, "key": KEY.digest(user_id, memory_id)}
        memory = self.get_queryset(request).filter(**own).first()
        if memory is not None:
            return Subject(user_id, memory_id, version_of(memory), "current")
        last = self._last(request, own) if self.has_view_deleted_permission(request) else None
        if last is None:
            raise Http404
        return Subject(user_id, memory_id, last, "expired" if last.action == last.Action.EXPIRED else "deleted")

    def _last(self, request: HttpRequest, own: dict[str, str]) -> MemoryRevision | None:
        """Return the last version of a deleted memory; None if another one has its id, which the user may not see."""
        rows = self.every_row(request).filter(**own)
        if UserMemory.objects.filter(**own).exists() and not rows.exists():
            return None
        return next(iter(rows.deleted_page(1)), None)

    def versions_page(self, request: HttpRequest, subject: Subject, here: str) -> VersionsPage:
        """Return a page of the versions of a memory.

        Args:
            request: with the position of the page.
            subject: the memory.
            here: the address of the page.
        """
        position = _position(request)
        versions = self._read(subject, position)
        has_more = len(versions) > PAGE_SIZE
        shown = self._visible(request, subject, versions)
        size = sum(any(version is each for each in shown) for version in versions[:PAGE_SIZE])
        accounts = Accounts(request, self.admin_site).with_ids(set(authors_of(shown)))
        may_restore = self.has_change_permission(request)
        entries = entries_of(shown, accounts, may_restore=may_restore, size=size)
        older = ""
        if has_more:
            last = versions[PAGE_SIZE - 1]
            token = position_token(to_milliseconds(last.last_updated), str(last.version))
            older = f"{here}?{urlencode({BEFORE: token})}"
        urls = self.url("restore", subject.user_id, subject.memory_id) if may_restore else "", here if position else ""
        return VersionsPage(entries, subject.version.version, subject.state, *urls, older)

    @staticmethod
    def _read(subject: Subject, position: VersionPosition | None) -> list[MemoryRevision]:
        """Return the versions of a page and the one after it, which may come after events."""
        versions: list[MemoryRevision] = []
        page: list[MemoryRevision] | None = None
        size = PAGE_SIZE + 1
        while page is None or (len(page) == size and page[-1].is_event):
            start = page[-1] if page else position
            try:
                page = Memory().get_user_memory_history(subject.memory_id, subject.user_id, limit=size, position=start)
            except MemoryNotFound:
                break
            versions += page
        return versions

    def _visible(self, request: HttpRequest, subject: Subject, versions: list[MemoryRevision]) -> list[MemoryRevision]:
        """Return the versions that this staff user may see: a subclass may hide some of them."""
        keys = [version.key for version in versions if version.key]
        rows = self.versions(request).of_memory(subject.user_id, _key(subject))
        visible = {subject.version.key, *rows.filter(key__in=keys).values_list("key", flat=True)}
        return [version for version in versions if not version.key or version.key in visible]


def _key(subject: Subject) -> str:
    return str(KEY.digest(subject.user_id, subject.memory_id))


def _position(request: HttpRequest) -> VersionPosition | None:
    """Return the position of the query string; None, for the first page, if it is missing or not valid."""
    try:
        return version_position(*parse_position(request.GET.get(BEFORE, "")))
    except ValueError:
        return None


def _restoration(request: HttpRequest) -> tuple[int | None, int | None, str]:
    """Return the version to restore, the last version that the staff user has seen, and the reason."""
    numbers = [_number(request.POST.get(name, "")) for name in ("version", "seen")]
    reason = request.POST.get("reason", "").strip()
    try:
        check("reason", reason, validate_note)
    except ValidationError:
        return None, None, ""
    return numbers[0], numbers[1], reason


def _number(text: str) -> int | None:
    # The length first: Python refuses to read a number of thousands of digits.
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_COUNT))
    return int(text) if is_number and is_count(int(text), 1) else None
