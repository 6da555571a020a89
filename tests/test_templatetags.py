"""The tags of ``{% load agno_memory %}``."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template

from agno_memory.memory import Memory
from agno_memory.models import UserMemory

PROMPT = "{% load agno_memory %}Be brief.\n{% memory_context user question budget=500 %}"


@pytest.mark.django_db
def test_memory_context_of_a_question() -> None:
    user = User.objects.create_user("maya")
    memory = Memory()
    memory.add_user_memory(UserMemory(memory="Likes <b>green</b> tea & cake"), user)
    memory.add_user_memory(UserMemory(memory="Lives in Ghent"), user)
    prompt = Template(PROMPT).render(Context({"user": user, "question": "tea"}))
    assert prompt == f"Be brief.\n{memory.context(user, query='tea', budget=500).text}"
    assert "[1] Likes &lt;b&gt;green&lt;/b&gt; tea &amp; cake" in prompt


@pytest.mark.django_db
def test_memory_context_of_someone_without_memories() -> None:
    user = User.objects.create_user("maya")
    assert Template(PROMPT).render(Context({"user": user})) == "Be brief.\n"
