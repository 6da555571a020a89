"""MongoDB databases as a source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agno_memory.db.drivers import how_to_install
from agno_memory.transfer.sources.base import Item, SourceError
from agno_memory.transfer.sources.servers import ServerSource


class MongoSource(ServerSource):
    """A MongoDB database; its collections are the tables."""

    prefixes = ("mongodb://", "mongodb+srv://")

    def __init__(self, url: str) -> None:
        super().__init__(url)
        try:
            # The driver is optional: a site without MongoDB imports from files.
            from pymongo import MongoClient
            from pymongo.errors import PyMongoError
        except ImportError:
            raise SourceError(how_to_install("django_mongodb_backend")) from None
        self._error = PyMongoError
        self._client: Any = None
        try:
            self._client = MongoClient(url, serverSelectionTimeoutMS=self.connect_timeout * 1_000, tz_aware=True)
            self._database = self._client.get_default_database()
            own_collections = {"name": {"$not": re.compile("^system")}}
            self._tables = sorted(self._database.list_collection_names(filter=own_collections))
        except PyMongoError as error:
            self.close()
            raise self.connection_error(error) from None

    def tables(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> Iterator[Item]:
        try:
            collection = self._database[table]
            self.total = collection.estimated_document_count()
            with collection.find({}, batch_size=self.batch_size) as cursor:
                for number, row in enumerate(cursor, start=1):
                    self.position = number
                    yield f"document {number}", row
        except self._error as error:
            raise SourceError(f"The collection {table} cannot be read to its end: {error}") from None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
