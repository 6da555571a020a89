"""``{% load agno_memory %}``: memories in templates."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

from agno_memory.memory import Memory
from agno_memory.search.context import DEFAULT_BUDGET

register = template.Library()


@register.simple_tag
def memory_context(user: object, query: str | None = None, budget: int = DEFAULT_BUDGET) -> SafeString:
    """Return the block of ``Memory().context()``, for templates of prompts: ``{% memory_context user question %}``.

    Args:
        user: the owner, as for ``Memory``.
        query: the question; the newest memories without one.
        budget: in characters.
    """
    # The block is for a model. It escapes the texts of memories itself, and its delimiters must stay as they are.
    return mark_safe(Memory().context(user_id=user, query=query, budget=budget).text)  # noqa: S308
