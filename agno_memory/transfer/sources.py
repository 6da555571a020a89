"""Where memories come from: a SQLite file, a file of JSON, a PostgreSQL or a MongoDB server. Each is only read."""

from __future__ import annotations

import codecs
import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, unquote, urlsplit

from agno_memory.db.drivers import how_to_install

SQLITE_HEADER: Final = b"SQLite format 3\x00"
# Rows that a server hands over at a time, and bytes that are read of a file.
AT_A_TIME: Final = 1_000
CHUNK: Final = 2**16
# How long a server may take to answer at first.
PATIENCE_MILLISECONDS: int = 10_000
# What JSON of one memory may take before the file is something else.
LONGEST: Final = 64 * 2**20

Row = dict[str, Any]
# Where something is in the source, and it: a row, or the text and the reason why it is none.
Item = tuple[str, "Row | NotRead"]


class NotRead:
    """A piece of a source that is no row.

    Args:
        reason: why.
        raw: what it says.
    """

    def __init__(self, reason: str, raw: str) -> None:
        self.reason = reason
        self.raw = raw


class SourceError(Exception):
    """The source cannot be read; the text says why and what to do, without a password."""


class Source:
    """Base: what has tables of rows."""

    # How far the reading is, and how far it goes, in rows or bytes; None is unknown.
    position = 0
    total: int | None = None
    # Whether JSON comes as the text of it.
    json_is_text = False

    def tables(self) -> list[str]:
        """Return the names of the tables."""
        raise NotImplementedError

    def rows(self, table: str) -> Iterator[Item]:
        """Yield what is in a table."""
        raise NotImplementedError

    def first(self, table: str) -> Row | None:
        """Return the first row of a table, to see what it is."""
        with closing(self.rows(table)) as rows:  # type: ignore[type-var]
            return next((row for _where, row in rows if isinstance(row, dict)), None)

    def close(self) -> None:
        """Let go of it."""


class SqliteSource(Source):
    """A SQLite file, opened so that it cannot be written."""

    json_is_text = True

    def __init__(self, path: Path) -> None:
        # Where the folder cannot be written either, only what nobody else writes can be read: there is no other way.
        for options in ("mode=ro", "mode=ro&immutable=1"):
            self._connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{options}", uri=True)
            try:
                self._names = [
                    name
                    for (name,) in self._connection.execute(
                        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
                    )
                ]
                break
            except sqlite3.Error as error:
                self._connection.close()
                reason = str(error)
        else:
            raise SourceError(f"{path} cannot be read as a SQLite file: {reason}")
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = lambda value: value.decode(errors="surrogateescape")

    def tables(self) -> list[str]:
        return self._names

    def rows(self, table: str) -> Iterator[Item]:
        # SQLite takes no parameter for a name; it is one of tables(), and quoted.
        name = '"' + table.replace('"', '""') + '"'
        try:
            (self.total,) = self._connection.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608
            for number, row in enumerate(self._connection.execute(f"SELECT * FROM {name}"), start=1):  # noqa: S608
                self.position = number
                yield f"row {number}", dict(row)
        except sqlite3.Error as error:
            raise SourceError(f"the table {table} cannot be read to its end: {error}") from None

    def close(self) -> None:
        self._connection.close()


