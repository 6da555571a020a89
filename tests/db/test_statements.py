"""Statements: the portable paths, for databases without methods of their own, give the same results."""

from __future__ import annotations

import datetime
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import NotSupportedError, connections
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Lower

from agno_memory import vector_querysets
from agno_memory.db import memory_statements, statements, stored_lists
from agno_memory.db.aggregates import TopicCounts
from agno_memory.db.expiry import EXPIRES_AFTER
from agno_memory.db.lookups import is_of_one_owner
from agno_memory.json_fields import TopicsField
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search.stored_words import stored_words
from agno_memory.test import values
from agno_memory.times import now
from tests.statements import names_owner, recorded

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
SQL = pytest.mark.parametrize("alias", ["default", "postgres"])

REPLACE, REPLACE_VERSION = (
    memory_statements.replace_statement(*UserMemory.content_fields, guards=guards, keeps=False)
    for guards in ((), ("version",))
)


def new_values(memory: UserMemory, **changes: Any) -> dict[str, Any]:
    derived = {"search_text": "new", "search_terms": stored_words("New", memory.topics)}
    return values(memory) | {"memory": "New", "last_updated": now(), EXPIRES_AFTER: now()} | derived | changes


@SQL
def test_update_without_returning(alias: str) -> None:
    added = Memory(alias).add_user_memory(UserMemory(memory="Old", topics=["a"]), "maya")
    model, connection = UserMemory, connections[alias]
    with recorded(alias) as sent:
        updated = REPLACE_VERSION.before_reading(model, connection, new_values(added))
    assert [names_owner(each) for each in sent] == [True, True]
    assert isinstance(updated, UserMemory)
    assert (updated.memory, updated.version, updated.topics) == ("New", 2, ["a"])
    assert REPLACE_VERSION.before_reading(model, connection, new_values(added)) is None
    assert REPLACE.before_reading(model, connection, new_values(added, user_id="noah")) is None
    assert values(UserMemory.objects.using(alias).get()) == values(updated)


@SQL
def test_an_update_of_a_memory_as_it_was_read_without_returning(alias: str) -> None:
    added = Memory(alias).add_user_memory(UserMemory(memory="Old"), "maya")
    model, connection = UserMemory, connections[alias]
    guards = memory_statements.guard(added)
    statement = memory_statements.replace_statement(*UserMemory.content_fields, guards=tuple(guards), keeps=False)
    earlier = added.created_at - datetime.timedelta(milliseconds=1)
    assert (
        statement.before_reading(model, connection, new_values(added, **{**guards, "created_at__exact": earlier}))
        is None
    )
    updated = statement.before_reading(model, connection, new_values(added, **guards))
    assert isinstance(updated, UserMemory)
    assert (updated.memory, updated.version) == ("New", 2)


@SQL
def test_delete_many_without_returning(alias: str) -> None:
    memory = Memory(alias)
    added = [memory.add_user_memory(UserMemory(memory="x"), "maya") for _ in range(3)]
    keys = sorted(each.pk for each in added[:2])
    rows = UserMemory.objects.using(alias).filter(pk__in=keys)
    with mock.patch.object(statements, "returns_written_rows", return_value=False):
        assert sorted(vector_querysets.DELETE_MANY.run(rows)) == keys
        assert vector_querysets.DELETE_MANY.run(rows) == []
    assert UserMemory.objects.using(alias).get() == added[2]


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
def test_topic_counts_without_sql_for_it(alias: str) -> None:
    memory = Memory(alias)
    for topics in (["b", "a"], ["b"], ["é"], []):
        memory.add_user_memory(UserMemory(memory="x", topics=topics), "maya")
    for limit in (None, 1, 2):
        counts = TopicCounts(UserMemory.objects.using(alias).all(), limit)
        assert list(counts.as_sql(connections[alias])) == counts.run()


