"""JSON as text: encoded once, with the types of other programs, and limited."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from agno_memory import json_texts
from agno_memory.json_texts import MAX_DOCUMENT_SIZE, JSONText, json_text
from agno_memory.models import AgentRun


class WithIds(json.JSONEncoder):
    def default(self, value: Any) -> Any:
        return str(value) if isinstance(value, uuid.UUID) else super().default(value)


def test_a_value_is_encoded_once() -> None:
    text = json_text({"a": "Größe"})
    assert (text, json_text(text) is text) == ('{"a": "Größe"}', True)
    stored = AgentRun._meta.get_field("data").get_prep_value(text)
    # Drivers choose the encoding of a value by its exact type.
    assert (stored, type(stored)) == (text, str)


def test_a_text_is_not_decoded_by_the_field() -> None:
    field: Any = AgentRun._meta.get_field("data")
    assert field.clean(JSONText('{"a": 1}'), None) == '{"a": 1}'
    # Fixtures contain the text.
    assert field.clean('{"a": 1}', None) == {"a": 1}


def test_an_encoder_for_other_types() -> None:
    value = {"id": uuid.UUID(int=1), "half": "\ud800"}
    with pytest.raises(ValidationError):
        json_text(value)
    assert json.loads(json_text(value, WithIds)) == {"id": str(uuid.UUID(int=1)), "half": "\ud800"}


@pytest.mark.parametrize("character", ["x", "é"])
def test_the_limit_is_in_bytes(character: str) -> None:
    fits = character * ((MAX_DOCUMENT_SIZE - 2) // len(character.encode()))
    assert json_text(fits)
    with pytest.raises(ValidationError):
        json_text(fits + character)


def refused(value: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        json_text(value)
    return caught.value


def test_a_document_has_room_in_a_row_of_mongodb() -> None:
    """MongoDB's rows have 16 MB, for the document and the other fields."""
    assert json_texts.MAX_DOCUMENT_SIZE == 15 * 1024 * 1024


def test_the_size_of_a_document_is_counted_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_texts, "MAX_DOCUMENT_SIZE", 10)
    assert json_text("é" * 4) == '"éééé"'
    assert refused("é" * 5).messages == ["Ensure this has at most 10 bytes of JSON (it has 12)."]
    assert refused("é" * 5).code == "too_large"


def test_half_of_a_surrogate_pair_in_a_document_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json_text(["\ud800", "é"]) == '["\\ud800", "\\u00e9"]'
    monkeypatch.setattr(json_texts, "MAX_DOCUMENT_SIZE", 8)
    assert json_text("\ud800") == '"\\ud800"'
    monkeypatch.setattr(json_texts, "MAX_DOCUMENT_SIZE", 7)
    assert refused("\ud800").messages == ["Ensure this has at most 7 bytes of JSON (it has 8)."]


def test_a_document_is_json() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _level in range(100_000):
        deep = [deep]
    for value in (object(), {1, 2}, endless, deep):
        error = refused(value)
        assert (error.code, error.messages) == ("invalid", ["This is not JSON."])
