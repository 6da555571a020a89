"""``UserMemory`` with the tools of Django and its ecosystem: fixtures, serializers, forms and the ORM."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from django.core import serializers
from django.db import models
from django.forms import modelform_factory
from rest_framework.serializers import ModelSerializer

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import values
from tests.databases import commits, each_database

pytestmark = [commits]

CONTENT = {"topics": ["café", "a & b"], "metadata": {"a": [1, None, {"b": "<c>"}]}, "agent_id": "x"}


class MemorySerializer(ModelSerializer[UserMemory]):
    class Meta:
        model = UserMemory
        fields = ("memory_id", "user_id", "memory", "topics", "metadata")


@each_database
@pytest.mark.parametrize(
    ("format", "text"),
    # Django's XML reader strips the ends of every value.
    [("json", " Neu\n"), ("jsonl", " Neu\n"), ("xml", "Neu\nund <alt> &amp;")],
)
def test_fixtures_keep_every_field(alias: str, format: str, text: str) -> None:
    memory = Memory(alias)
    added = memory.add_user_memory(UserMemory(memory="Über <b>&amp;", **CONTENT), "maya")
    replaced = memory.replace_user_memory(added.memory_id, UserMemory(memory=text, **CONTENT), "maya")
    dumped = serializers.serialize(format, [replaced])
    memory.clear()
    for loaded in serializers.deserialize(format, dumped, using=alias):
        loaded.save(using=alias)
    assert values(UserMemory.objects.using(alias).get()) == values(replaced)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("topics", "abc"),
        ("topics", {"a": 1}),
        ("topics", 3),
        ("topics", [1]),
        ("metadata", [1]),
        ("metadata", "x"),
        ("metadata", {"$a": 1}),
        ("metadata", {"a": 10**30}),
        ("memory", " "),
        ("memory", "a\x00"),
        ("user_id", "x" * 256),
    ],
)
def test_serializers_inherit_the_rules(field: str, value: Any) -> None:
    serializer = MemorySerializer(data={"user_id": "maya", "memory": "x", field: value})
    assert not serializer.is_valid()
    assert list(serializer.errors) == [field]


def test_serializers_and_forms_save_canonical_values() -> None:
    serializer = MemorySerializer(data={"user_id": "maya", "memory": "x", "topics": [" a ", "a"], "metadata": {"a": 1}})
    assert serializer.is_valid(), serializer.errors
    assert serializer.save().topics == ["a"]
    form_class = modelform_factory(UserMemory, fields=["user_id", "memory", "topics", "metadata", "agent_id"])
    form = form_class({"user_id": "maya", "memory": "y", "topics": '["b", "b"]', "metadata": "{}", "agent_id": ""})
    assert form.is_valid(), form.errors
    saved = form.save()
    assert (saved.topics, saved.agent_id, saved.search_text) == (["b"], None, "y")
    assert form_class({"user_id": "maya", "memory": " ", "topics": '["b", 5]'}).errors.keys() == {"memory", "topics"}


def test_a_field_has_one_error() -> None:
    with pytest.raises(Exception, match="255") as caught:
        UserMemory(user_id="x" * 256, memory="x").full_clean()
    assert len(caught.value.message_dict["user_id"]) == 1  # type: ignore[attr-defined]


@each_database
@pytest.mark.parametrize("key", ["mine", None])
def test_fixtures_have_the_keys_of_their_owners_and_ids(alias: str, key: str | None) -> None:
    """Also after an edit of the file."""
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory="x", memory_id="m"), "maya")
    (fixture,) = json.loads(serializers.serialize("json", memory.rows("maya")))
    fixture["pk"] = key or fixture["pk"]
    fixture["fields"]["user_id"] = "noah"
    for loaded in serializers.deserialize("json", json.dumps([fixture]), using=alias):
        loaded.save(using=alias)
    read = [memory.get_user_memory("m", owner) for owner in ("maya", "noah")]
    assert [each and each.user_id for each in read] == ["maya", "noah"]


@each_database
def test_saving_to_another_database_adds_a_row(alias: str) -> None:
    added = Memory("default").add_user_memory(UserMemory(memory="x"), "maya")
    if alias == "default":
        added.memory_id, added._state.adding = "copy", True
    added.save(using=alias)
    copied = UserMemory.objects.using(alias).get(pk=added.pk)
    assert (copied.memory, copied.version) == ("x", 1)


@each_database
def test_methods_of_the_orm(alias: str) -> None:
    rows = UserMemory.objects.using(alias)
    made, created = rows.get_or_create(memory_id="a", defaults={"memory": "One", "user_id": "maya"})
    assert (created, made.version) == (True, 1)
    updated, created = rows.update_or_create(memory_id="a", defaults={"memory": "Two"})
    assert (created, updated.version, updated.search_text) == (False, 2, "two")
    assert rows.in_bulk([updated.key]) == {updated.key: updated}
    assert rows.aggregate(models.Max("version"), models.Count("pk")) == {"version__max": 2, "pk__count": 1}
    assert rows.latest("last_updated") == updated
    assert list(rows.newest().iterator(chunk_size=1)) == [updated]
    assert rows.newest().first() == rows.newest().last() == updated
    assert rows.newest().exists()
    assert rows.newest().count() == 1
    updated.delete()
    assert not rows.exists()


def test_str_and_repr_do_not_show_the_text() -> None:
    memory = UserMemory(memory="secret", memory_id="a", user_id="maya")
    assert "secret" not in f"{memory} {memory!r}"


@pytest.mark.parametrize(("is_mariadb", "collation"), [(True, "utf8mb4_nopad_bin"), (False, "utf8mb4_bin")])
def test_ids_ignore_no_blanks_on_mariadb(is_mariadb: bool, collation: str) -> None:
    connection: Any = mock.MagicMock(vendor="mysql", mysql_is_mariadb=is_mariadb)
    field: Any = UserMemory._meta.get_field("user_id")
    assert field.db_parameters(connection)["collation"] == collation
