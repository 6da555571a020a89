"""The template tag that links to the admin's dashboard.

Django imports every tag library of a site, also on sites without an admin, so this module must not import the admin.
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
    """Return the URL of the dashboard, or "" for staff without permission to view memories, or without a dashboard."""
    models = [model for app in app_list for model in app["models"]]
    if not any(model["object_name"] == "UserMemory" and _may_view(model["perms"]) for model in models):
        return ""
    try:
        site = getattr(context.get("request"), "current_app", None)
        return reverse(f"admin:agno_memory_usermemory_{DASHBOARD}", current_app=site)
    except NoReverseMatch:
        # The site registers memories with another admin class.
        return ""


def _may_view(perms: dict[str, bool]) -> bool:
    return perms["view"] or perms["change"]
