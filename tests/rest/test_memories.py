"""One memory over HTTP: stored, read, replaced, changed, deleted."""

from __future__ import annotations

import datetime
import re
from typing import Any
from unittest import mock

import pytest

from agno_memory import times
from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, FIELDS
from agno_memory.rest.etags import etag_of
from agno_memory.rest.views import MemoryViewSet
from agno_memory.test import at
from tests.rest.api import Caller, add, each_database, ids, on_sqlite, one, stored
from tests.samples import json_sample

# Every content field: a new one is tested over HTTP without a change here.
EVERYTHING: dict[str, Any] = {name: json_sample(name) for name in CONTENT_FIELDS}
NOTHING: dict[str, Any] = {name: getattr(UserMemory(), name) for name in CONTENT_FIELDS if name != "memory"}


# POST


@each_database
def test_a_memory_is_stored(alias: str, ana: Caller) -> None:
    response = ana.call("POST", "memories/", EVERYTHING)
    body = response.json()
    assert response.status_code == 201
    assert tuple(body) == FIELDS
    assert {name: body[name] for name in EVERYTHING} == EVERYTHING
    assert (body["user_id"], body["version"]) == ("ana", 1)
    assert body["created_at"] == body["last_updated"]
    assert re.fullmatch(r'"1-[0-9a-f]{16}"', response["ETag"])
    assert response["Location"] == f"http://testserver/api/memories/{body['memory_id']}/"
    assert response["Content-Type"] == "application/json"
    assert body == as_dict(stored(body["memory_id"]))
    assert ana.call("GET", response["Location"]).json() == body


@each_database
def test_text_alone_is_enough(alias: str, ana: Caller) -> None:
    body = ana.call("POST", "memories/", {"memory": "x"}).json()
    assert {name: body[name] for name in NOTHING} == NOTHING


@each_database
def test_an_id_may_be_given(alias: str, ana: Caller) -> None:
    response = ana.call("POST", "memories/", {"memory_id": "tea", "memory": "x"})
    assert (response.status_code, response.json()["memory_id"]) == (201, "tea")
    assert response["Location"] == "http://testserver/api/memories/tea/"


@each_database
def test_an_id_is_used_once(alias: str, ana: Caller) -> None:
    add("ana", memory_id="mine")
    response = ana.call("POST", "memories/", {"memory_id": "mine", "memory": "again"})
    assert (response.status_code, list(response.json())) == (409, ["detail"])
    assert stored("mine").memory == "Likes tea"


@each_database
def test_values_become_canonical(alias: str, ana: Caller) -> None:
    given = {"memory": " x ", "topics": [" a ", "a", "cafe\u0301"], "input": "", "metadata": None, "agent_id": ""}
    body = ana.call("POST", "memories/", given).json()
    assert body["memory"] == " x "
    assert body["topics"] == ["a", "caf\u00e9"]
    assert (body["input"], body["metadata"], body["agent_id"]) == (None, {}, None)


@on_sqlite
def test_an_answer_can_be_sent_back(alias: str, ana: Caller) -> None:
    """The version and the time of the last update are ignored, and the stored time of creation is accepted."""
    body = ana.call("POST", "memories/", EVERYTHING).json()
    forged = {**body, "version": 77, "last_updated": "no date"}
    for method, version in (("PUT", 2), ("PATCH", 3)):
        back = ana.call(method, one(body["memory_id"]), forged).json()
        assert (back["version"], back["created_at"]) == (version, body["created_at"])
        assert {name: back[name] for name in EVERYTHING} == EVERYTHING
    del forged["created_at"]
    again = ana.call("POST", "memories/", {**forged, "memory_id": "copy"}).json()
    assert again["version"] == 1
    assert again["last_updated"] > "2000"


@each_database
def test_the_time_of_creation_is_read_only(alias: str, ana: Caller) -> None:
    body = ana.call("POST", "memories/", {"memory": "x", "memory_id": "a"}).json()
    others: list[Any] = [
        "1999-01-01T00:00:00Z",
        body["created_at"][:-1] + "001Z",
        None,
        "",
        "no date",
        5,
        [],
        "9" * 400,
    ]
    for created_at in [body["created_at"], *others]:
        answers = [
            ana.call("POST", "memories/", {"memory": "y", "created_at": created_at}),
            ana.call("PUT", one("b"), {"memory": "y", "created_at": created_at}, headers={"If-None-Match": "*"}),
        ]
        if created_at in others:
            for headers in ({}, {"If-Match": '"1"'}):
                answers += [
                    ana.call(method, one("a"), {"memory": "y", "created_at": created_at}, headers=headers)
                    for method in ("PUT", "PATCH")
                ]
        for response in answers:
            assert (response.status_code, response.json()) == (400, {"created_at": ["This field is read-only."]})
    assert [as_dict(memory) for memory in UserMemory.objects.all()] == [body]
    # The stored time in another spelling.
    moment = datetime.datetime.fromisoformat(body["created_at"])
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    for number, created_at in enumerate((moment.isoformat(), moment.astimezone(zone).isoformat())):
        for method in ("PUT", "PATCH"):
            response = ana.call(method, one("a"), {"memory": f"{number}", "created_at": created_at})
            assert (response.status_code, response.json()["created_at"]) == (200, body["created_at"])
    assert ana.call("PUT", one("missing"), {"memory": "y", "created_at": body["created_at"]}).status_code == 404


