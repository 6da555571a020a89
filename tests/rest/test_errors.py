"""Every invalid request gets a 4xx with a useful message, and a database that is not available a 503."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connections
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from agno_memory.models import UserMemory
from agno_memory.names import FIELDS
from tests.databases import handles_allowed
from tests.rest.api import (
    PROBLEM,
    Caller,
    add,
    add_many,
    broken,
    each_database,
    on_sqlite,
    one,
    site,
    sql_databases_commits,
)

JSON = "application/json"


def post(client: Caller, body: bytes | str, path: str = "memories/", content_type: str = JSON, **more: Any) -> Any:
    """Send a body as it is."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return client.generic("POST", client.base + path, raw, content_type=content_type, **more)  # type: ignore[arg-type]


# Bodies

LONG = "9" * 5_000
BODIES: dict[str, tuple[str | bytes, list[str]]] = {
    # problem: the body, and the fields that the response names
    "nothing": (b"", ["memory"]),
    "half an object": ("{", ["detail"]),
    "no JSON": ("memory=x", ["detail"]),
    "null": ("null", ["non_field_errors"]),
    "a list": ("[]", ["non_field_errors"]),
    "a text": ('"x"', ["non_field_errors"]),
    "a number": ("1", ["non_field_errors"]),
    "no UTF-8": (b'{"memory": "\xff"}', ["detail"]),
    "UTF-16": ('{"memory": "x"}'.encode("utf-16"), ["detail"]),
    "a byte order mark": (b'\xef\xbb\xbf{"memory": "x"}', ["detail"]),
    "not a number": ('{"memory": NaN}', ["detail"]),
    "infinity": ('{"memory": "x", "metadata": {"a": 1e999}}', ["metadata"]),
    "a number too long": (f'{{"memory": "x", "metadata": {{"a": {LONG}}}}}', ["detail"]),
    "a number beyond 64 bits": ('{"memory": "x", "metadata": {"a": 9223372036854775808}}', ["metadata"]),
    "no text": ('{"memory": ""}', ["memory"]),
    "blank": ('{"memory": " \\n"}', ["memory"]),
    "text is null": ('{"memory": null}', ["memory"]),
    "text is a number": ('{"memory": 1}', ["memory"]),
    "text is true": ('{"memory": true}', ["memory"]),
    "text is a list": ('{"memory": ["x"]}', ["memory"]),
    "text is an object": ('{"memory": {"x": 1}}', ["memory"]),
    "text too long": (json.dumps({"memory": "x" * 10_001}), ["memory"]),
    "NUL": ('{"memory": "a\\u0000b"}', ["memory"]),
    "half a surrogate pair": ('{"memory": "\\ud83c"}', ["memory"]),
    "half a surrogate pair in a name": ('{"memory": "x", "\\ud83c": 1}', ["\\ud83c"]),
    "NUL in a name": ('{"memory": "x", "\\u0000": 1}', ["\x00"]),
    "topics are a text": ('{"memory": "x", "topics": "tea"}', ["topics"]),
    "topics are an object": ('{"memory": "x", "topics": {"tea": 1}}', ["topics"]),
    "a topic is a number": ('{"memory": "x", "topics": ["tea", 1]}', ["topics"]),
    "a topic is blank": ('{"memory": "x", "topics": [" "]}', ["topics"]),
    "a topic has NUL": ('{"memory": "x", "topics": ["\\u0000"]}', ["topics"]),
    "a topic is too long": (json.dumps({"memory": "x", "topics": ["x" * 101]}), ["topics"]),
    "topics are too many": (json.dumps({"memory": "x", "topics": list(map(str, range(51)))}), ["topics"]),
    "metadata is a list": ('{"memory": "x", "metadata": []}', ["metadata"]),
    "metadata is a text": ('{"memory": "x", "metadata": "{}"}', ["metadata"]),
    "metadata is an operator": ('{"memory": "x", "metadata": {"$where": "1"}}', ["metadata"]),
    "metadata has NUL": ('{"memory": "x", "metadata": {"a": ["\\u0000"]}}', ["metadata"]),
    "metadata has NUL in a name": ('{"memory": "x", "metadata": {"\\u0000": 1}}', ["metadata"]),
    "metadata has half a pair in a name": ('{"memory": "x", "metadata": {"\\ud83c": 1}}', ["metadata"]),
    "metadata is too large": (json.dumps({"memory": "x", "metadata": {"a": "x" * 70_000}}), ["metadata"]),
    "metadata is too deep": ('{"memory": "x", "metadata": ' + '{"a":' * 33 + "1" + "}" * 34, ["metadata"]),
    "input is a number": ('{"memory": "x", "input": 1}', ["input"]),
    "input is too long": (json.dumps({"memory": "x", "input": "x" * 100_001}), ["input"]),
    "feedback is a list": ('{"memory": "x", "feedback": []}', ["feedback"]),
    "agent_id is a number": ('{"memory": "x", "agent_id": 1}', ["agent_id"]),
    "agent_id is blank": ('{"memory": "x", "agent_id": " "}', ["agent_id"]),
    "team_id is too long": (json.dumps({"memory": "x", "team_id": "x" * 256}), ["team_id"]),
    "session_id has NUL": ('{"memory": "x", "session_id": "\\u0000"}', ["session_id"]),
    "memory_id is a number": ('{"memory": "x", "memory_id": 1}', ["memory_id"]),
    "memory_id is null": ('{"memory": "x", "memory_id": null}', ["memory_id"]),
    "memory_id is blank": ('{"memory": "x", "memory_id": ""}', ["memory_id"]),
    "memory_id is too long": (json.dumps({"memory": "x", "memory_id": "x" * 256}), ["memory_id"]),
    "memory_id has NUL": ('{"memory": "x", "memory_id": "\\u0000"}', ["memory_id"]),
    "memory_id has half a pair": ('{"memory": "x", "memory_id": "\\ud83c"}', ["memory_id"]),
    "everything": ('{"memory": 1, "topics": 1, "metadata": 1, "input": 1}', ["memory", "topics", "input", "metadata"]),
}


