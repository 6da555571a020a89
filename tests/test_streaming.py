"""Blocks and headers of a download. tests/rest/test_streaming.py tests downloads under WSGI and ASGI."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.test import RequestFactory

from agno_memory import streaming


def test_lines_are_joined_to_blocks() -> None:
    lines = ["x" * 20_000 + "\n"] * 5
    found = list(streaming.blocks(lines))
    assert [len(block) for block in found] == [80_004, 20_001]
    assert "".join(found) == "".join(lines)
    assert list(streaming.blocks([])) == []


def test_a_download_has_a_name_and_is_not_cached() -> None:
    response = streaming.attachment(
        RequestFactory().get("/"), ["a\n", "b\n"], content_type="text/csv", filename="é.csv"
    )
    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''%C3%A9.csv"
    assert (response["Content-Type"], response["Cache-Control"]) == ("text/csv", "private, no-store")
    assert b"".join(response.streaming_content) == b"a\nb\n"  # type: ignore[arg-type]
