"""The rules for valid values, one by one. No error repeats the refused value."""

from __future__ import annotations

import datetime
import json
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from agno_memory import identifiers
from agno_memory.identifiers import owner_id
from agno_memory.models import UserMemory
from agno_memory.test import at
from agno_memory.validators import (
    canonical_metadata,
    canonical_metadata_filter,
    canonical_topics,
    fold,
    items,
    past_moment,
    validate_characters,
    validate_identifier,
    validate_input,
    validate_limit,
    validate_memory,
    validate_metadata,
    validate_note,
    validate_query,
    validate_question,
    validate_share,
    validate_topics,
    validate_version,
)

Rule = Callable[[Any], Any]

SECRET = "Ana takes lithium"
# Text that every database stores unchanged: control characters, astral characters, unusual order and joins.
ODD_TEXTS = ["'\"\\%_[]{}$.", "\x01\x1f\x7f", "\u2028\ufeff\ufffe", "👩‍👩‍👧 नमस्ते שלום", "\U0010ffff", " padded "]


def refusal(rule: Rule, value: object) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        rule(value)
    # With a text, in which each parameter has its value.
    assert all(message and "%(" not in message for message in refused.value.messages)
    return refused.value


def refused_as(rule: Rule, value: object) -> str | None:
    """Return the code of a refusal that has one message, for a field or in general."""
    error = refusal(rule, value)
    if hasattr(error, "error_dict"):
        ((error,),) = error.error_dict.values()
    return error.code


# Texts

TEXT_RULES: dict[Rule, int] = {
    validate_memory: 10_000,
    validate_input: 100_000,
    validate_identifier: 255,
    validate_query: 1_000,
    validate_note: 1_000,
    validate_question: 100_000,
}
NOT_BLANK: list[Rule] = [validate_memory, validate_identifier, validate_query, validate_question]


@pytest.mark.parametrize("text", ODD_TEXTS)
@pytest.mark.parametrize("rule", TEXT_RULES)
def test_any_unicode_is_good(rule: Rule, text: str) -> None:
    assert rule(text) is None


@pytest.mark.parametrize(("rule", "limit"), TEXT_RULES.items())
def test_length_is_counted_in_characters(rule: Rule, limit: int) -> None:
    assert rule("é" * limit) is None
    assert rule("🎈" * limit) is None
    error = refusal(rule, "é" * (limit + 1))
    assert error.code == "max_length"
    assert error.messages == [f"Ensure this has at most {limit} characters (it has {limit + 1})."]


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u3000", "\xa0"])
@pytest.mark.parametrize("rule", NOT_BLANK)
def test_blank_text_is_refused(rule: Rule, blank: str) -> None:
    assert refused_as(rule, blank) == "blank"


@pytest.mark.parametrize("rule", [validate_input, validate_note])
def test_an_empty_input_or_note_is_good(rule: Rule) -> None:
    assert rule("") is None


@pytest.mark.parametrize("value", [None, 7, b"bytes", ["text"], True])
@pytest.mark.parametrize("rule", TEXT_RULES)
def test_a_value_of_another_type_is_refused(rule: Rule, value: object) -> None:
    error = refusal(rule, value)
    assert error.code == "invalid"
    assert error.messages == [f"Expected text, not {type(value).__name__}."]


@pytest.mark.parametrize("rule", [validate_characters, *TEXT_RULES])
def test_characters_that_some_database_cannot_keep_are_refused(rule: Rule) -> None:
    assert refused_as(rule, "nul\x00") == "null_characters_not_allowed"
    assert refused_as(rule, "half\ud83d") == "surrogate"
    assert refused_as(rule, "\udc00") == "surrogate"


@override_settings(AGNO_MEMORY={"MAX_MEMORY_LENGTH": 1, "MAX_INPUT_LENGTH": 2})
def test_limits_of_texts_are_settings() -> None:
    validate_memory("é")
    assert refusal(validate_memory, "éé").messages == ["Ensure this has at most 1 character (it has 2)."]
    validate_input("éé")
    assert refused_as(validate_input, "ééé") == "max_length"


