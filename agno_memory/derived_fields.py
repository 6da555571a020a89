"""Fields that are computed from others, for searches: only the database reads their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from agno_memory import validators
from agno_memory.conf import conf
from agno_memory.db.lookups import FoldedContains, FoldedContainsAll
from agno_memory.db.words_index import HasAnyWord
from agno_memory.fields import KEY_LENGTH, is_expression
from agno_memory.keys import composite_key
from agno_memory.search.stored_words import stored_words

if TYPE_CHECKING:
    # Generic for the type checker alone: Django's fields take no parameters at run time.
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class _DerivedText(DeferredAttribute):
    """The value of a ``DerivedTextField`` that was not read: computed from its sources, without a query."""

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        field = cast("DerivedTextField", self.field)
        return self if instance is None else field.of(instance)


class DerivedTextField(_TextField):
    """Base of fields that are computed from others, for searches.

    Only the database reads the column, so lists need not: an instance without its value computes it.
    """

    descriptor_class = _DerivedText

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"]
        return name, path, args, kwargs

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the fields that it is computed from."""
        raise NotImplementedError("A subclass of DerivedTextField must define sources.")

    def of(self, instance: models.Model) -> str | None:
        """Return the text that is computed from an instance's sources."""
        raise NotImplementedError("A subclass of DerivedTextField must define of().")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        derived = self.of(model_instance)
        setattr(model_instance, self.attname, derived)
        return derived


class FoldedTextField(DerivedTextField):
    """A copy of another field's text, folded by ``validators.fold`` so that searches find the same on every database.

    Args:
        source: name of the other field.
    """

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if is_expression(getattr(model_instance, self.source)):
            raise TypeError(f"{self.source} cannot be a database expression, because {self.name} follows its text.")
        return super().pre_save(model_instance, add)

    def of(self, instance: models.Model) -> str | None:
        text = getattr(instance, self.source)
        # The database refuses None with an error of its own.
        return None if text is None else validators.fold(text)


class SearchTermsField(DerivedTextField):
    """The words of a memory for ranked searches, as ``search.stored_words`` has them; "" until they are computed.

    Args:
        text: name of the field with the text.
        topics: name of the field with the topics.
    """

    NOT_COMPUTED = ""

    def __init__(self, *args: Any, text: str, topics: str, **kwargs: Any) -> None:
        self.text = text
        self.topics = topics
        kwargs |= {"default": self.NOT_COMPUTED, "blank": True}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kept = {key: value for key, value in kwargs.items() if key not in ("default", "blank")}
        return name, path, args, {**kept, "text": self.text, "topics": self.topics}

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.text, self.topics)

    def of(self, instance: models.Model) -> str | None:
        text, topics = (getattr(instance, name) for name in self.sources)
        if not isinstance(text, str) or not isinstance(topics, list):
            # An expression, or a row of another program.
            return self.NOT_COMPUTED
        return stored_words(text, topics)


class TextKeyField(DerivedTextField):
    """A digest of an owner and a folded text, by which the database refuses a second memory of the same text.

    None for a text that may be there twice: with ``ON_DUPLICATE`` ``"allow"``, and after a replacement or a bulk write
    that made two texts the same.

    Args:
        of: the names of the fields with the owner and the text.
    """

    def __init__(self, *args: Any, of: Sequence[str], **kwargs: Any) -> None:
        self.owner, self.text = of
        super().__init__(*args, **kwargs, null=True, max_length=KEY_LENGTH)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kept = {key: value for key, value in kwargs.items() if key not in ("null", "max_length")}
        return name, path, args, {**kept, "of": (self.owner, self.text)}

    def get_internal_type(self) -> str:
        # An index of MySQL needs a length.
        return "CharField"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.text,)

    def of(self, instance: models.Model) -> str | None:
        owner, text = getattr(instance, self.owner), getattr(instance, self.text)
        if conf.ON_DUPLICATE == "allow" or not isinstance(text, str):
            return None
        return composite_key(str(owner), validators.fold(text.strip()))


FoldedTextField.register_lookup(FoldedContains)
FoldedTextField.register_lookup(FoldedContainsAll)
SearchTermsField.register_lookup(HasAnyWord)
