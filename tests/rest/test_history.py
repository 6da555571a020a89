"""Earlier versions, deleted memories, moments, merging and duplicates over HTTP."""

from __future__ import annotations

import datetime
import io
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from agno_memory.acting import acting
from agno_memory.exceptions import MemoryChanged
from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FIELDS, VERSION_FIELDS
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.memories import history
from agno_memory.rest.urls import urls
from agno_memory.rest.views import MemoryViewSet
from agno_memory.test import at
from agno_memory.times import now, to_iso
from tests.rest.api import (
    PROBLEM,
    Caller,
    add,
    caller,
    each_database,
    ids,
    on_sqlite,
    one,
    pages,
    response_parts,
    site,
    stored,
    texts,
)
from tests.rest.test_memories import Meddler

SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def eve(site: None) -> Caller:
    """A caller who may see deleted memories, and has no other permission."""
    return caller("eve", "view_deleted")


def replace(memory: UserMemory, text: str) -> UserMemory:
    return Memory().replace_user_memory(memory.memory_id, UserMemory(memory=text), memory.user_id)


def delete(memory: UserMemory) -> None:
    Memory().delete_user_memory(memory.memory_id, memory.user_id)


def versions(response: Any) -> list[tuple[int, str, str]]:
    """Return a page of versions as number, text and action."""
    assert response.status_code == 200, response.content
    return [(each["version"], each["memory"], each["action"]) for each in response.json()["results"]]


# The history of one memory


@each_database
def test_the_history_has_every_version_and_who_ended_it(alias: str, ana: Caller) -> None:
    memory = add("ana", "one", topics=["a"])
    with acting("staff", reason="ticket 812", through="admin"):
        replaced = replace(memory, "two")
    ana.call("PATCH", one(memory.memory_id), {"memory": "three"})
    response = ana.call("GET", f"{one(memory.memory_id)}history/")
    assert response["Cache-Control"] == "private, no-store"
    newest, middle, oldest = response.json()["results"]
    assert list(newest) == [*FIELDS, *VERSION_FIELDS]
    assert {name: newest[name] for name in FIELDS} == as_dict(stored(memory.memory_id))
    assert (newest["valid_until"], newest["action"], newest["valid_from"]) == (None, "", newest["last_updated"])
    assert (middle["memory"], middle["actor"], middle["through"], middle["reason"]) == ("two", "ana", "REST", "")
    assert {name: oldest[name] for name in FIELDS} == as_dict(memory)
    assert {name: oldest[name] for name in VERSION_FIELDS} == {
        "valid_from": to_iso(memory.last_updated),
        "valid_until": to_iso(replaced.last_updated),
        "action": "replaced",
        "actor": "staff",
        "through": "admin",
        "reason": "ticket 812",
        "merged_into": None,
        "restored": None,
    }


@each_database
def test_pages_of_a_history(alias: str, ana: Caller) -> None:
    memory = add("ana", "0", memory_id="a/b")
    for number in range(1, 6):
        replace(memory, str(number))
    found = list(pages(ana, "memories/a%2Fb/history/", page_size=2))
    assert [[each["version"] for each in page["results"]] for page in found] == [[6, 5], [4, 3], [2, 1]]
    assert [list(page) for page in found] == [["next", "results"]] * 3
    # A version that is written in between changes no later page.
    following = found[0]["next"]
    replace(memory, "6")
    assert versions(ana.call("GET", following)) == [(4, "3", "replaced"), (3, "2", "replaced")]
    for query in ("cursor=x", "page_size=0", "topic=a", "ordering=version"):
        assert ana.call("GET", f"memories/a%2Fb/history/?{query}").status_code == 400


@on_sqlite
def test_a_page_of_a_long_history_reads_a_page(alias: str, ana: Caller) -> None:
    memory = add("ana", "0")
    for number in range(30):
        replace(memory, str(number))
    numbers = []
    for page_size in (2, 20):
        with CaptureQueriesContext(connections[alias]) as captured:
            ana.call("GET", f"{one(memory.memory_id)}history/", page_size=page_size)
        numbers.append(len(captured))
        (read,) = [each["sql"] for each in captured if "memoryrevision" in each["sql"]]
        assert f"LIMIT {page_size + 1}" in read
    assert numbers[0] == numbers[1]


