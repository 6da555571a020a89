"""Stores for agents built with agno: ``DjangoDb`` and ``AsyncDjangoDb`` for agno 3, others for agno 1.8.

``MemorySearchTools`` lets an agent of either major search the memories of its user. ``with_agentos`` serves an AgentOS
of agno 3 inside a Django site.

A store is imported on first access, because only one major of agno can be installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

__all__ = ["AsyncDjangoDb", "DjangoDb", "DjangoMemoryDb", "DjangoStorage", "MemorySearchTools", "with_agentos"]


class Release(NamedTuple):
    """A major of agno and the stores for it.

    Args:
        version: the release that the stores are tested with; they are used with every release of its major.
        stores: the module of each store, and of what works with it, by its name.
    """

    version: str
    stores: dict[str, str]

    @property
    def major(self) -> str:
        return major_of(self.version)


# Oldest first. Two majors may have a store of the same name: the installed one decides.
RELEASES: Final = [
    Release(
        "1.8.4",
        {
            "DjangoMemoryDb": "agno_memory.contrib.agno.v1.memory_db",
            "DjangoStorage": "agno_memory.contrib.agno.v1.storage",
            "MemorySearchTools": "agno_memory.contrib.agno.v1.search_tools",
        },
    ),
    Release(
        "3.1.10",
        {
            "AsyncDjangoDb": "agno_memory.contrib.agno.v3.async_store",
            "DjangoDb": "agno_memory.contrib.agno.v3.store",
            "MemorySearchTools": "agno_memory.contrib.agno.v3.search_tools",
            "with_agentos": "agno_memory.contrib.agno.v3.agentos",
        },
    ),
]


def __getattr__(name: str) -> Any:
    releases = [release for release in RELEASES if name in release.stores]
    if not releases:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    versions = [release.version for release in releases]
    hint = f"pip install agno=={versions[-1]}"
    try:
        installed = version("agno")
    except PackageNotFoundError:
        raise ImportError(f"{name} needs agno, which is not installed: {hint}") from None
    for release in releases:
        if release.major == major_of(installed):
            return getattr(import_module(release.stores[name]), name)
    raise ImportError(f"{name} is for agno {' or '.join(versions)}, and agno {installed} is installed: {hint}")


def major_of(release: str) -> str:
    """Return the major of a version: ``"3"`` of ``"3.1.10"``."""
    return release.partition(".")[0]
