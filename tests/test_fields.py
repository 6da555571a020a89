"""Fields: what they set, refuse and describe by themselves; the contract has their behaviour in the service."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import connections, models
from django.db.models import F, Value
from django.test.utils import isolate_apps, override_settings
from django.utils.functional import lazy

from agno_memory.derived_fields import DerivedTextField, FoldedTextField, SearchTermsField, TextKeyField
from agno_memory.fields import (
    CompositeKeyField,
    CreatedAtField,
    ExpiresAtField,
    IdentifierField,
    LastUpdatedField,
    MachineWritten,
    TimestampField,
    VersionField,
)
from agno_memory.json_fields import TopicsField, VerbatimJSONField
from agno_memory.json_texts import JSONText
from agno_memory.keys import composite_key
from agno_memory.models import AgentRun, UserMemory
from agno_memory.test import at

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=datetime.UTC)
EARLIER = NOW - datetime.timedelta(days=1)
MICROSECONDS = NOW + datetime.timedelta(microseconds=999)

NAMED: dict[str, Any] = {"verbose_name": "a name", "help_text": "a help", "db_index": True}
# Arguments of fields, as migrations have them.
COPIED: dict[type[models.Field[Any, Any]], dict[str, Any]] = {
    LastUpdatedField: {"created": "begun"},
    CompositeKeyField: {"of": ("user_id", "memory_id")},
    FoldedTextField: {"source": "memory"},
    SearchTermsField: {"text": "memory", "topics": "topics"},
    ExpiresAtField: {"topics": "tags"},
    TextKeyField: {"of": ("user_id", "memory")},
    IdentifierField: {"max_length": 255, "null": True},
}


def field(name: str, model: type[models.Model] = UserMemory) -> Any:
    return model._meta.get_field(name)


def row(**values: Any) -> Any:
    """Return an object with these values in the place of a row."""
    return SimpleNamespace(**{"created_at": None, "last_updated": None, "version": None, **values})


@pytest.mark.parametrize("kind", COPIED)
def test_a_migration_makes_the_same_field(kind: Any) -> None:
    options = COPIED[kind]
    original = kind(**options, **NAMED)
    _name, path, args, kwargs = original.deconstruct()
    assert path == f"{kind.__module__}.{kind.__qualname__}"
    assert (args, kwargs) == ([], {**NAMED, **options})
    # The name may come first.
    for copied in (kind(**kwargs), kind("a name", **{name: kwargs[name] for name in kwargs if name != "verbose_name"})):
        assert copied.deconstruct() == original.deconstruct()
        for name in (*options, "null", "blank", "editable", "default", "primary_key", "max_length"):
            if not callable(getattr(original, name, None)):
                assert getattr(copied, name) == getattr(original, name), name


def test_fields_that_may_be_empty() -> None:
    expires, text_key = ExpiresAtField(), TextKeyField(of=("user_id", "memory"))
    terms = SearchTermsField(text="memory", topics="topics")
    assert (expires.null, expires.blank, expires.topics) == (True, True, "topics")
    assert (text_key.null, text_key.blank, text_key.editable, text_key.max_length) == (True, False, False, 32)
    assert (terms.default, terms.null, terms.blank, terms.editable) == ("", False, True, False)


def test_machine_written_fields_begin_with_the_row() -> None:
    added = row()
    with at(MICROSECONDS):
        values = {name: field(name).pre_save(added, add=True) for name in ("last_updated", "created_at", "version")}
    assert values == {"last_updated": NOW, "created_at": NOW, "version": 1} == vars(added)


def test_a_row_begins_at_one_time() -> None:
    added = row()
    with mock.patch("agno_memory.fields.now", side_effect=[EARLIER, NOW]):
        values = [field(name).pre_save(added, add=True) for name in ("last_updated", "created_at")]
    assert values == [EARLIER, EARLIER] == [added.last_updated, added.created_at]


def test_the_time_of_expiry_is_the_first_of_the_topics_unless_it_is_set() -> None:
    expires = field("expires_at")
    spans = {"today": datetime.timedelta(days=1), "week": datetime.timedelta(days=7)}
    first = EARLIER + spans["today"]
    with override_settings(AGNO_MEMORY={"EXPIRE_AFTER": spans}), at(EARLIER):
        for topics, value, expected in (
            (["tea", "week", "today"], None, first),
            (["week"], NOW, NOW),
            (["tea"], None, None),
            ([], None, None),
            # Topics that are not known here.
            (F("topics"), None, None),
            ("today", None, None),
        ):
            memory = row(topics=topics, expires_at=value)
            assert expires.pre_save(memory, add=True) == memory.expires_at == expected
    memory = row(topics=["today"], expires_at=None)
    assert expires.pre_save(memory, add=True) is memory.expires_at is None


def test_a_row_keeps_the_time_of_its_addition() -> None:
    added = row(created_at=EARLIER)
    with at(NOW):
        assert field("last_updated").pre_save(added, add=True) == NOW
        assert field("created_at").pre_save(added, add=True) == EARLIER
        assert field("created_at").pre_save(row(), add=True) == NOW
        changed = row()
        assert field("created_at").pre_save(changed, add=False) is None
    assert (added.created_at, changed.created_at) == (EARLIER, None)


def test_a_write_moves_machine_written_fields() -> None:
    version: Any = VersionField()
    version.set_attributes_from_name("version")
    assert version.pre_save(row(), add=False) == version.on_write(NOW)
    following = version.on_write(NOW)
    assert (following.lhs, following.connector, following.rhs) == (F("version"), "+", Value(1))
    last_updated = field("last_updated")
    greatest = last_updated.on_write(NOW)
    assert greatest.source_expressions == [F("last_updated"), Value(NOW, output_field=last_updated)]
    assert last_updated.on_write(F("other")).source_expressions == [F("last_updated"), F("other")]
    written = row()
    with at(NOW):
        assert last_updated.pre_save(written, add=False) == greatest
    assert written.last_updated is None


def test_a_time_is_stored_in_whole_milliseconds() -> None:
    stored: Any = TimestampField()
    for value, expected in {MICROSECONDS: NOW, None: None}.items():
        with mock.patch.object(models.DateTimeField, "get_db_prep_save", side_effect=lambda each, _connection: each):
            assert stored.get_db_prep_save(value, connections["default"]) == expected
    created: Any = CreatedAtField()
    with mock.patch.object(models.DateTimeField, "get_db_prep_save", side_effect=lambda each, _connection: each):
        assert created.get_db_prep_save(F("last_updated"), connections["default"]) == F("last_updated")


def test_an_identifier_has_one_validator_of_its_length() -> None:
    identifier = IdentifierField()
    assert identifier.max_length == 255
    assert not [each for each in identifier.validators if isinstance(each, MaxLengthValidator)]
    with pytest.raises(ValidationError) as caught:
        identifier.run_validators("x" * 256)
    assert len(caught.value.error_list) == 1
    assert IdentifierField(max_length=10).max_length == 10


def test_the_type_of_an_identifier_has_its_long_name() -> None:
    """For "varchar", PostgreSQL's schema editor creates an index that a key does not need."""
    assert IdentifierField().db_type(connections["default"]) == "character varying(255)"