@on_sqlite
@pytest.mark.parametrize("wrong", BODIES)
def test_errors_of_a_body_are_by_field(alias: str, ana: Caller, wrong: str) -> None:
    body, fields = BODIES[wrong]
    add("ana", memory_id="a")
    for method, path in (("POST", "memories/"), ("PUT", one("a")), ("PATCH", one("a"))):
        if wrong == "nothing" and method == "PATCH":
            continue  # changes nothing, which is allowed
        if wrong.startswith("memory_id") and method != "POST":
            fields = ["memory_id"]
        raw = body if isinstance(body, bytes) else body.encode()
        response = ana.generic(method, f"/api/{path}", raw, content_type=JSON)  # type: ignore[arg-type]
        assert (method, response.status_code, sorted(response.json())) == (method, 400, sorted(fields))
        assert all(response.json().values())
    assert UserMemory.objects.values_list("memory", "version").get() == ("Likes tea", 1)


@on_sqlite
@pytest.mark.parametrize("wrong", BODIES)
def test_errors_of_many_memories_are_by_position(alias: str, ana: Caller, wrong: str) -> None:
    body, fields = BODIES[wrong]
    if isinstance(body, bytes) or fields == ["detail"]:
        return
    response = post(ana, f'[{{"memory": "good"}}, {body}]', "memories/bulk/")
    assert response.status_code == 400
    errors = response.json()
    assert list(errors) == ["1"]
    if body != "null":
        assert sorted(errors["1"]) == sorted(fields)
    assert not UserMemory.objects.exists()


@on_sqlite
def test_no_error_repeats_the_text_of_a_memory(alias: str, ana: Caller) -> None:
    secret = "my diagnosis"
    for body in (
        {"memory": secret + "\x00"},
        {"memory": secret * 1_000},
        {"memory": [secret]},
        {"memory": "x", "topics": secret},
        {"memory": "x", "topics": [secret * 10]},
        {"memory": "x", "metadata": [secret]},
        {"memory": "x", "metadata": {"a": secret + "\x00"}},
        {"memory": "x", "input": {"a": secret}},
    ):
        response = ana.call("POST", "memories/", body)
        assert (response.status_code, secret in response.content.decode()) == (400, False)


