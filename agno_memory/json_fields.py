"""The JSON fields of the models: documents with a canonical form, and documents of other programs as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from agno_memory import validators
from agno_memory.db.lookups import About, AboutAny, FewerTopics
from agno_memory.db.metadata import HasMetadata
from agno_memory.fields import is_expression
from agno_memory.json_texts import JSONText, json_text

if TYPE_CHECKING:
    # Generic for the type checker alone: Django's fields take no parameters at run time.
    _AnyTextField = models.TextField[Any, Any]
else:
    _AnyTextField = models.TextField


class DocumentField(models.JSONField):
    """Base of JSON fields with a canonical form.

    Attributes:
        canonical: returns the canonical form of a value, which is stored, or raises ``ValidationError``.
        limit: raises ``ValidationError`` if a canonical value is too large.
    """

    canonical: Callable[[object], Any]
    limit: Callable[[Any], None]

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        # Not to_python(): fixtures pass the text of the JSON to that and decode its result.
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
        # JSONField would unwrap a Value here, which must stay an expression as any other.
        return value if is_expression(value) else super().get_db_prep_value(value, connection, prepared)


class TopicsField(DocumentField):
    """A list of topics in canonical form, with the lookups ``about``, ``about_any`` and ``fewer_than``."""

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
MetadataField.register_lookup(HasMetadata)


class VerbatimJSONField(_AnyTextField):
    """JSON stored as text, so that it comes back unchanged: documents of other programs, which are never searched.

    The JSON types of databases change or refuse some values: PostgreSQL's has no NUL and reorders keys, MongoDB's
    refuses some keys and large numbers.
    """

    # The type of its values for django-stubs, which would take TextField's.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        # Fixtures contain the text.
        if not isinstance(value, str) or isinstance(value, JSONText):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValidationError(_("This is not JSON."), code="invalid") from None

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        json_text(value)

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None or is_expression(value) else str(json_text(value))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        # A prepared value of a compiled statement; drivers choose the encoding by the exact type.
        return str(value) if isinstance(value, JSONText) else super().get_db_prep_value(value, connection, prepared)

    def value_to_string(self, obj: models.Model) -> Any:
        return self.get_prep_value(self.value_from_object(obj))
