"""Queries in MongoDB's query language, compiled by the backend with a Param in the place of each value, and run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final, cast

from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction
from django.db.models import Model, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Greatest

from agno_memory.db.compiled import Param, Values, bind
from agno_memory.db.mongodb.collections import Options, collection_of, newest, unsaved
from agno_memory.db.mongodb.errors import with_django_errors
from agno_memory.db.mongodb.indexes import Keys
from agno_memory.db.mongodb.transactions import session_of
from agno_memory.retries import retry

# The number of characters of an ObjectId.
OBJECT_ID_LENGTH = 24
# By itself, a server sends 101 documents first, and the others when it is asked again.
MAX_BATCH: Final = 10_000

# The values of the columns that a call names, in their order.
Row = Sequence[Any]


def filter_of(compiler: Any) -> dict[str, Any]:
    """Return the filter of a query's WHERE clause."""
    return _merged(compiler.build_query().match_mql)


def _merged(query_filter: dict[str, Any]) -> dict[str, Any]:
    """Return a filter with the conditions of an ``$and`` as one, if they are on different columns."""
    conditions = query_filter.get("$and", ())
    merged = {column: condition for each in conditions for column, condition in each.items()}
    is_same = list(query_filter) == ["$and"] and len(merged) == sum(map(len, conditions))
    # Nothing is not the same as everything.
    return merged if merged and is_same else query_filter


def filter_and_order_of(compiler: Any) -> list[Any]:
    """Return the filter and the order of a query."""
    compiler.pre_sql_setup()
    query = compiler.build_query()
    return [_merged(query.match_mql), list(query.ordering.items())]


def pipeline_of(compiler: Any) -> list[Any]:
    """Return the aggregation pipeline of a query."""
    compiler.pre_sql_setup()
    pipeline: list[Any] = compiler.build_query().get_pipeline()
    return pipeline


def update_of(compiler: Any) -> list[Any]:
    """Return the filter of an UPDATE and its changes, as update operators: the server runs a pipeline more slowly.

    The query sets columns to a Param, to themselves plus a number, or to the greatest of themselves and a Param.
    """
    changes: dict[str, dict[str, Any]] = {}
    for field, _model, value in compiler.query.values:
        operator, operand = _update_operator(value)
        changes.setdefault(operator, {})[field.column] = operand
    return [filter_of(compiler), changes]


def _update_operator(value: Any) -> tuple[str, Any]:
    if isinstance(value, CombinedExpression):
        return "$inc", cast("Value", value.rhs).value
    return ("$max", value.get_source_expressions()[1]) if isinstance(value, Greatest) else ("$set", value)


def stored_key(key: str) -> Any:
    """Return the value of a key in the database: an ObjectId for its text. Other programs use those; ours is longer."""
    if len(key) != OBJECT_ID_LENGTH:
        return key
    from bson import ObjectId

    return ObjectId(key) if ObjectId.is_valid(key) else key


# Calls on a model's collection. Errors, session and query log are those of the backend's own queries.


def insert(model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
    """Add a document with the values of every field."""
    _call(model, connection, "insert_one", _document_of(model, connection, values))


def insert_many(model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
    """Add documents, in their order, up to the first one that fails."""
    _call(model, connection, "insert_many", [_document_of(model, connection, values) for values in rows])


def find_one(
    model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any], columns: Sequence[str]
) -> Row | None:
    """Return these columns of a row, or None."""
    # For a single row, the server takes longer to leave out a column than to return it.
    return _row_of(_call(model, connection, "find_one", query_filter), columns)


def find(
    model: type[Model],
    connection: BaseDatabaseWrapper,
    query_filter: dict[str, Any],
    columns: Sequence[str],
    order: Keys | None = None,
    limit: int | None = None,
    hint: Keys | None = None,
) -> list[Row]:
    """Return these columns of rows: in an order, and by the index of ``hint``, if they are named; None is no limit."""
    options: dict[str, Any] = {"sort": order, "limit": limit or 0, "batch_size": MAX_BATCH, "hint": hint}
    documents = _call(model, connection, "find", query_filter, _projection(columns), **options)
    return _rows_of(documents, columns)


def find_by_key(
    rows: QuerySet[Any], connection: BaseDatabaseWrapper, keys: Iterable[str], columns: Sequence[str]
) -> list[Row]:
    """Return these columns of a queryset's rows with these keys, in any order.

    The backend would compile each key, and run an aggregation pipeline.
    """
    query_filter = filter_of(rows.query.get_compiler(connection=connection))
    with_keys = {"$and": [query_filter, {"_id": {"$in": [stored_key(key) for key in keys]}}]}
    return find(rows.model, connection, with_keys, columns, hint=[("_id", 1)])


def update_one(
    model: type[Model],
    connection: BaseDatabaseWrapper,
    query_filter: dict[str, Any],
    changes: dict[str, Any],
    columns: Sequence[str],
    values: Values | None = None,
) -> Row | None:
    """Change a row and return these columns of it as it is afterwards, or None.

    Args:
        model: the model of the collection.
        connection: to the database.
        query_filter: of the row.
        changes: values of columns by update operator.
        columns: to return.
        values: of every field. If there is no such row, add one with these values and return it.
    """
    is_upsert = values is not None
    if values is not None:
        changes = changes | {"$setOnInsert": _unchanged(changes, _document_of(model, connection, values))}
    row = _call(model, connection, "find_one_and_update", query_filter, changes, upsert=is_upsert, return_document=True)
    return _row_of(row, columns)


def find_document(
    model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any]
) -> dict[str, Any] | None:
    """Return a document as the server that takes writes has it, also if reads prefer others, or None."""
    document: dict[str, Any] | None = _call(model, connection, "find_one", query_filter, options=newest)
    return document


def document_batches(
    model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any], size: int
) -> Iterator[list[dict[str, Any]]]:
    """Yield documents as they are stored, in batches that one cursor reads: the process holds one batch at a time."""
    own: Any = connection
    # With room for one more, a server that has no more ends its answer: a full batch needs no second question.
    collection = collection_of(own, model._meta.db_table, None)
    with collection.find(query_filter, batch_size=size + 1, session=session_of(own)) as cursor:
        batch = None
        while batch is None or cursor.alive:
            batch = _logged(model, connection, "find", lambda: list(islice(cursor, size)))
            yield batch


def add_missing(
    model: type[Model], connection: BaseDatabaseWrapper, document: dict[str, Any], *, is_followed: bool = False
) -> bool:
    """Add a document unless one with its key and its owner exists, and return whether it was added.

    Args:
        model: the model of the collection.
        connection: to the database.
        document: with the values of all columns.
        is_followed: whether another write to ``writing_server()`` follows. The server applies writes to its journal and
            its oplog in order, so what makes that one last makes this one last too, and this one need not wait.
    """
    if cast("Any", connection).session is not None:
        # An error of a key that is taken would end the transaction.
        query_filter = {name: document[name] for name in ("_id", "user_id")}
        rest = {name: value for name, value in document.items() if name not in query_filter}
        result = _call(model, connection, "update_one", query_filter, {"$setOnInsert": rest}, upsert=True)
        return result.upserted_id is not None
    try:
        _call(model, connection, "insert_one", document, options=unsaved if is_followed else None)
    except IntegrityError:
        return False
    return True


def put_documents(model: type[Model], connection: BaseDatabaseWrapper, documents: list[dict[str, Any]]) -> None:
    """Add documents, each in the place of one with its key and its owner."""
    if not documents:
        return
    from pymongo import ReplaceOne

    writes = [ReplaceOne({name: each[name] for name in ("_id", "user_id")}, each, upsert=True) for each in documents]

    def write() -> None:
        _call(model, connection, "bulk_write", writes)

    if cast("Any", connection).session is None:
        # If another call adds one of them at the same moment, this call fails, and replaces it when it is repeated.
        retry(write, IntegrityError)
    else:
        write()


def set_values(
    model: type[Model],
    connection: BaseDatabaseWrapper,
    query_filter: dict[str, Any],
    changes: dict[str, Any],
    *,
    is_followed: bool = False,
) -> bool:
    """Change a row, and return whether there is one.

    Args:
        model: of the row.
        connection: to the database.
        query_filter: of the row.
        changes: update operators.
        is_followed: whether the caller writes again on this connection to a single server. That write waits for the
            journal, which is in the order of the writes, so this one need not wait.
    """
    options = unsaved if is_followed else None
    return bool(_call(model, connection, "update_one", query_filter, changes, options=options).matched_count)


def put(
    model: type[Model],
    connection: BaseDatabaseWrapper,
    query_filter: dict[str, Any],
    changes: dict[str, Any],
    values: Values,
) -> bool:
    """Change a row, or add one with these values of every field, and return whether it was added."""
    changes = changes | {"$setOnInsert": _unchanged(changes, _document_of(model, connection, values))}
    return _call(model, connection, "update_one", query_filter, changes, upsert=True).upserted_id is not None


def delete_one(model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any]) -> int:
    """Delete a row and return the number of deleted rows: 0 or 1."""
    return int(_call(model, connection, "delete_one", query_filter).deleted_count)


def delete_all(model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any]) -> int:
    """Delete all rows that match, and return their number."""
    return int(_call(model, connection, "delete_many", query_filter).deleted_count)


def _call(
    model: type[Model], connection: Any, method: str, *args: Any, options: Options | None = None, **kwargs: Any
) -> Any:
    def call() -> Any:
        collection = collection_of(connection, model._meta.db_table, options)
        result = getattr(collection, method)(*args, session=session_of(connection), **kwargs)
        # A cursor asks the server while it is read, which can fail as any call can.
        return result.to_list() if method == "find" else result

    return _logged(model, connection, method, call)


def _logged(model: type[Model], connection: Any, method: str, call: Callable[[], Any]) -> Any:
    if not connection.queries_logged:
        return with_django_errors(call)
    with debug_transaction(connection, f"db.{model._meta.db_table}.{method}()"):
        return with_django_errors(call)


def _unchanged(changes: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a document that no update operator changes."""
    changed = {column for each in changes.values() for column in each}
    return {column: value for column, value in document.items() if column not in changed}


def _document_of(model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> dict[str, Any]:
    document: dict[str, Any] = bind(_columns(model), values, connection)
    return document


@cache
def _columns(model: type[Model]) -> dict[str, Param]:
    """Return a placeholder for the value of each column."""
    return {str(field.column): Param(field, field.attname) for field in model._meta.concrete_fields}


def _projection(columns: Sequence[str]) -> dict[str, Any]:
    # The server adds its own key unless it is excluded.
    return {"_id": False} | dict.fromkeys(columns, True)


def _row_of(document: dict[str, Any] | None, columns: Sequence[str]) -> Row | None:
    return None if document is None else _rows_of([document], columns)[0]


def _rows_of(documents: list[dict[str, Any]], columns: Sequence[str]) -> list[Row]:
    # Of one column, itemgetter() returns the value without a row around it.
    read = itemgetter(*columns) if len(columns) > 1 else lambda document: (document[columns[0]],)
    try:
        return [read(document) for document in documents]
    except KeyError:
        # Another program wrote one without some columns.
        return [[document.get(column) for column in columns] for document in documents]


def aggregate(
    rows: QuerySet[Any], connection: BaseDatabaseWrapper, extend: Callable[[list[Any]], list[Any]]
) -> Iterator[dict[str, Any]]:
    """Run an aggregation pipeline over a queryset's rows, and return its documents.

    Args:
        rows: the rows.
        connection: to their database.
        extend: takes the pipeline that the queryset compiles to, and returns the one to run.
    """
    compiler: Any = rows.query.get_compiler(connection=connection)
    compiler.pre_sql_setup()
    query = compiler.build_query()
    pipeline = extend(query.get_pipeline())
    # The backend runs it, so that the log is Django's.
    query.get_pipeline = lambda: pipeline
    return iter(with_django_errors(query.get_cursor))


def estimated_count(connection: Any, table: str) -> int:
    """Return the number of documents in a collection, from its metadata."""
    collection = connection.get_collection(table)
    return int(with_django_errors(collection.estimated_document_count))
