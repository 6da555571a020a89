"""Pages that stay exact while rows are written, forwards and back, in every order, at the same cost everywhere."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.rest.pagination import Cursor, encoded
from agno_memory.test import at
from agno_memory.test.helpers import with_settings
from tests.rest.api import Caller, add, add_many, each_database, ids, on_sqlite, one, pages, site

ORDERINGS = ["-last_updated", "last_updated", "-created_at", "created_at"]
MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def of(found: list[Any]) -> list[str]:
    return [memory["memory_id"] for page in found for memory in page["results"]]


def in_order(ordering: str, owner: str = "ana") -> list[str]:
    """Return the ids in the expected order."""
    rows = UserMemory.objects.for_user(owner).sorted_by(ordering)  # type: ignore[arg-type]
    return list(rows.values_list("memory_id", flat=True))


def furnish(number: int) -> None:
    """Add memories in groups of three with the same times."""
    for start in range(0, number, 3):
        with at(MOMENT + start * datetime.timedelta(seconds=1)):
            Memory().add_user_memories(
                [UserMemory(memory=f"{start + each}") for each in range(min(3, number - start))], "ana"
            )


@each_database
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_pages_forwards_and_back(alias: str, ana: Caller, ordering: str) -> None:
    """Ties are broken by the id, so a page may begin within them."""
    furnish(11)
    expected = in_order(ordering)
    for size in (1, 2, 4, 10, 11, 12):
        forwards = list(pages(ana, ordering=ordering, page_size=size))
        assert of(forwards) == expected
        assert [len(page["results"]) for page in forwards] == [
            len(expected[at : at + size]) for at in range(0, 11, size)
        ]
        assert forwards[0]["previous"] is None
        assert forwards[-1]["next"] is None
        if len(forwards) > 1:
            backwards = list(pages(ana, forwards[-1]["previous"], "previous"))
            assert of(backwards[::-1]) == expected[: len(expected) - len(forwards[-1]["results"])]
            assert backwards[-1]["previous"] is None


@each_database
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_next_and_previous_lead_to_each_other(alias: str, ana: Caller, ordering: str) -> None:
    furnish(10)
    forwards = list(pages(ana, ordering=ordering, page_size=3))
    for before, after in pairwise(forwards):
        back = ana.call("GET", after["previous"]).json()
        assert back["results"] == before["results"]
        assert ana.call("GET", back["next"]).json()["results"] == after["results"]


@each_database
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_page_may_begin_where_a_memory_was(alias: str, ana: Caller, ordering: str) -> None:
    furnish(10)
    expected = in_order(ordering)
    first = ana.call("GET", "memories/", ordering=ordering, page_size=4).json()
    Memory().delete_user_memories([expected[3], expected[4]], "ana")
    second = ana.call("GET", first["next"]).json()
    assert of([second]) == expected[5:9]
    back = ana.call("GET", second["previous"]).json()
    assert of([back]) == expected[:3]
    assert back["previous"] is None


@each_database
def test_the_ends(alias: str, ana: Caller) -> None:
    empty: dict[str, Any] = {"next": None, "previous": None, "results": []}
    assert ana.call("GET", "memories/").json() == empty
    add_many("ana", 4)
    first = ana.call("GET", "memories/", page_size=2).json()
    second = ana.call("GET", first["next"]).json()
    assert second["next"] is None
    # Everything after a position is deleted: the page is empty, and its link leads back to the rest.
    Memory().delete_user_memories(of([second]), "ana")
    beyond = ana.call("GET", first["next"]).json()
    assert (beyond["results"], beyond["next"]) == ([], None)
    assert ana.call("GET", beyond["previous"]).json()["results"] == first["results"]
    # Everything before a position is deleted: the page is empty, and its link leads to the beginning.
    Memory().delete_user_memories(of([first]), "ana")
    before = ana.call("GET", second["previous"]).json()
    assert (before["results"], before["previous"]) == ([], None)
    third = add("ana")
    assert of([ana.call("GET", before["next"]).json()]) == [third.memory_id]
    Memory().clear_user_memories("ana")
    nothing = ana.call("GET", beyond["previous"]).json()
    assert (nothing["results"], nothing["previous"]) == ([], None)
    assert ana.call("GET", nothing["next"]).json() == empty


@each_database
def test_links_keep_the_query(alias: str, ana: Caller, admin: Caller) -> None:
    for number in range(5):
        add("b&b=\u00e9", topics=["x&y", "z"], agent_id="a b", memory_id=f"{number}", text=f"tea {number}")
        add("b&b=\u00e9", memory_id=f"other {number}")
        add("admin", topics=["x&y", "z"], agent_id="a b", memory_id=f"own {number}", text=f"tea {number}")
    query: dict[str, Any] = {
        "user_id": "b&b=\u00e9",
        "topic": ["x&y", "z"],
        "agent_id": "a b",
        "q": "tea",
        "ordering": "created_at",
    }
    found = list(pages(admin, page_size=2, **query))
    assert [len(page["results"]) for page in found] == [2, 2, 1]
    assert sorted(of(found)) == ["0", "1", "2", "3", "4"]


# Written meanwhile


@each_database
def test_every_old_memory_comes_once_while_another_client_writes(alias: str, ana: Caller) -> None:
    """Eight clients read twenty pages; between two pages some are added, replaced and deleted again."""
    add_many("ana", 2_000)
    new: list[str] = []
    with site(alias, REST_MAX_PAGE_SIZE=100):
        old = {ordering: in_order(ordering) for ordering in ORDERINGS}
        forwards = {ordering: pages(ana, ordering=ordering, page_size=100) for ordering in ORDERINGS}
        backwards = {ordering: pages(ana, end(ordering, 100), "previous") for ordering in ORDERINGS}
        walks = [*forwards.values(), *backwards.values()]
        seen: list[list[str]] = [[] for _walk in walks]
        for _round in range(30):
            for place, walk in enumerate(walks):
                # Read from its end, a list has its pages in their order all the same.
                seen[place] += of(list(islice(walk, 1)))[:: 1 if place < len(forwards) else -1]
            new += [memory.memory_id for memory in add_many("ana", 3)]
            Memory().replace_user_memory(new[-1], UserMemory(memory="again"), "ana")
            Memory().delete_user_memory(new.pop(0), "ana")
    assert [next(walk, None) for walk in walks] == [None] * len(walks)
    was_there = set(old["created_at"])
    found_old = [[memory_id for memory_id in found if memory_id in was_there] for found in seen]
    assert found_old == [*old.values(), *(expected[::-1] for expected in old.values())]


def end(ordering: Any, size: int) -> str:
    """Return the address of the last page of a list."""
    return f"memories/?ordering={ordering}&page_size={size}&cursor={Cursor(ordering, is_backwards=True).encode()}"


@each_database
def test_created_at_is_exact_during_writes(alias: str, ana: Caller) -> None:
    """No write moves a memory in this order, so all that is left comes exactly once."""
    memories = add_many("ana", 60)
    seen: list[str] = []
    for page in pages(ana, ordering="created_at", page_size=7):
        seen += of([page])
        for memory in memories[::9]:
            UserMemory.objects.filter(memory_id=memory.memory_id).update(feedback="good")
    assert seen == [memory.memory_id for memory in sorted(memories, key=lambda each: (each.created_at, each.memory_id))]


# Two users


@each_database
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_cursor_of_another_user_shows_nothing_of_theirs(alias: str, ana: Caller, bob: Caller, ordering: str) -> None:
    for number in range(8):
        add("bob", memory_id=f"bob {number}")
        add("ana", memory_id=f"ana {number}")
    theirs = [page[link] for page in pages(bob, ordering=ordering, page_size=2) for link in ("next", "previous")]
    for link in filter(None, theirs):
        response = ana.call("GET", link)
        assert [name for name in ids(response) if not name.startswith("ana ")] == []
        assert "bob" not in response.content.decode()
        for way in ("next", "previous"):
            assert [name for name in of(list(pages(ana, link, way))) if not name.startswith("ana ")] == []


@each_database
def test_nothing_shows_the_data_of_another(alias: str, ana: Caller, bob: Caller) -> None:
    for who in ("ana", "bob"):
        for number in range(3):
            add(
                who,
                f"secret of {who}",
                memory_id=f"{who} {number}",
                topics=[f"topic of {who}", "both"],
                agent_id="agent",
            )
    for who, client, other in (("ana", ana, "bob"), ("bob", bob, "ana")):
        responses = [
            client.call("GET", "memories/"),
            client.call("GET", "memories/", q="secret"),
            client.call("GET", "memories/", q=other),
            client.call("GET", "memories/", topic="both"),
            client.call("GET", "memories/", any_topic=["both", f"topic of {other}"]),
            client.call("GET", "memories/", agent_id="agent", created_after="2000-01-01T00:00:00Z"),
            client.call("GET", "topics/"),
            client.call("GET", "stats/"),
            client.call("POST", "memories/bulk/", [{"memory": "more"}]),
        ]
        texts = [response.content.decode() for response in responses]
        for accept in ("application/x-ndjson", "text/csv"):
            export = client.call("GET", "memories/export/", headers={"Accept": accept})
            texts.append(b"".join(export.streaming_content).decode())
        assert [text for text in texts if f"of {other}" in text or f'"{other}' in text] == []
        assert f"topic of {who}" in responses[6].json()["results"][1]["topic"]
        assert responses[7].json()["total"] == 3


@on_sqlite
def test_the_service_pages_through_a_whole_list(alias: str, ana: Caller) -> None:
    add_many("ana", 3, topics=["a"])
    with mock.patch.object(Memory, "page", autospec=True, side_effect=Memory.page) as paged:
        found = list(pages(ana, page_size=2))
        assert [len(page["results"]) for page in found] == [2, 1]
        assert paged.call_count == 2
        for query in ("?topic=a", "?q=number", "?created_after=2000-01-01"):
            assert len(ids(ana.call("GET", f"memories/{query}"))) == 3
        assert paged.call_count == 2


# Bad cursors

CURSORS = [
    "",
    "x",
    "!",
    "=",
    "\xff",
    "\u0663",
    "a" * 5_000,
    encoded("-last_updated", "f", "0"),
    encoded("-last_updated", "f", "0."),
    encoded("-last_updated", "f", "x.a"),
    encoded("-last_updated", "f", f"{'9' * 30}.a"),
    encoded("-last_updated", "f", f"{'9' * 5_000}.a"),
    encoded("-last_updated", "f", "-99999999999999.a"),
    encoded("-last_updated", "f", "0.\x00"),
    encoded("-last_updated", "0.a"),
    encoded("created_at", "f", "0.a"),
    encoded("memory", "f", "0.a"),
    encoded("-last_updated", "x", "0.a"),
    encoded("-updated_at", "f", "0.a"),
    encoded("run_index", "f", "0.a"),
    encoded("user_id", "f", "0.a"),
    encoded("user_id", "b", "0.a"),
    encoded("user_id", "f", "0."),
    encoded("", "", ""),
]


@each_database
def test_a_bad_cursor_is_refused(alias: str, ana: Caller, admin: Caller) -> None:
    add("ana")
    for path in ("memories/", "users/"):
        for cursor in CURSORS:
            if path == "users/" and cursor == encoded("user_id", "f", "0.a"):
                continue
            response = admin.call("GET", path, cursor=cursor)
            assert (path, cursor[:20], response.status_code, list(response.json())) == (
                path,
                cursor[:20],
                400,
                ["cursor"],
            )
    for milliseconds in ("0", "-62135596800000", "253402300799999", " 5", "1_0"):
        for place in ("a", "|", "\ud7ff", "x" * 1_000):
            for direction in "fb":
                cursor = encoded("-last_updated", direction, f"{milliseconds}.{place}")
                assert ana.call("GET", "memories/", cursor=cursor).status_code == 200


@each_database
def test_no_cursor_is_an_error_of_ours(alias: str, ana: Caller) -> None:
    add("ana")

    @given(
        st.text(max_size=40)
        | st.binary(max_size=40).map(lambda raw: encoded(raw.decode("latin-1")))
        | st.builds(
            encoded,
            st.sampled_from([*ORDERINGS, "user_id"]),
            st.sampled_from("fbo"),
            st.builds("{}.{}".format, st.integers(), st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
        )
    )
    def check(cursor: str) -> None:
        for ordering in ORDERINGS:
            assert ana.call(
                "GET", "memories/", cursor=cursor.encode("utf-8", "replace"), ordering=ordering
            ).status_code in {200, 400}

    check()


# Sizes


@on_sqlite
def test_pages_have_the_size_of_the_settings(alias: str, ana: Caller) -> None:
    add_many("ana", 60)
    assert len(ids(ana.call("GET", "memories/"))) == 50
    assert len(ids(ana.call("GET", "memories/", page_size=200))) == 60
    with site(alias, REST_PAGE_SIZE=7, REST_MAX_PAGE_SIZE=9):
        assert len(ids(ana.call("GET", "memories/"))) == 7
        assert len(ids(ana.call("GET", "memories/", page_size=9))) == 9
        assert ana.call("GET", "memories/", page_size=10).json() == {"page_size": ["Give a whole number from 1 to 9."]}


# Costs


@contextmanager
def statements(alias: str) -> Iterator[list[int]]:
    """Count the statements about memories, without those of the site's own tables."""
    cache.clear()
    counted: list[int] = []
    with CaptureQueriesContext(connections[alias]) as captured:
        yield counted
    # The index of words has tables of its own on SQLite.
    sent = [query["sql"] for query in captured if "agno_memory_usermemory_word" not in query["sql"]]
    counted.append(sum("agno_memory_usermemory" in sql for sql in sent))


