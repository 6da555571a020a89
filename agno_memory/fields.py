"""Fields of a memory. What they accept is in ``validators``; when they change by themselves is here."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable, F, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from agno_memory import validators
from agno_memory.db.lookups import About, AboutAny, FewerTopics, FoldedContains
from agno_memory.times import now, whole_milliseconds

if TYPE_CHECKING:
    # Generic for the type checker alone: Django's fields take no parameters at run time.
    _CharField = models.CharField[Any, Any]
    _DateTimeField = models.DateTimeField[datetime.datetime, datetime.datetime]
    _IntegerField = models.PositiveIntegerField[int, int]
    _TextField = models.TextField[str, str]
    _AnyTextField = models.TextField[Any, Any]
else:
    _CharField = models.CharField
    _DateTimeField = models.DateTimeField
    _IntegerField = models.PositiveIntegerField
    _TextField = models.TextField
    _AnyTextField = models.TextField


def is_expression(value: object) -> bool:
    """Tell whether the database computes this value."""
    return hasattr(value, "resolve_expression")


class MachineWritten:
    """Mixin of fields that change by themselves at every write, however it is made."""

    def on_write(self, moment: Any) -> Combinable:
        """Return the expression that a row's next write sets this column to.

        Args:
            moment: of the write; a datetime, or an expression that will be one.
        """
        raise NotImplementedError("A machine-written field says what its next value is.")


def moves(model: type[models.Model], moment: Any) -> dict[str, Combinable]:
    """Return what any write sets beside what it was asked to: the next values of the machine-written fields."""
    return {
        field.name: field.on_write(moment) for field in model._meta.concrete_fields if isinstance(field, MachineWritten)
    }


class VersionField(MachineWritten, _IntegerField):
    """Counts the writes of a row: 1 when it is added, one more at every write."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            return self.on_write(now())
        setattr(model_instance, self.attname, 1)
        return 1

    def on_write(self, moment: Any) -> Combinable:
        return F(self.name) + 1


class TimestampField(_DateTimeField):
    """A moment in aware UTC, whole milliseconds on every database."""

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, datetime.datetime):
            value = whole_milliseconds(value)
        return super().get_db_prep_save(value, connection)


class CreatedAtField(TimestampField):
    """When the row was added."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add:
            setattr(model_instance, self.attname, now())
        return getattr(model_instance, self.attname)


class LastUpdatedField(MachineWritten, TimestampField):
    """When the row was last written. Never goes back, even where a clock does.

    Args:
        created: name of the ``CreatedAtField`` declared before it, whose moment a new row starts with.
    """

    def __init__(self, *args: Any, created: str = "created_at", **kwargs: Any) -> None:
        self.created = created
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "created": self.created}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            return self.on_write(now())
        moment = getattr(model_instance, self.created)
        setattr(model_instance, self.attname, moment)
        return moment

    def on_write(self, moment: Any) -> Combinable:
        if not is_expression(moment):
            moment = Value(moment, output_field=self)
        return Greatest(F(self.name), moment)


class IdentifierField(_CharField):
    """A text key, compared and sorted by code point on every database.

    Databases whose default collation follows a language (PostgreSQL) or ignores case (MySQL) are told not to.
    """

    default_validators = [validators.validate_identifier]
    collations: ClassVar[dict[str, str]] = {"postgresql": "C", "mysql": "utf8mb4_bin"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", validators.MAX_IDENTIFIER_LENGTH)
        super().__init__(*args, **kwargs)
        # The length is part of what an identifier is: CharField's own validator would say it twice.
        self.validators = [each for each in self.validators if not isinstance(each, MaxLengthValidator)]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        # The same type by its longer name: for one spelled "varchar", PostgreSQL's schema editor builds a second
        # index for LIKE, which a key in "C" collation does not need.
        return str(super().db_type(connection)).replace("varchar(", "character varying(", 1)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": self.collations.get(connection.vendor)}


class DocumentField(models.JSONField):
    """JSON in one canonical form.

    Args:
        canonical: returns the stored form of a value, or raises ``ValidationError``.
        limit: raises it for a value in that form which is too large.
    """

    canonical: Callable[[object], Any]
    limit: Callable[[Any], None]

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        # Not to_python(): fixtures hand that the text of the JSON and decode what it returns.
        return super().clean(type(self).canonical(value), model_instance)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.attname)
        if is_expression(value):
            return value
        value = type(self).canonical(value)
        setattr(model_instance, self.attname, value)
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if not is_expression(value):
            value = type(self).canonical(value)
        return super().get_db_prep_save(value, connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        # JSONField takes a Value apart here; it is an expression like any other.
        return value if is_expression(value) else super().get_db_prep_value(value, connection, prepared)


class TopicsField(DocumentField):
    """A list of topics in canonical form; ask about them with ``topics__about`` and ``topics__about_any``."""

    canonical = staticmethod(validators.canonical_topics)
    limit = staticmethod(validators.limit_topics)
    default_validators = [validators.validate_topics]


class MetadataField(DocumentField):
    """A JSON object."""

    canonical = staticmethod(validators.canonical_metadata)
    limit = staticmethod(validators.limit_metadata)
    default_validators = [validators.validate_metadata]


TopicsField.register_lookup(About)
TopicsField.register_lookup(AboutAny)
TopicsField.register_lookup(FewerTopics)


class VerbatimJSONField(_AnyTextField):
    """JSON exactly as it was given, kept as text: somebody else's documents, in which nothing is searched.

    The databases' own JSON does not give everything back: PostgreSQL's knows no NUL and orders keys anew, MongoDB's
    refuses some keys and large numbers.
    """

    # What django-stubs takes for the type of its values, TextField's otherwise.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        # Fixtures hold the text.
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValidationError(_("This is not JSON."), code="invalid") from None

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        validators.json_text(value)

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None or is_expression(value) else validators.json_text(value)

    def value_to_string(self, obj: models.Model) -> Any:
        return self.get_prep_value(self.value_from_object(obj))


class FoldedTextField(_TextField):
    """Another field's text, folded so that every database finds the same rows whatever its idea of case.

    Args:
        source: name of the field that it follows.
    """

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"]
        return name, path, args, {**kwargs, "source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        text = getattr(model_instance, self.source)
        if is_expression(text):
            raise TypeError(f"{self.source} cannot be a database expression: {self.name} follows its text.")
        # The database has its say on None.
        folded = None if text is None else validators.fold(text)
        setattr(model_instance, self.attname, folded)
        return folded


FoldedTextField.register_lookup(FoldedContains)