@on_sqlite
def test_an_unknown_field_is_named_with_the_known_ones(alias: str, ana: Caller) -> None:
    known = "Unknown field. Choose from: memory_id, user_id, memory, topics, input, metadata, agent_id, team_id, "
    add("ana", memory_id="a")
    for method, path in (("POST", "memories/"), ("PUT", one("a")), ("PATCH", one("a"))):
        response = ana.call(method, path, {"memory": "x", "topic": ["tea"], "search_text": "x"})
        assert (response.status_code, sorted(response.json())) == (400, ["search_text", "topic"])
        (message,) = response.json()["topic"]
        assert message.startswith(known)
        assert [name for name in FIELDS if name not in message] == []


@on_sqlite
@pytest.mark.parametrize("depth", [*range(900, 1_001, 5), 5_000, 100_000])
def test_deep_json_is_refused(alias: str, ana: Caller, admin: Caller, depth: int) -> None:
    for deep in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        for name in ("memory", "topics", "metadata", "memory_id", "user_id", "other"):
            body = f'{{"memory": "x", "{name}": {deep}}}'
            for client, path, content in ((ana, "memories/", body), (admin, "memories/bulk/", f"[{body}]")):
                assert post(client, content, path).status_code in {400, 403}
        for path in ("memories/", "memories/bulk/", "memories/delete/"):
            assert post(ana, deep, path).status_code == 400
        assert post(ana, f'{{"memory_ids": {deep}}}', "memories/delete/").status_code == 400
    assert not UserMemory.objects.exists()


@on_sqlite
def test_an_answer_does_not_outgrow_the_body(alias: str, ana: Caller) -> None:
    many = {f"f{number}": 0 for number in range(20_000)}
    for path, body in (
        ("memories/", {"memory": "x", **many}),
        ("memories/bulk/", [{"memory": "x", **many}]),
        ("memories/bulk/", [0] * 20_000),
        ("memories/delete/", {"memory_ids": [0] * 20_000}),
        ("memories/delete/", {"memory_ids": [], **many}),
        ("memories/", {"memory": "x", "topics": [0] * 20_000}),
    ):
        response = ana.call("POST", path, body)
        assert (response.status_code, len(response.content) < 10_000) == (400, True)


# Bodies


@on_sqlite
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "x",
        ";",
        ";;;",
        "application/xml",
        *(f"{JSON}; charset={name}" for name in ("utf-16", "latin-1", "zip", "?")),
    ],
)
def test_a_body_that_is_not_json_in_utf_8_is_refused(alias: str, ana: Caller, content_type: str) -> None:
    for path in ("memories/", "memories/bulk/", "memories/delete/"):
        response = post(ana, '{"memory": "x"}', path, content_type)
        assert (response.status_code, list(response.json())) == (415, ["detail"])
    assert not UserMemory.objects.exists()


@on_sqlite
@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_the_charset_may_be_utf_8(alias: str, ana: Caller, charset: str) -> None:
    response = post(ana, '{"memory": "caf\u00e9"}', content_type=f"{JSON}; charset={charset}")
    assert (response.status_code, response.json()["memory"]) == (201, "caf\u00e9")


@on_sqlite
def test_a_body_over_the_limit_is_refused_before_it_is_read(alias: str, ana: Caller) -> None:
    add("ana", memory_id="a")
    body = b'{"memory": "x"}'
    with site(alias, REST_MAX_BODY_SIZE=len(body)):
        assert post(ana, body).status_code == 201
        for method, path in (("POST", "memories/"), ("POST", "memories/bulk/"), ("PUT", one("a")), ("PATCH", one("a"))):
            response = ana.generic(method, f"/api/{path}", body + b" ", content_type=JSON)  # type: ignore[arg-type]
            assert (response.status_code, response.json()) == (
                413,
                {"detail": "At most 15 bytes: send several requests."},
            )


@on_sqlite
@pytest.mark.parametrize("length", ["x", "-1", "+5", "1e3", "5_0", "\u0663", " 5", "0x10"])
def test_a_length_that_is_not_a_number_is_refused(alias: str, ana: Caller, length: str) -> None:
    assert post(ana, b'{"memory": "x"}', CONTENT_LENGTH=length).status_code == 400


