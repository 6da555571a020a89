"""A page and a JSON view of the memories of the logged-in person."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agno_memory.exceptions import MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.privacy import private
from demo_project.forms import MemoryForm


@private
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def memories(request: HttpRequest) -> HttpResponse:
    """Show the memories, the newest first, and add one."""
    form = MemoryForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and add_memory(request, form):
        messages.success(request, "Remembered.")
        return redirect("memories")
    newest = Memory().get_user_memories(user_id=request.user)
    return render(request, "memories.html", {"form": form, "memories": newest})


def add_memory(request: HttpRequest, form: MemoryForm) -> bool:
    """Add the memory of the form; return whether the service accepted it, and show its errors in the form."""
    try:
        Memory().add_user_memory(memory=form.as_memory(), user_id=request.user)
    except ValidationError as error:
        form.add_error(None, error)
    return not form.errors


@private
@require_POST
@login_required
def forget(request: HttpRequest) -> HttpResponse:
    """Delete one memory. A memory of another person is not found."""
    try:
        Memory().delete_user_memory(request.POST.get("memory_id", ""), user_id=request.user)
    except (MemoryNotFound, ValidationError) as error:
        raise Http404("You have no such memory.") from error
    messages.success(request, "Forgotten.")
    return redirect("memories")


@private
@require_GET
@login_required
async def whats_new(request: HttpRequest) -> JsonResponse:
    """Return the five newest memories, from an async view."""
    newest = await Memory().aget_user_memories(user_id=await request.auser(), limit=5)
    return JsonResponse({"memories": [{"memory": memory.memory, "topics": memory.topics} for memory in newest]})
