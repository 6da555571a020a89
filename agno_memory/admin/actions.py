"""What can be done to many memories at once: those that are ticked, or all that match.

Each asks on a page of its own before it writes, and says how many it is about. It leaves alone what was written after
that page was shown: nobody deletes what they have not been told of.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, DELETION
from django.core.exceptions import ValidationError
from django.http import HttpRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agno_memory.admin.exports import download
from agno_memory.admin.history import Message, log_each, moved_to, topics_changed
from agno_memory.admin.keyset import EPOCH, MILLISECOND
from agno_memory.bulk import BulkMemory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now
from agno_memory.validators import canonical_topics, limit_topics, owner_id

if TYPE_CHECKING:
    from agno_memory.admin.memories import UserMemoryAdminMixin

# How many of the memories the page shows.
SHOWN = 10


class ActionForm(forms.Form):
    """What an action wants to know, beside the moment in which its page was shown."""

    until = forms.IntegerField(widget=forms.HiddenInput)

    def clean_until(self) -> datetime.datetime:
        try:
            milliseconds: int = self.cleaned_data["until"]
            return EPOCH + milliseconds * MILLISECOND
        except OverflowError as error:
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


class OwnerForm(ActionForm):
    owner = forms.CharField(
        label=gettext_lazy("New owner"),
        help_text=gettext_lazy("The user id of the person whom these memories are about."),
        widget=forms.TextInput(attrs={"dir": "auto", "autofocus": True, "autocomplete": "off"}),
    )
    is_new = forms.BooleanField(
        label=gettext_lazy("This person has no memories yet, and the id is right."), required=False
    )

    def clean_owner(self) -> str:
        try:
            return owner_id(self.cleaned_data["owner"])
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def clean(self) -> dict[str, Any]:
        owner = self.cleaned_data.get("owner")
        if owner and not self.cleaned_data.get("is_new") and not UserMemory.objects.for_user(owner).exists():
            # A mistyped id would hide the memories from everybody.
            self.add_error("owner", _("Nothing is known about such a person. Check the id, then tick the box below."))
        return self.cleaned_data


class Job(NamedTuple):
    """An action that writes.

    Args:
        name: of the action.
        title: of its page.
        button: what its button says.
        form: what it wants to know.
        run: does it to some memories, telling of each batch, and returns how many they were.
        message: what the log says of each of them.
        completes: name of the view that completes what is typed.
        flag: of the log.
    """

    name: str
    title: Any
    button: Any
    form: type[ActionForm]
    run: Callable[[BulkMemory, dict[str, Any]], int]
    message: Callable[[dict[str, Any]], Message]
    completes: str = ""
    flag: int = CHANGE


JOBS = {
    job.name: job
    for job in (
        Job(
            "delete_selected",
            gettext_lazy("Delete memories"),
            gettext_lazy("Delete"),
            ActionForm,
            lambda bulk, asked: bulk.delete(),
            lambda asked: [],
            flag=DELETION,
        ),
        Job(
            "add_topic",
            gettext_lazy("Add a topic"),
            gettext_lazy("Add the topic"),
            TopicForm,
            lambda bulk, asked: bulk.add_topic(asked["topic"]),
            lambda asked: topics_changed([], [asked["topic"]]),
            "topics",
        ),
        Job(
            "remove_topic",
            gettext_lazy("Remove a topic"),
            gettext_lazy("Remove the topic"),
            TopicForm,
            lambda bulk, asked: bulk.remove_topic(asked["topic"]),
            lambda asked: topics_changed([asked["topic"]], []),
            "topics",
        ),
        Job(
            "move",
            gettext_lazy("Move to another owner"),
            gettext_lazy("Move"),
            OwnerForm,
            lambda bulk, asked: bulk.reassign(asked["owner"]),
            lambda asked: moved_to(asked["owner"]),
            "owners",
        ),
    )
}


def ask(name: str, model_admin: UserMemoryAdminMixin, request: HttpRequest, rows: UserMemoryQuerySet) -> Any:
    """Show the page of an action, and do what it says when it comes back."""
    job = JOBS[name]
    form = job.form(request.POST if "post" in request.POST else None, initial={"until": (now() - EPOCH) // MILLISECOND})
    if form.is_valid():
        perform(job, model_admin, request, rows.filter(last_updated__lte=form.cleaned_data["until"]), form.cleaned_data)
        return None
    for field in form.fields.values():
        if isinstance(field.widget, forms.TextInput):
            url = model_admin.url(job.completes)
            field.widget.attrs |= {**model_admin.theme_attrs(), "data-am-complete": url}
    return page(job, form, model_admin, request, rows)


def page(
    job: Job, form: ActionForm, model_admin: UserMemoryAdminMixin, request: HttpRequest, rows: UserMemoryQuerySet
) -> TemplateResponse:
    """Return the page that asks, with how many memories it is about and some of them."""
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": job.title,
        # A theme shows one or the other: with "opts" it would show the name of the list.
        "content_title": job.title,
        "model_opts": model_admin.opts,
        "media": model_admin.media + form.media,
        "job": job,
        "form": form,
        "count": rows.count(),
        "memories": rows.newest()[:SHOWN],
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across", "0"),
        "is_deletion": job.flag == DELETION,
    }
    return TemplateResponse(request, "admin/agno_memory/action.html", context)


def perform(
    job: Job,
    model_admin: UserMemoryAdminMixin,
    request: HttpRequest,
    rows: UserMemoryQuerySet,
    asked: dict[str, Any],
) -> None:
    """Do it, log it, and say to how many it was done."""
    message = job.message(asked)
    count = job.run(BulkMemory(rows, lambda batch: log_each(request, batch, message, job.flag)), asked)
    text = ngettext("%(title)s: done to %(count)s memory.", "%(title)s: done to %(count)s memories.", count)
    level = messages.SUCCESS if count else messages.WARNING
    model_admin.message_user(request, text % {"title": job.title, "count": f"{count:,}"}, level)


@admin.action(permissions=["delete"], description=gettext_lazy("Delete selected memories"))
def delete_selected(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> Any:
    return ask("delete_selected", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Add a topic to selected memories"))
def add_topic(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> Any:
    return ask("add_topic", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Remove a topic from selected memories"))
def remove_topic(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> Any:
    return ask("remove_topic", model_admin, request, queryset)


@admin.action(permissions=["change"], description=gettext_lazy("Move selected memories to another owner"))
def move(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> Any:
    return ask("move", model_admin, request, queryset)


@admin.action(permissions=["view"], description=gettext_lazy("Export selected memories as JSON Lines"))
def export_jsonl(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> StreamingHttpResponse:
    return download(request, queryset, "jsonl", _what(request))


@admin.action(permissions=["view"], description=gettext_lazy("Export selected memories as CSV"))
def export_csv(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> StreamingHttpResponse:
    return download(request, queryset, "csv", _what(request))


def _what(request: HttpRequest) -> str:
    """Return which memories leave: those of a query string, or those that were ticked."""
    if request.POST.get("select_across") == "1":
        return f"all of ?{request.GET.urlencode()}"
    return f"{len(request.POST.getlist(ACTION_CHECKBOX_NAME))} selected"


ACTIONS: Any = (add_topic, remove_topic, move, export_jsonl, export_csv, delete_selected)
