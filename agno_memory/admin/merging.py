"""The action that merges memories of one person, with a page that asks for the text to keep."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, DELETION
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agno_memory.acting import acting
from agno_memory.admin.accounts import Accounts
from agno_memory.admin.actions import ActionForm
from agno_memory.admin.charts import number
from agno_memory.admin.history import log_plain
from agno_memory.admin.widgets import TextField
from agno_memory.conf import conf
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now, to_milliseconds

if TYPE_CHECKING:
    from agno_memory.admin.memories import UserMemoryAdminMixin

# As many memories as a person can read at once.
MAX_MERGED: Final = 20
# The choice of a text that none of the memories has.
OTHER: Final = "other"


class MergeForm(ActionForm):
    """The text to keep: that of one of the memories, or another one.

    Args:
        memories: those to merge, the newest first.
    """

    keep = forms.ChoiceField(label=gettext_lazy("Text to keep"), widget=forms.RadioSelect)
    memory = TextField(
        label=gettext_lazy("Another text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )

    def __init__(self, memories: Sequence[UserMemory], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.memories = memories
        choices = [(memory.key, _choice(memory)) for memory in memories]
        choice: Any = self.fields["keep"]
        choice.choices = [*choices, (OTHER, _("Another text"))]

    def clean(self) -> dict[str, Any]:
        until: datetime.datetime | None = self.cleaned_data.get("until")
        if until and any(memory.last_updated > until for memory in self.memories):
            raise ValidationError(_("A memory has changed since this page was shown. Read the texts again."))
        if self.cleaned_data.get("keep") == OTHER and not self.cleaned_data.get("memory", "").strip():
            self.add_error("memory", _("This cannot be blank."))
        return self.cleaned_data

    @property
    def text(self) -> str:
        """The text to keep."""
        kept = self.cleaned_data["keep"]
        if kept == OTHER:
            return str(self.cleaned_data["memory"])
        return next(memory.memory for memory in self.memories if memory.key == kept)


def _choice(memory: UserMemory) -> SafeString:
    moment = date_format(localtime(memory.last_updated), "DATETIME_FORMAT")
    return format_html(
        '<span class="am-text" dir="auto">{}</span> <span class="am-count">{}</span>', memory.memory, moment
    )


@admin.action(permissions=["merge"], description=gettext_lazy("Merge selected memories"))
def merge(model_admin: Any, request: HttpRequest, queryset: UserMemoryQuerySet) -> TemplateResponse | None:
    """Show the page that asks for the text; merge the memories when it is submitted with valid input."""
    memories = list(queryset.newest()[: MAX_MERGED + 1])
    if problem := _problem_of(memories, request):
        model_admin.message_user(request, problem, messages.ERROR)
        return None
    newest = {"until": to_milliseconds(now()), "keep": memories[0].key}
    form = MergeForm(memories, request.POST if "post" in request.POST else None, initial=newest)
    if form.is_valid() and _merge(model_admin, request, form):
        return None
    if form.is_bound and form.non_field_errors():
        # The texts on the page are read again.
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data["until"] = str(newest["until"])  # type: ignore[index]
    return _confirmation_page(model_admin, request, form)


def _problem_of(memories: Sequence[UserMemory], request: HttpRequest) -> str:
    """Return why memories cannot be merged, or ""."""
    if len(memories) > MAX_MERGED:
        return _("Select at most %(count)s memories to merge.") % {"count": MAX_MERGED}
    if "post" in request.POST and len(memories) < len(set(request.POST.getlist(ACTION_CHECKBOX_NAME))):
        return _("One of these memories is not there any more. Nothing was merged.")
    if len(memories) < 2:
        return _("Select at least two memories to merge.")
    if len({memory.user_id for memory in memories}) > 1:
        return _("Select memories of one person to merge.")
    if any(memory.damaged_fields for memory in memories):
        return _("A damaged memory cannot be merged.")
    return ""


def _merge(model_admin: UserMemoryAdminMixin, request: HttpRequest, form: MergeForm) -> bool:
    """Merge the memories, and return False, with an error in the form, if their content does not allow it."""
    ids = [memory.memory_id for memory in form.memories]
    try:
        with acting(reason=form.cleaned_data["reason"]), model_admin.undoable(request) as offer_undo:
            merged = Memory().merge_user_memories(ids, form.memories[0].user_id, memory=form.text)
            offer_undo()
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    except (MemoryChanged, MemoryNotFound):
        model_admin.message_user(request, _("A memory has changed since. Nothing was merged."), messages.ERROR)
        return True
    others = [memory for memory in form.memories if memory.key != merged.key]
    log_plain(request, [merged], "Merged with others.", CHANGE)
    log_plain(request, others, "Merged into another memory.", DELETION)
    text = ngettext("%(count)s memory is merged.", "%(count)s memories are merged.", len(ids))
    model_admin.message_user(request, text % {"count": number(len(ids))}, messages.SUCCESS)
    return True


def _confirmation_page(model_admin: UserMemoryAdminMixin, request: HttpRequest, form: MergeForm) -> TemplateResponse:
    owner = form.memories[0].user_id
    for name in ("memory", "reason"):
        form.fields[name].widget.attrs |= model_admin.theme_attrs()
    context = {
        "media": model_admin.media + form.media,
        "bulk_action": {"name": "merge", "button": _("Merge")},
        "form": form,
        "count": len(form.memories),
        "user_id": owner,
        "account": Accounts(request, model_admin.admin_site).with_id(owner),
        "topics": list(dict.fromkeys(topic for memory in form.memories for topic in memory.topics)),
        "selected": [memory.key for memory in form.memories],
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "select_across": "0",
        "days_kept": conf.HISTORY_DAYS,
    }
    return model_admin.render_page(request, "merge", _("Merge memories"), context)
