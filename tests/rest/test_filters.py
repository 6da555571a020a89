"""The filters of a list and an export."""

from __future__ import annotations

import datetime
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from agno_memory.admin.widgets import MomentFormField
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.rest.filters import UserMemoryFilter
from agno_memory.test import at
from agno_memory.times import in_zone, to_iso
from tests.rest.api import Caller, add, each_database, ids, on_sqlite

START = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
PARAMETERS = [*(each.parameter for each in FILTERS), "q"]
IDENTIFIERS = [each for each in FILTERS if each.kind is Kind.IDENTIFIER]

# A day without midnight, a day with two of them, an ordinary one, and the first moment of each.
BEGINNINGS = {
    ("Africa/Cairo", "2026-04-24"): "2026-04-23T22:00:00Z",
    ("America/Havana", "2026-11-01"): "2026-11-01T04:00:00Z",
    ("Europe/Berlin", "2026-11-25"): "2026-11-24T23:00:00Z",
}


@on_sqlite
@pytest.mark.parametrize(("zone", "day"), BEGINNINGS)
def test_a_date_is_the_first_moment_of_its_day(alias: str, ana: Caller, zone: str, day: str) -> None:
    start = datetime.datetime.fromisoformat(BEGINNINGS[zone, day])
    for number in (-1, 0, 1):
        with at(start + number * datetime.timedelta(milliseconds=1)):
            add("ana", memory_id=f"{number}")
    with timezone.override(zone):
        for name in ("created", "updated"):
            assert ids(ana.call("GET", f"memories/?{name}_after={day}")) == ["1", "0"]
            assert ids(ana.call("GET", f"memories/?{name}_before={day}")) == ["-1"]
            for clock in ("T00:00", " 00:00:00.000"):
                assert ids(ana.call("GET", f"memories/?{name}_after={day}{clock}")) == ["1", "0"]
        later = in_zone(datetime.datetime.fromisoformat(f"{day}T00:30"))
        assert later - start == datetime.timedelta(minutes=0 if zone == "Africa/Cairo" else 30)
        body = {"memory": "x", "expires_at": f"{day}T00:30"}
        for expires_at in (f"{day}T00:30", f"{day}T00:30:00.000"):
            added = ana.call("POST", "memories/", {**body, "expires_at": expires_at}).json()
            assert added["expires_at"] == to_iso(later)
        assert MomentFormField().to_python(f"{day}T00:30") == later
        assert ana.call("GET", f"memories/?created_after={day}T25:00").status_code == 400
        assert ana.call("GET", "memories/?created_after=2026-02-30").status_code == 400


def furnish() -> None:
    """Add memories a day apart; the first one is written again later."""
    everything: dict[str, dict[str, Any]] = {
        "a": {"text": "Likes green tea", "topics": ["drinks", "tea"], "agent_id": "one"},
        "b": {"text": "Drinks COFFEE: 100% strong", "topics": ["drinks", "coffee"], "agent_id": "one", "team_id": "t"},
        "c": {"text": "Café au lait", "topics": ["café"], "session_id": "s"},
        "d": {"text": "Has a_cat", "topics": []},
    }
    for number, (memory_id, content) in enumerate(everything.items()):
        with at(START + number * DAY):
            add("ana", memory_id=memory_id, **content)
            add("bob", memory_id=f"bob's {memory_id}", **content)
    with at(START + 10 * DAY):
        UserMemory.objects.filter(memory_id="a").update(feedback="good")


