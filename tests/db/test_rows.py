"""Rows: what other programs have written is read, and what a subclass or a signal would notice is not skipped."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.models import Model
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from agno_memory.db import stored_lists
from agno_memory.db.conversions import conversion
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.times import now
from tests.databases import commits, each_database

pytestmark = [commits]


@each_database
def test_an_instance_is_djangos(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memories([UserMemory(memory=f"M {number}", topics=["é", "a"]) for number in range(3)])
    expected = {
        each.pk: vars(each) for each in UserMemory.objects.using(alias).defer("search_text", "search_terms", "text_key")
    }
    for each in memory.get_user_memories():
        found = dict(vars(each))
        state, of_django = found.pop("_state"), expected[each.pk].pop("_state")
        assert found == expected[each.pk]
        # Some releases of Django set attributes to their defaults.
        assert all(getattr(state, name) == getattr(of_django, name) for name in ("adding", "db", *vars(of_django)))
        assert each.created_at.tzinfo is each.last_updated.tzinfo is datetime.UTC


@pytest.fixture
def in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the connection to PostgreSQL have another time zone than UTC."""
    connection: Any = connections["postgres"]

    def apply() -> None:
        for name in ("timezone", "timezone_name"):
            vars(connection).pop(name, None)
        connection.ensure_timezone()

    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Kolkata")
        apply()
        yield
    apply()


def test_times_of_a_connection_in_another_time_zone(in_kolkata: None) -> None:
    memory = Memory("postgres")
    added = memory.add_user_memory(UserMemory(memory="x"))
    (found,) = memory.get_user_memories()
    assert found.last_updated == added.last_updated
    assert found.last_updated.utcoffset() == datetime.timedelta(hours=5, minutes=30)


@each_database
def test_receivers_of_post_init_see_each_instance(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memories([UserMemory(memory="x"), UserMemory(memory="y")])
    seen: list[Model] = []

    def receive(instance: Model, **kwargs: Any) -> None:
        seen.append(instance)

    post_init.connect(receive, sender=UserMemory)
    try:
        assert memory.get_user_memories() == seen
        assert len(seen) == 2
    finally:
        post_init.disconnect(receive, sender=UserMemory)


@each_database
def test_the_search_text_is_not_read_but_computed(alias: str) -> None:
    memory = Memory(alias)
    added = memory.add_user_memory(UserMemory(memory="CAFÉ"))
    with CaptureQueriesContext(connections[alias]) as queries:
        (listed,) = memory.get_user_memories()
    # MongoDB's log has no texts of queries.
    assert not any('"search_text"' in query["sql"] for query in queries)
    with CaptureQueriesContext(connections[alias]) as queries:
        listed.memory += "S"
        assert listed.search_text == "cafés"
    assert len(queries) == 0
    listed.save()
    assert memory.rows().mentioning("cafés").get() == added


@pytest.mark.parametrize("text", [' ["a", "b"] ', '["a","b"]\n'])
def test_json_with_spaces_around_it(text: str) -> None:
    memory = Memory("default")
    memory.add_user_memories([UserMemory(memory="x", topics=["c"]), UserMemory(memory="y", topics=["d"])])
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE agno_memory_usermemory SET topics = %s WHERE memory = 'x'", [text])
    assert {each.memory: each.topics for each in memory.get_user_memories()} == {"x": ["a", "b"], "y": ["d"]}


@pytest.mark.parametrize("texts", [["[1]", None], ["[1]", "x"], ["[1", "2]"], ["[1],[2]", "[3]"]])
def test_json_that_cannot_be_decoded_together_is_read_as_django_reads_it(texts: list[str | None]) -> None:
    field: Any = UserMemory._meta.get_field("topics")
    connection = connections["default"]
    decode = conversion(field, field.cached_col, connection)
    assert decode(connection, texts) == [field.from_db_value(text, field.cached_col, connection) for text in texts]


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
def test_documents_of_another_program(alias: str) -> None:
    memory = Memory(alias)
    added = memory.add_user_memories([UserMemory(memory="x", topics=["a"]), UserMemory(memory="y", topics=["a"])])
    collection = connections[alias].get_collection(UserMemory._meta.db_table)  # type: ignore[attr-defined]
    collection.update_one({"memory": "x"}, {"$unset": {"metadata": 1, "version": 1}, "$set": {"topics": None}})
    collection.update_one({"memory": "y"}, {"$set": {"topics": "a"}})
    found = {each.memory: each for each in memory.get_user_memories()}
    missing = found["x"]
    assert (missing.topics, missing.metadata, missing.version) == ([], {}, 1)
    assert missing.damaged_fields == ["topics", "metadata", "version"]
    assert found["y"].topics == ["a"]
    one = memory.get_user_memory(added[0].memory_id)
    assert one is not None
    assert (one.topics, one.metadata) == ([], {})
    assert memory.replace_user_memory(one.memory_id, UserMemory(memory="z")).version == 1


@each_database
def test_lists_by_more_values_than_are_compiled(alias: str) -> None:
    memory = Memory(alias)
    names = [f"t{number}" for number in range(stored_lists.MAX_COMPILED_LENGTH + 1)]
    added = memory.add_user_memory(UserMemory(memory=" ".join(names), topics=names, metadata={"plan": "pro"}))
    memory.add_user_memory(UserMemory(memory=" ".join(names[1:]), topics=names[1:]))
    for count in (1, 2, len(names) - 1, len(names)):
        assert memory.get_user_memories(topics=names[:count]) == [added]
        assert memory.search_user_memories(" ".join(names[:count]), None, "keyword") == [added]
        assert memory.get_user_memories(any_topics=[names[0], *names[:count]])[-1] == added
    for moment in (None, now()):
        assert memory.get_user_memories(topics=names, as_of=moment) == [added]
        assert memory.get_user_memories(metadata={"plan": "pro"}, as_of=moment) == [added]
        assert memory.get_user_memories(topics=[], as_of=moment) == memory.get_user_memories()
        assert memory.get_user_memories(any_topics=[], as_of=moment) == []
