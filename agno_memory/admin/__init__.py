"""Memories in Django's admin.

Under a theme with an admin class of its own, such as django-unfold, register the same pages with that::

    admin.site.unregister(UserMemory)

    @admin.register(UserMemory)
    class ThemedMemoryAdmin(UserMemoryAdminMixin, unfold.admin.ModelAdmin):
        pass
"""

from __future__ import annotations

from django.contrib import admin

from agno_memory.admin.accounts import PersonLinkMixin
from agno_memory.admin.options import UserMemoryAdmin, UserMemoryAdminMixin
from agno_memory.models import UserMemory

__all__ = ["PersonLinkMixin", "UserMemoryAdmin", "UserMemoryAdminMixin"]

admin.site.register(UserMemory, UserMemoryAdmin)
