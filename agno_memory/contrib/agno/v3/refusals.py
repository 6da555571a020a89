"""The methods of agno's ``BaseDb`` that this store does not support."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, TypeVar

Store = TypeVar("Store")


def refuse_unsupported(store: type[Store]) -> type[Store]:
    """Let every method that is still abstract raise NotImplementedError with a hint."""
    for name in store.__abstractmethods__:  # type: ignore[attr-defined]
        setattr(store, name, _refusing(name))
    return abc.update_abstractmethods(store)


def _refusing(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"DjangoDb stores memories and sessions; it does not support {name}(). Store the rest in a database of "
            "agno's: Agent(db=SqliteDb(...), memory_manager=MemoryManager(db=DjangoDb()))."
        )

    method.__name__ = name
    method.__doc__ = "Raise NotImplementedError: not supported."
    return method
