"""One page, and one answer in JSON, about what is remembered of the person who is logged in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agno_memory.exceptions import MemoryNotFound
from agno_memory.memory import Memory
from demo_project.forms import MemoryForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def memories(request: HttpRequest) -> HttpResponse:
    """Show what is remembered, the newest first, and add to it."""
    form = MemoryForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and remembered(request, form):
        messages.success(request, "Remembered.")
        return redirect("memories")
    known = Memory().get_user_memories(user_id=request.user)
    return render(request, "memories.html", {"form": form, "memories": known})


def remembered(request: HttpRequest, form: MemoryForm) -> bool:
    """Remember what the form says; what the service refuses is shown at the form."""
    try:
        Memory().add_user_memory(memory=form.as_memory(), user_id=request.user)
    except ValidationError as error:
        form.add_error(None, error)
    return not form.errors


@require_POST
@login_required
def forget(request: HttpRequest) -> HttpResponse:
    """Forget one memory. Somebody else's does not exist."""
    try:
        Memory().delete_user_memory(request.POST.get("memory_id", ""), user_id=request.user)
    except (MemoryNotFound, ValidationError) as error:
        raise Http404("You have no such memory.") from error
    messages.success(request, "Forgotten.")
    return redirect("memories")


@require_GET
@login_required
async def whats_new(request: HttpRequest) -> JsonResponse:
    """Tell the five newest memories, from an async view."""
    newest = await Memory().aget_user_memories(user_id=await request.auser(), limit=5)
    return JsonResponse({"memories": [{"memory": memory.memory, "topics": memory.topics} for memory in newest]})
