"""Formats in which memories leave the store: a dictionary for JSON, JSON Lines, and CSV; sessions as JSON Lines."""

from __future__ import annotations

import csv
import datetime
import json
import re
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.names import FIELDS, VERSION_FIELDS
from agno_memory.revision_models import MemoryRevision
from agno_memory.small_pages import in_small_pages
from agno_memory.times import to_iso
from agno_memory.transcripts import messages

_values = attrgetter(*FIELDS)

# The columns of a session in a file, in their order.
SESSION_COLUMNS: Final = (
    "session_id",
    "user_id",
    "session_type",
    "agent_id",
    "team_id",
    "workflow_id",
    "name",
    "created_at",
    "updated_at",
    "summary",
)

# A spreadsheet runs a cell with one of these first characters as a formula: OWASP's list, with the full-width
# characters that Excel treats alike.
FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# Characters before a formula: white space and the apostrophe that marks a text, which spreadsheets ignore, and the
# semicolon. A run of them is matched once, from its beginning: a text may have a hundred thousand line ends.
_RUN_BEFORE_FORMULA: Final = re.compile(rf"(?<![\s';])[\s';]*+(?=[{FORMULA}])")
_LINE_END: Final = re.compile(r"([\t\r\n])")
_MARKED_LINE_END: Final = re.compile(r"([\t\r\n])'")
# In JSON, a semicolon stands only in strings, which may spell it in another way.
_BEFORE_FORMULA_IN_JSON: Final = re.compile(rf";(?=[\s']*[{FORMULA}])")
# Without it, Excel does not read the file as UTF-8.
BYTE_ORDER_MARK: Final = "\ufeff"


def as_dict(memory: UserMemory | MemoryRevision) -> dict[str, Any]:
    """Return a memory for JSON: the values of ``names.FIELDS``, times in the format of ``times.to_iso()``."""
    values = dict(zip(FIELDS, _values(memory), strict=True))
    if memory.expires_at is not None:
        values["expires_at"] = to_iso(memory.expires_at)
    created = values["created_at"] = to_iso(memory.created_at)
    # Formatting times is most of the work, and a memory that was never replaced has one time.
    values["last_updated"] = created if memory.last_updated == memory.created_at else to_iso(memory.last_updated)
    return values


def ending_as_dict(version: MemoryRevision) -> dict[str, Any]:
    """Return how long a version of a memory held and how it ended, for JSON; see ``VERSION_FIELDS``."""
    values = {name: getattr(version, name) for name in VERSION_FIELDS}
    times = {name: values[name] and to_iso(values[name]) for name in ("valid_from", "valid_until")}
    return {**values, **times}


def version_lines(versions: Iterable[MemoryRevision]) -> Iterator[str]:
    """Yield earlier versions as JSON, one per line; ``valid_until`` marks them."""
    for version in versions:
        yield json.dumps({**as_dict(version), **ending_as_dict(version)}, ensure_ascii=False) + "\n"


def json_lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield memories as JSON, one per line."""
    for memory in memories:
        yield json.dumps(as_dict(memory), ensure_ascii=False) + "\n"


def session_lines(sessions: Iterable[AgentSession], roles: Collection[str] | None = None) -> Iterator[str]:
    """Yield sessions with their messages as JSON, one session per line, in pieces: a session may have many turns.

    Args:
        sessions: with at least the fields of ``SESSION_COLUMNS``.
        roles: of the messages; ``None`` is all of them.
    """
    for session in sessions:
        yield from session_pieces(session, roles)
        yield "\n"


def session_pieces(session: AgentSession, roles: Collection[str] | None = None) -> Iterator[str]:
    """Yield the JSON of a session with its messages, turn by turn; repeated messages are left out."""
    values: dict[str, Any] = {name: getattr(session, name) for name in SESSION_COLUMNS}
    values |= {name: _optional_iso(values[name]) for name in ("created_at", "updated_at")}
    yield json.dumps(values, ensure_ascii=False)[:-1] + ', "runs": ['
    runs = AgentRun.objects.using(session._state.db).filter(session_id=session.session_id).in_order()
    separator = ""
    for run in in_small_pages(runs):
        yield separator + json.dumps(_run_as_dict(run, roles), ensure_ascii=False)
        separator = ", "
    yield "]}"


def _run_as_dict(run: AgentRun, roles: Collection[str] | None) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "created_at": _optional_iso(run.created_at),
        "messages": [
            {**message._asdict(), "calls": [call._asdict() for call in message.calls]}
            for message in messages(run)
            if roles is None or message.role in roles
        ],
    }


def _optional_iso(moment: datetime.datetime | None) -> str | None:
    """Return the text of a moment. A row of another program may lack it."""
    return None if moment is None else to_iso(moment)


class _LastLine:
    """A file for the csv module that keeps only the last line written."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield memories as CSV with a header, safe to open in a spreadsheet. Topics and metadata are JSON."""
    line = _LastLine()
    writer = csv.writer(line)
    writer.writerow(FIELDS)
    yield BYTE_ORDER_MARK + line.text
    for memory in memories:
        writer.writerow(map(cell, as_dict(memory).values()))
        yield line.text


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula: an apostrophe marks a formula as text."""
    if isinstance(value, list | dict):
        return _BEFORE_FORMULA_IN_JSON.sub(r"\\u003b", json.dumps(value, ensure_ascii=False))
    return _RUN_BEFORE_FORMULA.sub(_marked, "" if value is None else str(value))


def value_of_cell(text: str) -> str:
    """Return the text that ``cell()`` has written into a cell."""
    return _RUN_BEFORE_FORMULA.sub(_unmarked, text)


def _marked(run: re.Match[str]) -> str:
    """Return the characters before a formula with an apostrophe at each place where a cell may begin.

    That is the beginning of the text, and after a character that some spreadsheet takes for a separator of cells or
    rows. Excel splits at semicolons where a comma is the decimal sign.
    """
    before, semicolon, rest = run.group().rpartition(";")
    begins_cell = semicolon or run.start() == 0
    return before + semicolon + ("'" if begins_cell else "") + _LINE_END.sub(r"\1'", rest)


def _unmarked(run: re.Match[str]) -> str:
    before, semicolon, rest = run.group().rpartition(";")
    begins_cell = semicolon or run.start() == 0
    return before + semicolon + _MARKED_LINE_END.sub(r"\1", rest.removeprefix("'") if begins_cell else rest)
