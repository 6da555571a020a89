"""Helpers of the tests of both majors of agno: wrappers around a store, as programs write them, and memories."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS

# The methods of the stores that delete without a user.
DELETING = ("clear_memories", "clear", "delete_memory")


class Proxy:
    """Passes every call on to another store, and is an instance of its class to ``isinstance``."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        return type(self._store)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        return traced(value) if callable(value) else value


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def direct(store: Any) -> Any:
    return store


def subclassed(store: Any) -> Any:
    """Return the store as an instance of a subclass that calls ``super()``."""
    methods = {name: _calling_super(type(store), name) for name in DELETING if hasattr(store, name)}
    store.__class__ = type("Subclass", (type(store),), methods)
    return store


def _calling_super(store: type[Any], name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(store, name)(self, *args, **kwargs)

    return method


def decorated(store: Any) -> Any:
    """Return the store with its deleting methods decorated twice."""
    for name in DELETING:
        if hasattr(store, name):
            setattr(store, name, traced(traced(getattr(store, name))))
    return store


def in_other_thread(store: Any) -> Any:
    """Return the store with its deleting methods run in another thread, without the caller's context."""

    def threaded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(function, *args, **kwargs).result()

        return call

    for name in DELETING:
        if hasattr(store, name):
            setattr(store, name, threaded(getattr(store, name)))
    return store


# Wrappers that keep the call in the thread of agno.
WRAPPERS = (direct, subclassed, Proxy, decorated)


def add(alias: str, *users: str) -> None:
    """Add a memory for each user, with the user as its id and its text."""
    for user in users:
        Memory(db=alias).add_user_memory(UserMemory(memory_id=user, memory=user), user)


def add_many(alias: str, user: str, first: str, count: int) -> None:
    """Add a memory with a text of its own, and then others: "Fact 1" is the oldest of them."""
    texts = [first, *(f"Fact {number}" for number in range(1, count + 1))]
    # Among memories of one time, that with the largest id is the newest.
    memories = [UserMemory(memory_id=f"{at:05}", memory=text) for at, text in enumerate(texts)]
    Memory(db=alias).add_user_memories(memories, user)


def remaining(alias: str) -> list[str]:
    return sorted(UserMemory.objects.using(alias).values_list("memory", flat=True))


def sample(name: str) -> Any:
    """Return a value for a content field of a memory, by the type of the field's default."""
    default = getattr(UserMemory(), name)
    if name == "expires_at":
        return datetime.datetime(2099, 5, 17, 9, 30, tzinfo=datetime.UTC)
    if isinstance(default, bool):
        return True
    if isinstance(default, list):
        return ["sample"]
    return {"a": "sample"} if isinstance(default, dict) else "sample"


def add_with_every_field(alias: str) -> None:
    """Add a memory "m" of maya in which every content field has a value."""
    values = {name: sample(name) for name in CONTENT_FIELDS}
    Memory(db=alias).add_user_memory(UserMemory(memory_id="m", **values), "maya")


def field_of_memory(alias: str, name: str) -> Any:
    """Return a field of the memory "m" of maya."""
    memory = Memory(db=alias).get_user_memory("m", "maya")
    assert memory is not None
    return getattr(memory, name)
