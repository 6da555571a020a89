"""``GET memories/search/``: the ranked search over HTTP."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.test import override_settings

from agno_memory.db.words_index import OwnedWords
from agno_memory.memory import Memory
from agno_memory.search import candidates
from tests.rest.api import Caller, add, each_database, ids, on_sqlite


def search(caller: Caller, query: str, **parameters: Any) -> Any:
    return caller.call("GET", f"memories/search/?{urlencode({'q': query, **parameters}, doseq=True)}")


@each_database
def test_the_best_first(alias: str, ana: Caller) -> None:
    add("ana", "Likes green tea", memory_id="tea", topics=["drinks"])
    add("ana", "Likes black coffee", memory_id="coffee")
    add("ana", "Green tea every morning", memory_id="morning", topics=["drinks"], agent_id="barista")
    add("bob", "Likes green tea too", memory_id="of bob")
    assert ids(search(ana, "green tea in the morning")) == ["morning", "tea"]
    assert ids(search(ana, "tea", limit=1)) == ["tea"]
    assert ids(search(ana, "tea", topic="drinks", agent_id="barista")) == ["morning"]
    assert ids(search(ana, "which drinks?", precise="true")) == ["tea", "morning"]
    assert ids(search(ana, "green tea in the morning", min_relative="0.9")) == ["morning"]
    assert ids(search(ana, "nothing of this")) == []
    assert ids(search(ana, "tea", limit=0)) == []
    found = json.loads(search(ana, "coffee").content)["results"]
    assert found == [json.loads(ana.call("GET", "memories/coffee/").content)]


@each_database
def test_explanations(alias: str, ana: Caller) -> None:
    add("ana", "What pets do you have?", memory_id="question", session_id="s")
    add("ana", "A grey one called Miso.", memory_id="answer", session_id="s", topics=["pets"])
    found = json.loads(search(ana, "pets", explain="true").content)["results"]
    service = Memory().search_user_memories("pets", user_id="ana", explain=True)
    assert [(each["memory_id"], each["score"]) for each in found] == [
        (match.memory.memory_id, match.score) for match in service
    ]
    by_id = {each["memory_id"]: each["explanation"] for each in found}
    assert by_id["answer"]["topics"] == ["pets"]
    assert by_id["question"]["words"] or by_id["question"]["neighbours"]["pet"]["memory_id"] == "answer"
    assert by_id["answer"]["order"] == "score"


@each_database
def test_the_model_and_the_index_of_words_serve_it(alias: str, ana: Caller, settings: Any, monkeypatch: Any) -> None:
    for number in range(4):
        add("ana", f"Drinks tea number{number}", memory_id=str(number))
    add("ana", "Has a puppy", memory_id="puppy")
    model = {"EMBEDDER": is_about_dogs, "EMBEDDER_NAME": "dogs"}
    with override_settings(AGNO_MEMORY={**settings.AGNO_MEMORY, **model}):
        call_command("embed_memories", stdout=StringIO(), stderr=StringIO())
        (found,) = json.loads(search(ana, "Hund", explain="true", limit=1).content)["results"]
    assert (found["memory_id"], found["explanation"]["model_name"]) == ("puppy", "dogs")
    monkeypatch.setattr(candidates, "STATISTICS_ROWS", 3)
    with patch.object(candidates, "OwnedWords", wraps=OwnedWords) as asked:
        assert ids(search(ana, "number1")) == ["1"]
    assert [call.args[0] for call in asked.call_args_list] == ["ana"]


def is_about_dogs(texts: list[str]) -> list[list[float]]:
    return [[float("puppy" in text or "Hund" in text), 1.0] for text in texts]


@on_sqlite
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00", "q"),
        ("q=a&limit=-1", "limit"),
        ("q=a&limit=201", "limit"),
        ("q=a&limit=x", "limit"),
        ("q=a&explain=perhaps", "explain"),
        ("q=a&min_relative=2", "min_relative"),
        ("q=a&min_relative=nan", "min_relative"),
        ("q=a&ordering=created_at", "ordering"),
        ("q=a&topics=x", "topics"),
    ],
)
def test_bad_parameters_are_refused(alias: str, ana: Caller, query: str, name: str) -> None:
    response = ana.call("GET", f"memories/search/?{query}")
    assert response.status_code == 400
    assert list(json.loads(response.content)) == [name]


@each_database
def test_memories_of_others_need_the_permission(alias: str, ana: Caller) -> None:
    add("bob", "Likes tea")
    assert search(ana, "tea", user_id="bob").status_code == 403
    assert ids(search(ana, "tea")) == []


@on_sqlite
def test_an_id_cannot_be_the_word(alias: str, ana: Caller) -> None:
    assert ana.call("POST", "memories/", {"memory": "x", "memory_id": "search"}).status_code == 400
