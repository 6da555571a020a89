"""Rows of other programs: values that a field cannot have are read as far as they can be, and marked as damaged.

On MongoDB a document may lack any field and have values of any type; on SQL a JSON column may have any JSON. A damaged
value is an instance of ``Damaged`` and of the field's own type, so lists, counts and exports work with it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain, islice
from typing import Any, Final, NamedTuple, cast

from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    ForeignKey,
    IntegerField,
    Max,
    Min,
    TextField,
)
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE

from agno_memory.db.conversions import Column, Conversion, conversion, unchanged
from agno_memory.db.damaged import (
    NO_ID,
    Damaged,
    DamagedDate,
    DamagedFlag,
    DamagedMetadata,
    DamagedNumber,
    DamagedText,
    DamagedTime,
    DamagedTopics,
)
from agno_memory.db.guarded import GuardedQuery
from agno_memory.db.sqlite_times import select_stored_times
from agno_memory.derived_fields import DerivedTextField
from agno_memory.exact_times import ExactTimeField
from agno_memory.json_fields import MetadataField, TopicsField, VerbatimJSONField
from agno_memory.times import EPOCH, from_iso

# Errors of a conversion that expects another type.
CONVERSION_ERRORS: Final = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)
PLAIN: Final = frozenset({str, int, bool, type(None)})


class Kind(NamedTuple):
    """The reading of one type of fields.

    Args:
        are_sound: returns whether all values of a column are of the field's type.
        read: returns the damaged value for a stored one.
        plain: the types of the driver's values that the field has too.
    """

    are_sound: Callable[[Sequence[Any]], bool]
    read: Callable[[Any], Damaged]
    plain: frozenset[type] = frozenset()


def _are(*types: type) -> Callable[[Sequence[Any]], bool]:
    # A set of types takes a fraction of the time of isinstance() for each value.
    expected = frozenset(types)
    return lambda values: expected.issuperset(map(type, values)) or all(isinstance(value, types) for value in values)


def _are_topics(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {list} and set(map(type, chain.from_iterable(values))) <= {str}


def _are_metadata(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {dict} and (_are_flat(values) or all(map(_is_json, values)))


def _are_flat(values: Sequence[dict[Any, Any]]) -> bool:
    """Return whether objects have only texts, integers, true, false and null. Most have, and this takes a fifth."""
    each = chain.from_iterable
    return {str}.issuperset(map(type, each(values))) and PLAIN.issuperset(map(type, each(map(dict.values, values))))


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return not value or (all(isinstance(key, str) for key in value) and all(map(_is_json, value.values())))
    # MongoDB's driver has an integer type of its own for 64 bits.
    return type(value) in PLAIN or isinstance(value, int) or (isinstance(value, list) and all(map(_is_json, value)))


def _text(value: Any) -> Damaged:
    return DamagedText("" if value is None else value)


def _key(value: Any) -> Damaged:
    return DamagedText(NO_ID if value in (None, "") else value)


def _number(value: Any) -> Damaged:
    return DamagedNumber(1)


def _flag(value: Any) -> Damaged:
    return DamagedFlag(0)


def _time(value: Any) -> Damaged:
    try:
        moment = from_iso(value)
    except CONVERSION_ERRORS:
        moment = EPOCH
    return DamagedTime.fromtimestamp(moment.timestamp(), datetime.UTC)


def _date(value: Any) -> Damaged:
    return DamagedDate(EPOCH.year, EPOCH.month, EPOCH.day)


def _topics(value: Any) -> Damaged:
    listed = value if isinstance(value, list) else [value]
    return DamagedTopics(topic for topic in listed if isinstance(topic, str) and topic.strip())


def _metadata(value: Any) -> Damaged:
    return DamagedMetadata(as_json(value) if isinstance(value, dict) else {})


def as_json(value: Any) -> Any:
    """Return a value of the driver as JSON; other values than JSON's as text."""
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value if _is_json(value) else str(value)


Types = frozenset[type]
# The reading of the fields of a class; each takes the types of no value, if the field may have none.
READINGS: Final[Sequence[tuple[Any, Callable[[Types], Kind]]]] = (
    (TopicsField, lambda null: Kind(_are_topics, _topics)),
    (MetadataField, lambda null: Kind(_are_metadata, _metadata)),
    (BooleanField, lambda null: Kind(_are(bool), _flag, frozenset({bool}))),
    ((DateTimeField, ExactTimeField), lambda null: Kind(_are(datetime.datetime, *null), _time, null)),
    (DateField, lambda null: Kind(_are(datetime.date, *null), _date, null)),
    (IntegerField, lambda null: Kind(_are(int, *null), _number, null | {int})),
)


@cache
def kind_of(field: Field[Any, Any]) -> Kind | None:
    """Return the reading of a field; None if its values are read as they are."""
    if isinstance(field, VerbatimJSONField | DerivedTextField):
        return None
    null = frozenset({type(None)} if field.null else ())
    for classes, reading in READINGS:
        if isinstance(field, classes):
            return reading(null)
    if not isinstance(field, CharField | TextField | ForeignKey):
        # The numbers and bytes of vectors.
        return None
    are_texts = _are(str, *null)
    if field.primary_key:
        # No page can link to an empty one.
        return Kind(lambda values: are_texts(values) and "" not in values, _key, frozenset({str}))
    return Kind(are_texts, _text, null | {str})


