"""Fields of the form. Without JavaScript they are plain ones."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import topics_text


def _same_lines(text: str) -> str:
    """Return text with the line ends that browsers turn into others."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class TextField(forms.CharField):
    """Text that comes back from the browser as it was, when nobody touched it: spaces and line ends are kept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return _same_lines(text) if isinstance(text, str) else text

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(_same_lines(initial or ""), _same_lines(data or "")))


class TopicsFormField(forms.CharField):
    """Topics in one line of text, which JavaScript turns into tags."""

    default_error_messages = {"invalid": _("Close the quotation mark.")}

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **kwargs: Any) -> None:
        # What the model's field hands to a field of JSON.
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return topics_text.write(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        try:
            return topics_text.read(_same_lines(value or ""))
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(self.prepare_value(initial)) != self.to_python(data)
        except forms.ValidationError:
            return True


class TopicsInput(forms.Textarea):
    """Topics as text.

    Args:
        url: of the view that completes.
        attrs: of the element.
    """

    def __init__(self, url: str, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**(attrs or {}), "rows": 2, "cols": 40, "data-am-tags": url, "dir": "auto"})


class MetadataFormField(forms.JSONField):
    """JSON, a value a line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)
