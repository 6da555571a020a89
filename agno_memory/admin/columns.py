"""The columns of the list. What a memory says is data: escaped, cut, and set apart from the text around it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.admin.urls import quoted
from agno_memory.models import AgentSession, UserMemory

# Characters of a memory that the list shows.
LENGTH = 160
# Topics that it shows.
TOPICS = 6


class Columns:
    """Mixin of the admin's class: what ``list_display`` names."""

    @admin.display(description=gettext_lazy("memory"))
    def memory_column(self, memory: UserMemory) -> SafeString:
        short = Truncator(memory.memory).chars(LENGTH)
        return format_html('<span class="am-text" dir="auto" title="{}">{}</span>', memory.memory, short)

    @admin.display(description=gettext_lazy("owner"))
    def owner_column(self, memory: UserMemory) -> SafeString:
        link = _filter_link(memory, "owner", memory.user_id, "am-owner")
        url = reverse("admin:agno_memory_usermemory_person", args=(quoted(memory.user_id),), current_app=_site(memory))
        label = _("Everything about %(owner)s") % {"owner": memory.user_id}
        page = format_html('<a class="am-person" href="{}" title="{}" aria-label="{}">↗\ufe0e</a>', url, label, label)
        return format_html('<span class="am-owner-cell">{} {}</span>', link, page)

    @admin.display(description=gettext_lazy("topics"), empty_value="")
    def topics_column(self, memory: UserMemory) -> SafeString:
        chips = ((_filter_link(memory, "topic", topic, "am-chip"),) for topic in memory.topics[:TOPICS])
        more = len(memory.topics) - TOPICS
        rest = format_html('<span class="am-more" title="{}">+{}</span>', ", ".join(memory.topics[TOPICS:]), more)
        return format_html(
            '<span class="am-chips">{}{}</span>', format_html_join("", "{}", chips), rest if more > 0 else ""
        )

    @admin.display(description=gettext_lazy("agent"), empty_value="")
    def agent_column(self, memory: UserMemory) -> SafeString | None:
        return _filter_link(memory, "agent", memory.agent_id, "am-agent") if memory.agent_id else None

    @admin.display(description=gettext_lazy("updated"), ordering="last_updated")
    def updated_column(self, memory: UserMemory) -> SafeString:
        return ago(memory, "last_updated")

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created_column(self, memory: UserMemory) -> SafeString:
        return ago(memory, "created_at")


def ago(row: UserMemory | AgentSession, field: str) -> SafeString:
    """Return a time as "3 hours ago", with the exact one on hover."""
    moment = localtime(getattr(row, field))
    exact = f"{date_format(moment, 'DATETIME_FORMAT')} ({moment:%Y-%m-%d %H:%M:%S %Z})"
    markup = '<time class="am-time" datetime="{}" title="{}">{}</time>'
    return format_html(markup, moment.isoformat(timespec="milliseconds"), exact, naturaltime(moment))


def _site(memory: UserMemory) -> str | None:
    """Return the name of the admin site whose list shows the memory."""
    changelist = getattr(memory, "changelist", None)
    return changelist.admin_site_name if changelist else None


def _filter_link(memory: UserMemory, parameter: str, value: str, css: str) -> SafeString:
    """Return a link to those memories of the list that share a value."""
    changelist = getattr(memory, "changelist", None)
    url = changelist.get_query_string({parameter: value}) if changelist else f"?{urlencode({parameter: value})}"
    return format_html('<a class="{}" dir="auto" href="{}" title="{}">{}</a>', css, url, value, value)
