"""An embedder for an HTTP endpoint with the embeddings API of OpenAI; the extra ``embeddings-http`` installs httpx.

AGNO_MEMORY = {
    "EMBEDDER": HttpEmbedder("http://localhost:8080/v1", model="e5-small"),
    "EMBEDDER_NAME": "e5-small-1",
}
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import httpx


class HttpEmbedder:
    """The endpoint ``/embeddings`` of a server.

    Args:
        url: of the API, without ``/embeddings``.
        model: the name that the server knows.
        api_key: sent as a bearer token.
        timeout: seconds that ``embed_memories`` waits for an answer; a search waits for ``EMBEDDER_TIMEOUT``.
        query_prefix: text before each query.
        document_prefix: text before each memory.
        transport: of ``httpx``, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        api_key: str = "",
        timeout: float = 30.0,
        query_prefix: str = "",
        document_prefix: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = f"{url.rstrip('/')}/embeddings"
        self._model = model
        self._api_key = api_key
        self._timeout = timeout
        self._query_prefix = query_prefix
        self._document_prefix = document_prefix
        self._transport = transport

    def __repr__(self) -> str:
        # Without the key.
        return f"{type(self).__name__}({self._url!r}, model={self._model!r})"

    def documents(self, texts: list[str]) -> list[Any]:
        """Return the vectors of texts of memories."""
        return self._embed([f"{self._document_prefix}{text}" for text in texts])

    def queries(self, texts: list[str]) -> list[Any]:
        """Return the vectors of queries."""
        return self._embed([f"{self._query_prefix}{text}" for text in texts])

    @cached_property
    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return httpx.Client(headers=headers, timeout=self._timeout, transport=self._transport)

    def _embed(self, texts: list[str]) -> list[Any]:
        response = self._client.post(self._url, json={"model": self._model, "input": texts})
        response.raise_for_status()
        # A server may answer in another order.
        data = sorted(response.json()["data"], key=lambda each: each["index"])
        return [each["embedding"] for each in data]
