"""The fields of the models, among them those that change by themselves. ``validators.py`` defines valid values."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable, CombinedExpression, F, Value
from django.db.models.functions import Greatest
from django.db.models.signals import pre_save
from django.db.models.sql.compiler import SQLCompiler

from agno_memory import validators
from agno_memory.conf import conf
from agno_memory.db import mongodb
from agno_memory.db.damaged import Damaged, DamagedNumber, stored_id
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.expiry import UnexpiredAt
from agno_memory.identifiers import as_text
from agno_memory.keys import composite_key
from agno_memory.times import now, whole_milliseconds

if TYPE_CHECKING:
    # Generic for the type checker alone: Django's fields take no parameters at run time.
    _CharField = models.CharField[Any, Any]
    _DateTimeField = models.DateTimeField[datetime.datetime, datetime.datetime]
    _IntegerField = models.PositiveIntegerField[int, int]
    _TextField = models.TextField[str, str]
else:
    _CharField = models.CharField
    _DateTimeField = models.DateTimeField
    _IntegerField = models.PositiveIntegerField
    _TextField = models.TextField


def is_expression(value: object) -> bool:
    """Return whether the database computes this value."""
    return hasattr(value, "resolve_expression")


class MachineWritten:
    """Mixin of fields that change by themselves at every write: by the service, ``save()`` or ``update()``."""

    def on_write(self, moment: Any) -> Combinable:
        """Return the expression for this column's value after a write.

        Args:
            moment: the time of the write; a datetime, or an expression for one.
        """
        raise NotImplementedError("A subclass of MachineWritten must define on_write().")


def moves(model: type[models.Model], moment: Any) -> dict[str, Combinable]:
    """Return the expressions for the machine-written fields, which every write must set, by the name of the field.

    Args:
        model: the model that is written to.
        moment: the time of the write; a datetime, or an expression for one.
    """
    return {
        field.name: field.on_write(moment) for field in model._meta.concrete_fields if isinstance(field, MachineWritten)
    }


class NextVersion(CombinedExpression):
    """The number of a version plus 1. What MongoDB has in its place in a document of another program counts as 1."""

    def __init__(self, name: str) -> None:
        super().__init__(F(name), "+", Value(1))

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # The backend adds the method as_mql() to every expression.
        column = cast("Any", self.lhs).as_mql(compiler, connection, as_expr=True)
        return {"$add": [{"$cond": [{"$isNumber": column}, column, 1]}, 1]}


class VersionField(MachineWritten, _IntegerField):
    """The number of writes to a row: 1 after it is added, one more after every write."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            # A number replaces the value of another program.
            read = getattr(model_instance, self.attname)
            return int(read) + 1 if isinstance(read, DamagedNumber) else self.on_write(now())
        setattr(model_instance, self.attname, 1)
        return 1

    def on_write(self, moment: Any) -> Combinable:
        return NextVersion(self.name)


class TimestampField(_DateTimeField):
    """A time in aware UTC, in whole milliseconds on every database."""

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, datetime.datetime):
            value = whole_milliseconds(value)
        return super().get_db_prep_save(value, connection)


