"""MongoDB databases as a source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agno_memory.db.drivers import how_to_install
from agno_memory.transfer.sources.base import Item, Row, SourceError, UnreadableRow
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
            self._client = MongoClient(url, serverSelectionTimeoutMS=self.connect_timeout * 1_000)
            self._database = self._client.get_default_database()
            own_collections = {"name": {"$not": re.compile("^system")}}
            self._tables = sorted(self._database.list_collection_names(filter=own_collections))
        except (PyMongoError, ValueError) as error:
            # A ValueError for a URL with an invalid port.
            self.close()
            raise self.connection_error(error) from None

    def tables(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> Iterator[Item]:
        from bson.codec_options import CodecOptions
        from bson.raw_bson import RawBSONDocument

        try:
            # Decoded one by one: a document that Python cannot represent must not end the import.
            collection = self._database.get_collection(table, codec_options=CodecOptions(RawBSONDocument))
            self.total = collection.estimated_document_count()
            with collection.find({}, batch_size=self.batch_size) as cursor:
                for number, row in enumerate(cursor, start=1):
                    self.position = number
                    yield f"document {number}", _decoded(row.raw)
        except self._error as error:
            raise self.reading_error(error, table) from None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def _decoded(document: bytes) -> Row | UnreadableRow:
    from bson import DatetimeConversion, decode
    from bson.codec_options import CodecOptions
    from bson.errors import BSONError

    try:
        # A time outside the years of Python is not a datetime then, and the reader rejects it.
        row: Row = decode(document, CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO))
    except (BSONError, RecursionError) as error:
        return UnreadableRow(f"not BSON: {error}", document.hex())
    return row
