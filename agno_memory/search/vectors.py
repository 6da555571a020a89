"""Vectors of texts as they are stored and compared: of length 1, a byte for each number, and one scale.

All sums are of whole numbers, so each platform computes the same similarities, with and without NumPy.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from operator import mul
from typing import Any, Final, NamedTuple

try:
    import numpy as _numpy
except ImportError:
    numpy: Any = None
else:
    numpy = _numpy

# The largest number of a byte.
MAX_BYTE: Final = 127
# Similarities are compared with this number of decimals.
DECIMALS: Final = 6
# With at most this number of dimensions, the sums of products are exact as floats of 32 bits.
MAX_SINGLE: Final = 2**24 // MAX_BYTE**2


class WrongVectors(Exception):
    """An embedding model returned other values than a vector for each text."""


class Packed(NamedTuple):
    """A vector of length 1.

    Args:
        data: a signed byte for each number.
        scale: of the bytes.
    """

    data: bytes
    scale: float


def pack(vector: Sequence[float]) -> Packed:
    """Return a vector as it is stored. A vector of zeros is similar to none."""
    largest = max(map(abs, vector))
    numbers = [round(number / largest * MAX_BYTE) for number in vector] if largest else [0] * len(vector)
    length = math.sqrt(sum(number * number for number in numbers))
    return Packed(bytes(number & 0xFF for number in numbers), 1 / length if length else 0.0)


def similarities(query: Packed, stored: Sequence[Packed]) -> list[float]:
    """Return the cosines of a vector and others of the same dimensions, from -1 to 1."""
    if not stored:
        return []
    products = _products_slow(query, stored) if numpy is None else _products(query, stored)
    pairs = zip(products, stored, strict=True)
    return [round(product * query.scale * each.scale, DECIMALS) for product, each in pairs]


def _products(query: Packed, stored: Sequence[Packed]) -> list[Any]:
    kind = numpy.float32 if len(query.data) <= MAX_SINGLE else numpy.float64
    matrix = numpy.frombuffer(b"".join(each.data for each in stored), dtype=numpy.int8)
    rows = matrix.reshape(len(stored), -1).astype(kind)
    products: list[Any] = (rows @ numpy.frombuffer(query.data, dtype=numpy.int8).astype(kind)).tolist()
    return products


def _products_slow(query: Packed, stored: Iterable[Packed]) -> list[Any]:
    numbers = memoryview(query.data).cast("b").tolist()
    return [sum(map(mul, numbers, memoryview(each.data).cast("b"))) for each in stored]


def checked_vectors(result: Any, count: int, dims: int | None = None) -> list[list[float]]:
    """Return what an embedding model returned as lists of numbers.

    Args:
        result: a list of lists, or an array.
        count: the number of texts.
        dims: the number of dimensions; None for any, the same for all.

    Raises:
        WrongVectors: another number of vectors or of dimensions, or values that are not finite numbers.
    """
    try:
        vectors = [[float(number) for number in vector] for vector in result]
    except (TypeError, ValueError):
        raise WrongVectors("it did not return lists of numbers") from None
    if len(vectors) != count:
        raise WrongVectors(f"it returned {len(vectors)} vectors for {count} texts")
    sizes = {len(vector) for vector in vectors}
    expected = sizes if dims is None else {dims}
    if vectors and (len(sizes) != 1 or sizes != expected or 0 in sizes):
        raise WrongVectors(f"it returned vectors of {_list(sizes)} dimensions, not {_list(expected)}")
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        raise WrongVectors("it returned numbers that are not finite")
    return vectors


def _list(sizes: Iterable[int]) -> str:
    return " and ".join(map(str, sorted(sizes)))


def embedded_text(text: str, topics: object, metadata: object) -> str:
    """Return the text of a memory for an embedding model: with its speaker in front, and its topics."""
    speaker = metadata.get("speaker") if isinstance(metadata, dict) else None
    who = f"{speaker}: " if isinstance(speaker, str) and speaker else ""
    about = [topic for topic in topics if isinstance(topic, str)] if isinstance(topics, list) else []
    return f"{who}{text}{''.join(f' ({topic})' for topic in about)}"


def hash_of(text: str) -> str:
    """Return the hash of a text that a vector is stored with, 32 characters."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
