from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from agno_memory.admin import PersonLinkMixin

admin.site.unregister(User)


@admin.register(User)
class LinkedUserAdmin(PersonLinkMixin, UserAdmin):  # type: ignore[type-arg]
    """The users of the site, each with a link to their memories."""
