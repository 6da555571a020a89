"""Requests and responses: paths, bodies, and the errors that a response means. Nothing here sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx

from agno_memory.client.errors import AccessDenied, RemoteError, UnexpectedAnswer
from agno_memory.exceptions import ValidationError
from agno_memory.names import FILTERS, is_reserved

Value = TypeVar("Value")
QueryParameters = Sequence[tuple[str, str]]

# RFC 9110, section 9.2.2: sending such a request twice has the effect of sending it once.
IDEMPOTENT_METHODS: Final = frozenset({"GET", "PUT", "DELETE"})
# The key of messages that are not about one field; the value is Django's.
NON_FIELD_ERRORS: Final = "__all__"
# The Python names of parameters and keys in the service's errors.
ARGUMENT_NAMES: Final = {
    **{each.parameter: each.name for each in FILTERS},
    "q": "query",
    "confirm": "user_id",
    "non_field_errors": NON_FIELD_ERRORS,
    "detail": NON_FIELD_ERRORS,
    "": NON_FIELD_ERRORS,
}
# httpx accepts 65,536 characters, and most servers fewer.
MAX_PATH_LENGTH: Final = 60_000


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send. ``path`` is relative to the service's address, and encoded."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False

    def __str__(self) -> str:
        # Without the query: a search is private.
        return f"{self.method} {urlsplit(self.path).path}"

    @property
    def is_idempotent(self) -> bool:
        """Whether sending the request again has the effect of sending it once."""
        return self.method in IDEMPOTENT_METHODS


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the service, or of a proxy before it.

    Args:
        request: the request that it answers.
        status: the HTTP status.
        headers: the HTTP headers; lookups ignore case.
        body: the content, unless it is streamed.
        follows_lost_response: an earlier attempt of the same call may have been carried out, its response lost.
        stream: the open response, with its body still to be read, if the request was for a stream and succeeded.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    follows_lost_response: bool = False
    stream: httpx.Response | None = field(default=None, repr=False)

    def json(self) -> Any:
        """Return the JSON of the body.

        Raises:
            UnexpectedAnswer: the body is not JSON.
        """
        if "json" not in self.headers.get("content-type", ""):
            raise self.unexpected("content that is not JSON")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise self.unexpected("invalid JSON") from None

    def parse(self, parser: Callable[[Any], Value]) -> Value:
        """Return the value that a parser makes of the JSON.

        Raises:
            UnexpectedAnswer: the parser does not accept the JSON.
        """
        try:
            return parser(self.json())
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self.unexpected("JSON with another structure") from None

    def unexpected(self, description: str) -> UnexpectedAnswer:
        """Return the error for a response that the service does not send."""
        kind = self.headers.get("content-type", "no type").split(";")[0]
        message = f"{self.request}: unexpected response {self.status}, {description} ({kind}, {len(self.body)} bytes)."
        if 300 <= self.status < 400:
            message += " Redirects are not followed, to keep the credentials here: use the final address as base_url."
        elif self.status < 500:
            message += " Check that base_url is the address at which agno_memory.rest is mounted."
        return UnexpectedAnswer(message, self.status)

    def to_error(self) -> Exception:
        """Return the error that this response means for every verb."""
        if self.status == 413:
            return ValidationError({NON_FIELD_ERRORS: ["This is larger than the service accepts in one request."]})
        if self.status in (401, 403):
            message = f"{self.request}: access denied ({self.status}). {self._detail()}".rstrip()
            return AccessDenied(message, self.status)
        if self.status != 400:
            return self.unexpected("a status that the client does not handle")
        try:
            return ValidationError(validation_messages(self.json()))
        except RemoteError as error:
            return error

    def _detail(self) -> str:
        """Return the service's own message, or an empty text."""
        try:
            return str(self.json()["detail"])[:500]
        except (RemoteError, LookupError, TypeError):
            return ""