CASES: list[tuple[dict[str, Any], str]] = [
    ({}, "abcd"),
    ({"topic": "drinks"}, "ab"),
    ({"topic": ["drinks", "tea"]}, "a"),
    ({"topic": ["drinks", "cafe\u0301"]}, ""),
    ({"topic": " cafe\u0301 "}, "c"),
    ({"topic": "drink"}, ""),
    ({"topic": "%"}, ""),
    ({"any_topic": ["tea", "coffee"]}, "ab"),
    ({"any_topic": "nothing"}, ""),
    ({"topic": "drinks", "any_topic": ["tea", "café"]}, "a"),
    ({"q": "TEA"}, "a"),
    ({"q": "tea green"}, "a"),
    ({"q": "coffee"}, "b"),
    ({"q": "100%"}, "b"),
    ({"q": "CAFE\u0301"}, "c"),
    ({"q": "a_cat"}, "d"),
    ({"q": "acat"}, ""),
    ({"q": "a.cat"}, ""),
    ({"agent_id": "one"}, "ab"),
    ({"agent_id": "One"}, ""),
    ({"agent_id": " one"}, ""),
    ({"agent_id": "one", "team_id": "t"}, "b"),
    ({"session_id": "s"}, "c"),
    ({"created_after": "2026-01-02T12:00:00Z"}, "bcd"),
    ({"created_before": "2026-01-02T12:00:00Z"}, "a"),
    ({"created_after": "2026-01-02T12:00:00Z", "created_before": "2026-01-03T12:00:00.000Z"}, "b"),
    ({"created_after": "2026-01-02T13:00:00+01:00"}, "bcd"),
    ({"created_after": "2026-01-02T12:00:00.0001Z"}, "cd"),
    ({"created_before": "2026-01-02T12:00:00.0001Z"}, "ab"),
    ({"updated_after": "2026-01-04T12:00:00Z"}, "ad"),
    ({"updated_before": "2026-01-04T12:00:00Z"}, "bc"),
    ({"created_after": "0001-01-01T00:00:00Z"}, "abcd"),
    ({"created_before": "9999-12-31T23:59:59.999999Z"}, "abcd"),
    ({"q": "drinks", "topic": "coffee", "agent_id": "one", "created_after": "2026-01-01T00:00:00Z"}, "b"),
]


@each_database
def test_every_filter(alias: str, ana: Caller) -> None:
    furnish()
    found = {}
    for query, _expected in CASES:
        listed = ids(ana.call("GET", "memories/", **query))
        exported = [json.loads(line)["memory_id"] for line in lines(ana, query)]
        assert sorted(listed) == sorted(exported)
        found[urlencode(query, doseq=True)] = "".join(sorted(listed))
    assert found == {urlencode(query, doseq=True): expected for query, expected in CASES}


@on_sqlite
@pytest.mark.parametrize("each", IDENTIFIERS, ids=lambda each: each.name)
def test_every_filter_by_an_id(alias: str, ana: Caller, each: Filter) -> None:
    """One that is added to ``names.FILTERS`` narrows lists and exports without a change in this room."""
    found = add("ana", "x", **{each.lookup: "One"})
    add("ana", "x", **{each.lookup: "one"})
    add("ana", "x")
    query: dict[str, Any] = {each.parameter: "One"}
    assert ids(ana.call("GET", "memories/", **query)) == [found.memory_id]
    assert [json.loads(line)["memory_id"] for line in lines(ana, query)] == [found.memory_id]


def lines(client: Caller, query: dict[str, Any]) -> list[bytes]:
    response = client.call("GET", "memories/export/", history="false", **query)
    assert response.status_code == 200
    return b"".join(response.streaming_content).splitlines()


@each_database
def test_the_longest_question_can_be_asked(alias: str, ana: Caller) -> None:
    text = " ".join("abcdefghij"[number % 10] for number in range(500))
    memory = add("ana", text, topics=[f"topic {number}" for number in range(50)])
    assert ids(ana.call("GET", "memories/", q=text)) == [memory.memory_id]
    assert ids(ana.call("GET", "memories/", topic=memory.topics, any_topic=memory.topics)) == [memory.memory_id]


@each_database
def test_every_order(alias: str, ana: Caller) -> None:
    furnish()
    orders = {"-last_updated": "adcb", "last_updated": "bcda", "-created_at": "dcba", "created_at": "abcd"}
    found = {order: "".join(ids(ana.call("GET", "memories/", ordering=order))) for order in orders}
    assert found == orders
    assert "".join(ids(ana.call("GET", "memories/"))) == orders["-last_updated"]


