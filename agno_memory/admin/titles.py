"""Memories and people in titles and messages: places without markup, in which a text is isolated and short."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import Truncator

from agno_memory.admin.accounts import Account
from agno_memory.admin.history import name_of
from agno_memory.models import UserMemory

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object

# The number of characters of a memory in a title.
MAX_TITLE: Final = 60

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


def memory_title(memory: UserMemory) -> str:
    """Return the first words of a memory. They are for pages only: a log outlives an erased memory."""
    words = " ".join(str(memory.memory or "").split())
    return isolated(Truncator(words).chars(MAX_TITLE)) if words else str(memory.memory_id)


class Titled:
    """A memory whose text is its title, in place of its id, for templates and messages of Django's admin.

    Args:
        memory: all other attributes are those of the memory.
    """

    def __init__(self, memory: UserMemory) -> None:
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def __str__(self) -> str:
        return memory_title(self._memory)


class TitledPages(_Admin):
    """Mixin of the admin class: Django's pages and messages name a memory by its first words.

    Two places keep the id: the log, and the message after a deletion, which waits in the session of the staff user.
    """

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return super().response_add(request, self._titled(request, obj), post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return super().response_change(request, self._titled(request, obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if original := context.get("original"):
            context["original"] = self._titled(request, original)
            context["subtitle"] = f"{context['original']} · {isolated(original.user_id or '')}"
        return super().render_change_form(request, context, *args, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: Any) -> Any:
        context["object"] = self._titled(request, context["object"])
        return super().render_delete_form(request, context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            memory = response.context_data["object"]
            titled = self._titled(request, memory)
            response.context_data["title"] = str(response.context_data["title"]).replace(str(memory), str(titled))
            response.context_data |= {"object": titled, "subtitle": name_of(memory)}
        return response

    def _titled(self, request: HttpRequest, memory: Any) -> Any:
        """Return a memory with its title; unchanged for staff who may add or delete memories, and not read them."""
        is_readable = isinstance(memory, Model) and self.has_view_or_change_permission(request)
        return Titled(memory) if is_readable else memory
