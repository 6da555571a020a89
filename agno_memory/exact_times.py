"""``ExactTimeField``: a time to the microsecond, on every database."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from agno_memory.fields import is_expression
from agno_memory.times import EPOCH, from_iso

if TYPE_CHECKING:
    # Generic for the type checker alone, as in fields.
    _BigIntegerField = models.BigIntegerField[Any, Any]
else:
    _BigIntegerField = models.BigIntegerField

MICROSECOND: Final = datetime.timedelta(microseconds=1)


class ExactTimeField(_BigIntegerField):
    """A time in aware UTC, stored as the number of microseconds since 1970: MongoDB's dates have milliseconds.

    Spans of less than a millisecond keep their order. A naive datetime is taken for UTC.
    """

    # The type of its values for django-stubs, which would take that of a number.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    description = _("Time to the microsecond")

    def from_db_value(
        self, value: int | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> datetime.datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, datetime.datetime):
            return None if value is None else as_utc(value)
        try:
            # Fixtures contain the text.
            return from_iso(value)
        except (TypeError, ValueError, OverflowError):
            raise ValidationError(_("This is not a time."), code="invalid") from None

    def get_prep_value(self, value: Any) -> Any:
        if value is None or is_expression(value):
            return value
        return (self.to_python(value) - EPOCH) // MICROSECOND

    def value_from_object(self, obj: models.Model) -> Any:
        """Return the text of the time, which fixtures contain: Django would write a datetime to the millisecond."""
        value = getattr(obj, self.attname)
        return None if value is None else as_utc(value).isoformat()

    def value_to_string(self, obj: models.Model) -> Any:
        return self.value_from_object(obj)

    def formfield(self, **kwargs: Any) -> Any:
        """Return no form field: programs write these times."""
        return None

    @property
    def validators(self) -> Any:
        """No validators: those of a number compare a time with numbers."""
        return []


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """Return a datetime in UTC; a naive one is taken for UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