class PostgresSource(Source):
    """A PostgreSQL database, in a transaction that cannot write."""

    def __init__(self, url: str) -> None:
        try:
            import psycopg
            from psycopg.rows import dict_row
        except ImportError:
            raise SourceError(how_to_install("django.db.backends.postgresql")) from None
        self._error = psycopg.Error
        # SQLAlchemy's spelling, postgresql+psycopg://, names its driver after a plus sign.
        scheme, separator, rest = url.partition("://")
        try:
            self._connection: Any = psycopg.connect(
                f"{scheme.partition('+')[0]}{separator}{rest}",
                row_factory=dict_row,
                connect_timeout=PATIENCE_MILLISECONDS // 1_000,
            )
            self._connection.read_only = True
            found = self._ask(
                "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables "
                "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
            )
        except psycopg.Error as error:
            raise SourceError(f"{shown(url)} cannot be read: {without_password(str(error), url)}") from None
        self._names = {
            row["name"] if row["schema"] == "public" else f"{row['schema']}.{row['name']}": (row["schema"], row["name"])
            for row in found
        }

    def _ask(self, query: Any) -> list[Row]:
        with self._connection.cursor() as cursor:
            rows: list[Row] = cursor.execute(query).fetchall()
            return rows

    def tables(self) -> list[str]:
        return list(self._names)

    def rows(self, table: str) -> Iterator[Item]:
        from psycopg import sql

        name = sql.Identifier(*self._names[table])
        try:
            self.total = self._ask(sql.SQL("SELECT count(*) AS count FROM {}").format(name))[0]["count"]
            with self._connection.cursor(name="agno_memory") as cursor:
                cursor.itersize = AT_A_TIME
                cursor.execute(sql.SQL("SELECT * FROM {}").format(name))
                for number, row in enumerate(cursor, start=1):
                    self.position = number
                    yield f"row {number}", row
        except self._error as error:
            raise SourceError(f"the table {table} cannot be read to its end: {error}") from None

    def close(self) -> None:
        self._connection.close()


class MongoSource(Source):
    """A MongoDB database."""

    def __init__(self, url: str) -> None:
        try:
            from pymongo import MongoClient
            from pymongo.errors import PyMongoError
        except ImportError:
            raise SourceError(how_to_install("django_mongodb_backend")) from None
        self._error = PyMongoError
        self._client: Any = None
        try:
            self._client = MongoClient(url, serverSelectionTimeoutMS=PATIENCE_MILLISECONDS, tz_aware=True)
            self._database = self._client.get_default_database()
            self._names = sorted(self._database.list_collection_names(filter={"name": {"$not": re.compile("^system")}}))
        except PyMongoError as error:
            self.close()
            raise SourceError(f"{shown(url)} cannot be read: {without_password(str(error), url)}") from None

    def tables(self) -> list[str]:
        return list(self._names)

    def rows(self, table: str) -> Iterator[Item]:
        try:
            collection = self._database[table]
            self.total = collection.estimated_document_count()
            with collection.find({}, batch_size=AT_A_TIME) as cursor:
                for number, row in enumerate(cursor, start=1):
                    self.position = number
                    yield f"document {number}", row
        except self._error as error:
            raise SourceError(f"the collection {table} cannot be read to its end: {error}") from None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


class JsonSource(Source):
    """JSON in UTF-8: an object a line, or a list of objects, alone or under ``results``; also Extended JSON."""

    def __init__(self, stream: BinaryIO, name: str, size: int | None = None) -> None:
        self._stream = stream
        self.name = name
        self.total = size
        self._head = stream.read(CHUNK).removeprefix(codecs.BOM_UTF8)
        self._is_list = re.match(rb'\s*(\[|\{\s*"results"\s*:\s*\[)', self._head)
        problem = _problem(self._head)
        if problem:
            self.close()
            raise SourceError(f"{name} {problem}")

    def tables(self) -> list[str]:
        return [self.name]

    def rows(self, table: str) -> Iterator[Item]:
        yield from self._of_list() if self._is_list else self._of_lines()

    def first(self, table: str) -> Row | None:
        # Standard input cannot be read twice: what was read ahead is looked at.
        for line in self._head.splitlines()[:1] if not self._is_list else [self._head[self._is_list.end() :]]:
            try:
                found, _end = json.JSONDecoder().raw_decode(line.decode(errors="ignore").lstrip())
            except ValueError:
                return None
            return plain(found) if isinstance(found, dict) else None
        return None

    def close(self) -> None:
        self._stream.close()

    def _chunks(self) -> Iterator[bytes]:
        yield self._head
        self.position = len(self._head)
        while chunk := self._stream.read(CHUNK):
            self.position += len(chunk)
            yield chunk

    def _of_lines(self) -> Iterator[Item]:
        number, rest = 0, b""
        for chunk in self._chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield f"line {number}", _row_of(line)
            if len(rest) > LONGEST:
                raise SourceError(f"line {number + 1} of {self.name} is longer than {LONGEST:,} bytes.")
        if rest.strip():
            yield f"line {number + 1}", _row_of(rest)

    def _of_list(self) -> Iterator[Item]:
        assert self._is_list
        decoder, text = json.JSONDecoder(), ""
        decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode
        number, start = 0, self._is_list.end()
        for chunk in self._chunks():
            text += decode(chunk[start:])
            start = 0
            while (text := text.lstrip(" \t\r\n,")) and not text.startswith("]"):
                try:
                    found, end = decoder.raw_decode(text)
                except ValueError:
                    # The rest of it is to come.
                    break
                number += 1
                yield f"item {number}", _checked(found, text[:end])
                text = text[end:]
            if text.startswith("]"):
                return
            if len(text) > LONGEST:
                raise SourceError(f"item {number + 1} of {self.name} is longer than {LONGEST:,} characters.")
        yield f"item {number + 1}", NotRead("the file ends before the list does", text)


