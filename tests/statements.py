"""The statements that this process sends to the databases, recorded as the drivers get them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

# Statements about rows; others begin and end transactions.
SQL = re.compile(r"\s*(SELECT|UPDATE|DELETE|INSERT)\b", re.IGNORECASE)
# Questions about the schema, and commands to the index of words, which have no rows.
NOT_ABOUT_ROWS = re.compile(r"FROM sqlite_master |to_regclass\(|VALUES \('optimize'\)$")
OWNER_IN_WHERE = re.compile(r'\bWHERE\b.*"user_id" = %s', re.DOTALL)
# A condition that excludes an owner does not name one.
NEGATED = re.compile(r"\bNOT \([^()]*\)")
OWNER_IS_SET = re.compile(r'\bSET\b[^;]*"user_id" =.*\bWHERE\b', re.DOTALL)
MONGODB = {"find", "aggregate", "insert", "update", "delete", "findAndModify", "count", "distinct"}


# The recorders of MongoDB's commands that are active.
_recorders: list[list[Any]] = []


def _listen() -> None:
    """Let clients of MongoDB that are made afterwards report their commands."""
    from pymongo import monitoring

    class Listener(monitoring.CommandListener):
        def started(self, event: Any) -> None:
            if event.command_name in MONGODB:
                for recorder in _recorders:
                    recorder.append(event.command)

        def succeeded(self, event: Any) -> None:
            """Do nothing."""

        def failed(self, event: Any) -> None:
            """Do nothing."""

    monitoring.register(Listener())


# A lane without MongoDB does not have its driver. Test modules are imported before the first connection.
if "mongodb" in settings.DATABASES:
    _listen()


@contextmanager
def recorded(alias: str) -> Iterator[list[Any]]:
    """Collect the SQL, or MongoDB's commands, about rows that this thread sends to a database."""
    found: list[Any] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if SQL.match(sql) and not NOT_ABOUT_ROWS.search(sql):
            found.append(sql)
        return run(sql, params, many, context)

    with ExitStack() as stack:
        if connections[alias].vendor == "mongodb":
            _recorders.append(found)
            stack.callback(_recorders.remove, found)
        else:
            stack.enter_context(connections[alias].execute_wrapper(execute))
        yield found


def names_owner(statement: Any) -> bool:
    """Return whether a statement can be answered by the one server that has the rows of its owner."""
    if isinstance(statement, str):
        if statement.lstrip().upper().startswith("INSERT"):
            return '"user_id"' in statement
        return bool(OWNER_IN_WHERE.search(NEGATED.sub("", statement))) and not OWNER_IS_SET.search(statement)
    return all(_filter_names_owner(each) for each in _filters(statement))


def _filters(command: Any) -> list[Any]:
    """Return the filters of a command of MongoDB; a document to add is its own filter."""
    if "pipeline" in command:
        return [command["pipeline"][0].get("$match", {})]
    several = [
        *command.get("documents", ()),
        *(each["q"] for each in command.get("updates", command.get("deletes", ()))),
    ]
    return several or [command.get("filter", command.get("query"))]


def _filter_names_owner(criteria: Any) -> bool:
    owner = criteria.get("user_id")
    return isinstance(owner, str) or any(_filter_names_owner(each) for each in criteria.get("$and", ()))