# Deleted memories


@each_database
def test_deleted_memories_are_invisible_without_the_permission(alias: str, ana: Caller, eve: Caller) -> None:
    for who, user_id in ((ana, "ana"), (eve, "eve")):
        start = now() - 100 * SECOND
        with at(start):
            kept, gone = add(user_id, "kept"), add(user_id, "canary", topics=["a"], memory_id="gone")
            replace(gone, "canary 2")
        delete(gone)
        moment = to_iso(start + SECOND)
        where = one("gone")
        requests: list[tuple[str, str, Any]] = [
            ("GET", where, None),
            ("GET", f"{where}?as_of={moment}", None),
            ("GET", f"{where}history/", None),
            ("GET", "memories/?deleted=true", None),
            ("GET", f"memories/?as_of={moment}", None),
            ("GET", f"memories/search/?q=canary&as_of={moment}", None),
            ("GET", "memories/export/", None),
            ("GET", "memories/duplicates/", None),
            ("POST", f"{where}restore/", {"version": 1}),
        ]
        answers = {(method, url): response_parts(who.call(method, url, body)) for method, url, body in requests}
        statuses = [status for status, _headers, _content in answers.values()]
        canaries = [b"canary" in content for _status, _headers, content in answers.values()]
        if user_id == "ana":
            assert statuses == [404, 404, 404, 403, 200, 200, 200, 200, 404]
            assert canaries == [False] * 9
            for method in ("GET", "DELETE", "PUT"):
                assert ana.call(method, f"{where}?permanently=true", {"memory": "x"}).status_code in {400, 404}
            assert ana.call("POST", "memories/delete/", {"memory_ids": ["gone"], "permanently": True}).json() == {
                "deleted": []
            }
            assert Memory().get_user_memory_history("gone", "ana")[0].is_deleted
        else:
            assert statuses == [404, 200, 200, 200, 200, 200, 200, 200, 200]
            assert canaries == [False, True, True, True, True, True, True, False, True]
        assert stored(kept.memory_id, user_id).memory == "kept"


@each_database
def test_deleted_memories_are_listed(alias: str, eve: Caller) -> None:
    start = now() - 100 * SECOND
    for number in range(5):
        with at(start + number * SECOND):
            memory = add("eve", str(number), topics=["even"] if number % 2 == 0 else [], memory_id=f"m{number}")
            delete(memory)
    add("eve", "there")
    with acting("eve"):
        delete(add("bob", "his"))
    found = list(pages(eve, deleted="true", page_size=2))
    assert [[each["memory"] for each in page["results"]] for page in found] == [["4", "3"], ["2", "1"], ["0"]]
    assert [list(page) for page in found] == [["next", "previous", "results"]] * 3
    assert found[0]["results"][0]["action"] == "deleted"
    assert texts(eve.call("GET", "memories/", deleted="true", topic="even")) == ["4", "2", "0"]
    assert texts(eve.call("GET", "memories/", deleted="false")) == ["there"]
    for query in ("deleted=maybe", "deleted=", "deleted=true&ordering=created_at", "deleted=true&as_of=2026-01-01"):
        assert eve.call("GET", f"memories/?{query}").status_code == 400
    restored = eve.call("POST", "memories/m3/restore/", {"reason": "by mistake"})
    assert (restored.status_code, restored.json()["memory"], restored.json()["version"]) == (200, "3", 2)
    assert ids(eve.call("GET", "memories/", deleted="true")) == ["m4", "m2", "m1", "m0"]
    _newest, oldest = eve.call("GET", "memories/m3/history/").json()["results"]
    assert (oldest["action"], oldest["restored"]["by"], oldest["restored"]["reason"]) == (
        "deleted",
        "eve",
        "by mistake",
    )


