"""Code of a site, checked by mypy without the plugin of django-stubs."""

from __future__ import annotations

from typing import assert_type

from agno_memory.models import AgentRun, AgentSession, UserMemory


def names_of(user: str) -> list[str]:
    newest = UserMemory.objects.for_user(user).about("tea").newest()
    assert_type(newest.first(), UserMemory | None)
    assert_type(list(UserMemory.objects.filter(version=1).matching(agent_id="a")), list[UserMemory])
    assert_type(AgentSession.objects.for_user(user).newest().first(), AgentSession | None)
    assert_type(AgentRun.objects.first(), AgentRun | None)
    assert_type(UserMemory.objects.count(), int)
    return [memory.memory for memory in newest]
