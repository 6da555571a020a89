"""A site under django-unfold, with the admin of docs/admin.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from agno_memory.admin import UserMemoryAdminMixin
from agno_memory.models import UserMemory

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as ThemedSite
    from django.contrib.admin import ModelAdmin

    Themed = ModelAdmin[UserMemory]
else:
    from unfold.admin import ModelAdmin as Themed
    from unfold.sites import UnfoldAdminSite as ThemedSite


class ThemedMemoryAdmin(UserMemoryAdminMixin, Themed):
    pass


site = ThemedSite()
site.register(UserMemory, ThemedMemoryAdmin)
urlpatterns = [path("admin/", site.urls)]
