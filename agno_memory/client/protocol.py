"""What goes over the wire and what comes back: addresses, bodies, and answers with the errors that they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx

from agno_memory.client.errors import AccessDenied, RemoteError, UnexpectedAnswer
from agno_memory.exceptions import ValidationError

Value = TypeVar("Value")
Pairs = Sequence[tuple[str, str]]

# RFC 9110, section 9.2.2: doing it twice is doing it once.
IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})
# Where a refusal goes that is about no field: as Django's NON_FIELD_ERRORS.
NO_FIELD: Final = "__all__"
# What the parameters of an address are called in Python.
ARGUMENTS: Final = {
    "q": "query",
    "topic": "topics",
    "any_topic": "any_topics",
    "confirm": "user_id",
    "non_field_errors": NO_FIELD,
    "detail": NO_FIELD,
    "": NO_FIELD,
}
# httpx takes 65,536 characters, and most servers fewer.
LONGEST_ADDRESS: Final = 60_000
# Words of the service's own addresses, where an id would stand.
RESERVED: Final = frozenset({"bulk", "delete", "export"})


@dataclass(frozen=True, slots=True)
class Request:
    """A call to make. ``path`` is relative to the service's address and encoded."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False

    def __str__(self) -> str:
        # Without the query: what somebody searches for is nobody else's business.
        return f"{self.method} {urlsplit(self.path).path}"

    @property
    def is_idempotent(self) -> bool:
        """Whether making the call again is the same as making it once."""
        return self.method in IDEMPOTENT


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    ``lost`` tells that an earlier try of the same call may have been carried out, its answer lost. ``response`` is
    open, with its body still to be read, where the request asked for a stream and got one.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    lost: bool = False
    response: httpx.Response | None = field(default=None, repr=False)

    def told(self) -> Any:
        """Return the JSON of the body.

        Raises:
            UnexpectedAnswer: it is not JSON.
        """
        if "json" not in self.headers.get("content-type", ""):
            raise self.unexpected("no JSON")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise self.unexpected("JSON that cannot be read") from None

    def read(self, reader: Callable[[Any], Value]) -> Value:
        """Return what a reader makes of the JSON.

        Raises:
            UnexpectedAnswer: it is not what the reader reads.
        """
        try:
            return reader(self.told())
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self.unexpected("JSON of another form") from None

    def unexpected(self, what: str) -> UnexpectedAnswer:
        """Return the error for an answer that is none of the service's."""
        kind = self.headers.get("content-type", "no type").split(";")[0]
        message = f"{self.request} was answered with {self.status} and {what} ({kind}, {len(self.body)} bytes)."
        if 300 <= self.status < 400:
            message += " Redirects are not followed, so that credentials go nowhere else: name the final address."
        elif self.status < 500:
            message += " Is base_url the address at which agno_memory.rest is mounted?"
        return UnexpectedAnswer(message, self.status)

    def refusal(self) -> Exception:
        """Return the error that this answer means, whatever the verb."""
        if self.status == 413:
            return ValidationError({NO_FIELD: ["This is larger than the service takes at once."]})
        if self.status in (401, 403):
            return AccessDenied(f"{self.request} was refused ({self.status}). {self._detail()}".rstrip(), self.status)
        if self.status != 400:
            return self.unexpected("something that the client does not know")
        try:
            return ValidationError(problems(self.told()))
        except RemoteError as error:
            return error

    def _detail(self) -> str:
        """Return the service's own sentence, if there is one."""
        try:
            return str(self.told()["detail"])[:500]
        except (RemoteError, LookupError, TypeError):
            return ""


def problems(told: Any, first: int = 0) -> dict[str, list[str]]:
    """Return what is wrong as the service's ``ValidationError`` has it: sentences by field, or by position and field.

    Args:
        told: an error of Django REST Framework, however deep.
        first: position of the first memory of the request among all that the caller gave.
    """
    found: dict[str, list[str]] = {}
    for path, sentence in _sentences(told):
        name = "".join(path[:1])
        if name.isascii() and name.isdigit():
            name = ".".join((str(int(name) + first), *path[1:2]))
        found.setdefault(ARGUMENTS.get(name, name), []).append(sentence)
    return found


def _sentences(told: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every sentence with the fields and positions that lead to it."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _sentences(value, (*path, str(name)))
    elif isinstance(told, list):
        for position, value in enumerate(told):
            # A list of sentences is about one thing, a list of anything else about one after the other.
            yield from _sentences(value, path if isinstance(value, str) else (*path, str(position)))
    else:
        yield path, str(told)


def refused(name: str, sentence: str) -> ValidationError:
    """Return the error that refuses one field or argument, by its name."""
    return ValidationError({name: [sentence]})


def address(*parts: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """Return a path with its parameters. The parts are encoded already; ``segment()`` encodes ids."""
    pairs = list(query)
    for name, value in pairs:
        _check_characters(ARGUMENTS.get(name, name), value)
    path = "/".join((*parts, ""))
    if pairs:
        path += f"?{urlencode(pairs)}"
    if len(path) > LONGEST_ADDRESS:
        raise refused(NO_FIELD, "This is longer than an address can be: name fewer topics.")
    return path


def segment(name: str, value: object) -> str:
    """Return an id as a part of a path.

    Args:
        name: of the argument, for the refusal.
        value: any Unicode.

    Raises:
        ValidationError: not a text, blank, or an id that a URL cannot carry.
    """
    if not isinstance(value, str):
        raise refused(name, f"Expected text, not {type(value).__name__}.")
    if not value or value.isspace():
        raise refused(name, "This cannot be blank.")
    _check_characters(name, value)
    # Servers and proxies take these for a way through folders, or for an address of the service's own.
    if value in RESERVED or {"", ".", ".."} & set(value.split("/")):
        raise refused(name, "A URL cannot carry this id; the service's Python API can.")
    return quote(value, safe="")


def _check_characters(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused(name, "Half of a surrogate pair is not a character; decode the text properly.") from None


def encoded(value: object) -> bytes:
    """Return JSON.

    Raises:
        ValidationError: something in it has no JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise refused(NO_FIELD, "Only text, numbers, true, false, null, lists and objects can be sent.") from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: the service says in which field.
        return json.dumps(value).encode()


def batches(items: Sequence[bytes], most: int, most_bytes: int) -> Iterator[list[bytes]]:
    """Yield items in order, so many and so many bytes of them at a time, but always at least one."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and (len(batch) == most or size + len(item) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield batch


class Lines:
    """Bytes that come in pieces, as whole lines: JSON may hold every other character that ends a line elsewhere."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the lines that this piece ends."""
        *ended, rest = piece.split(b"\n")
        for line in ended:
            yield b"".join((*self._pieces, line))
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)

    @property
    def is_cut(self) -> bool:
        """Whether something has come that no line end followed."""
        return bool(self._pieces)