@SQL
def test_a_lookup_that_is_not_written_for_a_database_says_what_to_do(alias: str) -> None:
    rows = UserMemory.objects.using(alias)
    for name, empty in {"about": FullResultSet, "about_any": EmptyResultSet}.items():
        compiler = rows.filter(**{f"topics__{name}": ["a"]}).query.get_compiler(alias)
        lookup: Any = compiler.query.where.children[0]
        with pytest.raises(NotSupportedError, match=f"as_{connections[alias].vendor}"):
            lookup.as_sql(compiler, connections[alias])
        lookup = rows.filter(**{f"topics__{name}": []}).query.where.children[0]
        with pytest.raises(empty):
            lookup.as_sql(compiler, connections[alias])
    lookup = rows.filter(topics__fewer_than=1).query.where.children[0]
    with pytest.raises(NotSupportedError, match=f"as_{connections[alias].vendor}"):
        lookup.as_sql(compiler, connections[alias])


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
def test_topics_that_an_expression_computes_are_compared_too(alias: str) -> None:
    memory = Memory(alias)
    for agent_id, topics in {"a": ["tea", "art"], "b": ["tea"], "c": []}.items():
        memory.add_user_memory(UserMemory(memory=agent_id, agent_id=agent_id, topics=topics), "maya")
    other = Value(["x", "tea"], output_field=TopicsField())
    rows = UserMemory.objects.using(alias).annotate(
        chosen=Case(When(agent_id__in=["a", "b"], then=F("topics")), default=other, output_field=TopicsField())
    )
    for lookup, value, found in (
        ("about", ["tea", "art"], ["a"]),
        ("about", ["tea"], ["a", "b", "c"]),
        ("about_any", ["art", "x"], ["a", "c"]),
        ("fewer_than", 2, ["b"]),
        ("fewer_than", "2", ["b"]),
    ):
        matching = rows.filter(**{f"chosen__{lookup}": value})
        assert sorted(matching.values_list("memory", flat=True)) == found, lookup


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
def test_parts_of_a_text_are_a_condition_too(alias: str) -> None:
    for text in ("100% of $a.b?", "1000 of xayb", "Other"):
        Memory(alias).add_user_memory(UserMemory(memory=text), "maya")
    rows = UserMemory.objects.using(alias)
    for parts, count in ((["0%"], 1), (["$a.b?", "100"], 1), (["100", "of"], 2), (["100", "other"], 0), ([], 3)):
        condition = Q(search_text__contains_all=parts)
        assert rows.filter(condition).count() == count
        assert rows.aggregate(found=Count("pk", filter=condition)) == {"found": count}


def test_conditions_of_one_owner() -> None:
    """Their lists need no key in the order, and no index of topics."""
    rows = UserMemory.objects.using("default")
    of_agent = Q(agent_id="maya")
    for of_one in (
        rows.for_user("maya"),
        rows.for_user(None).exclude(of_agent).filter(of_agent | Q(team_id="r")),
        rows.filter(of_agent & Q(user_id=Value("maya"))),
        rows.filter(Q(of_agent, Q(Q(user_id="maya")))),
        rows.filter(of_agent) & rows.filter(user_id="maya"),
        rows.filter(user_id="maya") & rows.filter(of_agent | Q(team_id="t")),
        rows.filter(Q(Q(user_id="maya"), Q(of_agent | Q(team_id="t")))),
    ):
        assert is_of_one_owner(of_one.query.where)
    for of_several in (
        rows.all(),
        rows.none(),
        rows.filter(of_agent),
        rows.filter(of_agent | Q(user_id="maya")),
        rows.exclude(user_id="maya"),
        rows.exclude(~Q(of_agent, user_id="maya")).exclude(user_id="maya"),
        rows.filter(user_id__gt="maya"),
        rows.filter(user_id__in=["maya"]),
        rows.annotate(lower=Lower("user_id")).filter(lower="maya"),
        rows.filter(user_id=F("agent_id")),
    ):
        assert not is_of_one_owner(of_several.query.where)


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
def test_a_statement_is_compiled_once(alias: str) -> None:
    memory = Memory(alias)
    added = memory.add_user_memory(UserMemory(memory="x"), "maya")
    compiled = stored_lists.SELECT._compiled
    memory.get_user_memory(added.memory_id, "maya")
    before = dict(compiled)
    memory.get_user_memory("other", "noah")
    assert compiled == before
    assert any(key[1] == alias for key in compiled)
