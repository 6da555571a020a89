"""Stores for agents built with agno: ``DjangoDb`` for agno 3, ``DjangoMemoryDb`` and ``DjangoStorage`` for agno 1.8.

Each is imported when it is asked for, because only one major of agno can be installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["DjangoDb", "DjangoMemoryDb", "DjangoStorage"]

# Where each store is, and the release that it was written for and is tested with.
STORES = {
    "DjangoDb": ("agno_memory.contrib.agno.v3.store", "3.1.10"),
    "DjangoMemoryDb": ("agno_memory.contrib.agno.v1.stores", "1.8.4"),
    "DjangoStorage": ("agno_memory.contrib.agno.v1.stores", "1.8.4"),
}


def __getattr__(name: str) -> Any:
    if name not in STORES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, release = STORES[name]
    try:
        installed = version("agno")
    except PackageNotFoundError:
        raise ImportError(f"{name} needs agno, which is not installed: pip install agno=={release}") from None
    if installed.split(".")[0] != release.split(".")[0]:
        raise ImportError(
            f"{name} is for agno {release}, and agno {installed} is installed: pip install agno=={release}"
        )
    return getattr(import_module(module), name)