# Topics


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, []),
        ([], []),
        (["food", "art"], ["food", "art"]),
        (("food",), ["food"]),
        ((topic for topic in ["b", "a", "b"]), ["b", "a"]),
        ([" food ", "food", "\tfood\n"], ["food"]),
        (["cafe\u0301", "café"], ["café"]),
        (["Food", "food"], ["Food", "food"]),
        (["two words", "100%", "a_b", "[x]", "it's"], ["two words", "100%", "a_b", "[x]", "it's"]),
    ],
)
def test_topics_have_one_form(given: object, kept: list[str]) -> None:
    assert canonical_topics(given) == kept
    assert canonical_topics(kept) == kept


@pytest.mark.parametrize("value", ["food", b"food", 7, {"food": 1}, True])
def test_topics_are_a_list(value: object) -> None:
    assert refused_as(canonical_topics, value) == "invalid_topics"


@pytest.mark.parametrize("topic", [None, 7, b"food", ["food"]])
def test_a_topic_is_text(topic: object) -> None:
    assert refused_as(canonical_topics, ["food", topic]) == "invalid_topics"


@pytest.mark.parametrize(
    ("topic", "code"),
    [("", "blank_topic"), (" \n", "blank_topic"), ("a\x00", "null_characters_not_allowed"), ("\ud800", "surrogate")],
)
def test_a_topic_is_good_text(topic: str, code: str) -> None:
    assert refused_as(canonical_topics, ["food", topic]) == code


def test_topics_have_limits() -> None:
    validate_topics([str(number) for number in range(50)])
    validate_topics(["é" * 100])
    error = refusal(validate_topics, [str(number) for number in range(51)])
    assert (error.code, error.messages) == ("too_many_topics", ["Ensure there are at most 50 topics (there are 51)."])
    assert refused_as(validate_topics, ["food", "é" * 101]) == "max_length"


@override_settings(AGNO_MEMORY={"MAX_TOPICS": 1, "MAX_TOPIC_LENGTH": 2})
def test_limits_of_topics_are_settings() -> None:
    validate_topics(["ab"])
    assert refused_as(validate_topics, ["a", "b"]) == "too_many_topics"
    assert refused_as(validate_topics, ["abc"]) == "max_length"


# Metadata


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": None, "b": True, "c": 1, "d": 1.5, "e": "é", "f": [1, [2, {"g": []}]], "": {}},
        {"a.b": 1, "a$": 2, "%": 3},
        {"largest": 2**63 - 1, "smallest": -(2**63) + 1},
        {"tiny": 5e-324, "near": 9999999999999998.0},
        {"below": -5, "half": -0.5, "zero": 0},
    ],
)
def test_json_stays_as_it_is(value: dict[str, Any]) -> None:
    assert json.dumps(canonical_metadata(value)) == json.dumps(value)


def test_metadata_has_one_form() -> None:
    assert canonical_metadata(None) == {}
    assert canonical_metadata({"pair": (1, 2)}) == {"pair": [1, 2]}
    assert json.dumps(canonical_metadata({"zero": -0.0})) == '{"zero": 0.0}'
    assert json.dumps(canonical_metadata({"big": 1e16, "small": -1e18})) == json.dumps(
        {"big": 10**16, "small": -(10**18)}
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "invalid_metadata"),
        ("{}", "invalid_metadata"),
        ({"key": {1, 2}}, "invalid_metadata"),
        ({"key": b"bytes"}, "invalid_metadata"),
        ({1: "number as key"}, "invalid_metadata"),
        ({"$set": 1}, "invalid_metadata"),
        ({"deep": [{"$ref": 1}]}, "invalid_metadata"),
        ({"key": "\x00"}, "null_characters_not_allowed"),
        ({"\x00": 1}, "null_characters_not_allowed"),
        ({"key": "\ud800"}, "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        ({"key": float("nan")}, "metadata_number"),
        ({"key": [float("inf")]}, "metadata_number"),
        ({"key": 2**63}, "metadata_number"),
        ({"key": -(2**63)}, "metadata_number"),
        ({"key": 1e19}, "metadata_number"),
        ({"key": sys.float_info.max}, "metadata_number"),
        ({"key": 10**400}, "metadata_number"),
        ({"key": float(2**63)}, "metadata_number"),
    ],
)
def test_metadata_that_a_database_would_change_is_refused(value: object, code: str) -> None:
    assert refused_as(canonical_metadata, value) == code


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