@pytest.mark.parametrize(("vendor", "collation"), [("sqlite", None), ("postgresql", "C"), ("mysql", "utf8mb4_bin")])
def test_the_collation_of_an_identifier_follows_the_database(vendor: str, collation: str | None) -> None:
    connection: Any = mock.MagicMock(vendor=vendor)
    del connection.mysql_is_mariadb
    parameters = field("user_id").db_parameters(connection)
    assert parameters["collation"] == collation
    assert {"type", "check"} <= parameters.keys()


def test_the_key_is_a_primary_key_that_people_do_not_see() -> None:
    key = field("key")
    assert (key.primary_key, key.editable, key.blank, key.column, key.max_length) == (True, False, True, "_id", 32)
    # As of an automatic key, that of an unsaved row is None.
    assert UserMemory().key is None
    assert len(key.digest("maya", "m")) == 32


def test_the_key_is_made_when_the_row_is_added() -> None:
    key = field("key")
    memory = UserMemory(user_id="maya", memory_id="m")
    made = key.pre_save(memory, add=True)
    assert memory.key == made == key.digest("maya", "m")
    memory.user_id = "noah"
    assert key.pre_save(memory, add=False) == made
    key._set_in_fixture(memory, raw=False)
    assert memory.key == made
    key._set_in_fixture(memory, raw=True)
    assert memory.key == key.digest("noah", "m")


def test_a_key_follows_the_texts_of_values() -> None:
    key = CompositeKeyField(of=["user_id", "memory_id"])
    # A list would be a new migration each time.
    assert key.of == ("user_id", "memory_id")
    assert key.digest(7, 1.5) == key.digest("7", "1.5")


def test_a_key_has_a_value_for_each_field() -> None:
    key = field("key")
    for values in (("maya",), ("maya", "m", "x")):
        with pytest.raises(ValueError, match="argument"):
            key.digest(*values)
    with pytest.raises(TypeError, match="user_id and memory_id cannot be database expressions, because key follows"):
        key.digest("maya", F("user_id"))


@isolate_apps("agno_memory")
def test_keys_of_fixtures_are_set_for_models_with_rows() -> None:
    class Base(models.Model):
        key = CompositeKeyField(of=("name",))
        name = models.TextField()

        class Meta:
            abstract = True
            app_label = "agno_memory"

    with mock.patch("agno_memory.fields.pre_save") as signal:

        class Concrete(Base):  # noqa: DJ008
            class Meta:
                app_label = "agno_memory"

    (connected,) = signal.connect.call_args_list
    assert connected.kwargs == {"sender": Concrete}
    assert [each.name for each in Concrete._meta.local_fields] == ["key", "name"]