@on_sqlite
@pytest.mark.parametrize(
    "length", ["9" * 5_000, "10485761", "0" * 5_000 + "10485761"], ids=["long", "one too many", "padded"]
)
def test_a_length_of_any_size_is_compared(alias: str, ana: Caller, length: str) -> None:
    assert post(ana, b'{"memory": "x"}', CONTENT_LENGTH=length).status_code == 413


@on_sqlite
def test_a_body_in_chunks_is_refused(alias: str, ana: Caller) -> None:
    """REST framework would take the body for an empty one, and a PATCH would seem to succeed."""
    add("ana", memory_id="a")
    chunked: dict[str, Any] = {"CONTENT_LENGTH": "", "headers": {"Transfer-Encoding": "chunked"}}
    for method, path in (("POST", "memories/"), ("PATCH", one("a")), ("PUT", one("a"))):
        response = ana.generic(method, f"/api/{path}", b'{"memory": "x"}', content_type=JSON, **chunked)  # type: ignore[arg-type]
        assert (response.status_code, list(response.json())) == (411, ["detail"])
    assert UserMemory.objects.get().version == 1


@on_sqlite
def test_a_session_takes_a_token_against_forgery(alias: str, ana: Caller) -> None:
    add("ana", memory_id="a")
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(ana.user)  # type: ignore[arg-type]
    assert browser.get("/api/memories/a/").status_code == 200
    for method, path in (
        ("post", "memories/"),
        ("delete", "memories/a/"),
        ("delete", "users/me/memories/?confirm=ana"),
    ):
        assert getattr(browser, method)(f"/api/{path}").status_code == 403
    assert UserMemory.objects.count() == 1


@on_sqlite
def test_forms_are_taken_as_well(alias: str, ana: Caller) -> None:
    """The browsable API sends them, where a site has its parsers."""
    for kind in ("multipart", None):
        response = ana.post("/api/memories/", {"memory": "x", "topics": '["tea"]', "metadata": '{"a": 1}'}, format=kind)
        assert response.status_code == 201
        assert (response.json()["topics"], response.json()["metadata"]) == (["tea"], {"a": 1})
    assert ana.post("/api/memories/", {"memory": "x", "user_id": "bob"}).status_code == 403


@on_sqlite
def test_an_empty_user_in_json_is_not_the_caller(alias: str, ana: Caller, admin: Caller) -> None:
    """A program that does not know its user must not write to the memories of its own account."""
    bodies: dict[str, Any] = {
        "memories/": {"memory": "x", "user_id": ""},
        "memories/bulk/": [{"memory": "x", "user_id": ""}],
        "memories/delete/": {"memory_ids": ["m"], "user_id": ""},
    }
    for path, body in bodies.items():
        assert ana.call("POST", path, body).status_code == 403
        response = admin.call("POST", path, body)
        assert response.status_code == 400
        assert "user_id" in response.content.decode()
    assert not UserMemory.objects.exists()
    # A form sends a field that was left blank.
    assert ana.post("/api/memories/", {"memory": "x", "user_id": ""}).status_code == 201
    assert UserMemory.objects.get().user_id == "ana"


# Formats of the response


@on_sqlite
@pytest.mark.parametrize("accept", ["text/csv", "image/png", "x", ";;;", ",,,", "a/b/c", "\xff", 'a/b; x="'])
def test_an_unknown_format_is_refused_in_json(alias: str, ana: Caller, accept: str) -> None:
    for path in ("memories/", one("a"), "memories/export/", "topics/"):
        if accept == "text/csv" and path == "memories/export/":
            continue
        response = ana.call("GET", path, headers={"Accept": accept})
        assert (path, response.status_code, response["Content-Type"]) == (path, 406, JSON)
        assert list(response.json()) == ["detail"]


@on_sqlite
@pytest.mark.parametrize(
    ("accept", "status"),
    [("a/b; x*=no''%41", 406), ("*/*, a/b; q*=no''1", 200), (f"{PROBLEM}; x*=no''%41", 406)],
)
def test_an_unreadable_accept_is_ignored(alias: str, ana: Caller, accept: str, status: int) -> None:
    """Django raises a ValueError for an unknown encoding."""
    for path in ("memories/", "memories/export/"):
        assert ana.call("GET", path, headers={"Accept": accept}).status_code == status