def nested_lists(levels: int) -> dict[str, Any]:
    value: list[Any] = []
    for _ in range(levels - 2):
        value = [value]
    return {"lists": value}


@pytest.mark.parametrize("make", [nested, nested_lists])
def test_metadata_is_not_nested_without_end(make: Callable[[int], dict[str, Any]]) -> None:
    assert canonical_metadata(make(32)) == make(32)
    error = refusal(canonical_metadata, make(33))
    assert (error.code, error.messages) == ("metadata_too_deep", ["Metadata may be nested 32 levels deep."])


def test_metadata_in_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["itself"] = endless
    assert refused_as(canonical_metadata, endless) == "metadata_too_deep"


@override_settings(AGNO_MEMORY={"MAX_METADATA_SIZE": 13})
def test_the_size_of_metadata_is_counted_in_bytes() -> None:
    validate_metadata({})
    validate_metadata({"k": "abcd"})
    validate_metadata({"k": "éé"})
    error = refusal(validate_metadata, {"k": "ééé"})
    assert error.code == "metadata_too_large"
    assert error.messages == ["Ensure metadata has at most 13 bytes (it has 15)."]


# Numbers


@pytest.mark.parametrize(("rule", "least"), [(validate_limit, 0), (validate_version, 1)])
def test_a_count_is_a_whole_number_that_every_database_stores(rule: Rule, least: int) -> None:
    """PostgreSQL's integers have 32 bits."""
    for value in (None, least, least + 1, 2**31 - 1):
        assert rule(value) is None
    values: list[object] = [least - 1, -(2**31), 2**31, 1.0, "1", True, False, float("nan")]
    for refused in values:
        assert refused_as(rule, refused) == "invalid"


def test_a_share_is_a_number_from_0_to_1() -> None:
    for value in (None, 0, 1, 0.0, 0.5, 1.0):
        validate_share(value)
    values: list[object] = [-0.001, 1.001, 2, -1, "1", True, False, float("nan")]
    for refused in values:
        assert refused_as(validate_share, refused) == "invalid"


# Filters by metadata


def test_metadata_is_found_by_single_values() -> None:
    value = {"plan": "pro", "seats": 5, "share": -0.0, "flag": True, "gone": None}
    assert canonical_metadata_filter(value) == {
        "plan": ["pro"],
        "seats": [5],
        "share": [0.0],
        "flag": [True],
        "gone": [None],
    }
    assert canonical_metadata_filter(None) == {}
    for nested_value in ([], ["pro"], {}, {"a": 1}):
        assert refused_as(canonical_metadata_filter, {"plan": "pro", "more": nested_value}) == "invalid_metadata"
    assert refused_as(canonical_metadata_filter, "plan") == "invalid_metadata"


# Times


