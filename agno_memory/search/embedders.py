"""The embedding model of the settings, called so that a search never fails or waits for long because of it."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from agno_memory.conf import conf

logger = logging.getLogger("agno_memory.search")

Embed = Callable[[list[str]], Any]

# Calls that run at the same time. If a model hangs, further searches do not wait for it.
MAX_CALLS: Final = 8
# Seconds between two lines in the log about the same problem.
LOG_INTERVAL: Final = 60.0

_slots = threading.BoundedSemaphore(MAX_CALLS)
_logged: dict[str, float] = {}


class ModelFailed(Exception):
    """The embedding model gave no vector. The text has the reason, and no text of a memory or a query."""


class Embedder(NamedTuple):
    """An embedding model.

    Args:
        name: that its vectors are stored with.
        documents: returns the vectors of texts of memories.
        queries: returns the vectors of queries.
    """

    name: str
    documents: Embed
    queries: Embed


def current_embedder() -> Embedder | None:
    """Return the embedding model of the settings, None without one.

    Raises:
        ImproperlyConfigured: it cannot be imported.
    """
    embedder = conf.EMBEDDER
    if embedder is None:
        return None
    model = imported(embedder) if isinstance(embedder, str) else embedder
    return Embedder(conf.EMBEDDER_NAME, getattr(model, "documents", model), getattr(model, "queries", model))


@lru_cache(maxsize=8)
def imported(path: str) -> Any:
    """Return the object of a dotted path; of a class, an instance.

    Raises:
        ImproperlyConfigured: it cannot be imported, or is not an embedder.
    """
    try:
        model = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"AGNO_MEMORY['EMBEDDER']: cannot import {path!r}: {error}") from error
    if inspect.isclass(model):
        model = model()
    if callable(model) or all(callable(getattr(model, name, None)) for name in ("documents", "queries")):
        return model
    raise ImproperlyConfigured(
        f"AGNO_MEMORY['EMBEDDER']: {path!r} is neither a function nor an object with documents() and queries()."
    )


def call(embed: Embed, texts: Sequence[str], timeout: float) -> Any:
    """Return the result of an embedding model, or raise after a time.

    Args:
        embed: the model.
        texts: to embed.
        timeout: seconds. A slower call goes on in its thread, and its result is lost.

    Raises:
        ModelFailed: an error of the model, or a timeout.
    """
    if not _slots.acquire(blocking=False):
        raise ModelFailed("earlier calls of it are still running")
    thread = _Call(embed, list(texts))
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise ModelFailed(f"it took longer than {timeout:g} seconds")
    if thread.error is not None:
        # Only the type: the message of an error may repeat the text.
        raise ModelFailed(f"it raised {type(thread.error).__name__}")
    return thread.result


class _Call(threading.Thread):
    """A call of a model. Its own thread: a process that ends does not wait for it."""

    def __init__(self, embed: Embed, texts: list[str]) -> None:
        super().__init__(name="agno_memory-embedder", daemon=True)
        self.embed = embed
        self.texts = texts
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        with self:
            self.result = self.embed(self.texts)

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        # A model may raise any error, and none of them is the search's.
        self.error = error
        _slots.release()
        return True


def log_problem(name: str | None, problem: str) -> None:
    """Log why a model was not used, each problem once a minute."""
    now = time.monotonic()
    if now - _logged.get(problem, -LOG_INTERVAL) >= LOG_INTERVAL:
        _logged[problem] = now
        logger.warning("Searches rank without the embedding model %s: %s.", name, problem)
