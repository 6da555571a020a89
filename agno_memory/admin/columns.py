"""The columns of the list. Texts of memories are data: escaped, truncated, and isolated from the text around them."""

from __future__ import annotations

import datetime

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Model
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.admin.accounts import Account
from agno_memory.admin.urls import memory_page_url
from agno_memory.db.damaged import damaged_fields
from agno_memory.models import UserMemory
from agno_memory.times import now

# The list shows this many characters and topics of a memory.
MAX_LENGTH = 160
MAX_TOPICS = 6


class Columns:
    """Mixin of the admin class: the columns that ``list_display`` names."""

    @admin.display(description=gettext_lazy("memory"))
    def memory_column(self, memory: UserMemory) -> SafeString:
        # A link needs a text, also for a row of another program without one.
        short = Truncator(memory.memory).chars(MAX_LENGTH) or "—"
        text = format_html('<span class="am-text" dir="auto" title="{}">{}</span>', memory.memory, short)
        badges = [damaged_badge(memory)] if memory.damaged_fields else []
        return format_html_join(" ", "{}", ((each,) for each in (text, *badges, *state_badges(memory))))

    @admin.display(description=gettext_lazy("person"))
    def person_column(self, memory: UserMemory) -> SafeString | str:
        if not memory.user_id:
            # A row of another program.
            return ""
        return person_cell(memory, memory.user_id, memory_page_url("person", memory.user_id, site=_site(memory)))

    @admin.display(description=gettext_lazy("topics"), empty_value="")
    def topics_column(self, memory: UserMemory) -> SafeString:
        topics, others = memory.topics[:MAX_TOPICS], memory.topics[MAX_TOPICS:]
        chips = format_html_join("", "{}", ((filter_link(memory, "topic", topic, "am-chip"),) for topic in topics))
        more = format_html('<span class="am-more" title="{}">+{}</span>', ", ".join(others), len(others))
        return format_html('<span class="am-chips">{}{}</span>', chips, more if others else "")

    @admin.display(description=gettext_lazy("agent"), empty_value="")
    def agent_column(self, memory: UserMemory) -> SafeString | None:
        return filter_link(memory, "agent_id", memory.agent_id, "am-agent") if memory.agent_id else None

    @admin.display(description=gettext_lazy("updated"), ordering="last_updated")
    def updated_column(self, memory: UserMemory) -> SafeString:
        return ago(memory, "last_updated")

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created_column(self, memory: UserMemory) -> SafeString:
        return ago(memory, "created_at")


def state_badges(memory: UserMemory) -> list[SafeString]:
    """Return marks of a memory that is pinned, expires or has expired."""
    badges = [format_html('<span class="am-state">{}</span>', _("pinned"))] if memory.pinned is True else []
    if isinstance(memory.expires_at, datetime.datetime):
        moment = localtime(memory.expires_at)
        text = _("expired on %(day)s") if memory.has_expired(now()) else _("expires on %(day)s")
        markup = '<time class="am-state" datetime="{}" title="{}">{}</time>'
        exact, day = date_format(moment, "DATETIME_FORMAT"), date_format(moment, "DATE_FORMAT")
        badges.append(format_html(markup, moment.isoformat(timespec="milliseconds"), exact, text % {"day": day}))
    return badges


def damaged_badge(row: Model) -> SafeString:
    """Return a mark with the names of the fields that cannot be read."""
    return format_html('<strong class="am-damaged" title="{}">{}</strong>', damage_of(row), _("damaged"))


def damage_of(row: Model) -> str:
    """Return a sentence with the names of the fields that cannot be read; "" if all can be."""
    labels = [str(row._meta.get_field(name).verbose_name) for name in damaged_fields(row)]  # type: ignore[union-attr]
    if isinstance(row, UserMemory):
        text = _("Another program wrote this memory. These fields cannot be read as they are stored: %(fields)s.")
    else:
        text = _("Another program wrote this row. These fields cannot be read as they are stored: %(fields)s.")
    return text % {"fields": ", ".join(labels)} if labels else ""


def person_cell(row: Model, user_id: str, url: str) -> SafeString:
    """Return a person in a list: a link that filters by the user id, the link to their page, and their name.

    Args:
        row: of the list.
        user_id: of the person.
        url: of the page of the person; "" for staff without permission to view memories.
    """
    label = _("Everything about %(person)s") % {"person": user_id}
    markup = '<a class="am-person-link" href="{}" title="{}" aria-label="{}">↗\ufe0e</a>'
    page_link = format_html(markup, url, label, label) if url else ""
    changelist = getattr(row, "changelist", None)
    name = account_name(changelist.accounts.get(user_id) if changelist else None)
    by_person = filter_link(row, "user_id", user_id, "am-user-id")
    return format_html('<span class="am-person">{} {}{}</span>', by_person, page_link, name)


def account_name(account: Account | None) -> SafeString:
    """Return the name of an account for a place beside the user id; nothing if it has no other name."""
    if account is None or not account.other_name:
        return SafeString()
    return format_html('<bdi class="am-name" title="{}">{}</bdi>', account.other_name, account.other_name)


def ago(row: Model, field: str) -> SafeString:
    """Return a time as "3 hours ago", with the exact time on hover."""
    moment = localtime(getattr(row, field))
    exact = f"{date_format(moment, 'DATETIME_FORMAT')} ({moment:%Y-%m-%d %H:%M:%S %Z})"
    markup = '<time class="am-time" datetime="{}" title="{}">{}</time>'
    return format_html(markup, moment.isoformat(timespec="milliseconds"), exact, naturaltime(moment))


def _site(memory: UserMemory) -> str | None:
    """Return the name of the admin site with the list that shows the memory; None outside a list."""
    changelist = getattr(memory, "changelist", None)
    return changelist.admin_site_name if changelist else None


def filter_link(row: Model, parameter: str, value: str, css_class: str) -> SafeString:
    """Return a link to the rows of the list that have the same value."""
    changelist = getattr(row, "changelist", None)
    url = changelist.get_query_string({parameter: value}) if changelist else f"?{urlencode({parameter: value})}"
    return format_html('<a class="{}" dir="auto" href="{}" title="{}">{}</a>', css_class, url, value, value)
