"""Every id works from creation to deletion, through real URLs, or is refused when it is created."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from pytest_django.live_server_helper import LiveServer
from rest_framework.authtoken.models import Token

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import is_reserved
from tests.rest.api import Caller, caller, each_database, on_sqlite, on_sqlite_commits, one

WORK = [
    *("a/b", "a/b/c", "bulk/x", "x/bulk", "a/memories", "users/a/memories", "...", "a.b", ".a", "a.", "..a", ".json"),
    *("%", "%%", "%2", "%2F", "%2f", "%2e%2e", "%252F", "%00", "%0A", "%zz", "a%", "100%", "%s", "%(x)s", "%E9"),
    *(" a", "a ", "a b", " a/b ", "a\nb", "a\n", "\na", "a\r\nb", "a\tb", "\x01", "a\x1f", "\x7f", "a\x85", "a\u2028"),
    *(
        "?",
        "a?b",
        "a?",
        "#",
        "a#b",
        "&",
        "=",
        "a=b&c",
        "+",
        "a+b",
        ";",
        "a;b",
        ",",
        ":",
        "a:b",
        "@",
        "!",
        "*",
        "~",
        "|",
    ),
    *(
        "'",
        '"',
        "''",
        '"1"',
        "`",
        "<script>",
        "\\",
        "a\\b",
        "..\\a",
        "^",
        "{}",
        "{a}",
        "[]",
        "()",
        "$a",
        "$ne",
        "<int:a>",
    ),
    *(
        "caf\u00e9",
        "cafe\u0301",
        "\u65e5\u672c\u8a9e",
        "\U0001f375",
        "\u202e",
        "a\u200bb",
        "\ufeffa",
        "\ufffe",
        "\U0010ffff",
    ),
    *("x" * 255, "\U0001f375" * 255, "/".join("abcdefghij" * 12), "%" * 255),
    *("history", "restore", "historys", "a/histor", "history/a", "a/history/b", "a/History"),
    *("me", "users", "memories", "topics", "0", "-1", "None", "null", "true", "Bulk", "BULK", "bulk ", "export.csv"),
]
REFUSED = [
    *("bulk", "delete", "duplicates", "export", "merge", "search"),
    *("a/history", "a/restore", "a/b/history", "history/history"),
    *("/", "//", "/a", "a/", "a//b", "///"),
    *(".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "../../a", "http://a/b"),
    *("", " ", "\n", "\x1f", "\u2028", "\u3000", "x" * 256, "a\x00b"),
]


def life(client: Any, memory_id: str) -> dict[str, int]:
    """Create, read, replace, change and delete a memory at its Location; return the statuses."""
    created = client.call("POST", "memories/", {"memory": "x", "memory_id": memory_id})
    assert created.status_code == 201
    where = created["Location"]
    assert where.isascii()
    assert where.endswith(f"/api/memories/{quote(memory_id, safe='')}/")
    statuses = {}
    for name, method, body in (
        ("read", "GET", None),
        ("replaced", "PUT", {"memory": "y"}),
        ("changed", "PATCH", {"feedback": "good", "memory_id": memory_id}),
    ):
        response = client.call(method, where, body)
        statuses[name] = response.status_code
        assert response.json()["memory_id"] == memory_id
    statuses["deleted"] = client.call("DELETE", where).status_code
    statuses["gone"] = client.call("GET", where).status_code
    statuses["made by PUT"] = client.call("PUT", where, {"memory": "x"}, headers={"If-None-Match": "*"}).status_code
    response = client.call("POST", "memories/delete/", {"memory_ids": [memory_id]})
    statuses["deleted again"] = response.status_code
    assert response.json() == {"deleted": [memory_id]}
    return statuses


LIFE = {
    "read": 200,
    "replaced": 200,
    "changed": 200,
    "deleted": 204,
    "gone": 404,
    "made by PUT": 201,
    "deleted again": 200,
}


@each_database
def test_ids_that_work(alias: str, ana: Caller) -> None:
    assert {memory_id: lived for memory_id in WORK if (lived := life(ana, memory_id)) != LIFE} == {}


@each_database
def test_ids_that_are_refused(alias: str, ana: Caller, admin: Caller) -> None:
    put = {"If-None-Match": "*"}
    for memory_id in REFUSED:
        single = ana.call("POST", "memories/", {"memory": "x", "memory_id": memory_id})
        many = ana.call("POST", "memories/bulk/", [{"memory": "x"}, {"memory": "x", "memory_id": memory_id}])
        assert (memory_id, single.status_code, list(single.json())) == (memory_id, 400, ["memory_id"])
        assert (memory_id, many.status_code, list(many.json()["1"])) == (memory_id, 400, ["memory_id"])
        # Without those that are addresses of something else.
        if memory_id and not is_reserved(memory_id):
            by_put = ana.call("PUT", one(memory_id), {"memory": "x"}, headers=put)
            assert (memory_id, by_put.status_code) == (memory_id, 400)
    assert not UserMemory.objects.exists()


@each_database
def test_ids_that_others_made_can_be_deleted(alias: str, ana: Caller) -> None:
    """The service takes more ids than a URL can carry."""
    ids = ["bulk", "a//b", "..", "/"]
    Memory().add_user_memories([UserMemory(memory="x", memory_id=memory_id) for memory_id in ids], "ana")
    assert ana.call("POST", "memories/delete/", {"memory_ids": ids}).json() == {"deleted": ids}


@on_sqlite
def test_any_id_works_or_is_refused(alias: str, ana: Caller) -> None:
    @given(st.text(min_size=1, max_size=12) | st.text("/.%\\?#& +a\n\x00", min_size=1, max_size=6))
    def check(memory_id: str) -> None:
        response = ana.call("POST", "memories/", {"memory": "x", "memory_id": memory_id})
        assert response.status_code in {201, 400}
        if response.status_code == 201:
            assert ana.call("DELETE", response["Location"]).status_code == 204
            assert life(ana, memory_id) == LIFE

    check()


@each_database
def test_user_ids_that_work(alias: str, ana: Caller, admin: Caller) -> None:
    for user_id in WORK:
        if user_id == "me":
            continue
        added = admin.call("POST", "memories/", {"memory": "x", "user_id": user_id})
        assert (user_id, added.status_code) == (user_id, 201)
        assert admin.call("GET", added["Location"]).json()["user_id"] == user_id
        assert admin.call("GET", "stats/", user_id=user_id).json()["total"] == 1
        path = f"users/{quote(user_id, safe='')}/memories/"
        assert (user_id, admin.call("DELETE", path, confirm="x").status_code) == (user_id, 400)
        assert (user_id, ana.call("DELETE", path, confirm=user_id).status_code) == (user_id, 403)
        erased = admin.call("DELETE", path, confirm=user_id)
        assert (user_id, erased.status_code, erased.json()) == (user_id, 200, {"deleted": 1})
    assert not UserMemory.objects.exists()


@on_sqlite
def test_user_ids_that_no_path_can_contain_are_refused(alias: str, admin: Caller) -> None:
    for user_id in ("me", "a/", "a//b", "..", "x" * 256, " ", "a\x00"):
        for path, body in (
            ("memories/", {"memory": "x", "user_id": user_id}),
            ("memories/bulk/", [{"memory": "x", "user_id": user_id}]),
        ):
            assert (user_id, admin.call("POST", path, body).status_code) == (user_id, 400)
    assert not UserMemory.objects.exists()


@on_sqlite
def test_a_user_named_me_can_be_named(alias: str, admin: Caller) -> None:
    """In a path, `me` is the caller; in a parameter, it is a user of this name."""
    me, ana = caller("me"), caller("ana")
    for who in (me, ana):
        assert who.call("POST", "memories/", {"memory": "x"}).status_code == 201
    assert ana.call("DELETE", "users/me/memories/?confirm=me").status_code == 400
    assert ana.call("DELETE", "users/me/memories/?confirm=me&user_id=me").status_code == 403
    assert admin.call("DELETE", "users/me/memories/?confirm=me&user_id=me").json() == {"deleted": 1}
    assert me.call("DELETE", "users/me/memories/?confirm=me").json() == {"deleted": 0}
    assert list(UserMemory.objects.values_list("user_id", flat=True)) == ["ana"]


class Wire:
    """A client that sends requests unchanged to a real server, over a socket."""

    def __init__(self, server: LiveServer, token: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        self.token = token

    def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
        target = urlsplit(path)._replace(scheme="", netloc="").geturl() if path.startswith("http:") else f"/api/{path}"
        sent = {"Authorization": f"Token {self.token}", "Content-Type": "application/json", **(headers or {})}
        self.connection.request(method, target, None if body is None else json.dumps(body), sent)
        return Received(self.connection.getresponse())


class Received:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status_code, self.headers, self.content = response.status, response.headers, response.read()

    def __getitem__(self, name: str) -> str:
        return str(self.headers[name])

    def json(self) -> Any:
        return json.loads(self.content)


@on_sqlite_commits
def test_ids_over_the_wire(alias: str, ana: Caller, live_server: LiveServer) -> None:
    wire = Wire(live_server, Token.objects.get(user=ana.user).key)  # type: ignore[misc]
    assert {memory_id: lived for memory_id in WORK if (lived := life(wire, memory_id)) != LIFE} == {}
    for memory_id in REFUSED:
        assert wire.call("POST", "memories/", {"memory": "x", "memory_id": memory_id}).status_code == 400
    for target in (
        "memories/%ff/",
        "memories/%c3/",
        "memories/a%00b/",
        "memories//",
        "memories/../x/",
        "memories/%",
    ):
        assert wire.call("GET", target).status_code == 404
    assert wire.call("GET", "?%ff").status_code == 400
    assert wire.call("GET", "memories/?%ff=%ff").status_code == 400