COSTS: list[tuple[str, str, Any, int]] = [
    # method, path, body, statements about memories
    ("GET", "memories/", None, 1),
    ("GET", "memories/?topic=a&q=number&page_size=200", None, 1),
    ("GET", "memories/?ordering=created_at&page_size=1", None, 1),
    ("GET", "memories/one/", None, 1),
    ("POST", "memories/", {"memory": "x"}, 1),
    ("PUT", "memories/one/", {"memory": "x"}, 2),
    ("PATCH", "memories/one/", {"memory": "x"}, 2),
    ("PUT", "memories/two/", {"memory": "x"}, 1),
    ("GET", "topics/", None, 1),
    ("GET", "stats/", None, 3),
    ("POST", "memories/bulk/", [{"memory": "x"}] * 20, 1),
    ("POST", "memories/delete/", {"memory_ids": ["one", "nothing"]}, 2),
    ("DELETE", "memories/three/", None, 2),
    ("DELETE", "users/me/memories/?confirm=ana", None, 1),
]


# MongoDB's deletion does not return the deleted ids; without transactions, taken ids are queried before.
MORE = {
    "mongodb": {("POST", "memories/delete/"): 3},
    "standalone": {("POST", "memories/delete/"): 3, ("POST", "memories/bulk/"): 2},
}


