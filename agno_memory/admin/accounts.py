"""The site's users as people with memories: links from a person's page to their account, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldError, ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.urls import memory_page_url
from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.validators import owner_id

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class Account(NamedTuple):
    """The Django user with a user id, and the URL of their page in the admin."""

    name: str
    url: str


def account_of(user_id: str, request: HttpRequest, site: admin.AdminSite) -> Account | None:
    """Return the account with a user id, if it exists and this staff user has permission to view it."""
    model = get_user_model()
    if not site.is_registered(model):
        return None
    user_admin: Any = site.get_model_admin(model)
    if not user_admin.has_view_or_change_permission(request):
        return None
    try:
        user = user_admin.get_queryset(request).filter(**{conf.USER_ID_FIELD: user_id}).first()
    except (FieldError, ValidationError, ValueError, TypeError):
        # USER_ID_FIELD is a property, or the id cannot be a value of that field.
        return None
    # The database finds user 7 for " 7", which is a different user id.
    if user is None or str(getattr(user, conf.USER_ID_FIELD)) != user_id:
        return None
    names = model._meta.app_label, model._meta.model_name
    url = reverse("admin:{}_{}_change".format(*names), args=[quote(user.pk)], current_app=site.name)
    return Account(str(user), url)


class PersonLinkMixin(_Admin):
    """Mixin for the admin of your users: adds a link from a user to the page of their memories.

    ::

        class UserAdmin(PersonLinkMixin, django.contrib.auth.admin.UserAdmin): ...

    The link takes no query, and only staff with permission to view memories get it.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "person_link")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self._may_view_memories(request):
            return fieldsets
        return [*fieldsets, (UserMemory._meta.app_config.verbose_name, {"fields": ("person_link",)})]

    def _may_view_memories(self, request: HttpRequest) -> bool:
        site = self.admin_site
        return site.is_registered(UserMemory) and site.get_model_admin(UserMemory).has_view_or_change_permission(
            request
        )

    @admin.display(description=_("memories"))
    def person_link(self, user: Any) -> SafeString:
        """Return a link to the page about a user."""
        url = memory_page_url("person", owner_id(user), site=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, _("Memories of this person"))
