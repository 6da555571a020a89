"""The views that complete text fields, for the script of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.autocomplete import Suggestion
from agno_memory.names import MAX_IDENTIFIER_LENGTH

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class CompletionViews(_Admin):
    """Mixin of an admin class: a view for each kind of suggestions."""

    # Functions of the rows that the staff user may see, the typed text and the accounts, by the name of the view.
    completions: ClassVar[dict[str, Callable[[Any, str, Accounts], list[Suggestion]]]] = {}

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path(f"complete/{name}/", self._completion_view(name), name=f"{prefix}_{name}") for name in self.completions
        ] + super().get_urls()

    def _completion_view(self, name: str) -> Any:
        def view(request: HttpRequest) -> JsonResponse:
            if not self.has_view_or_change_permission(request):
                raise PermissionDenied
            text = request.GET.get("q", "").replace("\x00", "")[:MAX_IDENTIFIER_LENGTH]
            accounts = Accounts(request, self.admin_site)
            suggestions = self.completions[name](self.get_queryset(request), text, accounts)
            labels = {each.value: each.label for each in suggestions if each.label}
            return JsonResponse({"results": [each.value for each in suggestions], "labels": labels})

        return self.admin_site.admin_view(view)