WRONG: list[tuple[str, str, str]] = [
    # parameter, value, words of the response
    ("topic", "", "blank"),
    ("topic", " ", "blank"),
    ("topic", "\x00", "Null"),
    ("topic", "x" * 101, "at most 100"),
    ("any_topic", "", "blank"),
    ("q", " ", "blank"),
    ("q", "\x00", "Null"),
    ("q", "x" * 1_001, "at most 1,000|at most 1000"),
    ("agent_id", " ", "blank"),
    ("agent_id", "x" * 256, "at most 255"),
    ("team_id", "\x00", "Null"),
    ("session_id", "x" * 256, "at most 255"),
    ("ordering", "memory", "Choose from: -last_updated, last_updated, -created_at, created_at"),
    ("ordering", "", "Choose from: -last_updated"),
    ("ordering", "-last_updated,memory_id", "Choose from: -last_updated"),
    *(
        ("page_size", value, "from 1 to 200")
        for value in ("0", "-1", "201", "1000000000", "1e9", "x", "", " 5", "5.0", "\u0663")
    ),
    *(
        (name, value, "ISO 8601")
        for name in ("updated_after", "updated_before", "created_after", "created_before")
        for value in (
            "yesterday",
            "2026-13-01T00:00:00Z",
            "1",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "\x00",
        )
    ),
    ("created_after", "9999-12-31T23:59:59.999999-00:01", "ISO 8601"),
]


@on_sqlite
@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_bad_value_is_refused(alias: str, ana: Caller, name: str, value: str, said: str) -> None:
    for path in ("memories/", "memories/export/"):
        if path == "memories/export/" and name in {"ordering", "page_size"}:
            continue
        response = ana.call("GET", f"{path}?{urlencode({name: value})}")
        assert (response.status_code, list(response.json())) == (400, [name])
        assert len(response.json()[name]) == 1
        assert any(part in response.json()[name][0] for part in said.split("|"))


@on_sqlite
def test_an_unknown_parameter_is_named_with_the_known_ones(alias: str, ana: Caller) -> None:
    """A misspelt parameter must not widen the result."""
    assert list(UserMemoryFilter.base_filters) == PARAMETERS
    for path, more in (
        ("memories/", ["user_id", "as_of", "deleted", "ordering", "page_size", "cursor"]),
        ("memories/export/", ["user_id", "history"]),
    ):
        response = ana.call("GET", path, topics="tea", search_text="x", user="bob")
        assert (response.status_code, sorted(response.json())) == (400, ["search_text", "topics", "user"])
        known = ", ".join([*PARAMETERS, *more])
        assert response.json()["topics"] == [f"Unknown parameter. Choose from: {known}, format."]
    for name in ("ordering", "page_size", "cursor"):
        assert ana.call("GET", f"memories/export/?{name}=1").status_code == 400


@on_sqlite
def test_a_misspelt_parameter_does_not_widen_counts_or_erasure(alias: str, ana: Caller, admin: Caller) -> None:
    add("admin")
    for method, path, known in (
        ("GET", "topics/?topic=x", "user_id, limit"),
        ("GET", "stats/?topic=x", "user_id"),
        ("GET", "users/?topic=x", "user_id, page_size, cursor"),
        ("DELETE", "users/me/memories/?confirm=admin&topic=x", "user_id, confirm"),
    ):
        response = admin.call(method, path)
        assert (path, response.status_code) == (path, 400)
        assert response.json() == {"topic": [f"Unknown parameter. Choose from: {known}, format."]}
    assert UserMemory.objects.count() == 1
    assert ana.call("GET", "users/?topic=x").status_code == 403
    assert admin.call("OPTIONS", "stats/?topic=x").status_code == 200


@on_sqlite
def test_lookups_of_the_orm_are_no_parameters(alias: str, ana: Caller) -> None:
    for name in ("memory__contains", "user_id__in", "topic__isnull", "metadata__a", "search_text__regex", "q__in"):
        assert ana.call("GET", f"memories/?{name}=x").status_code == 400


@on_sqlite
def test_too_many_parameters_are_refused(alias: str, ana: Caller) -> None:
    assert ana.call("GET", "memories/?" + "&".join(["topic=x"] * 1_001)).status_code == 400


