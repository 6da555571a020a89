"""Addresses of the admin's pages, for its templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

from agno_memory.admin.links import quoted
from agno_memory.models import UserMemory

register = template.Library()

DASHBOARD = "dashboard"


@register.simple_tag(takes_context=True)
def memory_url(context: Context, memory: UserMemory) -> str:
    """Return where the admin shows a memory."""
    return _url(context, "change", quoted(memory.memory_id))


@register.simple_tag(takes_context=True)
def dashboard_url(context: Context, app_list: list[dict[str, Any]]) -> str:
    """Return where the dashboard is, for whom the app's page lists memories; nothing where there is none."""
    models = [model for app in app_list for model in app["models"]]
    if not any(model["object_name"] == "UserMemory" and _may_view(model["perms"]) for model in models):
        return ""
    try:
        return _url(context, DASHBOARD)
    except NoReverseMatch:
        # The site has an admin of its own for memories.
        return ""


def _may_view(perms: dict[str, bool]) -> bool:
    return perms["view"] or perms["change"]


def _url(context: Context, name: str, *args: str) -> str:
    site = getattr(context.get("request"), "current_app", None)
    return reverse(f"admin:agno_memory_usermemory_{name}", args=args, current_app=site)