PROBLEMS: list[tuple[str, str, Any, dict[str, str], int, str]] = [
    ("GET", "memories/nothing/", None, {}, 404, "detail"),
    ("GET", "memories/?x=1", None, {}, 400, "errors"),
    ("POST", "memories/", {"memory": ""}, {}, 400, "errors"),
    ("POST", "memories/", {"memory": "x", "memory_id": "a"}, {}, 409, "detail"),
    ("POST", "memories/bulk/", [{"memory": "x", "memory_id": "a"}], {}, 409, "errors"),
    ("POST", "memories/bulk/", [{"memory": 1}], {}, 400, "errors"),
    ("PUT", "memories/a/", {"memory": "x"}, {"If-Match": '"7"'}, 412, "detail"),
    ("GET", "memories/?user_id=bob", None, {}, 403, "detail"),
    ("PATCH", "memories/", {}, {}, 405, "detail"),
    ("GET", "memories/export/?x=1", None, {}, 400, "errors"),
    ("GET", "memories/export/?user_id=bob", None, {}, 403, "detail"),
    ("DELETE", "users/me/memories/", None, {}, 400, "errors"),
]


@each_database
@pytest.mark.parametrize(
    "accept", [PROBLEM, f"{PROBLEM}, application/json", f"*/*, {PROBLEM};q=0.1", f"text/html, {PROBLEM}"]
)
def test_errors_are_problems_if_accept_names_them(alias: str, ana: Caller, accept: str) -> None:
    add("ana", memory_id="a")
    for method, path, body, headers, status, said in PROBLEMS:
        plain = ana.call(method, path, body, headers=headers)
        assert (path, plain.status_code, plain["Content-Type"]) == (path, status, JSON)
        response = ana.call(method, path, body, headers={**headers, "Accept": accept})
        assert (path, response.status_code, response["Content-Type"]) == (path, status, PROBLEM)
        problem = response.json()
        assert list(problem) == ["type", "title", "status", said]
        assert (problem["type"], problem["status"]) == ("about:blank", status)
        assert problem[said] == (plain.json()["detail"] if said == "detail" else plain.json())
    good = ana.call("GET", "memories/", headers={"Accept": PROBLEM})
    assert (good.status_code, good["Content-Type"]) == (200, JSON)


@on_sqlite
def test_problems_before_anything_was_looked_at(alias: str, ana: Caller) -> None:
    headers = {"Accept": PROBLEM}
    assert ana.call("GET", "memories/export/", headers={"Accept": f"{PROBLEM};q=0"}).status_code == 406
    for response in (
        post(ana, "{", headers=headers),
        post(ana, "{}", content_type="text/plain", headers=headers),
        post(ana, "{}", content_type=f"{JSON}; charset=utf-16", headers=headers),
        Caller().call("GET", "memories/export/", headers=headers),
    ):
        assert response["Content-Type"] == PROBLEM
        assert response.json()["status"] == response.status_code


@on_sqlite
def test_a_challenge_comes_with_a_401(alias: str) -> None:
    for accept in (JSON, PROBLEM):
        response = Caller().call("GET", "memories/", headers={"Accept": accept})
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Token")


