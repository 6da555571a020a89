"""The errors of the service: their classes, attributes and messages. Also ``_compat``."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import ObjectDoesNotExist

from agno_memory import exceptions
from agno_memory.exceptions import (
    AgnoMemoryError,
    AmbiguousMemory,
    DuplicateMemory,
    MemoryChanged,
    MemoryExists,
    MemoryNotFound,
    RecordChanged,
    RecordExists,
    RecordNotFound,
    SessionExists,
    SessionNotFound,
    VersionNotFound,
)

ERRORS = [
    MemoryNotFound("m1"),
    VersionNotFound("m1", 3),
    DuplicateMemory("m1"),
    MemoryExists(["m1", "m2"]),
    AmbiguousMemory("m1"),
    MemoryChanged("m1", 3),
    SessionNotFound("s1"),
    SessionExists("s1"),
    RecordNotFound("r1"),
    RecordExists("r1"),
    RecordChanged("r1", 3),
]


def test_every_error_has_the_one_base() -> None:
    defined = [
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and value.__module__ == exceptions.__name__
    ]
    assert {AgnoMemoryError, *map(type, ERRORS)} == set(defined)
    assert all(issubclass(error, AgnoMemoryError) for error in defined)


def test_memory_not_found_is_djangos_does_not_exist() -> None:
    with pytest.raises(ObjectDoesNotExist):
        raise MemoryNotFound("m1")


def test_errors_have_ids_and_versions() -> None:
    assert MemoryNotFound("m1").memory_id == "m1"
    assert MemoryExists(["m1", "m2"]).memory_ids == ["m1", "m2"]
    changed = MemoryChanged("m1", 3)
    assert (changed.memory_id, changed.version) == ("m1", 3)


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (MemoryNotFound("m1"), ["no memory 'm1'", "get_user_memories()"]),
        (MemoryExists(["m1"]), ["Already taken: 'm1'. ", "Leave memory_id out", "replace_user_memory()"]),
        (AmbiguousMemory("m1"), ["Several users have a memory 'm1'", "user_id="]),
        (RecordExists("r1"), ["'r1' is taken", "Choose another"]),
        (RecordChanged("r1", 3), ["'r1' is no longer at version 3", "Read it again"]),
        (MemoryChanged("m1", 3), ["'m1' is no longer at version 3", "Read it again"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_messages_contain_the_id_and_the_next_step(error: AgnoMemoryError, parts: list[str]) -> None:
    for part in parts:
        assert part in str(error)


def test_five_ids_are_listed_and_the_rest_counted() -> None:
    five, seven = [[f"m{number}" for number in range(count)] for count in (5, 7)]
    assert "'m0', 'm1', 'm2', 'm3', 'm4'. " in str(MemoryExists(five))
    assert "'m0', 'm1', 'm2', 'm3', 'm4' and 2 more. " in str(MemoryExists(seven))
    assert MemoryExists(seven).memory_ids == seven


def test_ids_are_quoted() -> None:
    assert r"'x\n2026 ERROR'" in str(MemoryNotFound("x\n2026 ERROR"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_can_be_pickled(error: AgnoMemoryError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
