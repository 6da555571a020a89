"""An embedder for ``sentence-transformers``; the extra ``embeddings`` installs it.

AGNO_MEMORY = {
    "EMBEDDER": "agno_memory.contrib.embedders.sentence_transformers.SentenceTransformersEmbedder",
    "EMBEDDER_NAME": "sentence-transformers/all-MiniLM-L6-v2",
}
"""

from __future__ import annotations

import threading
from typing import Any

from agno_memory.conf import conf


class SentenceTransformersEmbedder:
    """A model of ``sentence-transformers``, loaded at the first call.

    Args:
        model: its name or its folder; ``EMBEDDER_NAME`` by default.
        query_prefix: text before each query, such as ``"query: "`` for the models named e5.
        document_prefix: text before each memory, such as ``"passage: "``.
    """

    def __init__(self, model: str | None = None, *, query_prefix: str = "", document_prefix: str = "") -> None:
        self._name = model
        self._query_prefix = query_prefix
        self._document_prefix = document_prefix
        self._lock = threading.Lock()
        self._loaded: Any = None

    def documents(self, texts: list[str]) -> Any:
        """Return the vectors of texts of memories."""
        return self._encode(texts, self._document_prefix)

    def queries(self, texts: list[str]) -> Any:
        """Return the vectors of queries."""
        return self._encode(texts, self._query_prefix)

    def _encode(self, texts: list[str], prefix: str) -> Any:
        return self._model().encode([f"{prefix}{text}" for text in texts], show_progress_bar=False)

    def _model(self) -> Any:
        with self._lock:
            if self._loaded is None:
                # The import takes seconds, and only processes that search need it.
                from sentence_transformers import SentenceTransformer

                self._loaded = SentenceTransformer(self._name or conf.EMBEDDER_NAME)
            return self._loaded