@on_sqlite
def test_an_unsupported_method_is_refused_with_the_supported_ones(alias: str, ana: Caller) -> None:
    for path, allowed in (
        ("memories/", "GET, POST, HEAD, OPTIONS"),
        ("memories/bulk/", "POST, OPTIONS"),
        ("memories/delete/", "POST, OPTIONS"),
        ("memories/export/", "GET, HEAD, OPTIONS"),
        ("memories/a/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("topics/", "GET, HEAD, OPTIONS"),
        ("stats/", "GET, HEAD, OPTIONS"),
        ("users/me/memories/", "DELETE, OPTIONS"),
    ):
        response = ana.generic("TRACE", f"/api/{path}")
        assert (path, response.status_code, response["Allow"]) == (path, 405, allowed)


# In a browser


@on_sqlite
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_answer_can_be_shown_in_a_browser(alias: str, ana: Caller, admin: Caller, method: str) -> None:
    paths = [
        "memories/",
        "memories/?page_size=1",
        "memories/?x=1",
        "memories/bulk/",
        "memories/delete/",
        one("a"),
        one("no"),
    ]
    paths += ["topics/", "stats/", "users/", "users/me/memories/", "users/bob/memories/"]
    add("ana", memory_id="a", topics=["<script>"])
    add_many("ana", 3)
    for who in (ana, admin, Caller()):
        for path in paths:
            for body in (None, '{"memory": 1, "topics": 1}', '{"memory": "<script>"}', '[{"memory": 1}]', "{"):
                given: dict[str, Any] = {} if body is None else {"data": body, "content_type": JSON}
                response = who.generic(method, f"/api/{path}", headers={"Accept": "text/html"}, **given)
                assert response.status_code < 500
                assert "<script>&" not in response.content.decode()


@on_sqlite
def test_an_unknown_format_is_refused_with_the_known_ones(alias: str, ana: Caller) -> None:
    for path, known in {"memories/export/": "ndjson, csv", "memories/": "json, api"}.items():
        response = ana.call("GET", path, format="xml")
        assert (response.status_code, response["Content-Type"]) == (400, JSON)
        assert response.json() == {"format": [f"Unknown format. Choose from: {known}."]}
    assert ana.call("GET", "memories/export/", format="csv").status_code == 200


@on_sqlite
def test_an_unsupported_method_is_a_405_in_any_format(alias: str, ana: Caller) -> None:
    for method in ("POST", "TRACE", "QUERY"):
        assert ana.generic(method, "/api/memories/export/?format=csv").status_code == 405


# Anything at all

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
bodies = st.dictionaries(st.sampled_from([*FIELDS, "memory_ids", "other"]), json_values, max_size=5)
anything = bodies | st.lists(bodies, max_size=3) | json_values


@on_sqlite
def test_no_body_is_an_error_of_ours(alias: str, ana: Caller, admin: Caller) -> None:
    add("ana", memory_id="a")

    @given(anything, st.sampled_from(["memories/", "memories/bulk/", "memories/delete/", "memories/a/"]), st.booleans())
    def check(body: Any, path: str, may: bool) -> None:
        client = admin if may else ana
        for method in ("POST", "PUT", "PATCH"):
            raw = json.dumps(body).encode()
            response = client.generic(method, f"/api/{path}", raw, content_type=JSON)  # type: ignore[arg-type]
            assert response.status_code < 500

    check()


@on_sqlite
def test_no_bytes_are_an_error_of_ours(alias: str, ana: Caller) -> None:
    @given(
        st.binary(max_size=40),
        st.sampled_from([JSON, "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]),
    )
    def check(body: bytes, content_type: str) -> None:
        for path in ("memories/", "memories/bulk/", "memories/delete/"):
            assert post(ana, body, path, content_type).status_code < 500

    check()


latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
parts = st.sampled_from(
    [
        PROBLEM,
        JSON,
        "*/*",
        "text/html",
        "text/csv",
        ";q=",
        "q=0.5",
        ",",
        ";",
        "x*=utf-8''%ff",
        "x*=no''%41",
        "indent=9",
        '"',
        "version=1",
    ]
)


@on_sqlite
def test_no_header_is_an_error_of_ours(alias: str, ana: Caller) -> None:
    add("ana", memory_id="a")

    @given(st.lists(parts, max_size=6).map("".join) | latin, latin, latin)
    def check(accept: str, match: str, none_match: str) -> None:
        headers = {"Accept": accept, "If-Match": match, "If-None-Match": none_match}
        for path in ("memories/", "memories/a/", "memories/export/", "memories/?x=1"):
            assert ana.call("GET", path, headers=headers).status_code < 500
        assert ana.call("PATCH", "memories/a/", {}, headers=headers).status_code < 500

    check()


# A database that is down

# A request to every endpoint.
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "memories/", None),
    ("GET", "memories/?topic=a&q=x", None),
    ("POST", "memories/", {"memory": "x"}),
    ("POST", "memories/bulk/", [{"memory": "x"}, {"memory": "y"}]),
    ("POST", "memories/delete/", {"memory_ids": ["a"]}),
    ("GET", "memories/export/", None),
    ("GET", "memories/a/", None),
    ("PUT", "memories/a/", {"memory": "x"}),
    ("PATCH", "memories/a/", {"memory": "x"}),
    ("DELETE", "memories/a/", None),
    ("GET", "topics/", None),
    ("GET", "stats/", None),
    ("GET", "users/", None),
    ("DELETE", "users/me/memories/?confirm=admin", None),
]


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
@pytest.mark.django_db(databases=["default"])
def test_a_database_that_is_down_is_a_503(
    alias: str, admin: Caller, down: None, caplog: pytest.LogCaptureFixture
) -> None:
    for method, path, body in REQUESTS:
        response = admin.call(method, path, body)
        assert (method, path, response.status_code) == (method, path, 503)
        assert (response["Retry-After"], response["Content-Type"]) == ("5", JSON)
        assert "try again" in response.json()["detail"]
    problem = admin.call("GET", "memories/export/", headers={"Accept": PROBLEM})
    assert (problem.status_code, problem["Retry-After"], problem["Content-Type"]) == (503, "5", PROBLEM)
    assert "agno_memory.rest" in caplog.text
    assert len(caplog.records) >= len(REQUESTS)


@on_sqlite
def test_a_missing_table_is_not_a_503(alias: str, admin: Caller, tmp_path: Path) -> None:
    """A retry would not help."""
    with handles_allowed():
        connections.settings["down"] = {**broken("default", tmp_path), "NAME": str(tmp_path / "empty.sqlite3")}
        with site("down"):
            for method, path, body in REQUESTS:
                with pytest.raises(DatabaseError, match="no such table"):
                    admin.call(method, path, body)


WRITES = [each for each in REQUESTS if each[0] != "GET"]
READ_ONLY = {"default": "PRAGMA query_only = on", "postgres": "SET default_transaction_read_only = on"}


@sql_databases_commits
def test_a_read_only_database_is_a_507_for_writes(alias: str, admin: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """It is read as ever. Waiting does not help, so there is no Retry-After, and the text names the reason."""
    add("admin", "hunter2", memory_id="a")
    with connections[alias].cursor() as cursor:
        cursor.execute(READ_ONLY[alias])
    try:
        for method, path, body in REQUESTS:
            response = admin.call(method, path, body)
            assert (method, path, response.status_code) == (method, path, 200 if method == "GET" else 507)
            if method != "GET":
                assert "Retry-After" not in response
                assert "read-only" in response.json()["detail"]
    finally:
        connections[alias].close()
    assert len(caplog.records) >= len(WRITES)
    assert "hunter2" not in caplog.text
    assert admin.call("GET", "memories/a/").json()["memory"] == "hunter2"


@sql_databases_commits
def test_a_full_disk_is_a_507_for_writes(alias: str, admin: Caller) -> None:
    add("admin", memory_id="a")
    long = {"memory": "x" * 9_000}
    with full_disk(alias):
        responses = [admin.call("POST", "memories/", long) for _ in range(50)]
        refused = [response for response in responses if response.status_code == 507]
        assert refused
        assert {response.status_code for response in responses} <= {201, 507}
        assert "disk" in refused[0].json()["detail"]
        assert "Retry-After" not in refused[0]
        assert admin.call("GET", "memories/a/").status_code == 200


@contextmanager
def full_disk(alias: str) -> Iterator[None]:
    """Let additions fail as on a full disk: SQLite's file may not grow, and PostgreSQL raises the same error."""
    table = UserMemory._meta.db_table
    if alias == "default":
        statements = ["PRAGMA max_page_count = 1"]
        undo: list[str] = []
    else:
        statements = [
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$",
            f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()",
        ]
        undo = [f"DROP TRIGGER full_disk ON {table}", "DROP FUNCTION full_disk"]
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    try:
        yield
    finally:
        connections[alias].close()
        with connections[alias].cursor() as cursor:
            for statement in undo:
                cursor.execute(statement)
