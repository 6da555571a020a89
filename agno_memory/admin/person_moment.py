"""The memories of a person as they were at an earlier moment, for the person's page."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.keyset import Page, PageReader, Position
from agno_memory.admin.widgets import MomentFormField
from agno_memory.as_of_querysets import moment_of_history
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet

# The parameter of the query string with the moment, in the time zone of the page.
AS_OF: Final = "as_of"


class MomentForm(forms.Form):
    """The field for the moment."""

    as_of = MomentFormField(label=_("Memories as they were on"), required=False)

    def clean_as_of(self) -> datetime.datetime | None:
        moment: datetime.datetime | None = self.cleaned_data[AS_OF]
        try:
            return moment and moment_of_history(moment)
        except ValidationError as error:
            raise ValidationError(error.messages) from error


def moment_form(request: HttpRequest, attrs: dict[str, Any]) -> MomentForm:
    """Return the form with the moment of the query string.

    Args:
        request: of the staff user.
        attrs: HTML attributes of the field.
    """
    form = MomentForm(request.GET if request.GET.get(AS_OF, "").strip() else None, auto_id="am-%s")
    # A time of day to the second is enough here.
    form.fields[AS_OF].widget.attrs |= {**attrs, "step": "1"}
    return form


def moment_of(form: MomentForm) -> datetime.datetime | None:
    """Return the moment of a form; None without one, or without a valid one."""
    return form.cleaned_data[AS_OF] if form.is_valid() else None


def memories_at(
    rows: UserMemoryQuerySet, position: Position | None, size: int, url: Callable[[UserMemory], str]
) -> dict[str, Any]:
    """Return the context of a page of memories at a moment.

    Args:
        rows: the memories at the moment.
        position: of the page.
        size: of the page.
        url: returns that of the versions of a memory.
    """
    page: Page = PageReader(rows, rows, "-last_updated", size, is_filtered=False).read(position)
    linked = [(memory, url(memory)) for memory in page.rows]
    return {"page": page, "memories": linked, "is_first_page": position is None}


def query_of(request: HttpRequest) -> str:
    """Return the moment of a request as the beginning of a query string."""
    return urlencode({AS_OF: request.GET.get(AS_OF, "")})
