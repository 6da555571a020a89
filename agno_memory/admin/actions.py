"""Bulk actions: on the selected memories, or on all that match the filters.

An action that writes first shows a confirmation page with the number of memories. It leaves alone memories that were
written after that page was shown, so it changes only memories that the staff user could see.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import DELETION
from django.core.exceptions import ValidationError
from django.http import HttpRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agno_memory import times
from agno_memory.acting import acting
from agno_memory.admin.accounts import Accounts
from agno_memory.admin.charts import number
from agno_memory.admin.exports import download
from agno_memory.admin.history import log_each, log_moved, topics_changed
from agno_memory.admin.titles import isolated
from agno_memory.bulk import Batch, BulkMemory
from agno_memory.conf import conf
from agno_memory.identifiers import owner_id
from agno_memory.log_texts import query_name
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import canonical_topics, limit_topics, validate_note

if TYPE_CHECKING:
    from agno_memory.admin.memories import UserMemoryAdminMixin

# The maximum number of memories that the confirmation page lists.
PREVIEW_SIZE = 10
# How many ids of memories that were not moved the message names.
MAX_NAMED = 5

FormData = dict[str, Any]


class ActionForm(forms.Form):
    """The input of an action.

    ``until`` is the time when the confirmation page was shown, in milliseconds since 1970.
    """

    until = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason (optional)"),
        required=False,
        validators=[validate_note],
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The reason comes after the fields of subclasses.
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_until(self) -> datetime.datetime:
        try:
            return times.from_milliseconds(self.cleaned_data["until"])
        except ValueError as error:
            raise ValidationError(_("Enter a valid date.")) from error


class TopicForm(ActionForm):
    topic = forms.CharField(
        label=gettext_lazy("Topic"),
        widget=forms.TextInput(attrs={"dir": "auto", "autofocus": True, "autocomplete": "off"}),
    )

    def clean_topic(self) -> str:
        topics = canonical_topics([self.cleaned_data["topic"]])
        limit_topics(topics)
        return topics[0]


class ReassignForm(ActionForm):
    user_id = forms.CharField(
        label=gettext_lazy("User id"),
        help_text=gettext_lazy("The user id of the person to move these memories to."),
        widget=forms.TextInput(attrs={"dir": "auto", "autofocus": True, "autocomplete": "off"}),
    )
    is_new = forms.BooleanField(
        label=gettext_lazy("The id is correct. This person has no memories yet."), required=False
    )

    def clean_user_id(self) -> str:
        try:
            return owner_id(self.cleaned_data["user_id"])
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def clean(self) -> FormData:
        user_id = self.cleaned_data.get("user_id")
        if user_id and not self.cleaned_data.get("is_new") and not UserMemory.objects.for_user(user_id).exists():
            # With a mistyped id, no person would find the memories again.
            self.add_error(
                "user_id", _("There are no memories with this user id. Check the id, then tick the box below.")
            )
        return self.cleaned_data


class BulkAction(NamedTuple):
    """An action that writes.

    Args:
        name: the name of the action.
        title: the title of its confirmation page.
        button: label of the button that confirms it.
        form: class of the form for its input.
        run: applies it to the memories of a BulkMemory with the cleaned form data, and returns how many it changed.
        log: logs it for a batch of memories, with the cleaned form data.
        completion: the name of the view that completes the text field.
        is_deletion: whether it deletes the memories.
        is_move: whether it gives the memories to another person.
    """

    name: str
    title: Any
    button: Any
    form: type[ActionForm]
    run: Callable[[BulkMemory, FormData], int]
    log: Callable[[HttpRequest, Batch, FormData], None]
    completion: str = ""
    is_deletion: bool = False
    is_move: bool = False


BULK_ACTIONS = {
    action.name: action
    for action in (
        BulkAction(
            "delete_selected",
            gettext_lazy("Delete memories"),
            gettext_lazy("Delete"),
            ActionForm,
            lambda bulk, data: bulk.delete(),
            lambda request, batch, data: log_each(request, batch, None, DELETION),
            is_deletion=True,
        ),
        BulkAction(
            "add_topic",
            gettext_lazy("Add a topic"),
            gettext_lazy("Add the topic"),
            TopicForm,
            lambda bulk, data: bulk.add_topic(data["topic"]),
            lambda request, batch, data: log_each(request, batch, topics_changed([], [data["topic"]])),
            "topics",
        ),
        BulkAction(
            "remove_topic",
            gettext_lazy("Remove a topic"),
            gettext_lazy("Remove the topic"),
            TopicForm,
            lambda bulk, data: bulk.remove_topic(data["topic"]),
            lambda request, batch, data: log_each(request, batch, topics_changed([data["topic"]], [])),
            "topics",
        ),
        BulkAction(
            "move",
            gettext_lazy("Move to another person"),
            gettext_lazy("Move"),
            ReassignForm,
            lambda bulk, data: bulk.reassign(data["user_id"]),
            lambda request, batch, data: log_moved(request, batch, data["user_id"]),
            "people",
            is_move=True,
        ),
    )
}


def confirm_or_perform(
    name: str, model_admin: UserMemoryAdminMixin, request: HttpRequest, rows: UserMemoryQuerySet
) -> TemplateResponse | None:
    """Return the confirmation page of an action; perform the action when that page is submitted with valid input."""
    action = BULK_ACTIONS[name]
    initial = {"until": times.to_milliseconds(times.now())}
    form = action.form(request.POST if "post" in request.POST else None, initial=initial)
    if form.is_valid():
        rows = rows.filter(last_updated__lte=form.cleaned_data["until"])
        perform(action, model_admin, request, rows, form.cleaned_data)
        return None
    for name, field in form.fields.items():
        if isinstance(field.widget, forms.TextInput):
            completed = {} if name == "reason" else {"data-am-complete": model_admin.url(action.completion)}
            field.widget.attrs |= {**model_admin.theme_attrs(), **completed}
    return confirmation_page(action, form, model_admin, request, rows)


def confirmation_page(
    action: BulkAction,
    form: ActionForm,
    model_admin: UserMemoryAdminMixin,
    request: HttpRequest,
    rows: UserMemoryQuerySet,
) -> TemplateResponse:
    """Return the page that asks for confirmation, with the number of memories and the newest of them."""
    preview = list(rows.newest()[:PREVIEW_SIZE])
    accounts = Accounts(request, model_admin.admin_site).with_ids(memory.user_id for memory in preview)
    context = {
        "media": model_admin.media + form.media,
        "bulk_action": action,
        "form": form,
        "count": rows.count(),
        "memories": [(memory, accounts.get(memory.user_id)) for memory in preview],
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across", "0"),
        "is_deletion": action.is_deletion,
        "days_kept": conf.HISTORY_DAYS,
    }
    return model_admin.render_page(request, "action", action.title, context)


def perform(
    action: BulkAction,
    model_admin: UserMemoryAdminMixin,
    request: HttpRequest,
    rows: UserMemoryQuerySet,
    form_data: FormData,
) -> None:
    """Run an action, log it for each memory, and show the staff user how many memories it changed."""
    bulk = BulkMemory(rows, lambda batch: action.log(request, batch, form_data))
    began = times.now()
    with acting(reason=form_data["reason"]), model_admin.undoable(request) as offer_undo:
        count = action.run(bulk, form_data)
        if count and action.is_move:
            model_admin.offer_undo_of_move(request, count, began, form_data["until"])
        elif count:
            offer_undo()
    text = ngettext("%(title)s: %(count)s memory processed.", "%(title)s: %(count)s memories processed.", count)
    level = messages.SUCCESS if count else messages.WARNING
    model_admin.message_user(request, text % {"title": action.title, "count": number(count)}, level)
    if bulk.conflicts:
        model_admin.message_user(request, conflict_text(bulk.conflicts, form_data["user_id"]), messages.WARNING)


def conflict_text(memory_ids: list[str], user_id: str) -> str:
    """Return the message about memories that were not moved, with the ids of a few of them.

    Args:
        memory_ids: of the memories; an id occurs twice if memories of two people have it.
        user_id: of the person who has other memories with these ids.
    """
    distinct = sorted(set(memory_ids))
    names = ", ".join(isolated(memory_id) for memory_id in distinct[:MAX_NAMED])
    if len(distinct) > MAX_NAMED:
        names = _("%(names)s and %(count)s more") % {"names": names, "count": number(len(distinct) - MAX_NAMED)}
    text = ngettext(
        "%(count)s memory was not moved, because %(person)s has another memory with its id: %(names)s.",
        "%(count)s memories were not moved, because %(person)s has other memories with their ids: %(names)s.",
        len(memory_ids),
    )
    return text % {"count": number(len(memory_ids)), "person": isolated(user_id), "names": names}


@admin.action(permissions=["delete"], description=gettext_lazy("Delete selected memories"))
def delete_selected(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> TemplateResponse | None:
    return confirm_or_perform("delete_selected", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Add a topic to selected memories"))
def add_topic(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> TemplateResponse | None:
    return confirm_or_perform("add_topic", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Remove a topic from selected memories"))
def remove_topic(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> TemplateResponse | None:
    return confirm_or_perform("remove_topic", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Move selected memories to another person"))
def move(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> TemplateResponse | None:
    return confirm_or_perform("move", model_admin, request, queryset)


@admin.action(permissions=["export"], description=gettext_lazy("Export selected memories as JSON Lines"))
def export_jsonl(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> StreamingHttpResponse:
    return download(request, queryset, "jsonl", _selection(request))


@admin.action(permissions=["export"], description=gettext_lazy("Export selected memories as CSV"))
def export_csv(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> StreamingHttpResponse:
    return download(request, queryset, "csv", _selection(request))


def _selection(request: HttpRequest) -> str:
    """Describe the memories of an export for the log: by the query string, or by the number of selected memories."""
    if request.POST.get("select_across") == "1":
        return query_name(request.GET)
    return f"{len(request.POST.getlist(ACTION_CHECKBOX_NAME))} selected"


ACTIONS: Any = (add_topic, remove_topic, move, export_jsonl, export_csv, delete_selected)