def test_a_time_of_the_past_is_in_utc_and_whole_milliseconds() -> None:
    moment = datetime.datetime(2025, 6, 1, 14, 30, 0, 123_456, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    found = past_moment(moment)
    assert found == datetime.datetime(2025, 6, 1, 12, 30, 0, 123_000, tzinfo=datetime.UTC)
    assert found.tzinfo is datetime.UTC


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "invalid"),
        ("2025-06-01", "invalid"),
        (datetime.date(2025, 6, 1), "invalid"),
        (datetime.datetime(2025, 6, 1), "invalid"),  # noqa: DTZ001
        (datetime.datetime(1, 6, 1, tzinfo=datetime.UTC), "invalid"),
        (datetime.datetime(9999, 6, 1, tzinfo=datetime.UTC), "invalid"),
        (datetime.datetime(9998, 6, 1, tzinfo=datetime.UTC), "future"),
    ],
)
def test_a_time_that_is_not_of_the_past_is_refused(value: object, code: str) -> None:
    assert refused_as(past_moment, value) == code


def test_the_present_is_not_the_future() -> None:
    moment = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)
    with at(moment):
        assert past_moment(moment) == moment
        assert past_moment(datetime.datetime(2, 1, 1, tzinfo=datetime.UTC)).year == 2
        assert refused_as(past_moment, moment + datetime.timedelta(milliseconds=1)) == "future"


# Arguments with several values


def test_an_argument_with_several_values_is_a_list() -> None:
    values = ["a", "b"]
    assert items("ids", values) == ["a", "b"]
    assert items("ids", values) is not values
    assert items("ids", (each for each in values)) == ["a", "b"]
    assert items("ids", set()) == []
    wrong: list[object] = ["ab", b"ab", {"a": 1}, 5, None]
    for value in wrong:
        with pytest.raises(ValidationError) as caught:
            items("ids", value)
        assert caught.value.message_dict == {"ids": [f"Give a list, not {type(value).__name__}."]}
        assert refused_as(lambda each: items("ids", each), value) == "invalid"


# No error repeats the refused value


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (validate_memory, SECRET * 1_000),
        (validate_memory, f"{SECRET}\x00"),
        (validate_memory, f"{SECRET}\ud800"),
        (validate_input, SECRET * 10_000),
        (validate_query, SECRET * 100),
        (validate_identifier, SECRET * 100),
        (canonical_topics, SECRET),
        (canonical_topics, [f"{SECRET}\x00"]),
        (canonical_topics, [{SECRET: 1}]),
        (validate_topics, [SECRET * 10]),
        (canonical_metadata, {"key": f"{SECRET}\x00"}),
        (canonical_metadata, {f"${SECRET}": 1}),
        (canonical_metadata, {"key": {SECRET}}),
        (validate_metadata, {"key": SECRET * 10_000}),
        (owner_id, SECRET * 100),
        (owner_id, [SECRET]),
    ],
)
def test_no_error_repeats_the_value(rule: Rule, value: object) -> None:
    error = refusal(rule, value)
    assert error.messages
    assert SECRET not in repr(error)


# Owners


class Account(User):
    """A user with a key of its own, as sites have them."""

    public_id = uuid.UUID(int=7)
    number = Decimal("7.5")

    class Meta:
        proxy = True
        app_label = "auth"


def user(**fields: Any) -> User:
    return User(**{"pk": 7, "username": "ana", **fields})


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        ("ana", "ana"),
        (" ana ", " ana "),
        ("é" * 255, "é" * 255),
        (7, "7"),
        (0, "0"),
        (-1, "-1"),
        (10**255 - 1, "9" * 255),
        (1 - 10**254, "-" + "9" * 254),
        (None, "default"),
        (user(), "7"),
        (SimpleLazyObject(user), "7"),
    ],
)
def test_an_owner_is_a_text_a_number_a_user_or_none(given: object, owner: str) -> None:
    found = owner_id(given)
    assert (found, type(found)) == (owner, str)


@override_settings(AGNO_MEMORY={"DEFAULT_USER_ID": "household"})
def test_the_default_owner_is_a_setting() -> None:
    assert owner_id(None) == "household"