def test_a_document_is_stored_in_its_canonical_form_unless_the_database_computes_it() -> None:
    topics = field("topics")
    memory = UserMemory(topics=[" a ", "a"])
    assert topics.pre_save(memory, add=True) == memory.topics == ["a"]
    computed = F("topics")
    memory.topics = computed
    assert topics.pre_save(memory, add=True) is memory.topics is computed
    connection = connections["default"]
    assert topics.get_db_prep_save([" a ", "a"], connection) == '["a"]'
    assert topics.get_db_prep_value(computed, connection) is computed
    assert topics.get_db_prep_value(Value("x"), connection) == Value("x")
    assert TopicsField().clean([" a "], None) == ["a"]


def test_a_verbatim_document_is_its_text() -> None:
    data = field("data", AgentRun)
    assert (data.get_prep_value(None), data.get_prep_value({"a": "é"})) == (None, '{"a": "é"}')
    computed = F("data")
    assert data.get_prep_value(computed) is computed
    assert data.from_db_value(None, None, connections["default"]) is None
    assert data.from_db_value('{"a": 1}', None, connections["default"]) == {"a": 1}
    assert data.to_python('{"a": 1}') == data.to_python({"a": 1}) == {"a": 1}
    # Of fixtures.
    assert data.value_to_string(AgentRun(data={"a": "é"})) == '{"a": "é"}'
    with pytest.raises(ValidationError) as caught:
        data.to_python("{")
    assert (caught.value.code, caught.value.messages) == ("invalid", ["This is not JSON."])
    for value, code in ((object(), "invalid"), (None, "null")):
        with pytest.raises(ValidationError) as caught:
            VerbatimJSONField().validate(value, None)
        assert caught.value.code == code


def test_a_value_is_prepared_for_the_database_unless_it_is_prepared_already() -> None:
    connection = connections["default"]
    assert field("key").get_db_prep_value(5, connection) == "5"
    assert field("key").get_db_prep_value(5, connection, prepared=True) == 5
    assert field("agent_id").get_db_prep_value(5, connection) == "5"
    assert field("data", AgentRun).get_db_prep_value({"a": 1}, connection) == '{"a": 1}'
    # Drivers choose the encoding of a value by its exact type.
    assert type(field("data", AgentRun).get_db_prep_value(JSONText("{}"), connection, prepared=True)) is str
    assert field("topics").get_db_prep_value(lazy(list, list)("a"), connection) == '["a"]'


def test_derived_fields_are_computed_from_their_sources() -> None:
    folded, terms = field("search_text"), field("search_terms")
    assert (folded.editable, folded.sources, terms.sources) == (False, ("memory",), ("memory", "topics"))
    memory = UserMemory(memory="Likes TEA", topics=["drinks"])
    assert folded.pre_save(memory, add=True) == memory.search_text == "likes tea"
    assert terms.pre_save(memory, add=True) == memory.search_terms != ""
    # Not loaded from the database: computed, without a query.
    loaded = {"key": "k", "memory": "Likes TEA", "topics": ["drinks"]}
    names = [each.attname for each in UserMemory._meta.concrete_fields if each.attname in loaded]
    part = UserMemory.from_db("default", names, [loaded[name] for name in names])
    assert (part.search_text, part.search_terms) == ("likes tea", memory.search_terms)
    assert UserMemory.search_text.field is folded


def test_the_key_of_a_text_ignores_its_case_and_ends() -> None:
    text_key = field("text_key")
    memory = UserMemory(user_id="maya", memory=" Likes TEA\n")
    assert text_key.of(memory) is None
    with override_settings(AGNO_MEMORY={"ON_DUPLICATE": "return"}):
        assert text_key.of(memory) == composite_key("maya", "likes tea")
        memory.memory = F("input")
        assert text_key.of(memory) is None


def test_derived_fields_of_other_values() -> None:
    folded, terms = field("search_text"), field("search_terms")
    memory = UserMemory(topics=[])
    memory.memory = None  # type: ignore[assignment]
    assert (folded.of(memory), terms.of(memory)) == (None, "")
    memory.memory, memory.topics = "x", "a"
    assert terms.of(memory) == ""
    memory.memory = F("input")
    with pytest.raises(TypeError, match="memory cannot be a database expression, because search_text follows its text"):
        folded.pre_save(memory, add=True)


def test_bases_name_the_methods_that_a_subclass_must_define() -> None:
    base = DerivedTextField()
    with pytest.raises(NotImplementedError, match="must define sources"):
        _ = base.sources
    with pytest.raises(NotImplementedError, match="must define of"):
        base.of(UserMemory())
    with pytest.raises(NotImplementedError, match="must define on_write"):
        MachineWritten().on_write(NOW)