def soundness_of(field: Field[Any, Any]) -> Callable[[Sequence[Any]], bool]:
    """Return a function that returns whether all values of a field are as they should be."""
    kind = kind_of(field)
    return (lambda values: True) if kind is None else kind.are_sound


def plain_types(field: Field[Any, Any], convert: Conversion) -> frozenset[type]:
    """Return the types of the driver's values that are values of a field as they are."""
    kind = kind_of(field)
    types = kind.plain if kind else frozenset()
    return types if convert is unchanged else types - {str}


def readable_column(field: Field[Any, Any], stored: Sequence[Any], convert: Callable[[Any], Any]) -> Sequence[Any]:
    """Return the values of a field for a column of the driver's values.

    Args:
        field: of the column.
        stored: the driver's values.
        convert: takes such values and returns those of the field.
    """
    kind = kind_of(field)
    try:
        values: Sequence[Any] = convert(stored)
    except CONVERSION_ERRORS:
        if len(stored) == 1:
            return [_damaged(field, value) for value in stored]
        return [readable_column(field, [value], convert)[0] for value in stored]
    if kind is None or kind.are_sound(values):
        return values
    return [value if kind.are_sound([value]) else _damaged(field, value) for value in values]


def _damaged(field: Field[Any, Any], stored: Any) -> Any:
    kind = kind_of(field)
    if kind is None:
        # A document where the text of one is expected.
        return as_json(stored)
    value = kind.read(stored)
    value.stored = stored
    return value


class ReadableQuery(GuardedQuery):
    """A query that reads the rows of other programs."""

    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:
        compiler: Any = super().get_compiler(*args, **kwargs)
        compiler.get_converters = partial(_readable_converters, compiler.connection, compiler.get_converters)
        compiler.apply_converters = partial(_apply_converters, compiler.connection)
        select_stored_times(compiler)
        return cast("SQLCompiler", compiler)


class _Readable(NamedTuple):
    """A converter of a field's values that never fails.

    Args:
        field: of the values.
        convert: converts a column of them.
        plain: the types of the driver's values that need not be read.
    """

    field: Field[Any, Any]
    convert: Conversion
    plain: Types

    @classmethod
    def of(cls, field: Field[Any, Any], expression: Any, connection: Any) -> _Readable:
        """Return the converter of an expression of a field."""
        convert = conversion(field, expression, connection)
        # A key may be an empty text, which a page cannot link to.
        return cls(field, convert, frozenset() if field.primary_key else plain_types(field, convert))

    def __call__(self, stored: Any, _expression: Any, connection: Any) -> Any:
        return self.column([stored], connection)[0]

    def column(self, stored: Column, connection: Any) -> Column:
        """Return the values of a column of the driver's values."""
        if self.plain.issuperset(map(type, stored)):
            return stored
        return readable_column(self.field, stored, partial(self.convert, connection))


def _readable_converters(
    connection: Any, get_converters: Callable[..., Any], expressions: Iterable[Any]
) -> dict[int, Any]:
    """Return Django's converters of expressions, with one that never fails for each column of a field."""
    found: dict[int, Any] = {}
    others: dict[int, Any] = {}
    for position, expression in enumerate(expressions):
        if type(expression) is Col:
            found[position] = [_column_reader(expression, connection)], expression
        elif (field := _field_of(expression)) is not None:
            found[position] = [_Readable.of(field, expression, connection)], expression
        else:
            others[position] = expression
    if others:
        positions = list(others)
        found |= {positions[each]: value for each, value in get_converters(others.values()).items()}
    return found


_chosen: dict[Any, _Readable] = {}


def _column_reader(column: Col, connection: Any) -> _Readable:
    """Return the converter of a column. It is kept: to choose takes longer than to convert a value."""
    key = column.target, type(connection), connection.timezone
    if key not in _chosen:
        _chosen[key] = _Readable.of(column.target, column, connection)
    return _chosen[key]


def _apply_converters(connection: Any, rows: Iterable[Any], converters: dict[int, Any]) -> Iterator[list[Any]]:
    """Do as Django's compiler, column by column: that takes a third of the time of each value by itself."""
    rows = iter(rows)
    while chunk := list(islice(rows, GET_ITERATOR_CHUNK_SIZE)):
        columns: list[Sequence[Any]] = list(zip(*chunk, strict=True))
        for position, (converts, expression) in converters.items():
            for convert in converts:
                if isinstance(convert, _Readable):
                    columns[position] = convert.column(columns[position], connection)
                else:
                    columns[position] = [convert(value, expression, connection) for value in columns[position]]
        yield from map(list, zip(*columns, strict=True))


def _field_of(expression: Any) -> Field[Any, Any] | None:
    """Return the field of a column, of its maximum or its minimum; None for other expressions."""
    column = expression.get_source_expressions()[0] if isinstance(expression, Max | Min) else expression
    return column.target if isinstance(column, Col) else None
