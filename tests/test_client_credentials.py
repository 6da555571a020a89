"""Credentials and the address of the service."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from agno_memory.client import MemoryClient, RemoteError, UserMemory, retries
from tests.scripted import BASE, PROXY, SECRET, TOKEN, Script, client, page


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)


def displayed_texts(memory: MemoryClient) -> Iterator[str]:
    """Yield texts that may be logged after an error."""
    yield repr(memory)
    yield str(vars(memory))
    for steps in ([httpx.ReadError("x")], [httpx.Response(403)], [PROXY], [httpx.LocalProtocolError("x")]):
        memory._options["transport"].steps = steps
        try:
            memory.add_user_memory(UserMemory(memory=SECRET))
        except RemoteError as error:
            yield from (str(error), repr(error), repr(error.__cause__), repr(vars(error)))


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"token": TOKEN}, f"Token {TOKEN}"),
        ({"token": TOKEN, "scheme": "Bearer"}, f"Bearer {TOKEN}"),
        ({"auth": ("maya", TOKEN)}, httpx.BasicAuth("maya", TOKEN)._auth_header),
        ({}, None),
    ],
)
def test_credentials_are_sent_and_never_displayed(
    options: dict[str, Any], header: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(page())
    with caplog.at_level(logging.DEBUG), client(script, **options) as memory:
        memory.get_user_memories()
        assert script.sent[0].headers.get("Authorization") == header
        displayed = "".join(displayed_texts(memory))
    for secret in (TOKEN, SECRET):
        assert secret not in displayed
        assert secret not in caplog.text


@pytest.mark.parametrize("token", ["", "abc\n", "a b", "é", "\ud800", "a\x00"])
def test_invalid_tokens(token: str) -> None:
    """The error of httpx would contain the token."""
    with pytest.raises(ValueError, match="printable") as caught:
        MemoryClient(BASE, token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        ("https://example.com/api/", "https://example.com/api/topics/"),
        ("https://example.com/api", "https://example.com/api/topics/"),
        ("https://example.com", "https://example.com/topics/"),
        ("http://[::1]:8000/v%C3%A9//", "http://[::1]:8000/v%C3%A9/topics/"),
    ],
)
def test_base_urls(base_url: str, sent: str) -> None:
    script = Script(httpx.Response(200, json={"results": []}))
    with MemoryClient(base_url, transport=script) as memory:
        memory.topic_counts()
    assert str(script.sent[0].url) == sent


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "example.com/api/",
        "ftp://example.com/",
        "https://",
        "https://maya:hunter2@example.com/",
        "https://example.com:port/",
        "https://example.com/?a=b",
        "https://example.com/#a",
    ],
)
def test_invalid_base_urls(base_url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        MemoryClient(base_url)
    assert "hunter2" not in str(caught.value)


def test_token_or_auth() -> None:
    with pytest.raises(ValueError, match="not both"):
        MemoryClient(BASE, token=TOKEN, auth=("a", "b"))
