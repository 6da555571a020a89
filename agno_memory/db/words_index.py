"""The index of the words of memories: it finds the memories of one person that have any of some words.

Each entry has the owner in front, so a search reads entries of one person only. PostgreSQL indexes an expression, and
MongoDB a text with the owner before it. SQLite has a table of FTS5 that triggers keep in step; another table leads from
its numbers to the keys of memories, because ``VACUUM`` renumbers the rows of a table without a number of its own.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from django.core.exceptions import FullResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Lookup, Model, QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import AND, WhereNode

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.lookups import Sql
from agno_memory.keys import composite_key

if TYPE_CHECKING:
    # Generic for the type checker alone.
    _Lookup = Lookup[Any]
    _Exact = Exact[Any]
else:
    _Lookup = Lookup
    _Exact = Exact

Rows = TypeVar("Rows", bound="QuerySet[Any]")

# PostgreSQL indexes each word with so many characters of a digest of its owner in front.
OWNER_DIGITS: Final = 8
MONGODB_INDEX: Final = "agno_memory_user_words"


class OwnedWords(NamedTuple):
    """Words to find, and the owner of the memories.

    Args:
        owner: the id of a person.
        words: as ``search.stored_words`` has them.
    """

    owner: str
    words: Sequence[str]


class WordsTables(NamedTuple):
    """The tables and triggers of the index on SQLite.

    Args:
        words: the table of FTS5.
        keys: the table of the keys of memories by the numbers of FTS5.
        triggers: those of the table of memories.
    """

    words: str
    keys: str
    triggers: tuple[str, ...]

    @classmethod
    def of(cls, table: str) -> WordsTables:
        """Return the names for a table of memories."""
        return cls(
            f"{table}_words",
            f"{table}_word_keys",
            tuple(f"{table}_words_{event}" for event in ("insert", "update", "delete")),
        )


def sqlite_sql(model: type[Model], quote: Callable[[str], str]) -> Iterator[str]:
    """Yield the statements that create the index on SQLite and fill it.

    Args:
        model: of the memories.
        quote: quotes a name.
    """
    table = model._meta.db_table
    names = WordsTables.of(table)
    words, keys, memories = quote(names.words), quote(names.keys), quote(table)
    on_insert, on_update, on_delete = map(quote, names.triggers)
    # Without the text, and without places of words: to delete an entry takes the text that was added.
    yield f"CREATE VIRTUAL TABLE {words} USING fts5(words, content='', detail=none, columnsize=0, tokenize='ascii')"
    yield f"CREATE TABLE {keys} (id INTEGER PRIMARY KEY, memory_key TEXT NOT NULL UNIQUE)"
    yield f"INSERT INTO {keys} (memory_key) SELECT _id FROM {memories} ORDER BY rowid"  # noqa: S608
    yield (
        f"INSERT INTO {words} (rowid, words) SELECT id, {_entries(memories)} FROM {keys} "  # noqa: S608
        f"JOIN {memories} ON {memories}._id = memory_key ORDER BY id"
    )
    add = (
        f"INSERT INTO {keys} (memory_key) VALUES (NEW._id); "  # noqa: S608
        f"INSERT INTO {words} (rowid, words) VALUES (last_insert_rowid(), {_entries('NEW')})"
    )
    remove = (
        f"INSERT INTO {words} ({words}, rowid, words) "  # noqa: S608
        f"SELECT 'delete', id, {_entries('OLD')} FROM {keys} WHERE memory_key = OLD._id; "
        f"DELETE FROM {keys} WHERE memory_key = OLD._id"
    )
    changes = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in ("_id", "user_id", "search_terms"))
    yield f"CREATE TRIGGER {on_insert} AFTER INSERT ON {memories} BEGIN {add}; END"
    yield f"CREATE TRIGGER {on_update} AFTER UPDATE ON {memories} WHEN {changes} BEGIN {remove}; {add}; END"
    yield f"CREATE TRIGGER {on_delete} AFTER DELETE ON {memories} BEGIN {remove}; END"


def sqlite_erasure_sql(model: type[Model], quote: Callable[[str], str], *, of_all: bool) -> Iterator[str]:
    """Yield the statements that take the words of an owner out of the index on SQLite.

    The triggers would do it row by row, newest first, and FTS5 takes four times as long against the order of its
    numbers.

    Args:
        model: of the memories, which are still there.
        quote: quotes a name.
        of_all: whether to remove all words, instead of those of the owner in the parameter.
    """
    table = model._meta.db_table
    names = WordsTables.of(table)
    words, keys, memories, owner = quote(names.words), quote(names.keys), quote(table), quote("user_id")
    if of_all:
        yield f"INSERT INTO {words} ({words}) VALUES ('delete-all')"  # noqa: S608
        yield f"DELETE FROM {keys}"  # noqa: S608
        return
    yield (
        f"INSERT INTO {words} ({words}, rowid, words) SELECT 'delete', id, {_entries(memories)} "  # noqa: S608
        f"FROM {memories} JOIN {keys} ON memory_key = {memories}._id WHERE {memories}.{owner} = %s ORDER BY id"
    )
    yield f"DELETE FROM {keys} WHERE memory_key IN (SELECT _id FROM {memories} WHERE {owner} = %s)"  # noqa: S608


def _entries(row: str) -> str:
    """Return SQL for the words of a row, each with the owner in front. FTS5 splits them at blanks and signs."""
    return f"replace({row}.search_terms, ' ', ' ' || hex({row}.user_id) || 'x')"


def index_name(table: str) -> str:
    """Return the name of the index on PostgreSQL, which limits the length of names."""
    return f"agno_words_{composite_key(table)[:16]}"


class IndexedWords(Func):
    """The words of a memory on PostgreSQL as an array, each with the owner in front; for an index on it.

    The first elements are the head of the stored words, which no search asks for.
    """

    arity = 2
    # Only names of columns are formatted into the text. A count follows each word after a colon.
    template = (
        "string_to_array(regexp_replace(replace({0}, ' ', ' ' || left(md5({1}), {2})), ':[0-9/]+', '', 'g'), ' ')"
    )

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **context: Any) -> Sql:
        words, owner = (str(compiler.compile(each)[0]) for each in self.get_source_expressions())
        return self.template.format(words, owner, OWNER_DIGITS), ()


class HasAnyWord(_Lookup):
    """Memories of an owner of which the stored words have any of some words; a few others may be among them.

    Used only where ``WordsIndex.exists()``. A database without a method of its own finds all memories.
    """

    lookup_name = "has_any_word"
    prepare_rhs = False
    rhs: OwnedWords

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        raise FullResultSet

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        options = self.lhs.target.model._meta
        names = WordsTables.of(options.db_table)
        quote = connection.ops.quote_name
        words, keys = quote(names.words), quote(names.keys)
        # Only names are formatted into the text, never a value.
        numbers = f"SELECT rowid FROM {words} WHERE {words} MATCH %s"  # noqa: S608
        column = f"{quote(self.lhs.alias)}.{quote(options.pk.column)}"
        owner = self.rhs.owner.encode().hex()
        query = " OR ".join(f'"{owner}x{word}"' for word in self.rhs.words)
        return f"{column} IN (SELECT memory_key FROM {keys} WHERE id IN ({numbers}))", (query,)  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        owner = self.lhs.target.model._meta.get_field("user_id")
        expression = IndexedWords(self.lhs, Col(self.lhs.alias, owner))
        prefix = hashlib.md5(self.rhs.owner.encode(), usedforsecurity=False).hexdigest()[:OWNER_DIGITS]
        text, _params = expression.as_sql(compiler, connection)
        return f"{text} && %s::text[]", ([f"{prefix}{word}" for word in self.rhs.words],)

    def as_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, as_expr: bool = False) -> Any:
        # MongoDB's index leaves out marks and signs, and a word of nothing else.
        if not all(any(map(str.isdecimal, word)) or any(map(_is_letter, word)) for word in self.rhs.words):
            return {}
        return {"$text": {"$search": " ".join(self.rhs.words)}}


def _is_letter(character: str) -> bool:
    # MongoDB treats some modifiers, which are letters for Python, as accents.
    return unicodedata.category(character) in ("Ll", "Lo")


class WordsIndex:
    """Whether the index of a table exists: an older table lacks it, and so do some databases."""

    @classmethod
    def exists(cls, connection: BaseDatabaseWrapper, model: type[Model]) -> bool:
        """Return whether a search can use the index of a model's table."""
        return bool(vendor_method(cls, connection, "exists_on")(connection, model._meta.db_table))

    @classmethod
    def exists_on_sql(cls, connection: BaseDatabaseWrapper, table: str) -> bool:
        return False

    @classmethod
    def exists_on_sqlite(cls, connection: BaseDatabaseWrapper, table: str) -> bool:
        triggers = WordsTables.of(table).triggers
        places = ", ".join(["%s"] * len(triggers))
        # Triggers go with the table if Django replaces it. Then the index is not in step any more.
        found = f"SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({places})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(found, triggers)
            return bool(cursor.fetchone()[0] == len(triggers))

    @classmethod
    def exists_on_postgresql(cls, connection: BaseDatabaseWrapper, table: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (connection.ops.quote_name(index_name(table)),))
            return bool(cursor.fetchone()[0])

    @classmethod
    def exists_on_mongodb(cls, connection: BaseDatabaseWrapper, table: str) -> bool:
        return MONGODB_INDEX in mongodb.index_names(connection, table)


