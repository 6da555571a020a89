"""Permissions: a table of callers, requests and owners, cell by cell; no response reveals memories of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

import pytest

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.rest.permissions import MemoryPermissions
from tests.rest.api import Caller, add, caller, each_database, response_parts

# The callers. All but the first have a memory "mine"; "theirs" is Bob's, and Bob is not a caller.
CALLERS: dict[str, Callable[[], Caller]] = {
    "anonymous": Caller,
    "ana": lambda: caller("ana"),
    "staff": lambda: caller("staff", staff=True),
    "view": lambda: caller("view", "view"),
    "add": lambda: caller("add", "add"),
    "change": lambda: caller("change", "change"),
    "delete": lambda: caller("delete", "delete"),
    "superuser": lambda: caller("superuser", superuser=True),
}

# A line is a request: method, path, ids and owners in the body, and the status for each caller.
# {me} is the caller's id. In the body: `new` is a memory, `id=`/`user=`/`version=` name one; `[..]` are several; `*` is
# If-None-Match: *, with which PUT creates.
TABLE = """
                                                               anonymous ana staff view add change delete superuser
GET    memories/                            -                  401       200 200   200  200 200    200    200
GET    memories/?user_id={me}               -                  401       200 200   200  200 200    200    200
GET    memories/?user_id=bob                -                  401       403 403   200  403 403    403    200
GET    memories/?user_id=nobody             -                  401       403 403   200  403 403    403    200
GET    memories/?user_id={me}&user_id=bob   -                  401       403 403   400  403 403    403    400
POST   memories/                            new                401       201 201   201  201 201    201    201
POST   memories/?user_id={me}               new                401       201 201   201  201 201    201    201
POST   memories/                            user={me}          401       201 201   201  201 201    201    201
POST   memories/?user_id=bob                new                401       403 403   403  201 403    403    201
POST   memories/                            user=bob           401       403 403   403  201 403    403    201
POST   memories/?user_id=bob                user=bob           401       403 403   403  201 403    403    201
POST   memories/?user_id={me}               user=bob           401       403 403   403  400 403    403    400
POST   memories/?user_id=bob                user={me}          401       403 403   403  400 403    403    400
POST   memories/                            id=mine            401       409 409   409  409 409    409    409
POST   memories/                            id=theirs          401       201 201   201  201 201    201    201
POST   memories/?user_id=bob                id=theirs          401       403 403   403  409 403    403    409
POST   memories/?user_id=bob                id=mine            401       403 403   403  201 403    403    201
POST   memories/bulk/                       [new,new]          401       201 201   201  201 201    201    201
POST   memories/bulk/?user_id=bob           [new,new]          401       403 403   403  201 403    403    201
POST   memories/bulk/                       [user=bob,user=bob] 401      403 403   403  201 403    403    201
POST   memories/bulk/                       [user={me},user=bob] 401     403 403   403  400 403    403    400
POST   memories/bulk/                       [new,user={me}]    401       201 201   201  201 201    201    201
POST   memories/bulk/                       [new,id=mine]      401       409 409   409  409 409    409    409
POST   memories/bulk/                       [new,id=theirs]    401       201 201   201  201 201    201    201
GET    memories/mine/                       -                  401       200 200   200  200 200    200    200
GET    memories/mine/?user_id={me}          -                  401       200 200   200  200 200    200    200
GET    memories/mine/?user_id=bob           -                  401       403 403   404  403 403    403    404
GET    memories/theirs/                     -                  401       404 404   404  404 404    404    404
GET    memories/theirs/?user_id=bob         -                  401       403 403   200  403 403    403    200
GET    memories/nothing/                    -                  401       404 404   404  404 404    404    404
GET    memories/nothing/?user_id=bob        -                  401       403 403   404  403 403    403    404
PUT    memories/mine/                       new                401       200 200   200  200 200    200    200
PUT    memories/mine/                       user={me}          401       200 200   200  200 200    200    200
PUT    memories/mine/?user_id=bob           new                401       403 403   403  403 404    403    404
PUT    memories/theirs/                     new                401       404 404   404  404 404    404    404
PUT    memories/theirs/?user_id=bob         new                401       403 403   403  403 200    403    200
PUT    memories/theirs/                     user=bob           401       403 403   403  403 200    403    200
PUT    memories/mine/                       user=bob           401       403 403   403  403 404    403    404
PUT    memories/nothing/                    new                401       404 404   404  404 404    404    404
PUT    memories/nothing/?user_id=bob        new                401       403 403   403  403 404    403    404
PUT    memories/nothing/                    *new               401       201 201   201  201 201    201    201
PUT    memories/nothing/?user_id=bob        *new               401       403 403   403  201 403    403    201
PUT    memories/nothing/                    *user=bob          401       403 403   403  201 403    403    201
PUT    memories/mine/                       *new               401       412 412   412  412 412    412    412
PUT    memories/theirs/                     *new               401       201 201   201  201 201    201    201
PUT    memories/theirs/?user_id=bob         *new               401       403 403   403  412 403    403    412
PATCH  memories/mine/                       new                401       200 200   200  200 200    200    200
PATCH  memories/mine/                       user={me}          401       200 200   200  200 200    200    200
PATCH  memories/mine/?user_id=bob           new                401       403 403   403  403 404    403    404
PATCH  memories/theirs/                     new                401       404 404   404  404 404    404    404
PATCH  memories/theirs/?user_id=bob         new                401       403 403   403  403 200    403    200
PATCH  memories/theirs/                     user=bob           401       403 403   403  403 200    403    200
PATCH  memories/mine/                       user=bob           401       403 403   403  403 404    403    404
PATCH  memories/nothing/                    new                401       404 404   404  404 404    404    404
PATCH  memories/nothing/?user_id=bob        new                401       403 403   403  403 404    403    404
DELETE memories/mine/                       -                  401       204 204   204  204 204    204    204
DELETE memories/mine/?user_id=bob           -                  401       403 403   403  403 403    404    404
DELETE memories/theirs/                     -                  401       404 404   404  404 404    404    404
DELETE memories/theirs/?user_id=bob         -                  401       403 403   403  403 403    204    204
DELETE memories/nothing/                    -                  401       404 404   404  404 404    404    404
DELETE memories/nothing/?user_id=bob        -                  401       403 403   403  403 403    404    404
POST   memories/delete/                     ids=mine           401       200 200   200  200 200    200    200
POST   memories/delete/                     ids=theirs         401       200 200   200  200 200    200    200
POST   memories/delete/                     ids=nothing        401       200 200   200  200 200    200    200
POST   memories/delete/?user_id=bob         ids=theirs         401       403 403   403  403 403    200    200
POST   memories/delete/                     ids=theirs,user=bob 401      403 403   403  403 403    200    200
GET    memories/export/                     -                  401       200 200   200  200 200    200    200
GET    memories/export/?user_id=bob         -                  401       403 403   403  403 403    403    200
GET    memories/?deleted=true               -                  401       403 403   403  403 403    403    200
GET    memories/?deleted=true&user_id=bob   -                  401       403 403   403  403 403    403    200
GET    memories/mine/history/               -                  401       200 200   200  200 200    200    200
GET    memories/mine/history/?user_id=bob   -                  401       403 403   404  403 403    403    404
GET    memories/theirs/history/             -                  401       404 404   404  404 404    404    404
GET    memories/theirs/history/?user_id=bob -                  401       403 403   200  403 403    403    200
POST   memories/mine/restore/               version=1          401       200 200   200  200 200    200    200
POST   memories/mine/restore/               version=9          401       404 404   404  404 404    404    404
POST   memories/theirs/restore/             version=1          401       404 404   404  404 404    404    404
POST   memories/theirs/restore/?user_id=bob version=1          401       403 403   403  403 200    403    200
POST   memories/theirs/restore/             version=1,user=bob 401       403 403   403  403 200    403    200
POST   memories/merge/                      ids=mine+mine      401       400 400   400  400 400    400    400
POST   memories/merge/                      ids=mine+theirs    401       404 404   404  404 404    404    404
POST   memories/merge/?user_id=bob          ids=theirs+mine    401       403 403   403  403 403    403    404
POST   memories/merge/                      ids=theirs+mine,user=bob 401 403 403   403  403 403    403    404
GET    memories/duplicates/                 -                  401       200 200   200  200 200    200    200
GET    memories/duplicates/?user_id=bob     -                  401       403 403   200  403 403    403    200
DELETE memories/mine/?permanently=true      -                  401       204 204   204  204 204    204    204
DELETE memories/theirs/?permanently=true    -                  401       404 404   404  404 404    404    404
DELETE memories/theirs/?permanently=true&user_id=bob -         401       403 403   403  403 403    204    204
GET    topics/                              -                  401       200 200   200  200 200    200    200
GET    topics/?user_id=bob                  -                  401       403 403   200  403 403    403    200
GET    stats/                               -                  401       200 200   200  200 200    200    200
GET    stats/?user_id=bob                   -                  401       403 403   200  403 403    403    200
GET    users/                               -                  401       403 403   200  403 403    403    200
DELETE users/me/memories/                   -                  401       400 400   400  400 400    400    400
DELETE users/me/memories/?confirm=me        -                  401       400 400   400  400 400    400    400
DELETE users/me/memories/?confirm={me}      -                  401       200 200   200  200 200    200    200
DELETE users/{me}/memories/?confirm={me}    -                  401       200 200   200  200 200    200    200
DELETE users/{me}/memories/?confirm=bob     -                  401       400 400   400  400 400    400    400
DELETE users/bob/memories/?confirm=bob      -                  401       403 403   403  403 403    200    200
DELETE users/bob/memories/                  -                  401       403 403   403  403 403    400    400
DELETE users/me/memories/?confirm=bob&user_id=bob -            401       403 403   403  403 403    200    200
DELETE users/nobody/memories/?confirm=nobody -                 401       403 403   403  403 403    200    200
GET    users/me/                            -                  401       200 200   200  200 200    200    200
GET    users/{me}/                          -                  401       200 200   200  200 200    200    200
GET    users/bob/                           -                  401       403 403   403  403 403    403    200
GET    users/nobody/                        -                  401       403 403   403  403 403    403    200
DELETE users/me/                            -                  401       400 400   400  400 400    400    400
DELETE users/me/?confirm={me}               -                  401       200 200   200  200 200    200    200
DELETE users/bob/?confirm=bob               -                  401       403 403   403  403 403    403    200
DELETE users/bob/                           -                  401       403 403   403  403 403    403    400
GET    sessions/?user_id=bob                -                  401       403 403   403  403 403    403    200
GET    sessions/export/                     -                  401       200 200   200  200 200    200    200
GET    sessions/export/?user_id=bob         -                  401       403 403   403  403 403    403    200
DELETE sessions/none/?user_id=bob           -                  401       403 403   403  403 403    403    404
"""


class Row(NamedTuple):
    method: str
    path: str
    body: str
    statuses: tuple[int, ...]


ROWS = [
    Row(method, path, body, tuple(map(int, statuses)))
    for method, path, body, *statuses in (line.split() for line in TABLE.strip().splitlines()[1:])
]


def item(said: str) -> dict[str, Any]:
    """Return the body of a word of the table."""
    body: dict[str, Any] = {}
    for part in said.split(","):
        name, _equals, value = part.partition("=")
        match name:
            case "ids":
                body["memory_ids"] = value.split("+")
            case "version":
                body["version"] = int(value)
            case "user":
                body["user_id"] = value
            case "id":
                body["memory_id"] = value
    return body if {"memory_ids", "version"} & body.keys() else {"memory": "new", **body}


def send(who: Caller, row: Row) -> Any:
    me = getattr(who.user, "username", "") or "ana"
    said, path = row.body.format(me=me), row.path.format(me=me)
    headers = {"If-None-Match": "*"} if said.startswith("*") else None
    said = said.removeprefix("*")
    if said == "-":
        return who.call(row.method, path)
    many = said.startswith("[")
    body = [item(each) for each in said[1:-1].split(",")] if many else item(said)
    return who.call(row.method, path, body, headers=headers)


def furnish(me: str) -> None:
    """Restore the rows: one memory of the caller, one of Bob."""
    Memory().clear()
    add(me or "nobody in particular", "mine", memory_id="mine", topics=["my topic"])
    add("bob", "theirs", memory_id="theirs", topics=["their topic"])


def content() -> list[tuple[str, str, str]]:
    return sorted(UserMemory.objects.values_list("memory_id", "user_id", "memory"))


def test_the_table_has_a_column_for_everybody() -> None:
    assert TABLE.split("\n", 2)[1].split() == list(CALLERS)
    assert {len(row.statuses) for row in ROWS} == {len(CALLERS)}
    assert len({row[:3] for row in ROWS}) == len(ROWS)


@each_database
@pytest.mark.parametrize("name", CALLERS)
def test_every_cell(alias: str, name: str) -> None:
    who = CALLERS[name]()
    me = who.user.get_username()
    column = list(CALLERS).index(name)
    furnish(me)
    before = content()
    wrong, changed = {}, []
    for row in ROWS:
        response = send(who, row)
        response_parts(response)
        if response.status_code != row.statuses[column]:
            wrong[row[:3]] = response.status_code, row.statuses[column]
        if (after := content()) != before:
            if response.status_code >= 400:
                changed.append(row)
            # A request that does not name Bob must not change his memories.
            if "bob" not in row.path + row.body and after_of("bob", after) != after_of("bob", before):
                changed.append(row)
            furnish(me)
    assert wrong == {}
    assert changed == []


def after_of(owner: str, rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [row for row in rows if row[1] == owner]


def test_no_answer_to_the_anonymous_differs() -> None:
    assert {row.statuses[0] for row in ROWS} == {401}


# Pairs of requests with indistinguishable responses: one names a memory of Bob's, the other a missing one.
PAIRS = [
    ("{method} memories/theirs/ {body}", "{method} memories/absent/ {body}"),
    ("{method} memories/theirs/?user_id=bob {body}", "{method} memories/absent/?user_id=nil {body}"),
    ("{method} memories/theirs/?user_id=bob {body}", "{method} memories/absent/?user_id=bob {body}"),
    ("{method} memories/theirs/history/ {body}", "{method} memories/absent/history/ {body}"),
    ("{method} memories/theirs/history/?user_id=bob {body}", "{method} memories/absent/history/?user_id=nil {body}"),
    ("{method} memories/theirs/restore/ {body}", "{method} memories/absent/restore/ {body}"),
    ("{method} memories/duplicates/?user_id=bob {body}", "{method} memories/duplicates/?user_id=nil {body}"),
    ("{method} memories/?user_id=bob {body}", "{method} memories/?user_id=nil {body}"),
    ("{method} memories/export/?user_id=bob {body}", "{method} memories/export/?user_id=nil {body}"),
    ("{method} topics/?user_id=bob {body}", "{method} topics/?user_id=nil {body}"),
    ("{method} stats/?user_id=bob {body}", "{method} stats/?user_id=nil {body}"),
    ("{method} users/bob/memories/?confirm=bob {body}", "{method} users/nil/memories/?confirm=nil {body}"),
    ("{method} users/bob/memories/ {body}", "{method} users/nil/memories/ {body}"),
]
METHODS = [
    "GET -",
    "HEAD -",
    "OPTIONS -",
    "POST new",
    "POST user=bob",
    "PUT new",
    "PUT user=bob",
    "PATCH new",
    "DELETE -",
]
HEADERS: list[dict[str, str]] = [
    {},
    {"If-Match": '"1"'},
    {"If-Match": "*"},
    {"If-None-Match": '"1"'},
    {"Accept": "application/problem+json"},
]
BROWSER = {"Accept": "text/html"}


@each_database
def test_responses_do_not_reveal_memories_of_others(alias: str) -> None:
    who = caller("ana")
    furnish("ana")
    differing = []
    for there, absent in PAIRS:
        for method, body in (each.split() for each in METHODS):
            for headers in [*HEADERS, BROWSER] if method == "GET" else HEADERS:
                answers = [
                    answer(who, pattern.format(method=method, body=body), headers) for pattern in (there, absent)
                ]
                if answers[0] != answers[1]:
                    differing.append((there, method, body, headers, answers))
    assert differing == []
    assert content() == [("mine", "ana", "mine"), ("theirs", "bob", "theirs")]


def answer(who: Caller, request: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Return a response without the parts that repeat the request."""
    method, path, body = request.split()
    response = who.call(method, path, None if body == "-" else item(body), headers=headers)
    status, answered, text = response_parts(response)
    # The token against CSRF, in a page of the browsable API, is another one each time.
    text = re.sub(rb"theirs|absent|bob|nil|\b[A-Za-z0-9]{64}\b", b"...", text)
    return status, {name: value for name, value in answered.items() if name != "Content-Length"}, text


