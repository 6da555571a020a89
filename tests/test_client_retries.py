"""Retries and their limits, errors with an unknown effect, and responses that the service does not send."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from django.core.exceptions import ValidationError

from agno_memory.client import (
    AccessDenied,
    MemoryChanged,
    MemoryClient,
    MemoryNotFound,
    RemoteError,
    ServiceUnavailable,
    Throttled,
    UnexpectedAnswer,
    UserMemory,
    protocol,
    retries,
)
from tests.scripted import (
    NOT_FOUND,
    PAYLOAD,
    PROXY,
    TOKEN,
    VERSION,
    Script,
    Step,
    Verb,
    both_ways,
    client,
    memory_of,
    page,
)

pytestmark = pytest.mark.usefixtures("no_waiting")


# Retries

CALLS: dict[str, tuple[str, tuple[Any, ...], httpx.Response]] = {
    "add_user_memory": ("POST", (UserMemory(memory="x"),), httpx.Response(201, json=PAYLOAD)),
    "add_user_memories": ("POST", ([UserMemory(memory="x")],), httpx.Response(201, json=[PAYLOAD])),
    "get_user_memory": ("GET", ("m1",), httpx.Response(200, json=PAYLOAD)),
    "get_user_memories": ("GET", (), page("m1")),
    "search_user_memories": ("GET", (), page("m1")),
    "replace_user_memory": ("PUT", ("m1", UserMemory(memory="x")), httpx.Response(200, json=PAYLOAD)),
    "upsert_user_memory": ("PUT", (UserMemory(memory="x"),), httpx.Response(200, json=PAYLOAD)),
    "delete_user_memory": ("DELETE", ("m1",), httpx.Response(204)),
    "delete_user_memories": ("POST", (["m1"],), httpx.Response(200, json={"deleted": ["m1"]})),
    "get_user_memory_history": ("GET", ("m1",), httpx.Response(200, json={"next": None, "results": [VERSION]})),
    "restore_user_memory": ("POST", ("m1",), httpx.Response(200, json=PAYLOAD)),
    "merge_user_memories": ("POST", (["m1", "m2"],), httpx.Response(200, json=PAYLOAD)),
    "duplicates": ("GET", (), httpx.Response(200, json={"results": [[PAYLOAD, PAYLOAD]]})),
    "clear_user_memories": ("DELETE", ("maya",), httpx.Response(200, json={"deleted": 1})),
    "erase_user": ("DELETE", ("maya",), httpx.Response(200, json={"erased": {"memories": 1}, "left": {"memories": 0}})),
    "topic_counts": ("GET", (), httpx.Response(200, json={"results": []})),
    "count_user": ("GET", (), httpx.Response(200, json={"user_id": "u", "counts": {"memories": 1}})),
    "stats": (
        "GET",
        (),
        httpx.Response(200, json={"user_id": "u", "total": 0, "first_created_at": None, "last_updated": None}),
    ),
}
every_call = pytest.mark.parametrize("verb", CALLS)
TROUBLES: dict[str, Step] = {
    "503": httpx.Response(503, json={"detail": "Later."}),
    "502 of a proxy": httpx.Response(502, text="<html>Bad gateway</html>"),
    "504 of a proxy": httpx.Response(504, text="<html>Gateway timeout</html>"),
    "refused": httpx.ConnectError("refused"),
    "no connection in time": httpx.ConnectTimeout("slow"),
    "cut": httpx.RemoteProtocolError("cut"),
    "reset": httpx.ReadError("reset"),
    "no answer in time": httpx.ReadTimeout("slow"),
}
every_trouble = pytest.mark.parametrize("trouble", TROUBLES)


def test_every_verb_is_listed() -> None:
    verbs = {name for name in vars(MemoryClient) if not name.startswith("_") and f"a{name}" in vars(MemoryClient)}
    assert set(CALLS) == verbs - {"clear", "close", "iter_user_memories"}


@every_call
@every_trouble
@both_ways
def test_only_idempotent_calls_are_retried(call: Verb, verb: str, trouble: str) -> None:
    method, args, good = CALLS[verb]
    step = TROUBLES[trouble]
    script = Script(step, step, good)
    if method != "POST":
        call(script, verb, *args)
        assert [request.method for request in script.sent] == [method] * 3
        assert len({request.content for request in script.sent}) == 1
        return
    with pytest.raises(ServiceUnavailable) as caught:
        call(script, verb, *args)
    assert len(script.sent) == 1
    sent = trouble not in ("refused", "no connection in time")
    assert caught.value.may_have_happened is sent
    assert ("may have been done" if sent else "Nothing was done") in str(caught.value)


@every_call
@both_ways
def test_every_throttled_call_is_retried(call: Verb, verb: str) -> None:
    _, args, good = CALLS[verb]
    script = Script(httpx.Response(429, headers={"Retry-After": "0"}), good)
    call(script, verb, *args)
    assert len(script.sent) == 2


@every_trouble
@both_ways
def test_giving_up(call: Verb, trouble: str) -> None:
    step = TROUBLES[trouble]
    script = Script(*[step] * 3)
    with pytest.raises(ServiceUnavailable, match="tried 3 times") as caught:
        call(client(script, retries=2), "get_user_memory", "m1")
    assert not caught.value.may_have_happened
    assert caught.value.status == (step.status_code if isinstance(step, httpx.Response) else None)
    with pytest.raises(ServiceUnavailable, match="tried once"):
        call(client(Script(step), retries=0), "get_user_memory", "m1")


def test_giving_up_on_a_write_after_a_lost_response() -> None:
    script = Script(httpx.ReadError("reset"), httpx.ConnectError("refused"))
    with client(script, retries=1) as memory, pytest.raises(ServiceUnavailable) as caught:
        memory.delete_user_memory("m1")
    assert caught.value.may_have_happened


def test_giving_up_when_throttled() -> None:
    script = Script(*[httpx.Response(429)] * 2)
    with client(script, retries=1) as memory, pytest.raises(Throttled) as caught:
        memory.get_user_memory("m1")
    assert (caught.value.status, caught.value.retry_after) == (429, None)


@both_ways
def test_long_retry_after_is_an_error_at_once(call: Verb) -> None:
    for status, error in ((429, Throttled), (503, ServiceUnavailable)):
        script = Script(httpx.Response(status, headers={"Retry-After": "61"}))
        with pytest.raises(error) as caught:
            call(script, "get_user_memory", "m1")
        assert caught.value.retry_after == 61  # type: ignore[attr-defined]


@both_ways
def test_deletion_after_a_lost_response(call: Verb) -> None:
    for later in ([], [httpx.Response(429)], [httpx.ConnectError("refused")], [httpx.Response(503)]):
        call(Script(httpx.ReadError("reset"), *later, NOT_FOUND), "delete_user_memory", "m1")
    # Without a lost response, the memory did not exist.
    with pytest.raises(MemoryNotFound):
        call(Script(httpx.ConnectError("refused"), NOT_FOUND), "delete_user_memory", "m1")


@both_ways
def test_changed_memory_after_a_lost_response(call: Verb) -> None:
    changed = httpx.Response(412, json={"detail": "Changed."})
    for verb, args in (("replace_user_memory", ("m1", UserMemory(memory="x"))), ("delete_user_memory", ("m1",))):
        with pytest.raises(ServiceUnavailable, match="read before you write again") as caught:
            call(Script(httpx.ReadError("reset"), changed), verb, *args, version=1)
        assert caught.value.may_have_happened
        with pytest.raises(MemoryChanged):
            call(Script(httpx.ConnectError("refused"), changed), verb, *args, version=1)


@both_ways
def test_upsert_after_a_lost_response(call: Verb) -> None:
    taken = httpx.Response(412, json={"detail": "Taken."})
    script = Script(NOT_FOUND, httpx.ReadError("reset"), taken, httpx.Response(200, json=PAYLOAD))
    assert call(script, "upsert_user_memory", UserMemory(memory="x")) == memory_of(PAYLOAD)


def steps(request: protocol.Request, attempts: int, *outcomes: Any) -> list[Any]:
    """Return the steps of send_with_retries() for these outcomes of its requests."""
    exchange = retries.send_with_retries(request, attempts)
    coming = iter(outcomes)
    done: list[Any] = [next(exchange)]
    try:
        while True:
            done.append(exchange.send(None if isinstance(done[-1], retries.Pause) else next(coming)))
    except (StopIteration, RemoteError):
        return done


def test_waits_grow_and_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.5)
    request = protocol.Request("GET", "memories/")
    later = protocol.Response(request, 503, {})
    done = steps(request, 9, *[later] * 10)
    waits = [step.seconds for step in done if isinstance(step, retries.Pause)]
    assert done[::2] == [request] * 10
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True))
    assert waits != [step.seconds for step in steps(request, 9, *[later] * 10)[1::2]]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        *[
            (nonsense, None)
            for nonsense in ("", "soon", "-5", "1.5", "٣", "Wed, 21 Oct 2015", "Wed, 21 Oct 2015 07:28:00 -0000")
        ],
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    for status in (429, 503):
        answer = protocol.Response(protocol.Request("GET", "memories/"), status, {"retry-after": value})
        assert retries.retry_after(answer) == seconds


def test_retry_after_a_date() -> None:
    request = protocol.Request("GET", "memories/")
    moment = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert 80_000 < (retries.retry_after(protocol.Response(request, 429, {"retry-after": moment})) or 0) <= 86_400


def test_waits_obey_retry_after() -> None:
    request = protocol.Request("POST", "memories/")
    headers = {"retry-after": "7"}
    throttled, good = protocol.Response(request, 429, headers), protocol.Response(request, 200, {})
    assert steps(request, 1, throttled, good) == [request, retries.Pause(7), request]
    reading = protocol.Request("GET", "memories/")
    assert steps(reading, 1, protocol.Response(reading, 503, headers), good) == [reading, retries.Pause(7), reading]


# Responses that the service does not send


@every_call
@pytest.mark.parametrize(
    "step",
    [
        PROXY,
        httpx.Response(200, content=b'{"memory_id": "m', headers={"Content-Type": "application/json"}),
        httpx.Response(200, json={"another": "service"}),
        httpx.Response(200, json=[1, 2]),
        httpx.Response(404, text="<h1>Not found</h1>"),
        httpx.Response(400, text="<h1>Bad request</h1>"),
        httpx.Response(409, text="<h1>Conflict</h1>"),
        httpx.Response(412, text="<h1>Precondition failed</h1>"),
        httpx.Response(500, text="<h1>Server error</h1>"),
        httpx.Response(301, headers={"Location": "https://elsewhere.example.com/"}),
        httpx.Response(302, headers={"Location": "/login/"}),
        httpx.Response(304),
        httpx.Response(418, json={"detail": "I am a teapot."}),
        httpx.UnsupportedProtocol("x"),
        httpx.DecodingError("bad gzip"),
        httpx.TooManyRedirects("x"),
    ],
    ids=str,
)
@both_ways
def test_unexpected_responses(call: Verb, verb: str, step: Step) -> None:
    _, args, _ = CALLS[verb]
    script = Script(step)
    with pytest.raises(UnexpectedAnswer) as caught:
        call(script, verb, *args)
    assert len(script.sent) == 1
    assert caught.value.status == (step.status_code if isinstance(step, httpx.Response) else None)
    assert "hotel" not in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    script = Script(httpx.Response(307, headers={"Location": "https://elsewhere.example.com/"}))
    memory = client(script, token=TOKEN, follow_redirects=True)
    with memory, pytest.raises(UnexpectedAnswer, match="final address"):
        memory.get_user_memories()
    assert len(script.sent) == 1


@every_call
@pytest.mark.parametrize("status", [401, 403])
@both_ways
def test_denied(call: Verb, verb: str, status: int) -> None:
    _, args, _ = CALLS[verb]
    with pytest.raises(AccessDenied, match="Only on Sundays") as caught:
        call(Script(httpx.Response(status, json={"detail": "Only on Sundays."})), verb, *args)
    assert caught.value.status == status
    with pytest.raises(AccessDenied):
        call(Script(httpx.Response(status, text="<html>")), verb, *args)


@pytest.mark.parametrize(
    ("payload", "messages"),
    [
        (
            {"memory": ["Blank."], "topics": ["Too many.", "Too long."]},
            {"memory": ["Blank."], "topics": ["Too many.", "Too long."]},
        ),
        (
            {"topic": {"0": ["Blank."]}, "any_topic": ["x"], "q": ["y"]},
            {"topics": ["Blank."], "any_topics": ["x"], "query": ["y"]},
        ),
        ({"detail": "JSON parse error"}, {"__all__": ["JSON parse error"]}),
        ({"non_field_errors": ["Too many at once."]}, {"__all__": ["Too many at once."]}),
        (["Too many at once."], {"__all__": ["Too many at once."]}),
        ("No.", {"__all__": ["No."]}),
    ],
)
@both_ways
def test_refused(call: Verb, payload: Any, messages: dict[str, list[str]]) -> None:
    with pytest.raises(ValidationError) as caught:
        call(Script(httpx.Response(400, json=payload)), "get_user_memories")
    assert caught.value.message_dict == messages


def test_too_large() -> None:
    script = Script(httpx.Response(413, text="<html>"))
    with client(script) as memory, pytest.raises(ValidationError, match="larger than"):
        memory.add_user_memory(UserMemory(memory="x"))


# Broken servers

GOOD = b'{"user_id": "maya", "total": 0, "first_created_at": null, "last_updated": null}'


def whole(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


class BrokenServer(socketserver.ThreadingTCPServer):
    """Sends one response of bytes per connection, and closes it. None leaves the connection open without a response."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests = 0
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), BrokenHandler)

    def __enter__(self) -> BrokenServer:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class BrokenHandler(socketserver.StreamRequestHandler):
    server: BrokenServer

    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip():
            name, _, value = line.lower().partition(b":")
            length = int(value) if name == b"content-length" else length
        self.rfile.read(length)
        self.server.requests += 1
        answer = self.server.answers.pop(0)
        if answer is None:
            self.server.over.wait()
        else:
            self.wfile.write(answer)


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "half a body": whole(GOOD[:20], length=len(GOOD)),
    "half a body in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(GOOD[:20]),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "silence": None,
    "503": whole(b"<html>", "503 Service Unavailable"),
}