# GET


@each_database
def test_a_memory_is_read(alias: str, ana: Caller) -> None:
    memory = add("ana", topics=["x"])
    response = ana.call("GET", one(memory.memory_id))
    assert (response.status_code, response["ETag"], response.json()) == (200, etag_of(memory), as_dict(memory))


@each_database
def test_head_has_the_headers_of_get(alias: str, ana: Caller) -> None:
    memory = add("ana")
    response = ana.call("HEAD", one(memory.memory_id))
    assert (response.status_code, response["ETag"], response.content) == (200, etag_of(memory), b"")


@each_database
@pytest.mark.parametrize("memory_id", ["nothing", "theirs", "a\x00b", "\ud7ff", "x" * 256, "a/b", "%", " "])
def test_a_missing_memory_is_not_found(alias: str, ana: Caller, memory_id: str) -> None:
    add("bob", memory_id="theirs")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"memory": "x"} if method in {"PUT", "PATCH"} else None
        response = ana.call(method, one(memory_id), body)
        assert (method, response.status_code, list(response.json())) == (method, 404, ["detail"])


@on_sqlite
def test_the_service_reads_one_memory(alias: str, ana: Caller) -> None:
    add("ana", memory_id="mine")
    with mock.patch.object(Memory, "get_user_memory", autospec=True, side_effect=Memory.get_user_memory) as read:
        assert ana.call("GET", one("mine")).json()["memory"] == "Likes tea"
        assert read.call_count == 1


# PUT


@each_database
def test_put_replaces_everything(alias: str, ana: Caller) -> None:
    memory_id = ana.call("POST", "memories/", EVERYTHING).json()["memory_id"]
    response = ana.call("PUT", one(memory_id), {"memory": "Likes coffee"})
    body = response.json()
    assert (response.status_code, response["ETag"][:3], body["version"]) == (200, '"2-', 2)
    assert {name: body[name] for name in NOTHING} == NOTHING
    assert body["memory"] == "Likes coffee"
    assert body == as_dict(stored(memory_id))
    assert "Location" not in response


@each_database
def test_put_needs_the_required_fields(alias: str, ana: Caller) -> None:
    memory = add("ana")
    response = ana.call("PUT", one(memory.memory_id), {"topics": ["x"]})
    assert (response.status_code, list(response.json())) == (400, ["memory"])
    assert stored(memory.memory_id).version == 1


@each_database
def test_put_creates_only_with_if_none_match(alias: str, ana: Caller) -> None:
    body = {"memory": "x"}
    assert ana.call("PUT", one("new"), body).status_code == 404
    assert not UserMemory.objects.exists()
    response = ana.call("PUT", one("new"), body, headers={"If-None-Match": "*"})
    assert (response.status_code, response["ETag"][:3], response.json()["memory_id"]) == (201, '"1-', "new")


@each_database
def test_put_creates_nothing_in_the_place_of_another(alias: str, ana: Caller) -> None:
    add("ana", memory_id="mine")
    response = ana.call("PUT", one("mine"), {"memory": "other"}, headers={"If-None-Match": "*"})
    assert response.status_code == 412
    assert stored("mine").memory == "Likes tea"


# PATCH


@each_database
@pytest.mark.parametrize("name", EVERYTHING)
def test_patch_changes_one_field(alias: str, ana: Caller, name: str) -> None:
    other = {"memory": "y", "topics": [], "metadata": {}, "pinned": False}
    before = ana.call("POST", "memories/", {**EVERYTHING, name: other.get(name)}).json()
    response = ana.call("PATCH", one(before["memory_id"]), {name: EVERYTHING[name]})
    body = response.json()
    assert (response.status_code, response["ETag"][:3], body["version"]) == (200, '"2-', 2)
    assert {each: body[each] for each in EVERYTHING} == EVERYTHING
    assert body == as_dict(stored(before["memory_id"]))