def validation_messages(errors: Any, offset: int = 0) -> dict[str, list[str]]:
    """Return errors of Django REST Framework in the structure of the service's ``ValidationError``.

    Args:
        errors: the JSON of a response 400 or 409, nested to any depth.
        offset: position of the request's first memory among all memories of the call.

    Returns:
        Messages by field, or by position and field: ``{"3.topics": ["..."]}``.
    """
    messages: dict[str, list[str]] = {}
    for path, message in _flattened(errors):
        name = "".join(path[:1])
        if name.isascii() and name.isdigit():
            name = ".".join((str(int(name) + offset), *path[1:2]))
        messages.setdefault(ARGUMENT_NAMES.get(name, name), []).append(message)
    return messages


def _flattened(errors: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every message with the path of fields and positions to it."""
    if isinstance(errors, dict):
        for name, value in errors.items():
            yield from _flattened(value, (*path, str(name)))
    elif isinstance(errors, list):
        for position, value in enumerate(errors):
            # A list of texts has the messages of one field; any other list has one entry per position.
            yield from _flattened(value, path if isinstance(value, str) else (*path, str(position)))
    else:
        yield path, str(errors)


def invalid(name: str, message: str) -> ValidationError:
    """Return the error for one invalid field or argument."""
    return ValidationError({name: [message]})


def build_path(*segments: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """Return a path with its query. The segments are encoded already; ``path_segment()`` encodes ids.

    Raises:
        ValidationError: too long, or a parameter with a character that cannot be encoded.
    """
    parameters = list(query)
    for name, value in parameters:
        _check_encodable(ARGUMENT_NAMES.get(name, name), value)
    path = "/".join((*segments, ""))
    if parameters:
        path += f"?{urlencode(parameters)}"
    if len(path) > MAX_PATH_LENGTH:
        raise invalid(NON_FIELD_ERRORS, "The URL becomes too long: use fewer topics.")
    return path


def path_segment(name: str, value: object) -> str:
    """Return an id as an encoded segment of a path.

    Args:
        name: the name of the argument, for the error.
        value: any Unicode text.

    Raises:
        ValidationError: not a text, blank, or an id that a URL cannot contain.
    """
    if not isinstance(value, str):
        raise invalid(name, f"Expected text, not {type(value).__name__}.")
    if not value or value.isspace():
        raise invalid(name, "This cannot be blank.")
    _check_encodable(name, value)
    # Servers and proxies resolve dots and empty segments; the reserved words are other resources.
    is_other = name == "memory_id" and is_reserved(value)
    if is_other or {"", ".", ".."} & set(value.split("/")):
        raise invalid(name, "A URL cannot contain this id; use the service's Python API for it.")
    return quote(value, safe="")


def _check_encodable(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise invalid(name, "Half of a surrogate pair is not a character; decode the text properly.") from None


def json_bytes(value: object) -> bytes:
    """Return a value as JSON.

    Raises:
        ValidationError: the value contains something that JSON cannot represent.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        message = "Only text, numbers, true, false, null, lists and objects can be sent."
        raise invalid(NON_FIELD_ERRORS, message) from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: the service names the field in its error.
        return json.dumps(value).encode()


def batched_by_size(items: Iterable[bytes], max_count: int, max_bytes: int) -> Iterator[list[bytes]]:
    """Yield batches of items in order, limited in items and in bytes. An item above ``max_bytes`` is a batch alone.

    ``batches.batched()`` counts items only.
    """
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and (len(batch) == max_count or size + len(item) > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield batch


class LineBuffer:
    r"""Joins pieces of bytes into lines. Only ``\n`` ends a line: JSON may contain other line separators."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the lines that end in this piece."""
        *complete, rest = piece.split(b"\n")
        for line in complete:
            yield b"".join((*self._pieces, line))
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)

    @property
    def is_truncated(self) -> bool:
        """Whether bytes remain after the last line."""
        return bool(self._pieces)
