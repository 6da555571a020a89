"""A site under django-unfold, with the admin of docs/admin.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from agno_memory.admin import AgentSessionAdminMixin, UserMemoryAdminMixin
from agno_memory.models import AgentSession, UserMemory

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as ThemedSite
    from django.contrib.admin import ModelAdmin

    Themed = ModelAdmin[UserMemory]
    ThemedSessions = ModelAdmin[AgentSession]
else:
    from unfold.admin import ModelAdmin as Themed
    from unfold.admin import ModelAdmin as ThemedSessions
    from unfold.sites import UnfoldAdminSite as ThemedSite


class ThemedMemoryAdmin(UserMemoryAdminMixin, Themed):
    pass


class ThemedSessionAdmin(AgentSessionAdminMixin, ThemedSessions):
    pass


site = ThemedSite()
site.register(UserMemory, ThemedMemoryAdmin)
site.register(AgentSession, ThemedSessionAdmin)
urlpatterns = [path("admin/", site.urls)]
