"""The words that rows store for ranked searches: the analyser, the check and the command."""

from __future__ import annotations

import sys
import unicodedata
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db.models import QuerySet

from agno_memory.db.expressions import TopicsWith
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search.analyser import MARKED, Analyser, analyser, current_analyser
from agno_memory.search.english import light_stem
from agno_memory.search.query import is_one_edit
from agno_memory.search.stored_words import NOTHING, Entry, Reader, stored_words
from agno_memory.times import now
from agno_memory.words_querysets import WordsQuerySet
from tests.databases import each_database

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def test_every_mark_of_unicode_is_where_they_are_looked_for() -> None:
    elsewhere = set(range(sys.maxunicode + 1)).difference(*MARKED)
    assert [point for point in elsewhere if unicodedata.category(chr(point)) in ("Mn", "Mc")] == []


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("german", "Sie mag grüne Äpfel und läuft gern", "welche Apfel mag sie beim Laufen?"),
        ("french", "Elle préfère les éclairs au café", "préférés éclair"),
        ("spanish", "Vive en una casa cerca de la montaña", "montañas casas"),
        ("english", "She ran two marathons", "running a marathon"),
        ("english", "张伟在成都做后端工程师", "成都"),
        ("english", "蕎麦アレルギーがある", "アレルギー"),
        ("english", "เธอชอบกาแฟดำ", "กาแฟ"),
        ("arabic", "يفضّل القهوة مع الهيل", "القهوة"),
        ("english", "சென்னை காலை நடை", "காலை"),
        ("english", "İstanbul ﬁne Ｃａｆé", "istanbul fine cafe"),
    ],
)
def test_words_of_languages(language: str, text: str, query: str) -> None:
    words = analyser(language)
    assert set(words.terms(query, is_query=True)) & set(words.terms(text))


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("english", "what about it?"),
        ("german", "was ist mit der und die?"),
        ("french", "que est-ce avec les"),
        ("spanish", "¿qué es con los?"),
    ],
)
def test_stop_words_are_no_words(language: str, query: str) -> None:
    assert analyser(language).terms(query, is_query=True) == []


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Was macht er am Wochenende in der Küche?", ["macht", "wochenend", "kuch"]),
        ("¿Qué hace su abuela en la casa?", ["abuela", "casa"]),
        ("أين هي الآن في البيت", ["اين", "الان", "البيت"]),
        # One word makes no language, and neither do those that its own language has too.
        ("Does Maya like la casa?", ["maya", "like", "la", "casa"]),
        ("What was he in?", []),
    ],
)
def test_a_query_in_another_language_has_none_of_its_stop_words(query: str, terms: list[str]) -> None:
    assert analyser("english").terms(query, is_query=True) == terms


def test_names_of_analysers() -> None:
    assert current_analyser().name == "english-snowball-stop-1"
    assert analyser("tamil").name == "tamil-snowball-all-1"


def test_english_without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "snowballstemmer", None)
    simple = Analyser("english")
    assert simple.name == "english-light-stop-1"
    assert simple.terms("She likes cats, running quickly") == ["lik", "cat", "runn", "quick"]
    with pytest.raises(ImproperlyConfigured, match=r"agno-memory\[search\]"):
        Analyser("french")


def test_light_stems() -> None:
    assert [light_stem(word) for word in ("cats", "glass", "bus", "liked", "as")] == [
        "cat",
        "glass",
        "bus",
        "lik",
        "as",
    ]


def test_stored_words() -> None:
    stored = stored_words("Do you like tea? I like tea, since May.", ["drinks", 5])
    assert stored == "english-snowball-stop-1 7 qt drink:1 like:2/1 tea:2/1 sinc:1 may:1"
    found = Reader(["tea", "drink", "coffe"]).read(stored)
    assert found.entries == {"tea": Entry(2, 1), "drink": Entry(1, 0)}
    assert (found.has_question, found.has_time) == (True, True)
    assert Reader([]).read(stored).entries == {}
    assert Reader(["x"]).read("") == Reader(["x"]).read("a b c") == NOTHING


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("peanut", "peanuts", True),
        ("peanut", "peanat", True),
        ("peanut", "penaut", True),
        ("peanut", "peanut", False),
        ("peanut", "peantsu", False),
        ("ab", "abcd", False),
        ("", "a", True),
    ],
)
def test_one_edit(one: str, other: str, expected: bool) -> None:
    assert is_one_edit(one, other) is is_one_edit(other, one) is expected