class WordsErasure:
    """The erasure of the words of an owner from the index, besides that of the memories.

    Other databases than SQLite remove the entries of a deleted row by themselves.
    """

    @classmethod
    def around(cls, rows: QuerySet[Any], owner: str | None, erase: Callable[[], int]) -> int:
        """Delete rows and their words, and return the number of rows.

        Args:
            rows: of the table.
            owner: of the rows; None for all rows of the table.
            erase: deletes the rows and returns their number.
        """
        connection = connection_to(rows.db)
        return int(vendor_method(cls, connection, "around_on")(connection, rows.model, owner, erase))

    @classmethod
    def around_on_sql(
        cls, connection: BaseDatabaseWrapper, model: type[Model], owner: str | None, erase: Callable[[], int]
    ) -> int:
        return erase()

    @classmethod
    def around_on_sqlite(
        cls, connection: BaseDatabaseWrapper, model: type[Model], owner: str | None, erase: Callable[[], int]
    ) -> int:
        if not WordsIndex.exists(connection, model):
            return erase()
        with connection.cursor() as cursor:
            for statement in sqlite_erasure_sql(model, connection.ops.quote_name, of_all=owner is None):
                cursor.execute(statement, () if owner is None else (owner,))
            count = erase()
            # FTS5 only marks entries as deleted. Merging its parts removes them.
            words = connection.ops.quote_name(WordsTables.of(model._meta.db_table).words)
            cursor.execute(f"INSERT INTO {words} ({words}) VALUES ('optimize')")  # noqa: S608
        return count


class OwnerOfFound(_Exact):
    """The owner of rows that another condition finds.

    SQLite would rather read all rows of the owner than look for some keys. A sign keeps it off that index.
    """

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        text, params = self.as_sql(compiler, connection)
        return f"+{text}", tuple(params)


def found_by_key(rows: Rows) -> Rows:
    """Return the same rows, to be narrowed to some keys: the database looks for those, not for all of the owner."""
    found = rows.all()
    found.query.where = _with_owner_of_found(found.query.where)
    return found


def _with_owner_of_found(where: WhereNode) -> WhereNode:
    if where.connector != AND or where.negated:
        return where
    changed = where.clone()
    changed.children = [_changed(child) for child in where.children]
    return changed


def _changed(child: Any) -> Any:
    if isinstance(child, WhereNode):
        return _with_owner_of_found(child)
    is_owner = isinstance(child, Exact) and isinstance(child.lhs, Col) and child.lhs.target.name == "user_id"
    return OwnerOfFound(child.lhs, child.rhs) if is_owner else child
