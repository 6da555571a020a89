"""``UserMemoryAdmin``: the admin of memories."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.core.exceptions import ValidationError
from django.forms import Field as FormField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.acting import ADMIN, acting
from agno_memory.admin import autocomplete
from agno_memory.admin.accounts import Accounts
from agno_memory.admin.actions import ACTIONS
from agno_memory.admin.changelist import MemoryChangeList
from agno_memory.admin.columns import Columns, damage_of
from agno_memory.admin.completions import CompletionViews
from agno_memory.admin.conflicts import Conflict
from agno_memory.admin.dashboard import DashboardPage
from agno_memory.admin.duplicates import DuplicatePages
from agno_memory.admin.filters import LIST_FILTERS
from agno_memory.admin.forms import UserMemoryForm, content_of
from agno_memory.admin.history import log_each, log_one, topics_changed
from agno_memory.admin.merging import merge
from agno_memory.admin.related import related
from agno_memory.admin.search import Search
from agno_memory.admin.state_filter import StateFilter
from agno_memory.admin.titles import TitledPages, isolated, memory_title, person_title
from agno_memory.admin.trash import TrashPages
from agno_memory.admin.undo import UndoPages
from agno_memory.admin.urls import unquoted
from agno_memory.admin.versions import VersionPages
from agno_memory.admin.widgets import MomentFormField, TopicsInput
from agno_memory.bulk import BulkMemory
from agno_memory.exceptions import AmbiguousMemory, MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.identifiers import identifier
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, MACHINE_WRITTEN
from agno_memory.querysets import UserMemoryQuerySet

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object


# Fields that only Django and the service set.
READONLY_FIELDS = ("memory_id", *MACHINE_WRITTEN)


def memory_fieldsets(content_fields: tuple[str, ...]) -> Any:
    """Return the fieldsets of the form. Content fields without a place of their own are in "Other fields"."""
    first, origin = ("user_id", "memory", "topics"), ("input", "agent_id", "team_id", "session_id")
    others = tuple(name for name in content_fields if name not in (*first, *origin))
    return (
        (None, {"fields": first}),
        (gettext_lazy("Origin"), {"fields": origin}),
        (gettext_lazy("Other fields"), {"fields": others}),
        (gettext_lazy("Set automatically"), {"fields": READONLY_FIELDS}),
    )


class UserMemoryAdminMixin(
    DashboardPage, DuplicatePages, TitledPages, VersionPages, TrashPages, UndoPages, CompletionViews, Columns, _Admin
):
    """The admin of memories for any ``ModelAdmin``: Django's own, or a theme's.

    Every write goes through the service, and the cost of a page does not grow with the number of memories.
    """

    form = UserMemoryForm
    actions: Any = (*ACTIONS, merge)
    list_filter = (*LIST_FILTERS, StateFilter)
    list_display_links = ("memory_column",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("memory",)
    readonly_fields = READONLY_FIELDS
    completions: ClassVar[Any] = {
        "topics": autocomplete.matching_topics,
        "people": autocomplete.matching_people,
        "agents": autocomplete.matching_agents,
    }
    fieldsets: ClassVar[Any] = memory_fieldsets(CONTENT_FIELDS)
    change_list_template = "admin/agno_memory/list.html"
    change_form_template = "admin/agno_memory/form.html"

    class Media:
        css: ClassVar[Any] = {"all": ["agno_memory/admin.css"]}
        js = ("agno_memory/admin.js",)

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[MemoryChangeList]:
        return MemoryChangeList

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        columns = ("memory_column", "person_column", "topics_column", "agent_column", "updated_column")
        return (*columns, "created_column") if any(name.startswith("created") for name in request.GET) else columns

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        # The change list sets its own order; other pages show one memory.
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[UserMemoryQuerySet, bool]:
        return self.search(request, search_term).narrow(queryset), False

    def search(self, request: HttpRequest, query: str) -> Search:
        """Return a search among the memories that this staff user may see; raises ValidationError."""
        return Search(self._rows(request), query, Accounts(request, self.admin_site).search)

    def _rows(self, request: HttpRequest) -> UserMemoryQuerySet:
        """Return the memories that this staff user may see."""
        rows: Any = self.get_queryset(request)
        return cast("UserMemoryQuerySet", rows)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # Django's text contains the number of matches, and this list does not count them.
        return super().changelist_view(
            request, {"selection_note_all": _("All that match are selected"), **(extra_context or {})}
        )

    def title_of(self, row: UserMemory) -> str:
        return memory_title(row)

    # The form

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> FormField | None:
        if db_field.name == "topics":
            kwargs["widget"] = TopicsInput(self.url("topics"), self.theme_attrs())
        if db_field.name == "expires_at":
            kwargs |= {"form_class": MomentFormField, "widget": forms.DateTimeInput(self.theme_attrs())}
        if db_field.name == "memory_id":
            # Not the field's own default, which would be in the form as if it were a choice to make.
            kwargs |= {"required": False, "initial": "", "show_hidden_initial": False}
            kwargs["help_text"] = _("Leave it blank for a new id. Other people may have a memory with the same id.")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Let the history of memories name the staff user who wrote."""
        urls = super().get_urls()
        for pattern in urls:
            pattern.callback = _acting(pattern.callback)
        return urls

    def get_readonly_fields(self, request: HttpRequest, obj: UserMemory | None = None) -> tuple[str, ...]:
        if obj:
            # Moving a memory to another person is a bulk action, which asks for confirmation.
            return ("user_id", *self.readonly_fields)
        return tuple(name for name in self.readonly_fields if name != "memory_id")

    def get_fieldsets(self, request: HttpRequest, obj: UserMemory | None = None) -> Any:
        if obj:
            return self.fieldsets
        # A new memory has no automatic values yet, and its id may be chosen.
        *fieldsets, (title, options) = self.fieldsets[:-1]
        return (*fieldsets, (title, {**options, "fields": (*options["fields"], "memory_id")}))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (MemoryChanged, MemoryExists):
            # Another write came between validation and this one. This time, validation finds the conflict.
            return super().changeform_view(request, object_id, form_url, extra_context)
        except MemoryNotFound:
            return self._deleted_page(request)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        if request.method == "POST" and "memory" in request.POST:
            return self._deleted_page(request)
        if self.has_view_or_change_permission(request) and (response := self._by_id(request, unquoted(object_id))):
            return response
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc,no-any-return]

    def _by_id(self, request: HttpRequest, memory_id: str) -> HttpResponse | None:
        """Redirect from a URL with a memory id, as other programs know it and older log entries have it.

        Returns:
            A redirect to the memory, or to the list of them if several people have one with this id. None without any.
        """
        try:
            memory = self._rows(request).with_id(identifier("memory_id", memory_id))
        except ValidationError:
            return None
        except AmbiguousMemory:
            messages.warning(request, _("Several people have a memory with this id. Choose one."))
            query = memory_id if '"' in memory_id else f'id:"{memory_id}"'
            return HttpResponseRedirect(f"{self.url('changelist')}?{urlencode({'q': query})}")
        return HttpResponseRedirect(self.url("change", memory.key)) if memory else None

    def _deleted_page(self, request: HttpRequest) -> HttpResponse:
        """Show the submitted values of a memory that was deleted during the edit, so that they are not lost."""
        context = {
            "submitted": {name: request.POST.get(name, "") for name in CONTENT_FIELDS},
            "has_add_permission": self.has_add_permission(request),
        }
        return self.render_page(request, "deleted", _("This memory has been deleted"), context, status=409)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        form = context["adminform"].form
        if getattr(form, "conflict", False):
            # Read again: the form's instance has the submitted values.
            current = self.get_object(request, form.instance.pk)
            context["conflict"] = Conflict(current, form) if current else None
        if memory := context.get("original"):
            links = related(request, self.admin_site, memory)
            person = person_title(memory.user_id, links.account) if memory.user_id else ""
            context |= {"related": links, "person": person, "damage": damage_of(memory)}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: UserMemory, form: Any, change: bool) -> None:
        """Write through the service, and replace only the version that the staff user has read."""
        if not change:
            written = Memory().add_user_memory(content_of(obj), obj.user_id)
            self.offer_undo_of_addition(request, written)
        elif set(form.changed_data) & set(CONTENT_FIELDS):
            version = form.version_to_replace
            with self.undoable(request, obj) as offer_undo:
                written = Memory().replace_user_memory(obj.memory_id, content_of(obj), obj.user_id, version=version)
                offer_undo()
        else:
            return
        for field in obj._meta.concrete_fields:
            setattr(obj, field.attname, getattr(written, field.attname))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return the changed fields and topics. The texts are left out, because the log outlives an erased memory."""
        if add:
            return [{"added": {}}]
        names = [name for name in form.changed_data if name in CONTENT_FIELDS]
        message: list[dict[str, Any]] = []
        if others := [name for name in names if name != "topics"]:
            labels = [str(self.opts.get_field(name).verbose_name) for name in others]  # type: ignore[union-attr]
            message.append({"changed": {"fields": labels}})
        if "topics" in names:
            message += topics_changed(form.initial["topics"], form.cleaned_data["topics"])
        return message

    # The log

    def log_addition(self, request: HttpRequest, obj: UserMemory, message: Any) -> LogEntry:
        return log_one(request, obj, message, ADDITION)

    def log_change(self, request: HttpRequest, obj: UserMemory, message: Any) -> LogEntry:
        return log_one(request, obj, message, CHANGE)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return log_each(request, queryset, None, DELETION)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, *others = super().get_deleted_objects(objs, request)
        if len(objs) == 1:
            memory = objs[0]
            link = self.url("change", memory.key), self.titled(request, memory), isolated(memory.user_id or "")
            line = format_html('{}: <a href="{}">{}</a> · {}', capfirst(self.opts.verbose_name), *link)
            deleted = [line, *deleted[1:]]
        return [deleted, *others]

    def has_change_permission(self, request: HttpRequest, obj: UserMemory | None = None) -> bool:
        return (obj is None or _is_reachable(obj)) and super().has_change_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: UserMemory) -> None:
        if not _is_reachable(obj):
            UserMemory.objects.filter(pk=obj.pk).erase()
            return
        with self.undoable(request, obj) as offer_undo, suppress(MemoryNotFound):
            # Another request may have deleted it already.
            Memory().delete_user_memory(obj.memory_id, obj.user_id)
            offer_undo()

    def delete_queryset(self, request: HttpRequest, queryset: UserMemoryQuerySet) -> None:  # type: ignore[override]
        BulkMemory(queryset).delete()


def _is_reachable(memory: UserMemory) -> bool:
    """Return whether the service finds a memory, by its owner, its id and its version.

    A row of another program may lack them.
    """
    return not set(memory.damaged_fields) - set(CONTENT_FIELDS)


class UserMemoryAdmin(UserMemoryAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of memories in Django's own admin."""


def _acting(view: Any) -> Any:
    """Return a view of the admin that records the staff user as the author of its writes."""

    @wraps(view)
    def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with acting(request.user, through=ADMIN):
            return view(request, *args, **kwargs)

    return recorded