@each_database
def test_patch_takes_a_field_away(alias: str, ana: Caller) -> None:
    memory_id = ana.call("POST", "memories/", EVERYTHING).json()["memory_id"]
    nulls = dict.fromkeys(NOTHING) | {"pinned": False}
    assert {name: ana.call("PATCH", one(memory_id), nulls).json()[name] for name in NOTHING} == NOTHING
    assert ana.call("PATCH", one(memory_id), {"memory": None}).status_code == 400


@each_database
def test_patch_keeps_concurrent_changes(alias: str, ana: Caller) -> None:
    """Another client changes another field between reading and writing."""
    memory = add("ana", topics=["a"])
    meddle = Meddler(memory.memory_id, agent_id="other")
    with meddle:
        body = ana.call("PATCH", one(memory.memory_id), {"topics": ["b"]}).json()
    assert meddle.times == 1
    assert (body["topics"], body["agent_id"], body["version"]) == (["b"], "other", 3)


class Meddler:
    """Writes a memory once, as soon as a request has read it."""

    def __init__(self, memory_id: str, **changes: Any) -> None:
        self.memory_id, self.changes, self.times = memory_id, changes, 0

    def __enter__(self) -> None:
        self.read = MemoryViewSet.get_object
        MemoryViewSet.get_object = self.get_object_and_meddle(self.read)  # type: ignore[method-assign]

    def __exit__(self, *exception: object) -> None:
        MemoryViewSet.get_object = self.read  # type: ignore[method-assign]

    def get_object_and_meddle(self, read: Any) -> Any:
        def get_object(view: Any) -> UserMemory:
            memory: UserMemory = read(view)
            if not self.times:
                self.times += 1
                UserMemory.objects.filter(memory_id=self.memory_id).update(**self.changes)
            return memory

        return get_object


# DELETE


@each_database
def test_a_memory_is_forgotten(alias: str, ana: Caller) -> None:
    memory = add("ana")
    response = ana.call("DELETE", one(memory.memory_id))
    assert (response.status_code, response.content) == (204, b"")
    assert not UserMemory.objects.exists()
    assert ana.call("DELETE", one(memory.memory_id)).status_code == 404


# Which memory


@each_database
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_id_in_the_path_is_meant(alias: str, ana: Caller, method: str) -> None:
    add("ana", memory_id="a")
    add("ana", memory_id="b")
    same = ana.call(method, one("a"), {"memory": "x", "memory_id": "a"})
    assert (same.status_code, same.json()["memory"]) == (200, "x")
    other = ana.call(method, one("a"), {"memory": "y", "memory_id": "b"})
    assert (other.status_code, list(other.json())) == (400, ["memory_id"])
    assert {memory.memory for memory in Memory().get_user_memories("ana")} == {"x", "Likes tea"}


@each_database
def test_a_list_is_newest_first(alias: str, ana: Caller) -> None:
    for name in "abc":
        add("ana", memory_id=name)
    ana.call("PATCH", one("b"), {"feedback": "good"})
    response = ana.call("GET", "memories/")
    assert list(response.json()) == ["next", "previous", "results"]
    assert ids(response) == [memory.memory_id for memory in UserMemory.objects.newest()]
    assert response.json()["results"][0] == as_dict(UserMemory.objects.newest()[0])


# If-Match and If-None-Match


@each_database
def test_nothing_is_sent_twice(alias: str, ana: Caller) -> None:
    memory = add("ana")
    tag = etag_of(memory)
    for header in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        response = ana.call("GET", one(memory.memory_id), headers={"If-None-Match": header})
        assert (header, response.status_code, response.content) == (header, 304, b"")
        assert response["ETag"] == tag
    for header in ('"1"', '"2"', "1", "", '"'):
        assert ana.call("GET", one(memory.memory_id), headers={"If-None-Match": header}).status_code == 200


@each_database
def test_a_memory_that_is_added_again_has_another_tag(alias: str, ana: Caller) -> None:
    with at(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)):
        # The same version, the same times.
        first = ana.call("POST", "memories/", {"memory_id": "a", "memory": "old"})["ETag"]
        ana.call("DELETE", one("a"))
        second = ana.call("POST", "memories/", {"memory_id": "a", "memory": "new"})["ETag"]
    assert first != second
    by_body = '"1@2026-01-01T00:00:00.000Z"'
    response = ana.call("GET", one("a"), headers={"If-None-Match": first})
    assert (response.status_code, response.json()["memory"]) == (200, "new")
    for method, body in (("PUT", {"memory": "mine"}), ("PATCH", {"memory": "mine"}), ("DELETE", None)):
        for tag in (first, '"1@2025-12-31T23:59:59.999Z"'):
            assert ana.call(method, one("a"), body, headers={"If-Match": tag}).status_code == 412
    assert stored("a").memory == "new"
    assert ana.call("PUT", one("a"), {"memory": "new"}, headers={"If-None-Match": by_body}).status_code == 412
    assert ana.call("GET", one("a"), headers={"If-None-Match": by_body}).status_code == 200
    assert ana.call("GET", one("a"), headers={"If-None-Match": second}).status_code == 304
    assert ana.call("PATCH", one("a"), {"memory": "mine"}, headers={"If-Match": second}).status_code == 200
    assert ana.call("DELETE", one("a"), headers={"If-Match": by_body.replace("1@", "2@")}).status_code == 204


