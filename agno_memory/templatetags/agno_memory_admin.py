"""Where the admin's dashboard is, for its templates.

Django imports every tag library of a site, also of one without an admin: nothing of the admin's may be imported here.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

register = template.Library()

DASHBOARD = "dashboard"


@register.simple_tag(takes_context=True)
def dashboard_url(context: Context, app_list: list[dict[str, Any]]) -> str:
    """Return where the dashboard is, for whom the app's page lists memories; nothing where there is none."""
    models = [model for app in app_list for model in app["models"]]
    if not any(model["object_name"] == "UserMemory" and _may_view(model["perms"]) for model in models):
        return ""
    try:
        site = getattr(context.get("request"), "current_app", None)
        return reverse(f"admin:agno_memory_usermemory_{DASHBOARD}", current_app=site)
    except NoReverseMatch:
        # The site has an admin of its own for memories.
        return ""


def _may_view(perms: dict[str, bool]) -> bool:
    return perms["view"] or perms["change"]
