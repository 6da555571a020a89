"""Memories, sessions and people in titles, labels and messages: without markup, so a text is isolated and short.

A row has its name, or its first words, and never its id: an id is in a field or a column of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from agno_memory.admin.accounts import Account, Accounts
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.transcripts import first_words

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object

# The number of characters of a memory or of a name in a title.
MAX_TITLE: Final = 60
# This many sessions of a page without names have their first words, read from turns of this many characters at most.
MAX_UNNAMED: Final = 100
MAX_TURN: Final = 50_000
# The number of characters of such words.
MAX_NAME: Final = 200
# Django's own text. A literal in the call would be in this app's translations too.
HISTORY_TITLE: Final = "Change history: %s"

# Bidirectional classes of characters that embed, override or isolate text: an extra one would end an isolate early.
DIRECTIONAL_CLASSES: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def isolated(text: str) -> str:
    """Return a text isolated from the direction of the words around it."""
    plain = "".join(character for character in text if unicodedata.bidirectional(character) not in DIRECTIONAL_CLASSES)
    return f"\N{FIRST STRONG ISOLATE}{plain}\N{POP DIRECTIONAL ISOLATE}"


def person_title(user_id: str, account: Account | None) -> str:
    """Return the name of a person with the user id, or the user id alone without an account of another name."""
    name = account.other_name if account else ""
    return f"{isolated(name)} ({isolated(user_id)})" if name else isolated(user_id)


def short_title(text: str) -> str:
    """Return the first words of a text as a title; "" without any."""
    words = " ".join(text.split())
    return isolated(Truncator(words).chars(MAX_TITLE)) if words else ""


def memory_title(memory: UserMemory) -> str:
    """Return the first words of a memory. They are for pages only: a log outlives an erased memory."""
    # A row of another program may have no text.
    return short_title(str(memory.memory or "")) or str(capfirst(UserMemory._meta.verbose_name))


def session_names(sessions: Sequence[AgentSession]) -> dict[str, str]:
    """Return the names of sessions, or the first words of the person in them, by session id.

    Sessions without names take one query.
    """
    unnamed = [session for session in sessions if not session.name]
    words = _first_words(unnamed[:MAX_UNNAMED])
    return {each.session_id: each.name or words.get(each.session_id) or _("Session") for each in sessions}


def _first_words(sessions: Sequence[AgentSession]) -> dict[str, str]:
    if not sessions:
        return {}
    turns = AgentRun.objects.using(sessions[0]._state.db).first_of([each.session_id for each in sessions], MAX_TURN)
    return {str(turn.session_id): Truncator(first_words(turn)).chars(MAX_NAME) for turn in turns}


class Titled:
    """A row with a title in place of its id, for templates and messages of Django's admin.

    Args:
        row: all other attributes are those of the row.
        title: of the row.
    """

    def __init__(self, row: Model, title: str) -> None:
        self._row, self._title = row, title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._title


class TitledPages(_Admin):
    """Mixin of an admin class: Django's pages and messages name a row by its title.

    Two places keep the id: the log, and the message after a deletion, which waits in the session of the staff user.
    """

    def title_of(self, row: Any) -> str:
        """Return the title of a row, isolated and short."""
        raise NotImplementedError("A subclass of TitledPages must provide a title_of() method.")

    @property
    def action_checkbox(self) -> Any:
        """The column of boxes, whose labels name the rows. It keeps the heading that a theme gives it."""
        column = super().action_checkbox

        @wraps(column)
        def titled(row: Any) -> Any:
            return column(Titled(row, self.title_of(row)))

        return titled

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return super().response_add(request, self.titled(request, obj), post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return super().response_change(request, self.titled(request, obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if original := context.get("original"):
            context["original"] = self.titled(request, original)
            person = context["person"] if "person" in context else self.person_of(request, original)
            context["subtitle"] = " · ".join(filter(None, (str(context["original"]), person)))
        return super().render_change_form(request, context, *args, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: Any) -> Any:
        context["subtitle"] = self.person_of(request, context["object"])
        context["object"] = self.titled(request, context["object"])
        # The same under Django 6.1.
        context["escaped_object"] = context["object"]
        return super().render_delete_form(request, context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            titled = self.titled(request, response.context_data["object"])
            title = _(HISTORY_TITLE) % titled
            subtitle = self.person_of(request, titled)
            response.context_data |= {"object": titled, "title": title, "subtitle": subtitle}
        return response

    def person_of(self, request: HttpRequest, row: Any) -> str:
        """Return the name and the id of the person of a row; "" without a person."""
        user_id = row.user_id or ""
        return person_title(user_id, Accounts(request, self.admin_site).with_id(user_id)) if user_id else ""

    def titled(self, request: HttpRequest, row: Any) -> Any:
        """Return a row with its title; unchanged for staff who may add or delete rows, and not read them."""
        is_readable = isinstance(row, Model) and self.has_view_or_change_permission(request)
        return Titled(row, self.title_of(row)) if is_readable else row
