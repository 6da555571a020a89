"""A site under django-unfold, with the admin of docs/admin.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from agno_memory.admin import AgentRecordAdminMixin, AgentSessionAdminMixin, AgentTraceAdminMixin, UserMemoryAdminMixin
from agno_memory.models import AgentRecord, AgentSession, AgentTrace, UserMemory

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as ThemedSite
    from django.contrib.admin import ModelAdmin

    Themed = ModelAdmin[UserMemory]
    ThemedSessions = ModelAdmin[AgentSession]
    ThemedTraces = ModelAdmin[AgentTrace]
    ThemedRecords = ModelAdmin[AgentRecord]
else:
    from unfold.admin import ModelAdmin as Themed
    from unfold.admin import ModelAdmin as ThemedRecords
    from unfold.admin import ModelAdmin as ThemedSessions
    from unfold.admin import ModelAdmin as ThemedTraces
    from unfold.sites import UnfoldAdminSite as ThemedSite


class ThemedMemoryAdmin(UserMemoryAdminMixin, Themed):
    pass


class ThemedSessionAdmin(AgentSessionAdminMixin, ThemedSessions):
    pass


class ThemedTraceAdmin(AgentTraceAdminMixin, ThemedTraces):
    pass


class ThemedRecordAdmin(AgentRecordAdminMixin, ThemedRecords):
    pass


site = ThemedSite()
site.register(UserMemory, ThemedMemoryAdmin)
site.register(AgentSession, ThemedSessionAdmin)
site.register(AgentTrace, ThemedTraceAdmin)
site.register(AgentRecord, ThemedRecordAdmin)
urlpatterns = [path("admin/", site.urls)]