CONDITIONS = [
    # header, value, whether a write to version 2 goes through
    ("If-Match", '"2"', True),
    ("If-Match", '"1"', False),
    ("If-Match", '"3"', False),
    ("If-Match", '"1", "2"', True),
    ("If-Match", 'W/"2"', True),
    ("If-Match", 'W/"1"', False),
    ("If-Match", "*", True),
    ("If-Match", "2", False),
    ("If-Match", "", False),
    ("If-Match", '"99999999999999999999"', False),
    ("If-None-Match", '"1"', True),
    ("If-None-Match", '"2"', False),
    ("If-None-Match", 'W/"2"', False),
]


@each_database
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_meant_for_a_version_touches_no_other(alias: str, ana: Caller, method: str) -> None:
    body = None if method == "DELETE" else {"memory": "new"}
    outcomes = {}
    for header, value, _expected in CONDITIONS:
        memory = add("ana", "old")
        UserMemory.objects.filter(memory_id=memory.memory_id).update(agent_id="a")
        response = ana.call(method, one(memory.memory_id), body, headers={header: value})
        left = UserMemory.objects.filter(memory_id=memory.memory_id).first()
        untouched = left is not None and left.memory == "old"
        assert untouched == (response.status_code == 412)
        assert response.status_code in {200, 204, 412}
        outcomes[header, value] = not untouched
    assert outcomes == {(header, value): expected for header, value, expected in CONDITIONS}


@each_database
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_concurrent_change_is_not_overwritten(alias: str, ana: Caller, method: str) -> None:
    memory = add("ana", "old")
    body = None if method == "DELETE" else {"memory": "mine"}
    with Meddler(memory.memory_id, agent_id="theirs"):
        response = ana.call(method, one(memory.memory_id), body, headers={"If-Match": '"1"'})
    assert response.status_code == 412
    assert "If-Match" in response.json()["detail"]
    left = stored(memory.memory_id)
    assert (left.memory, left.agent_id) == ("old", "theirs")


@each_database
def test_both_conditions_must_hold(alias: str, ana: Caller) -> None:
    """A missing memory never matches, and an existing one is never created."""
    both = {"If-Match": '"1"', "If-None-Match": "*"}
    assert ana.call("PUT", one("a"), {"memory": "x"}, headers=both).status_code == 412
    assert not UserMemory.objects.exists()
    add("ana", memory_id="a")
    assert ana.call("PUT", one("a"), {"memory": "x"}, headers=both).status_code == 412
    assert stored("a").version == 1


@on_sqlite
def test_a_condition_does_not_reveal_memories_of_others(alias: str, ana: Caller) -> None:
    add("bob", memory_id="theirs")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for headers in ({"If-Match": '"1"'}, {"If-Match": "*"}, {"If-None-Match": '"1"'}):
            body = {"memory": "x"} if method in {"PUT", "PATCH"} else None
            assert ana.call(method, one("theirs"), body, headers=headers).status_code == 404


@each_database
def test_the_caller_is_the_author_of_a_replacement(alias: str, ana: Caller) -> None:
    add("ana", memory_id="m")
    assert ana.call("PATCH", "memories/m/", {"memory": "x"}).status_code == 200
    before = Memory().get_user_memory_history("m", "ana")[1]
    assert (before.action, before.actor, before.through) == ("replaced", "ana", "REST")


@each_database
def test_an_expired_memory_is_not_found(alias: str, ana: Caller) -> None:
    add("ana", memory_id="m", expires_at=times.now())
    assert ana.call("GET", "memories/m/").status_code == 404
    assert ana.call("PATCH", "memories/m/", {"memory": "x"}).status_code == 404
    assert ana.call("DELETE", "memories/m/").status_code == 404
    assert ana.call("GET", "memories/").json()["results"] == []
    assert ana.call("GET", "memories/search/?q=tea").json()["results"] == []
    assert b"".join(ana.call("GET", "memories/export/").streaming_content) == b""
