"""The client's errors: their classes, and no private text in them."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import ValidationError

from agno_memory import client as public
from agno_memory import exceptions
from agno_memory.client import AccessDenied, RemoteError, ServiceUnavailable, Throttled, UnexpectedAnswer
from tests.scripted import PROXY, Script, client


def test_errors_are_those_of_the_service() -> None:
    for name in ("AgnoMemoryError", "MemoryNotFound", "MemoryExists", "MemoryChanged", "ValidationError"):
        assert getattr(public, name) is getattr(exceptions, name)
    assert public.ValidationError is ValidationError
    for name in ("AccessDenied", "ServiceUnavailable", "Throttled", "UnexpectedAnswer"):
        assert issubclass(getattr(public, name), RemoteError)
    assert issubclass(RemoteError, exceptions.AgnoMemoryError)


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("no", 403),
        Throttled("slow down", 429, 5.0),
        ServiceUnavailable("gone", 503, 5.0, may_have_happened=False),
        UnexpectedAnswer("a page", None),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_pickled(error: RemoteError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_search_is_not_in_errors() -> None:
    with client(Script(PROXY)) as memory, pytest.raises(UnexpectedAnswer) as caught:
        memory.search_user_memories("illness")
    assert "illness" not in str(caught.value)