@each_database
def test_topics_and_totals_are_counted(alias: str, ana: Caller) -> None:
    empty = {"user_id": "ana", "total": 0, "first_created_at": None, "last_updated": None}
    assert ana.call("GET", "stats/").json() == empty
    assert ana.call("GET", "topics/").json() == {"results": []}
    furnish()
    assert ana.call("GET", "stats/").json() == {
        "user_id": "ana",
        "total": 4,
        "first_created_at": "2026-01-01T12:00:00.000Z",
        "last_updated": "2026-01-11T12:00:00.000Z",
    }
    counts = [("drinks", 2), ("café", 1), ("coffee", 1), ("tea", 1)]
    expected = [{"topic": topic, "count": count} for topic, count in counts]
    assert ana.call("GET", "topics/").json() == {"results": expected}
    for limit in (0, 1, 3, 1_000):
        assert ana.call("GET", "topics/", limit=limit).json() == {"results": expected[:limit]}
    for wrong in ("-1", "1001", "x", "", "1e3", "nan"):
        response = ana.call("GET", "topics/", limit=wrong)
        assert (wrong, response.status_code, list(response.json())) == (wrong, 400, ["limit"])


@on_sqlite
def test_a_hundred_topics_are_shown_unless_asked(alias: str, ana: Caller) -> None:
    Memory().add_user_memories(
        [UserMemory(memory="x", topics=[f"{first}-{each}" for each in range(50)]) for first in range(3)], "ana"
    )
    assert len(ana.call("GET", "topics/").json()["results"]) == 100
    assert len(ana.call("GET", "topics/", limit=150).json()["results"]) == 150


METADATA: dict[str, dict[str, Any]] = {
    "pro": {"plan": "pro", "seats": 5, "a.b": "caf\u00e9"},
    "free": {"plan": "free", "seats": "5"},
    "none": {},
}


@each_database
def test_metadata_narrows_by_equality(alias: str, ana: Caller) -> None:
    for memory_id, metadata in METADATA.items():
        add("ana", memory_id=memory_id, metadata=metadata)
        add("bob", memory_id=f"his {memory_id}", metadata=metadata)
    expected: dict[tuple[str, ...], set[str]] = {
        ("metadata.plan=pro",): {"pro"},
        ("metadata.plan=Pro",): set(),
        ("metadata.seats=5",): {"pro", "free"},
        ("metadata.seats=5", "metadata.plan=free"): {"free"},
        ("metadata.a.b=caf%C3%A9",): {"pro"},
        ("metadata.plan=pro", "topic=x"): set(),
        ("metadata.gone=null",): set(),
    }
    for query, found in expected.items():
        assert set(ids(ana.call("GET", f"memories/?{'&'.join(query)}"))) == found, query
        lines = ana.call("GET", f"memories/export/?{'&'.join(query)}").getvalue().decode().splitlines()
        assert {json.loads(line)["memory_id"] for line in lines} == found, query
    page = ana.call("GET", "memories/?metadata.seats=5&page_size=1").json()
    assert len(page["results"]) == 1
    rest = ana.call("GET", page["next"]).json()
    assert {page["results"][0]["memory_id"], rest["results"][0]["memory_id"]} == {"pro", "free"}
    assert rest["next"] is None


@on_sqlite
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("metadata.=x", "metadata."),
        ("metadata=x", "metadata"),
        ("metadata.$where=x", "metadata.$where"),
        ("metadata.a=x&metadata.a=y", "metadata.a"),
        ("metadata.a=%00", "metadata.a"),
        ("metadata.a=1e400", "metadata.a"),
        (f"metadata.a={'9' * 5000}", ""),
        (f"metadata.a={'[' * 5000}", ""),
        ("&".join(f"metadata.k{number}=x" for number in range(11)), "metadata.k10"),
    ],
    ids=range(9),
)
def test_metadata_that_cannot_be_compared_is_refused(alias: str, ana: Caller, query: str, name: str) -> None:
    response = ana.call("GET", f"memories/?{query}")
    assert (response.status_code, list(response.json())) == ((400, [name]) if name else (200, list(response.json())))
