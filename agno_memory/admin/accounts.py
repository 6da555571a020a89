"""The site's users as owners: from a person's page to their account, and back."""

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

from agno_memory.admin.urls import quoted
from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.validators import owner_id

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class Account(NamedTuple):
    """The Django user that an owner is, and where the admin shows it."""

    name: str
    url: str


def account_of(owner: str, request: HttpRequest, site: admin.AdminSite) -> Account | None:
    """Return the account of an owner, if there is one that this staff user may see."""
    model = get_user_model()
    if not site.is_registered(model):
        return None
    user_admin: Any = site.get_model_admin(model)
    if not user_admin.has_view_or_change_permission(request):
        return None
    try:
        user = user_admin.get_queryset(request).filter(**{conf.USER_ID_FIELD: owner}).first()
    except (FieldError, ValidationError, ValueError, TypeError):
        # A property, or an owner who can be no user.
        return None
    # A key of " 7" finds user 7, who is somebody else.
    if user is None or str(getattr(user, conf.USER_ID_FIELD)) != owner:
        return None
    names = model._meta.app_label, model._meta.model_name
    url = reverse("admin:{}_{}_change".format(*names), args=[quote(user.pk)], current_app=site.name)
    return Account(str(user), url)


class PersonLinkMixin(_Admin):
    """Mixin for the admin of your users: what is remembered about a user is a click away.

    ::

        class UserAdmin(PersonLinkMixin, django.contrib.auth.admin.UserAdmin): ...

    Nothing is counted, and nobody sees the link who may not view memories.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "person_link")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self._may_see_memories(request):
            return fieldsets
        return [*fieldsets, (UserMemory._meta.app_config.verbose_name, {"fields": ("person_link",)})]

    def _may_see_memories(self, request: HttpRequest) -> bool:
        site = self.admin_site
        return site.is_registered(UserMemory) and site.get_model_admin(UserMemory).has_view_or_change_permission(
            request
        )

    @admin.display(description=_("memories"))
    def person_link(self, user: Any) -> SafeString:
        """Return a link to the page about a user."""
        name = "admin:agno_memory_usermemory_person"
        url = reverse(name, args=[quoted(owner_id(user))], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, _("What is remembered about this person"))
