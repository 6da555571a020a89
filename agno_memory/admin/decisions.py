"""The decisions of staff about the calls of agents' tools that wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agno_memory.admin.history import log_decision
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.urls import page_url, unquoted
from agno_memory.agent_approvals import APPROVED, KIND, AgentApprovals, is_pending, needs_values
from agno_memory.models import AgentRecord
from agno_memory.services import ANYONE

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[AgentRecord]
else:
    _Admin = object


class DecisionViews(PageMixin, _Admin):
    """Mixin of the admin class: a POST request approves or rejects a call that waits."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.decide_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}_decide"
        return [path("<path:object_id>/decide/", view, name=name), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest, obj: AgentRecord | None = None) -> bool:
        """Return whether a staff user may decide: with the permission to change agent records, by default."""
        # Not the method of the admin class, in which no document can be edited.
        return super().has_change_permission(request, obj)

    def decision_context(self, request: HttpRequest, record: AgentRecord) -> dict[str, Any]:
        """Return the context of the page of a document: the form of the decision, if this staff user has one."""
        if not (is_pending(record) and self.has_decide_permission(request, record)):
            return {}
        url = page_url(AgentRecord, "decide", record.key, site=self.admin_site.name)
        return {"decide_url": url, "needs_values": needs_values(record)}

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Write the decision, and return to the page of the approval."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        approval = self.get_object(request, unquoted(object_id))
        if approval is None or approval.kind != KIND:
            raise Http404
        if not self.has_decide_permission(request, approval):
            raise PermissionDenied
        self._decide(request, approval)
        return HttpResponseRedirect(page_url(AgentRecord, "change", approval.key, site=self.admin_site.name))

    def _decide(self, request: HttpRequest, approval: AgentRecord) -> None:
        decision = request.POST.get("decision", "")
        try:
            decided = AgentApprovals().decide_approval(approval.record_id, decision, request.user, ANYONE)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        if decided is None:
            messages.warning(request, _("This call does not wait for a decision any more."))
            return
        log_decision(request, decided)
        messages.success(request, _("The call is approved.") if decision == APPROVED else _("The call is rejected."))