def _problem(head: bytes) -> str:
    """Return why a file that begins so is not read, or nothing."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is UTF-16: save it as UTF-8."
    if not head.strip():
        return "is empty."
    return "" if head.lstrip().startswith((b"{", b"[")) else "is neither JSON nor a SQLite file."


def _row_of(line: bytes) -> Row | NotRead:
    raw = line.decode(errors="backslashreplace").strip()
    try:
        return _checked(json.loads(line.decode()), raw)
    except UnicodeDecodeError as error:
        return NotRead(f"not UTF-8: byte {error.start + 1} of the line", raw)
    except (ValueError, KeyError) as error:
        return NotRead(f"no JSON: {error}", raw)
    except RecursionError:
        return NotRead("nested too deep", raw)


def _checked(found: object, raw: str) -> Row | NotRead:
    return plain(found) if isinstance(found, dict) else NotRead("not an object", raw)


def plain(value: Any) -> Any:
    """Return MongoDB's Extended JSON as what it stands for; other JSON stays as it is."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key in EXTENDED and isinstance(item, EXTENDED[key][0]):
            return EXTENDED[key][1](item)
    return {key: plain(item) for key, item in value.items()}


def _date(value: Any) -> Any:
    """Return a date of Extended JSON in seconds, or as the text that it is."""
    if isinstance(value, dict):
        value = int(value["$numberLong"])
    return value if isinstance(value, str) else value / 1000


# Extended JSON's notations, each with the types that it may have and what it stands for.
EXTENDED: Final[dict[str, tuple[tuple[type, ...], Callable[[Any], Any]]]] = {
    "$oid": ((str,), str),
    "$date": ((int, str, dict), _date),
    "$numberLong": ((str,), int),
    "$numberInt": ((str,), int),
    "$numberDouble": ((str,), float),
}


def open_source(place: str) -> Source:
    """Return what a place holds.

    Args:
        place: a path, ``-`` for standard input, ``postgresql://...`` or ``mongodb://...``.

    Raises:
        SourceError: it cannot be read.
    """
    if place.startswith(("postgres://", "postgresql://", "postgresql+")):
        return PostgresSource(place)
    if place.startswith(("mongodb://", "mongodb+srv://")):
        return MongoSource(place)
    if place == "-":
        return JsonSource(sys.stdin.buffer, "standard input")
    path = Path(place)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    with stream:
        is_sqlite = stream.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    return SqliteSource(path) if is_sqlite else JsonSource(path.open("rb"), str(path), path.stat().st_size)


def shown(url: str) -> str:
    """Return a URL without its password."""
    scheme, _, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}://{credentials.partition(':')[0]}{at}{host.partition('?')[0]}"


def without_password(text: str, url: str) -> str:
    """Return what a driver says without the password, should it repeat it, and in one line."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    said = " ".join(text.split())
    for written in (password, unquote(password or "")):
        said = said.replace(written, "***") if written else said
    return said


def known_table(source: Source, table: str) -> str:
    """Return a table's name as the source has it.

    Raises:
        SourceError: it has no such table; the text names those that it has.
    """
    for name in source.tables():
        if table in (name, name.rpartition(".")[2]):
            return name
    there = ", ".join(source.tables()[:20]) or "none"
    raise SourceError(f"There is no table or collection {table!r}. There: {there}.")
