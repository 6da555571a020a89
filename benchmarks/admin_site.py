"""Two admins of the same memories: this project's, and a stock ``ModelAdmin`` with the same columns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import connections, router
from django.urls import path

from agno_memory.admin import UserMemoryAdmin
from agno_memory.models import UserMemory
from benchmarks.rows import TOPICS


class StockTopicFilter(admin.SimpleListFilter):
    """A simple filter, with the topics in the code, so that no topics are counted."""

    title = "topic"
    parameter_name = "topic"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(topic, topic) for topic in TOPICS]

    def queryset(self, request: Any, queryset: Any) -> Any:
        return queryset.about(self.value()) if self.value() else queryset


class StockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A simple ``ModelAdmin`` that shows the same data as this project's."""

    list_display = ("memory", "user_id", "topics", "agent_id", "last_updated")
    list_filter = (StockTopicFilter,)
    fieldsets = UserMemoryAdmin.fieldsets
    readonly_fields = ("user_id", *UserMemoryAdmin.readonly_fields)
    search_fields = ("memory", "user_id")
    ordering = ("-last_updated", "-memory_id")
    list_per_page = UserMemoryAdmin.list_per_page

    @property
    def date_hierarchy(self) -> str | None:  # type: ignore[override]
        """The time navigation, which fails on MongoDB."""
        return None if connections[router.db_for_read(UserMemory)].vendor == "mongodb" else "last_updated"


stock = admin.AdminSite("stock")
# Both sites show the same models in the sidebar of each page.
for model, model_admin in admin.site._registry.items():
    stock.register(model, StockAdmin if model is UserMemory else type(model_admin))

urlpatterns = [path("admin/", admin.site.urls), path("stock/", stock.urls)]