@each_database
def test_a_memory_that_has_expired_is_a_deleted_one(alias: str, ana: Caller, eve: Caller) -> None:
    start = now() - 100 * SECOND
    where, end = one("m"), start + 2 * SECOND
    for user_id in ("ana", "eve"):
        with at(start):
            first = add(user_id, "canary", memory_id="m")
        with at(start + SECOND):
            content = UserMemory(memory="canary 2", topics=["a"], expires_at=end)
            Memory().replace_user_memory(first.memory_id, content, user_id)
            add(user_id, "canary 3", memory_id="n", expires_at=end)
    for method, url in (
        ("GET", f"{where}history/"),
        ("POST", f"{where}restore/"),
        ("DELETE", f"{where}?permanently=1"),
    ):
        assert ana.call(method, url, {} if method == "POST" else None).status_code == 404
    assert ana.call("POST", "memories/delete/", {"memory_ids": ["m"], "permanently": True}).json()["deleted"] == []
    assert ana.call("GET", "memories/?deleted=true").status_code == 403
    found = list(pages(eve, deleted="true", page_size=1))
    assert [[each["memory_id"] for each in page["results"]] for page in found] == [["n"], ["m"]]
    (listed,) = eve.call("GET", "memories/", deleted="true", topic="a").json()["results"]
    assert (listed["action"], listed["valid_until"]) == ("expired", to_iso(end))
    history = f"{where}history/"
    assert versions(eve.call("GET", history)) == [(2, "canary 2", "expired"), (1, "canary", "replaced")]
    assert versions(eve.call("GET", f"{history}?page_size=1")) == [(2, "canary 2", "expired")]
    assert eve.call("POST", f"{where}restore/", {}, headers={"If-Match": '"1"'}).status_code == 412
    restored = eve.call("POST", f"{where}restore/", {})
    assert (restored.json()["memory"], restored.json()["expires_at"]) == ("canary 2", None)
    assert ids(eve.call("GET", "memories/", deleted="true")) == ["n"]
    assert eve.call("DELETE", f"{one('n')}?permanently=true").status_code == 204
    assert ids(eve.call("GET", "memories/", deleted="true")) == []
    # Without the permission, nothing was moved or removed.
    assert stored("m").version == 2


@each_database
def test_deleted_memories_of_others_need_both_permissions(alias: str, eve: Caller) -> None:
    delete(add("bob", "his", memory_id="m"))
    both = caller("both", "view_usermemory", "view_deleted")
    viewer = caller("viewer", "view")
    for who, status in ((eve, 403), (viewer, 403), (both, 200)):
        assert who.call("GET", "memories/?deleted=true&user_id=bob").status_code == status
    for who, status in ((eve, 403), (viewer, 404), (both, 200)):
        assert who.call("GET", "memories/m/history/?user_id=bob").status_code == status
    assert texts(both.call("GET", "memories/?deleted=true&user_id=bob")) == ["his"]
    assert both.call("POST", "memories/m/restore/?user_id=bob", {}).status_code == 403


# A moment


