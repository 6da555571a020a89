"""The methods of agno's ``BaseDb`` that this store does not support."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Store = TypeVar("Store")


def refuse_unsupported(store: type[Store]) -> type[Store]:
    """Let every method raise NotImplementedError with a hint that is still abstract, or that agno leaves unwritten."""
    for name in list(_unwritten(store)):
        setattr(store, name, _refusing(name))
    return abc.update_abstractmethods(store)


def _unwritten(store: type[Any]) -> Iterator[str]:
    """Yield the names of abstract methods, and of those that do nothing except raise a NotImplementedError."""
    for name, method in inspect.getmembers(store, inspect.isfunction):
        # Not all of them are abstract in agno, and most of those that are not raise without a text.
        if name in store.__abstractmethods__ or method.__code__.co_names == (NotImplementedError.__name__,):
            yield name


def _refusing(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"DjangoDb does not support {name}(). Use a database of agno's for it, and keep the memories here: "
            "Agent(db=SqliteDb(...), memory_manager=MemoryManager(db=DjangoDb()))."
        )

    method.__name__ = name
    method.__doc__ = "Raise NotImplementedError: not supported."
    return method