@both_ways
@pytest.mark.parametrize("broken", BROKEN)
def test_broken_responses(call: Verb, broken: str) -> None:
    """Retried if that is safe, otherwise an error, and never a partial result."""
    with BrokenServer(BROKEN[broken], BROKEN[broken], whole(GOOD), BROKEN[broken]) as server:
        assert call(MemoryClient(server.url, timeout=0.5), "stats").total == 0
        assert server.requests == 3
        with pytest.raises(ServiceUnavailable) as caught:
            call(MemoryClient(server.url, timeout=0.5), "add_user_memory", UserMemory(memory="x"))
        assert caught.value.may_have_happened
        assert server.requests == 4


@both_ways
def test_closed_port(call: Verb) -> None:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        port = once.getsockname()[1]
    with pytest.raises(ServiceUnavailable, match="tried 4 times") as caught:
        call(MemoryClient(f"http://127.0.0.1:{port}"), "delete_user_memory", "m1")
    assert not caught.value.may_have_happened


def test_truncated_stream_is_an_error() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    line = (
        b'{"memory_id": "m", "user_id": "u", "memory": "x", "topics": [], "input": null, "metadata": {},'
        b'"agent_id": null, "team_id": null, "session_id": null, "feedback": null, "version": 1,'
        b'"created_at": "2026-11-25T02:20:22Z", "last_updated": "2026-11-25T02:20:22Z"}\n'
    )
    with (
        BrokenServer(head + chunk(line), head + chunk(line) + chunk(b"")) as server,
        MemoryClient(server.url) as memory,
    ):
        coming = memory.iter_user_memories()
        assert next(coming).memory_id == "m"
        with pytest.raises(ServiceUnavailable, match="broke off"):
            next(coming)
        assert [each.memory_id for each in memory.iter_user_memories()] == ["m"]
        assert server.requests == 2


def test_each_event_loop_has_its_own_connections() -> None:
    with BrokenServer(*[whole(GOOD)] * 3) as server:
        memory = MemoryClient(server.url)

        async def once() -> int:
            try:
                return int((await memory.astats()).total)
            finally:
                await memory.aclose()

        assert [asyncio.run(once()) for _ in range(3)] == [0, 0, 0]


def test_threads_share_a_client() -> None:
    with BrokenServer(*[whole(GOOD)] * 16) as server, MemoryClient(server.url) as memory:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(memory.stats().total)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [0] * 16
