"""The inside of MongoDB's backend: the only package that knows names of ``pymongo`` and ``django_mongodb_backend``."""

from __future__ import annotations

from agno_memory.db.mongodb.errors import (
    clashing_keys,
    inserted_before,
    is_connection_failure,
    is_transient,
    with_django_errors,
)
from agno_memory.db.mongodb.indexes import (
    Keys,
    MongoIndex,
    create_collection,
    create_indexes,
    create_migrations_table,
    drop_indexes,
    drop_partial_indexes,
    index_names,
    set_missing,
)
from agno_memory.db.mongodb.queries import (
    aggregate,
    delete_one,
    estimated_count,
    filter_and_order_of,
    filter_of,
    find,
    find_one,
    insert,
    insert_many,
    is_mongos,
    pipeline_of,
    stored_key,
    update_of,
    update_one,
)
from agno_memory.db.mongodb.transactions import atomic, has_transactions, is_in_transaction

__all__ = [
    "Keys",
    "MongoIndex",
    "aggregate",
    "atomic",
    "clashing_keys",
    "create_collection",
    "create_indexes",
    "create_migrations_table",
    "delete_one",
    "drop_indexes",
    "drop_partial_indexes",
    "estimated_count",
    "filter_and_order_of",
    "filter_of",
    "find",
    "find_one",
    "has_transactions",
    "index_names",
    "insert",
    "insert_many",
    "inserted_before",
    "is_connection_failure",
    "is_in_transaction",
    "is_mongos",
    "is_transient",
    "pipeline_of",
    "set_missing",
    "stored_key",
    "update_of",
    "update_one",
    "with_django_errors",
]