class CreatedAtField(TimestampField):
    """The time when the row was added, or an earlier one that the caller sets before."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add and getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, now())
        return getattr(model_instance, self.attname)


class ExpiresAtField(TimestampField):
    """The time from which on a memory is in no list; None for a memory that stays.

    Args:
        topics: name of the field with the topics, for which ``EXPIRE_AFTER`` gives times.
    """

    def __init__(self, *args: Any, topics: str = "topics", **kwargs: Any) -> None:
        self.topics = topics
        super().__init__(*args, **kwargs, null=True, blank=True)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["null"], kwargs["blank"]
        return name, path, args, {**kwargs, "topics": self.topics}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.attname)
        topics = getattr(model_instance, self.topics)
        if value is None and isinstance(topics, list):
            spans = conf.EXPIRE_AFTER
            kept = [spans[topic] for topic in topics if topic in spans] if spans else []
            value = now() + min(kept) if kept else None
            setattr(model_instance, self.attname, value)
        return value


ExpiresAtField.register_lookup(UnexpiredAt)


class LastUpdatedField(MachineWritten, TimestampField):
    """The time of the last write. It never goes back, even if a clock does.

    Args:
        created: name of the ``CreatedAtField``, which must be declared after this field. In a new row without a time
            of its own, both start with the same value.
    """

    def __init__(self, *args: Any, created: str = "created_at", **kwargs: Any) -> None:
        self.created = created
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "created": self.created}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            return self.on_write(getattr(model_instance, "writes_at", None) or now())
        moment = now()
        if getattr(model_instance, self.created) is None:
            setattr(model_instance, self.created, moment)
        setattr(model_instance, self.attname, moment)
        return moment

    def on_write(self, moment: Any) -> Combinable:
        if not is_expression(moment):
            moment = Value(moment, output_field=self)
        return Greatest(F(self.name), moment)


class IdentifierField(_CharField):
    """A text key, compared and sorted by code point on every database.

    The default collation of PostgreSQL follows a language and that of MySQL ignores case, so ``collations`` names
    others.
    """

    default_validators = [validators.validate_identifier]
    collations: ClassVar[dict[str, str]] = {"postgresql": "C", "mysql": "utf8mb4_bin", "mariadb": "utf8mb4_nopad_bin"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", validators.MAX_IDENTIFIER_LENGTH)
        super().__init__(*args, **kwargs)
        # The default validator checks the length already; with CharField's own there would be two messages.
        self.validators = [each for each in self.validators if not isinstance(each, MaxLengthValidator)]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        # The longer name of the same type: for "varchar", PostgreSQL's schema editor creates a second index for LIKE,
        # which a key with the "C" collation does not need.
        return str(super().db_type(connection)).replace("varchar(", "character varying(", 1)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        # MariaDB has the vendor of MySQL and a collation more, which does not ignore trailing blanks.
        name = "mariadb" if getattr(connection, "mysql_is_mariadb", False) else connection.vendor
        return {**parameters, "collation": self.collations.get(name)}

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        # An id of another type finds its row, for example to delete it.
        if isinstance(value, Damaged):
            return stored_id(value)
        return super().get_db_prep_value(value, connection, prepared)

    # The values of compiled statements are not damaged.
    get_db_prep_value.is_plain = True  # type: ignore[attr-defined]


class _StoredKey:
    """The value of a key in a database; one method per database."""

    def as_sql(self, key: str) -> Any:
        return key

    def as_mongodb(self, key: str) -> Any:
        return mongodb.stored_key(key)


STORED_KEY: Final = _StoredKey()


# The number of characters of ``keys.composite_key()``.
KEY_LENGTH: Final = 32


class CompositeKeyField(IdentifierField):
    """The primary key: a digest of other fields, made when the row is added, and never by callers.

    Its column is ``_id`` on every database, because MongoDB's primary key has this name.

    Args:
        of: the names of the other fields. They must not change afterwards.
    """

    # The key of an unsaved row is None, as with Django's automatic keys.
    empty_strings_allowed = False
    fixed: ClassVar[dict[str, Any]] = {
        "primary_key": True,
        "editable": False,
        "blank": True,
        "db_column": "_id",
        "max_length": KEY_LENGTH,
    }

    def __init__(self, *args: Any, of: Sequence[str], **kwargs: Any) -> None:
        self.of = tuple(of)
        super().__init__(*args, **kwargs, **self.fixed)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {key: kwargs[key] for key in kwargs if key not in self.fixed} | {"of": self.of}

    def digest(self, *values: object) -> str:
        """Return the key for these values of the other fields, in the order of ``of``.

        Raises:
            TypeError: a database expression, whose text is not known here.
        """
        # Most values are plain texts.
        named = zip(self.of, values, strict=True)
        return composite_key(*[value if type(value) is str else self._text(name, value) for name, value in named])

    def _text(self, name: str, value: object) -> str:
        if is_expression(value):
            raise TypeError(
                f"{' and '.join(self.of)} cannot be database expressions, because {self.name} follows them."
            )
        return str(as_text(name, value))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if isinstance(value, str) and len(value) == KEY_LENGTH:
            # One of ours, as every database stores it.
            return value
        value = super().get_db_prep_value(value, connection, prepared)
        return vendor_method(STORED_KEY, connection)(value) if isinstance(value, str) else value

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            pre_save.connect(self._set_in_fixture, sender=cls)

    def _set_in_fixture(self, instance: models.Model, raw: bool, **kwargs: Any) -> None:
        """Set the key of an object of a fixture: Django calls no field's ``pre_save()`` for these."""
        if raw:
            setattr(instance, self.attname, self.get_pk_value_on_save(instance))

    def get_pk_value_on_save(self, instance: models.Model) -> str:
        return self.digest(*(getattr(instance, name) for name in self.of))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add:
            setattr(model_instance, self.attname, self.get_pk_value_on_save(model_instance))
        return getattr(model_instance, self.attname)