@each_database
def test_every_request_takes_so_many_statements(alias: str, ana: Caller) -> None:
    """The same with ten rows and with ten thousand; without history, of which each write keeps one more row."""
    for number in (10, 10_000):
        add_many("ana", number, topics=["a"])
        add("ana", memory_id="one")
        add("ana", memory_id="three")
        counts = {}
        for method, path, body, _expected in COSTS:
            headers = {"If-None-Match": "*"} if "two" in path else None
            with statements(alias) as counted, with_settings(HISTORY_DAYS=0):
                response = ana.call(method, path, body, headers=headers)
            assert response.status_code < 300, response.content
            counts[method, path] = counted[0]
        expected = {(method, path): number for method, path, _body, number in COSTS}
        assert counts == {**expected, **MORE.get(alias, {})}


@each_database
def test_people_page_by_page(alias: str, ana: Caller, admin: Caller) -> None:
    names = ["admin", "ana", "b|b", "x/y", "\u00e9", "\U0001f375"]
    for number, name in enumerate(names, start=1):
        add_many(name, number)
    last = {name: max(memory.last_updated for memory in UserMemory.objects.for_user(name)) for name in names}
    for size in (1, 2, 5, 6, 7):
        found = list(pages(admin, "users/", page_size=size))
        people = [person for page in found for person in page["results"]]
        assert [(person["user_id"], person["count"]) for person in people] == [
            (name, number) for number, name in enumerate(names, start=1)
        ]
        assert [person["last_updated"] for person in people] == [
            f"{last[name]:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" for name in names
        ]
    assert ana.call("GET", "users/").status_code == 403
    assert ana.call("GET", "users/", user_id="ana").status_code == 403
    assert [person["user_id"] for person in admin.call("GET", "users/", user_id="ana").json()["results"]] == names
    assert ana.call("GET", one("x")).status_code == 404
