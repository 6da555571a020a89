"""The Django admin of memories, sessions, traces and other documents of agents.

A theme with its own admin class, such as django-unfold, gets the same pages by the mixins::

    admin.site.unregister(UserMemory)

    @admin.register(UserMemory)
    class ThemedMemoryAdmin(UserMemoryAdminMixin, unfold.admin.ModelAdmin):
        pass
"""

from __future__ import annotations

from django.contrib import admin

from agno_memory.admin.accounts import PersonLinkMixin
from agno_memory.admin.memories import UserMemoryAdmin, UserMemoryAdminMixin
from agno_memory.admin.records import AgentRecordAdmin, AgentRecordAdminMixin
from agno_memory.admin.sessions import AgentSessionAdmin, AgentSessionAdminMixin
from agno_memory.admin.traces import AgentTraceAdmin, AgentTraceAdminMixin
from agno_memory.models import AgentRecord, AgentSession, AgentTrace, UserMemory

__all__ = [
    "AgentRecordAdmin",
    "AgentRecordAdminMixin",
    "AgentSessionAdmin",
    "AgentSessionAdminMixin",
    "AgentTraceAdmin",
    "AgentTraceAdminMixin",
    "PersonLinkMixin",
    "UserMemoryAdmin",
    "UserMemoryAdminMixin",
]

admin.site.register(UserMemory, UserMemoryAdmin)
admin.site.register(AgentSession, AgentSessionAdmin)
admin.site.register(AgentTrace, AgentTraceAdmin)
admin.site.register(AgentRecord, AgentRecordAdmin)
