"""The site's users as people with memories: their names beside user ids, and links to their accounts and back.

A staff user sees the name of an account only with permission to view it in the admin of users. Without one, the pages
have user ids alone, and a search by name finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.urls import memory_page_url
from agno_memory.conf import conf
from agno_memory.identifiers import owner_id
from agno_memory.models import UserMemory

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object

# A search by name finds this many accounts.
MAX_FOUND: Final = 20


class Account(NamedTuple):
    """The Django user with a user id, and the URL of their page in the admin."""

    user_id: str
    name: str
    url: str

    @property
    def other_name(self) -> str:
        """The name, or "" if it is the user id."""
        return "" if self.name == self.user_id else self.name


class Accounts:
    """The accounts that a staff user may view. Each method takes one query at most.

    Args:
        request: of the staff user.
        site: the admin site; its admin of users decides.
    """

    def __init__(self, request: HttpRequest, site: admin.AdminSite) -> None:
        self.request, self.site = request, site

    def with_ids(self, user_ids: Iterable[str | None]) -> dict[str, Account]:
        """Return the accounts with these user ids, by user id."""
        field = _user_id_field()
        if field is None or self._admin is None:
            return {}
        wanted = {each for each in user_ids if each is not None and _is_value(field, each)}
        if not wanted:
            return {}
        found = self._accounts(self._admin.get_queryset(self.request).filter(**{f"{field.name}__in": wanted}))
        # The database may compare without case, or pad with spaces.
        return {account.user_id: account for account in found if account.user_id in wanted}

    def with_id(self, user_id: str) -> Account | None:
        """Return the account with a user id."""
        return self.with_ids([user_id]).get(user_id)

    def search(self, text: str) -> list[Account]:
        """Return the accounts that the admin of users finds by a text, at most ``MAX_FOUND``."""
        text = text.strip()
        if self._admin is None or not text or "\x00" in text or not self._admin.get_search_fields(self.request):
            return []
        try:
            rows, _duplicates = self._admin.get_search_results(
                self.request, self._admin.get_queryset(self.request), text
            )
            found = self._accounts(rows[:MAX_FOUND])
        except (ValidationError, ValueError):
            # One of the search fields takes no such text, for example a number.
            return []
        return list({account.user_id: account for account in found}.values())

    @cached_property
    def _admin(self) -> Any:
        """The admin of users; None if there is none, or without permission."""
        model = get_user_model()
        if not self.site.is_registered(model):
            return None
        user_admin = self.site.get_model_admin(model)
        return user_admin if user_admin.has_view_or_change_permission(self.request) else None

    def _accounts(self, users: Iterable[Any]) -> list[Account]:
        accounts = (self._account(user) for user in users)
        return [account for account in accounts if account is not None]

    def _account(self, user: Any) -> Account | None:
        try:
            user_id = owner_id(user)
        except ValidationError:
            # The value of USER_ID_FIELD is not a valid user id.
            return None
        if not self._admin.has_view_or_change_permission(self.request, user):
            return None
        names = user._meta.app_label, user._meta.model_name
        url = reverse("admin:{}_{}_change".format(*names), args=[quote(user.pk)], current_app=self.site.name)
        return Account(user_id, _name_of(user), url)


def _name_of(user: Any) -> str:
    """Return the full name of a user, or the text of a user without one."""
    full_name = str(user.get_full_name()).strip() if hasattr(user, "get_full_name") else ""
    return full_name or str(user)


def _user_id_field() -> Any:
    """Return the field of the user ids, or None if ``USER_ID_FIELD`` is not a column, such as a property."""
    options = get_user_model()._meta
    try:
        field = options.pk if conf.USER_ID_FIELD == "pk" else options.get_field(conf.USER_ID_FIELD)
    except FieldDoesNotExist:
        return None
    return field if getattr(field, "concrete", False) else None


def _is_value(field: Any, user_id: str) -> bool:
    """Return whether a column can have this user id, so that a query with others does not fail."""
    if "\x00" in user_id:
        return False
    try:
        value = field.to_python(user_id)
        if isinstance(field, models.IntegerField):
            # The range of the column.
            field.run_validators(value)
    except (ValidationError, ValueError, TypeError):
        return False
    # The database finds user 7 for " 7", which is a different user id.
    return str(value) == user_id


def may_view_memories(request: HttpRequest, site: admin.AdminSite) -> bool:
    """Return whether a site has the pages about memories and people, and this staff user may view them."""
    if not site.is_registered(UserMemory):
        return False
    return bool(site.get_model_admin(UserMemory).has_view_or_change_permission(request))


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
        if obj is None or not may_view_memories(request, self.admin_site):
            return fieldsets
        return [*fieldsets, (UserMemory._meta.app_config.verbose_name, {"fields": ("person_link",)})]

    @admin.display(description=_("memories"))
    def person_link(self, user: Any) -> SafeString:
        """Return a link to the page about a user."""
        try:
            url = memory_page_url("person", owner_id(user), site=self.admin_site.name)
        except ValidationError:
            # The value of USER_ID_FIELD is not a valid user id.
            return self.get_empty_value_display()
        return format_html('<a href="{}">{}</a>', url, _("Memories of this person"))