@each_database
def test_delete_many_does_not_reveal_memories_of_others(alias: str) -> None:
    who = caller("ana")
    furnish("ana")
    response = who.call("POST", "memories/delete/", {"memory_ids": ["theirs", "nothing", "mine", "mine"]})
    assert (response.status_code, response.json()) == (200, {"deleted": ["mine"]})
    assert content() == [("theirs", "bob", "theirs")]


@each_database
def test_location_of_a_memory_of_another_user(alias: str) -> None:
    """Location can be followed unchanged."""
    who = caller("admin", superuser=True)
    for number, response in enumerate(
        [
            who.call("POST", "memories/?user_id=bob", {"memory": "x"}),
            who.call("POST", "memories/", {"memory": "x", "user_id": "bob"}),
            who.call("POST", "memories/?user_id=b%26b%3D%C3%A9%20%2B", {"memory": "x"}),
        ]
    ):
        assert response.status_code == 201, number
        followed = who.call("GET", response["Location"])
        assert (number, followed.status_code) == (number, 200)
        assert followed.json() == response.json()


@each_database
def test_an_owner_is_for_good(alias: str) -> None:
    """The owner of a memory cannot be changed."""
    who = caller("admin", superuser=True)
    furnish("admin")
    for method in ("PUT", "PATCH"):
        assert who.call(method, "memories/mine/", {"memory": "x", "user_id": "bob"}).status_code == 404
        assert who.call(method, "memories/theirs/", {"memory": "x", "user_id": "admin"}).status_code == 404
        moved = who.call(method, "memories/theirs/?user_id=bob", {"memory": "x", "user_id": "admin"})
        assert (moved.status_code, list(moved.json())) == (400, ["user_id"])
    assert content() == [("mine", "admin", "mine"), ("theirs", "bob", "theirs")]


def test_a_request_without_a_user_is_refused() -> None:
    """REST framework's ``UNAUTHENTICATED_USER`` may be None."""
    request: Any = mock.Mock(user=None)
    view: Any = mock.Mock(concerns_others=lambda: False)
    assert MemoryPermissions().has_permission(request, view) is False