@each_database
def test_what_was_known_at_a_moment(alias: str, ana: Caller, eve: Caller) -> None:
    start = now() - 100 * SECOND
    for user_id in ("ana", "eve"):
        with at(start):
            changed, gone = add(user_id, "tea", topics=["a"], memory_id="m"), add(user_id, "gone", topics=["a"])
        with at(start + 20 * SECOND):
            replace(changed, "coffee")
            add(user_id, "later")
            delete(gone)
    then, later = to_iso(start + 10 * SECOND), to_iso(start + 30 * SECOND)
    assert texts(ana.call("GET", "memories/", as_of=then)) == ["tea"]
    assert sorted(texts(eve.call("GET", "memories/", as_of=then))) == ["gone", "tea"]
    assert [len(page["results"]) for page in pages(eve, as_of=then, page_size=1)] == [1, 1]
    assert texts(eve.call("GET", "memories/", as_of=then, topic="a", q="tea")) == ["tea"]
    assert sorted(texts(ana.call("GET", "memories/", as_of=later))) == ["coffee", "later"]
    response = ana.call("GET", "memories/m/", as_of=then)
    assert (response.json()["memory"], response.json()["version"]) == ("tea", 1)
    assert ana.call("GET", "memories/m/", as_of=then, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert ana.call("GET", "memories/m/", as_of=to_iso(start - SECOND)).status_code == 404
    assert texts(ana.call("GET", "memories/search/", as_of=then, q="tea")) == ["tea"]
    assert texts(ana.call("GET", "memories/search/", as_of=later, q="tea")) == []
    explained = ana.call("GET", "memories/search/", as_of=then, q="tea", explain="true").json()["results"]
    assert [each["score"] > 0 for each in explained] == [True]
    # The rest of a millisecond was not known in it, and a day begins at midnight.
    assert texts(ana.call("GET", "memories/", as_of=to_iso(start)[:-1] + "999Z")) == ["tea"]
    assert texts(ana.call("GET", "memories/", as_of=str((start - datetime.timedelta(days=2)).date()))) == []


@on_sqlite
def test_moments_that_are_not_known(alias: str, ana: Caller) -> None:
    add("ana", memory_id="m")
    for url in ("memories/", "memories/m/", "memories/search/?q=tea"):
        for moment in ("", "yesterday", "2026-02-30", "0001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"):
            response = ana.call("GET", url, as_of=moment)
            assert (url, moment, response.status_code, list(response.json())) == (url, moment, 400, ["as_of"])
    for url in ("memories/export/", "memories/duplicates/", "memories/m/history/", "topics/", "stats/"):
        assert ana.call("GET", url, as_of=to_iso(now())).status_code == 400
    # A misspelt parameter would return the memory of today.
    assert ana.call("GET", "memories/m/?asof=2026-01-01").status_code == 400


@on_sqlite
def test_a_search_of_a_moment_reads_a_limited_number(alias: str, ana: Caller) -> None:
    for topic in ("a", "a", "b"):
        add("ana", "tea", topics=[topic])
    moment = to_iso(now() + SECOND)
    with mock.patch.object(history, "MAX_READ", 2):
        for path_of in (f"memories/search/?q=tea&as_of={moment}", "memories/duplicates/?"):
            refused = ana.call("GET", path_of)
            assert (refused.status_code, list(refused.json())) == (400, ["non_field_errors"])
            assert ana.call("GET", f"{path_of}&topic=a").status_code == 200


# Restoring


@each_database
def test_a_version_is_restored_as_a_new_one(alias: str, ana: Caller) -> None:
    memory = add("ana", "one", topics=["a"], memory_id="m")
    replace(memory, "two")
    response = ana.call("POST", "memories/m/restore/", {"version": 1, "reason": "ticket 812"})
    assert response.status_code == 200
    assert response.json() == as_dict(stored("m"))
    assert (response.json()["memory"], response.json()["topics"], response.json()["version"]) == ("one", ["a"], 3)
    assert response["ETag"] == ana.call("GET", "memories/m/")["ETag"]
    assert "Location" not in response
    ended = ana.call("GET", "memories/m/history/").json()["results"][1]
    assert (ended["action"], ended["actor"], ended["through"], ended["reason"]) == (
        "restored",
        "ana",
        "REST",
        "ticket 812",
    )
    # Without a body, the version before.
    assert ana.call("POST", "memories/m/restore/").json()["memory"] == "two"


@on_sqlite
def test_bad_restorations_change_nothing(alias: str, ana: Caller) -> None:
    replace(add("ana", "one", memory_id="m"), "two")
    for body, name in (
        ({"version": 0}, "version"),
        ({"version": "x"}, "version"),
        ({"version": 2**31}, "version"),
        ({"reason": "x" * 1001}, "reason"),
        ({"reason": 5}, "reason"),
        ({"memory": "x"}, "memory"),
    ):
        response = ana.call("POST", "memories/m/restore/", body)
        assert (response.status_code, list(response.json())) == (400, [name])
    assert ana.call("POST", "memories/m/restore/", []).status_code == 400
    for version in (9, 2**31 - 1):
        assert ana.call("POST", "memories/m/restore/", {"version": version}).status_code == 404
    assert ana.call("POST", "memories/m/restore/?version=1", {}).status_code == 400
    assert ana.call("PUT", "memories/m/restore/", {}).status_code == 405
    assert stored("m").version == 2


@each_database
def test_a_restoration_meant_for_a_version_touches_no_other(alias: str, ana: Caller, eve: Caller) -> None:
    replace(add("ana", "one", memory_id="m"), "two")
    for header, value, status in (
        ("If-Match", '"1"', 412),
        ("If-None-Match", '"2"', 412),
        ("If-Match", '"2"', 200),
        ("If-Match", "*", 200),
        ("If-None-Match", '"2"', 200),
    ):
        response = ana.call("POST", "memories/m/restore/", {"version": 1}, headers={header: value})
        assert (header, value, response.status_code) == (header, value, status)
    tag = ana.call("GET", "memories/m/")["ETag"]
    with Meddler("m", agent_id="theirs"):
        response = ana.call("POST", "memories/m/restore/", {"version": 1}, headers={"If-Match": tag})
    assert (response.status_code, stored("m").agent_id) == (412, "theirs")
    # Without a precondition, the version is restored over the concurrent change.
    with Meddler("m", agent_id="again"):
        assert ana.call("POST", "memories/m/restore/", {"version": 1}).status_code == 200
    assert stored("m").agent_id is None
    # No tag names the current version of a deleted memory.
    delete(add("eve", "gone", memory_id="m"))
    for value in ('"1"', "*"):
        assert eve.call("POST", "memories/m/restore/", {}, headers={"If-Match": value}).status_code == 412
    assert eve.call("POST", "memories/m/restore/", {}, headers={"If-None-Match": "*"}).status_code == 200
    assert eve.call("POST", "memories/m/restore/", {}, headers={"If-None-Match": "*"}).status_code == 412


# Deleting for good


@each_database
def test_what_is_deleted_for_good_leaves_nothing(alias: str, ana: Caller, eve: Caller) -> None:
    revisions = UserMemory.objects.all().revisions()
    for name in ("a", "b", "c"):
        replace(add("ana", "one", memory_id=name), "two")
    assert ana.call("DELETE", "memories/a/?permanently=true", headers={"If-Match": '"1"'}).status_code == 412
    assert ana.call("DELETE", "memories/a/?permanently=true", headers={"If-Match": '"2"'}).status_code == 204
    assert ana.call("DELETE", "memories/b/?permanently=false").status_code == 204
    body = {"memory_ids": ["b", "c", "nothing"], "permanently": True}
    assert ana.call("POST", "memories/delete/", body).json() == {"deleted": ["c"]}
    assert {each.memory_id for each in revisions.all()} == {"b"}
    for name in ("a", "b"):
        replace(add("eve", "one", memory_id=name), "two")
        assert eve.call("DELETE", one(name)).status_code == 204
    assert eve.call("DELETE", "memories/a/?permanently=true", headers={"If-Match": "*"}).status_code == 412
    assert eve.call("DELETE", "memories/a/?permanently=true").status_code == 204
    assert eve.call("POST", "memories/delete/", {"memory_ids": ["a", "b"], "permanently": True}).json() == {
        "deleted": ["b"]
    }
    assert not revisions.for_user("eve").exists()
    for query in ("permanently=x", "permanent=true"):
        assert ana.call("DELETE", f"memories/b/?{query}").status_code == 400
    for flag in ("true", 1, None):
        refused = ana.call("POST", "memories/delete/", {"memory_ids": ["b"], "permanently": flag})
        assert (refused.status_code, list(refused.json())) == (400, ["permanently"])


# Several memories


@each_database
def test_memories_are_merged(alias: str, ana: Caller) -> None:
    with at(now() - SECOND):
        old = add("ana", "Likes tea", topics=["a"], memory_id="x/y")
    new = add("ana", "Tea, please", topics=["b"])
    body = {"memory_ids": [old.memory_id, new.memory_id], "memory": "Likes green tea"}
    response = ana.call("POST", "memories/merge/", body)
    merged = response.json()
    assert (response.status_code, merged["memory_id"], merged["memory"]) == (200, new.memory_id, "Likes green tea")
    assert (sorted(merged["topics"]), merged["created_at"]) == (["a", "b"], to_iso(old.created_at))
    assert response["Location"] == f"http://testserver/api/memories/{new.memory_id}/"
    assert ana.call("GET", response["Location"])["ETag"] == response["ETag"]
    assert ids(ana.call("GET", "memories/")) == [new.memory_id]


@each_database
def test_bad_merges_change_nothing(alias: str, ana: Caller) -> None:
    for name in ("a", "b"):
        add("ana", name, memory_id=name)
    add("bob", "his", memory_id="c")
    for body, status in (
        ({"memory_ids": ["a"]}, 400),
        ({"memory_ids": ["a", "a"]}, 400),
        ({"memory_ids": "ab"}, 400),
        ({}, 400),
        ({"memory_ids": ["a", "b"], "memory": " "}, 400),
        ({"memory_ids": ["a", "b"], "text": "x"}, 400),
        ({"memory_ids": ["a", "c"]}, 404),
        ({"memory_ids": ["a", "nothing"]}, 404),
    ):
        assert (body, ana.call("POST", "memories/merge/", body).status_code) == (body, status)
    with site(alias, REST_MAX_BULK=2):
        assert ana.call("POST", "memories/merge/", {"memory_ids": ["a", "b", "d"]}).status_code == 400
    with mock.patch.object(Memory, "merge_user_memories", side_effect=MemoryChanged("a", 1)):
        assert ana.call("POST", "memories/merge/", {"memory_ids": ["a", "b"]}).status_code == 409
    assert sorted(each.version for each in UserMemory.objects.all()) == [1, 1, 1]


@each_database
def test_duplicates(alias: str, ana: Caller) -> None:
    for text in ("Drinks tea", "DRINKS  TEA", "Allergic to nuts", "allergic to nuts", "Lives in Porto"):
        add("ana", text, topics=["drinks"] if "ea" in text.lower() else [])
    add("bob", "Lives in Porto")
    groups = ana.call("GET", "memories/duplicates/").json()["results"]
    assert sorted([each["memory"] for each in group] for group in groups) == [
        ["DRINKS  TEA", "Drinks tea"],
        ["allergic to nuts", "Allergic to nuts"],
    ]
    assert len(ana.call("GET", "memories/duplicates/?limit=1").json()["results"]) == 1
    assert ana.call("GET", "memories/duplicates/?limit=0").json() == {"results": []}
    (group,) = ana.call("GET", "memories/duplicates/?topic=drinks").json()["results"]
    assert group[0] == as_dict(stored(group[0]["memory_id"]))
    with site(alias, REST_MAX_PAGE_SIZE=2):
        add("ana", "DRINKS TEA", topics=["drinks"])
        (group,) = ana.call("GET", "memories/duplicates/?topic=drinks&limit=2").json()["results"]
        assert [each["memory"] for each in group] == ["DRINKS TEA", "DRINKS  TEA"]
    for query in ("limit=-1", "limit=x", "limit=201", "page_size=1", "cursor=x"):
        assert ana.call("GET", f"memories/duplicates/?{query}").status_code == 400


@each_database
def test_a_text_that_is_known(alias: str, ana: Caller) -> None:
    with site(alias, ON_DUPLICATE="refuse"):
        known = add("ana", "Likes tea")
        for method, url, body in (
            ("POST", "memories/", {"memory": "LIKES TEA"}),
            ("PUT", "memories/m/", {"memory": "LIKES TEA"}),
            ("POST", "memories/bulk/", [{"memory": "x"}, {"memory": "LIKES TEA"}]),
        ):
            headers = {"If-None-Match": "*"} if method == "PUT" else None
            response = ana.call(method, url, body, headers=headers)
            assert (response.status_code, list(response.json())) == (409, ["detail", "memory_id"])
            assert response.json()["memory_id"] == known.memory_id
        response = ana.call("POST", "memories/", {"memory": "likes tea"}, headers={"Accept": PROBLEM})
        assert response.json()["memory_id"] == known.memory_id
        assert (response.json()["status"], response.json()["title"]) == (409, "Conflict")
    with site(alias, ON_DUPLICATE="return"):
        for method, url, headers in (("POST", "memories/", None), ("PUT", "memories/m/", {"If-None-Match": "*"})):
            response = ana.call(method, url, {"memory": "LIKES TEA"}, headers=headers)
            assert (response.status_code, response.json()["memory_id"]) == (200, known.memory_id)
            assert ana.call("GET", response["Location"]).json() == response.json()
        assert ana.call("POST", "memories/", {"memory": "new"}).status_code == 201


# Exports


@each_database
def test_an_export_has_the_history(alias: str, ana: Caller, eve: Caller, tmp_path: Path) -> None:
    rejects = str(tmp_path / "rejected.jsonl")
    for who, user_id in ((ana, "ana"), (eve, "eve")):
        memory, gone = add(user_id, "one", topics=["a"]), add(user_id, "gone", topics=["b"])
        replace(memory, "two")
        delete(gone)
        content = response_parts(who.call("GET", "memories/export/"))[2].decode()
        first, *earlier = [json.loads(line) for line in content.splitlines()]
        assert first == as_dict(stored(memory.memory_id, user_id))
        assert sorted(each["memory"] for each in earlier) == (["one"] if user_id == "ana" else ["gone", "one"])
        assert all(list(each) == [*FIELDS, *VERSION_FIELDS] and each["valid_until"] for each in earlier)
        narrowed = response_parts(who.call("GET", "memories/export/?topic=a"))[2].decode()
        assert [json.loads(line)["memory"] for line in narrowed.splitlines()] == ["one"]
        csv = response_parts(who.call("GET", "memories/export/", format="csv"))[2].decode()
        assert len(csv.splitlines()) == 2
        # The importer reads the memories, and leaves out the versions.
        file = tmp_path / f"{user_id}.jsonl"
        file.write_text(content)
        Memory().clear_user_memories(user_id)
        call_command("import_memories", str(file), rejects=rejects, stdout=io.StringIO(), stderr=io.StringIO())
        assert [each.memory for each in UserMemory.objects.for_user(user_id)] == ["two"]


# Subclasses of a site


class Public(MemoryViewSet):
    """Hides some memories, and so their versions."""

    def get_queryset(self) -> UserMemoryQuerySet:
        return super().get_queryset().exclude(topics__about=["internal"])


class Narrowed:
    urlpatterns = [path("api/", include(urls(memories=Public)))]


@each_database
def test_a_narrowed_viewset_shows_no_hidden_version(alias: str, ana: Caller, eve: Caller) -> None:
    with override_settings(ROOT_URLCONF=Narrowed):
        for who, user_id in ((ana, "ana"), (eve, "eve")):
            start = now() - 100 * SECOND
            with at(start):
                hidden = add(user_id, "canary", topics=["internal"], memory_id="hidden")
                shown = add(user_id, "1", topics=["a"], memory_id="shown")
                gone = add(user_id, "canary", topics=["internal"], memory_id="gone")
            with at(start + 10 * SECOND):
                Memory().replace_user_memory("shown", UserMemory(memory="canary", topics=["internal"]), user_id)
                Memory().replace_user_memory("shown", UserMemory(memory="3"), user_id)
                replace(hidden, "now shown")
                delete(gone)
            still = add(user_id, "canary", topics=["internal"], memory_id="still")
            moment = to_iso(start + SECOND)
            for url in (
                *("memories/", "memories/export/", "memories/duplicates/", f"memories/?as_of={moment}"),
                *("memories/hidden/history/", "memories/shown/history/", "memories/?deleted=true"),
                *(f"memories/hidden/?as_of={moment}", f"memories/search/?q=canary&as_of={moment}"),
                *("memories/gone/history/", "memories/still/history/"),
            ):
                status, _headers, content = response_parts(who.call("GET", url))
                assert (url, b"canary" in content, status in {200, 403, 404}) == (url, False, True)
            assert versions(who.call("GET", "memories/shown/history/")) == [(3, "3", ""), (1, "1", "replaced")]
            for body in ({}, {"version": 2}):
                assert who.call("POST", "memories/shown/restore/", body).status_code == 404
            for name in ("gone", "still"):
                assert who.call("POST", f"memories/{name}/restore/", {"version": 1}).status_code == 404
            ids_to_merge = {"memory_ids": ["shown", "still"]}
            assert who.call("POST", "memories/merge/", ids_to_merge).status_code == 404
            assert who.call("DELETE", "memories/gone/?permanently=true").status_code == 404
            assert stored(still.memory_id, user_id).version == 1
            assert who.call("POST", "memories/shown/restore/", {"version": 1}).json()["memory"] == "1"
            assert stored(shown.memory_id, user_id).version == 4


@on_sqlite
def test_throttles_of_versions(alias: str, ana: Caller) -> None:
    memory = add("ana", memory_id="m")
    replace(memory, "two")
    with site(alias, REST_THROTTLE_RATES={"read": "2/hour", "write": "1/hour"}):
        assert ana.call("GET", "memories/m/history/").status_code == 200
        assert ana.call("GET", "memories/duplicates/").status_code == 200
        assert ana.call("GET", "memories/m/history/").status_code == 429
        assert ana.call("POST", "memories/m/restore/", {}).status_code == 200
        assert ana.call("POST", "memories/merge/", {"memory_ids": ["m", "n"]}).status_code == 429