@each_database
def test_reindex_after_a_change_of_the_language(alias: str, settings: Any) -> None:
    memory = Memory(alias)
    added = memory.add_user_memories([UserMemory(memory=f"Spielt mit Kindern, Nummer {n}") for n in range(3)], "ana")
    settings.AGNO_MEMORY = {"LANGUAGE": "german", "BATCH_SIZE": 2}
    # Slower until the command has run, and not wrong.
    assert len(memory.search_user_memories("Kinder", user_id="ana")) == 3
    out = StringIO()
    call_command("reindex_memories", database=alias, stdout=out)
    assert out.getvalue() == "3 of 3 memories computed again with german-snowball-stop-1.\n"
    assert len(memory.search_user_memories("Kinder", user_id="ana")) == 3
    out = StringIO()
    call_command("reindex_memories", database=alias, stdout=out)
    assert out.getvalue().startswith("0 of 3")
    call_command("reindex_memories", "--all", database=alias, stdout=out)
    assert "3 of 3" in out.getvalue()
    again = memory.get_user_memory(added[0].memory_id, "ana")
    assert again is not None
    assert (again.version, again.last_updated) == (1, added[0].last_updated)


@each_database
def test_a_memory_without_words_is_analysed_when_it_is_ranked(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory="Likes green tea", session_id="s"), "ana")
    memory.add_user_memory(UserMemory(memory="Drinks it daily", session_id="s"), "ana")
    plain: QuerySet[UserMemory] = QuerySet(UserMemory, using=alias)
    plain.filter(memory__startswith="Drinks").update(search_terms="")
    (first, second) = memory.search_user_memories("tea, daily", user_id="ana")
    assert {first.memory, second.memory} == {"Likes green tea", "Drinks it daily"}
    plain.update(session_id=None, search_terms="")
    assert [each.memory for each in memory.search_user_memories("daily", user_id="ana")] == ["Drinks it daily"]
    assert [each.memory for each in memory.search_user_memories("daili", user_id="ana")] == ["Drinks it daily"]


def test_words_are_computed_if_they_follow_a_field_that_changed() -> None:
    Memory("default").add_user_memory(UserMemory(memory="Likes tea", topics=["drinks"]), "ana")
    rows = UserMemory.objects.using("default")
    words = rows.values_list("search_terms", flat=True)
    QuerySet(UserMemory, using="default").update(search_terms="")
    assert (rows.compute_terms({"agent_id", "metadata"}), words.get()) == (0, "")
    assert (rows.compute_terms({"agent_id", "topics"}), words.get()) == (1, stored_words("Likes tea", ["drinks"]))


@each_database
def test_each_memory_gets_its_own_words_unless_it_is_written_in_between(alias: str) -> None:
    texts = {"ana": ["Likes tea", "Likes coffee", "Walks"], "ben": ["Plays chess"]}
    for owner, owned in texts.items():
        Memory(alias).add_user_memories([UserMemory(memory=text) for text in owned], owner)
    rows = UserMemory.objects.using(alias)
    plain: QuerySet[UserMemory] = QuerySet(UserMemory, using=alias)
    plain.update(search_terms="")
    compute = WordsQuerySet._terms_of

    def write_in_between(self: Any, memories: list[UserMemory]) -> dict[str, Any]:
        words = compute(self, memories)
        if len(memories) == len(texts["ana"]):
            plain.filter(memory="Likes coffee").update(version=2, search_terms="of another write")
        return words

    with mock.patch.object(WordsQuerySet, "_terms_of", write_in_between):
        assert rows.compute_terms() == 4
    assert dict(rows.values_list("memory", "search_terms")) == {
        "Likes tea": stored_words("Likes tea", []),
        "Likes coffee": "of another write",
        "Walks": stored_words("Walks", []),
        "Plays chess": stored_words("Plays chess", []),
    }


@each_database
def test_a_memory_whose_new_words_are_not_known_has_none(alias: str) -> None:
    """It came in between."""
    first, second = Memory(alias).add_user_memories([UserMemory(memory="x"), UserMemory(memory="y")], "ana")
    rows = UserMemory.objects.using(alias).for_user("ana")
    assert rows.update_topics(TopicsWith("topics", "tea"), {first.key: "words"}, now()) == 2
    found = {key: (topics, words) for key, topics, words in rows.values_list("key", "topics", "search_terms")}
    assert found == {first.key: (["tea"], "words"), second.key: (["tea"], "")}


def test_check_of_stored_words(settings: Any) -> None:
    # The other databases of the tests have no safe settings.
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    Memory("default").add_user_memory(UserMemory(memory="Likes tea"), "ana")
    assert not run_checks(tags=["agno_memory"], databases=["default"])
    settings.AGNO_MEMORY = {"LANGUAGE": "german"}
    (warning,) = run_checks(tags=["database"], databases=["default"])
    assert warning.id == "agno_memory.W020"
    assert "reindex_memories --database default" in str(warning.hint)
    settings.AGNO_MEMORY = {"LANGUAGE": "klingon"}
    assert [error.id for error in run_checks(tags=["agno_memory"])] == ["agno_memory.E020"]