@pytest.mark.parametrize(("field", "owner"), [("username", "ana"), ("email", "ana@example.org")])
def test_the_id_of_a_user_is_a_setting(field: str, owner: str) -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": field}):
        assert owner_id(user(email="ana@example.org")) == owner
        assert owner_id(SimpleLazyObject(lambda: user(email="ana@example.org"))) == owner


@pytest.mark.parametrize(("field", "owner"), [("public_id", "00000000-0000-0000-0000-000000000007"), ("number", "7.5")])
def test_the_id_of_a_user_may_be_any_type_with_a_text(field: str, owner: str) -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": field}):
        assert owner_id(Account(pk=7)) == owner


@override_settings(AGNO_MEMORY={"USER_ID_FIELD": "uuid"})
def test_a_user_without_the_field_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"^AGNO_MEMORY\['USER_ID_FIELD'\] is 'uuid', which User does not have"
    ):
        owner_id(user())


@pytest.mark.parametrize(
    ("field", "has_spellings"), [("pk", True), ("id", True), ("password", False), ("public_id", False)]
)
def test_an_owner_has_several_spellings_where_the_users_have_uuids(field: str, has_spellings: bool) -> None:
    name = str(uuid.UUID(int=10))
    with override_settings(AUTH_USER_MODEL="uuid_users.Account", AGNO_MEMORY={"USER_ID_FIELD": field}):
        assert owner_id(name.upper()) == (name if has_spellings else name.upper())
        assert owner_id("AGENT") == "AGENT"
    identifiers._users_have_uuids.cache_clear()
    with mock.patch.object(apps, "is_installed", return_value=False):
        assert not identifiers._users_have_uuids("uuid_users.Account", field)
    identifiers._users_have_uuids.cache_clear()


def ascii_name(value: object) -> str:
    return value if isinstance(value, str) and value.isidentifier() else type(value).__name__


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (AnonymousUser(), "anonymous"),
        (SimpleLazyObject(AnonymousUser), "anonymous"),
        (User(username="ana"), "unsaved"),
        (True, "invalid"),
        (1.0, "invalid"),
        (b"ana", "invalid"),
        (["ana"], "invalid"),
        (User, "invalid"),
        ("", "blank"),
        (" ", "blank"),
        ("é" * 256, "max_length"),
        (-(10**254), "max_length"),
        (10**255, "max_length"),
        (10**5000, "max_length"),
        ("ana\x00", "null_characters_not_allowed"),
        ("\ud800", "surrogate"),
    ],
    ids=ascii_name,
)
def test_an_invalid_owner_is_refused_under_user_id(given: object, code: str) -> None:
    error = refusal(owner_id, given)
    assert list(error.message_dict) == ["user_id"]
    assert refused_as(owner_id, given) == code


def test_the_refusal_of_an_owner_names_what_an_owner_is() -> None:
    assert refusal(owner_id, ["ana"]).messages == [
        "A user must be a text, a whole number, a UUID or a Django user, not list."
    ]


def test_an_instance_stands_for_its_id() -> None:
    assert identifiers.identifier("memory_id", UserMemory(memory_id="m")) == "m"
    error = refusal(lambda value: identifiers.identifier("memory_id", value, "memory"), user())
    assert error.message_dict == {"memory": ["Expected text, not User."]}


def test_a_number_is_too_long_before_it_is_a_text() -> None:
    """Python refuses to write thousands of digits."""
    for number in (10**255, -(10**255), 10**5000):
        assert refusal(owner_id, number).messages == ["This number is too long for an id."]


@override_settings(AGNO_MEMORY={"USER_ID_FIELD": "email"})
def test_a_user_whose_field_is_empty_is_refused() -> None:
    assert refused_as(owner_id, user(email="")) == "blank"


# Searching


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("The User", "the user"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("cafe\u0301", "café"),
        ("ﬁne", "fine"),
        ("\uff26ull", "full"),
        ("100%_[x]", "100%_[x]"),
        ("", ""),
    ],
)
def test_searches_compare_folded_text(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded
