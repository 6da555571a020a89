"""The inside of MongoDB's backend: the only module that knows names of ``pymongo`` and ``django_mongodb_backend``.

Both packages are optional, so they are imported inside functions, which run for a connection to MongoDB only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction
from django.db.models import Model, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Greatest

from agno_memory.db.compiled import Values

Result = TypeVar("Result")
Keys = list[tuple[str, int]]
# The values of the columns that a call names, in their order.
Row = Sequence[Any]

# The server's code for "the index to drop does not exist".
INDEX_NOT_FOUND = 27


# Errors


def with_django_errors(call: Callable[[], Result]) -> Result:
    """Call a function and raise errors of the driver as Django's.

    The backend does so for its queries. This does it for all other calls: looking for a table, reading features,
    ending a transaction.
    """
    translate, untranslated = _backend_errors()
    try:
        result: Result = translate(call)
    except untranslated as error:
        # The backend translates an error of a bulk write only if a key is taken.
        raise DatabaseError(_text_of(error)) from error
    except DatabaseError as error:
        # The backend's errors have no text.
        if not str(error) and error.__cause__:
            error.args = (_text_of(error.__cause__),)
        raise
    return result


def _text_of(error: BaseException) -> str:
    """Return the text of a driver's error, without the documents that its details may contain."""
    messages = [each["errmsg"] for each in _write_errors(error) if each.get("errmsg")]
    return "; ".join(messages) or str(error)


@cache
def _backend_errors() -> tuple[Callable[[Callable[[], Any]], Any], type[Exception]]:
    """Return the backend's function that calls another one and translates its errors, and the class of the others."""
    from django_mongodb_backend.query import wrap_database_errors
    from pymongo.errors import PyMongoError

    return wrap_database_errors(lambda call: call()), PyMongoError


def is_connection_failure(error: Exception) -> bool:
    """Return whether the server could not be reached: the driver's error, or Django's with it as its cause."""
    # The driver's errors exist only after its import.
    failure = getattr(sys.modules.get("pymongo.errors"), "ConnectionFailure", None)
    return failure is not None and (isinstance(error, failure) or isinstance(error.__cause__, failure))


def is_transient(error: DatabaseError) -> bool:
    """Return whether a transaction failed only because of another one, so that repeating it may succeed."""
    has_label = getattr(error.__cause__, "has_error_label", None)
    return bool(has_label and has_label("TransientTransactionError"))


def clashing_keys(error: Exception) -> list[Any]:
    """Return the values of unique keys that were taken. Errors of other databases have none."""
    return [key for each in _write_errors(error) for key in each.get("keyValue", {}).values()]


def inserted_before(error: Exception) -> int:
    """Return the number of rows of a batch that were written before the one that failed."""
    return int(_details(error).get("nInserted", 0))


def _write_errors(error: BaseException) -> list[dict[str, Any]]:
    details = _details(error)
    return list(details.get("writeErrors", [details]))


def _details(error: BaseException | None) -> dict[str, Any]:
    """Return the details of a driver's error, or of the cause of Django's."""
    details = getattr(error, "details", None) or getattr(getattr(error, "__cause__", None), "details", None)
    return dict(details or {})


# Transactions


def has_transactions(connection: Any) -> bool:
    """Return whether a connection has transactions of the backend's own; Django's ``atomic()`` does nothing there.

    A stand-alone server has none, and neither has any other backend.
    """
    if not hasattr(connection, "start_transaction_mongo"):
        return False
    return bool(with_django_errors(lambda: connection.features._supports_transactions))


def is_in_transaction(connection: Any) -> bool:
    """Return whether the caller has begun a transaction of the backend's own."""
    return getattr(connection, "in_atomic_block_mongo", False)


@contextmanager
def atomic(connection: Any) -> Iterator[None]:
    """Run a block in a transaction of the backend's own."""
    from django_mongodb_backend.transaction import atomic as backend_atomic

    _end_stale_session(connection)
    # Inside Django's atomic() (ATOMIC_REQUESTS), which does nothing here, the backend would commit and then raise.
    marked, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        with backend_atomic(using=connection.alias):
            yield
    finally:
        connection.in_atomic_block = marked
        _end_stale_session(connection)


def _end_stale_session(connection: Any) -> None:
    """End the session that a failed commit leaves open: inside it, no later block would be a transaction."""
    if connection.session and not connection.in_atomic_block_mongo:
        connection.session.end_session()
        connection.session = None


# Queries in MongoDB's query language, compiled with a Param in the place of each value


def filter_of(compiler: Any) -> dict[str, Any]:
    """Return the filter of a query's WHERE clause."""
    query_filter: dict[str, Any] = compiler.build_query().match_mql
    return query_filter


def filter_and_order_of(compiler: Any) -> list[Any]:
    """Return the filter and the order of a query."""
    compiler.pre_sql_setup()
    query = compiler.build_query()
    return [query.match_mql, list(query.ordering.items())]


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
    order: Keys,
    limit: int | None,
) -> list[Row]:
    """Return these columns of rows in an order. A limit of None returns all rows."""
    documents = _call(model, connection, "find", query_filter, _projection(columns), sort=order, limit=limit or 0)
    return _rows_of(documents, columns)


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
    if values is not None:
        changed = {column for each in changes.values() for column in each}
        document = _document_of(model, connection, values).items()
        changes = changes | {"$setOnInsert": {column: value for column, value in document if column not in changed}}
    is_upsert = values is not None
    row = _call(model, connection, "find_one_and_update", query_filter, changes, upsert=is_upsert, return_document=True)
    return _row_of(row, columns)


def delete_one(model: type[Model], connection: BaseDatabaseWrapper, query_filter: dict[str, Any]) -> int:
    """Delete a row and return the number of deleted rows: 0 or 1."""
    return int(_call(model, connection, "delete_one", query_filter).deleted_count)


def _call(model: type[Model], connection: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    table = model._meta.db_table

    def call() -> Any:
        result = getattr(connection.database[table], method)(*args, session=connection.session, **kwargs)
        # A cursor asks the server while it is read, which can fail as any call can.
        return result.to_list() if method == "find" else result

    if not connection.queries_logged:
        return with_django_errors(call)
    with debug_transaction(connection, f"db.{table}.{method}()"):
        return with_django_errors(call)


def _document_of(model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> dict[str, Any]:
    return {
        str(field.column): field.get_db_prep_value(values[field.attname], connection, prepared=True)
        for field in model._meta.concrete_fields
    }


def _projection(columns: Sequence[str]) -> dict[str, Any]:
    # The server adds its own key unless it is excluded.
    return {"_id": False} | dict.fromkeys(columns, True)


def _row_of(document: dict[str, Any] | None, columns: Sequence[str]) -> Row | None:
    return None if document is None else _rows_of([document], columns)[0]


def _rows_of(documents: list[dict[str, Any]], columns: Sequence[str]) -> list[Row]:
    read = itemgetter(*columns)
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
    # The backend runs it, so that errors and the log are Django's.
    query.get_pipeline = lambda: pipeline
    return iter(query.get_cursor())


def index_names(connection: Any, table: str) -> list[str]:
    """Return the names of a collection's indexes."""
    collection = connection.get_collection(table)
    return list(with_django_errors(collection.index_information))


def is_mongos(connection: Any) -> bool:
    """Return whether the connection leads to the router of a sharded cluster."""
    reply = with_django_errors(lambda: connection.database.client.admin.command("hello"))
    return bool(reply.get("msg") == "isdbgrid")


def estimated_count(connection: Any, table: str) -> int:
    """Return the number of documents in a collection, from its metadata."""
    collection = connection.get_collection(table)
    return int(with_django_errors(collection.estimated_document_count))


# Indexes


class MongoIndex(NamedTuple):
    """An index of a collection.

    Args:
        name: of the index.
        keys: pairs of a column and a direction, 1 or -1.
        unique: whether no two documents may have the same keys.
    """

    name: str
    keys: Keys
    unique: bool = False


def create_indexes(schema_editor: Any, model: type[Model], indexes: Sequence[MongoIndex]) -> None:
    """Create indexes; those that exist stay."""
    from pymongo import IndexModel

    models = [
        IndexModel(index.keys, name=index.name, **({"unique": True} if index.unique else {})) for index in indexes
    ]
    # sqlmigrate prints a call of create_indexes(), but would execute one of create_index().
    schema_editor.get_collection(model._meta.db_table).create_indexes(models)


def drop_indexes(schema_editor: Any, model: type[Model], names: Sequence[str]) -> None:
    """Drop indexes by their names."""
    for name in names:
        schema_editor.get_collection(model._meta.db_table).drop_index(name)


def drop_partial_indexes(schema_editor: Any, model: type[Model], keys: Sequence[Keys]) -> None:
    """Drop the partial indexes on any of these keys."""
    table = model._meta.db_table
    for name, index in schema_editor.connection.get_collection(table).index_information().items():
        if index["key"] in keys and "partialFilterExpression" in index:
            _drop_index(schema_editor.get_collection(table), name)


def _drop_index(collection: Any, name: str) -> None:
    from pymongo.errors import OperationFailure

    try:
        collection.drop_index(name)
    except OperationFailure as error:
        # Another process dropped it first.
        if error.code != INDEX_NOT_FOUND:
            raise
