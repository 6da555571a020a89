"""Fields of the form. Without JavaScript they are plain ones."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html
from django.utils.safestring import SafeString
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

    # What the script says. Django's catalogue for scripts has the words of its own admin alone.
    words: ClassVar[dict[str, Any]] = {
        "name": _("Topics"),
        "known": _("Known topics"),
        "remove": _("Remove %(topic)s"),
        "added": _("Added: %(topic)s"),
        "removed": _("Removed: %(topic)s"),
    }

    def __init__(self, url: str, attrs: dict[str, Any] | None = None) -> None:
        # One attribute: each is a turn of a template's loop.
        told = json.dumps({"url": url, **{name: str(word) for name, word in self.words.items()}})
        super().__init__({**(attrs or {}), "rows": 2, "cols": 40, "dir": "auto", "data-am-tags": told})


class PlainHiddenInput(forms.HiddenInput):
    """A hidden field without a template, which would be for a theme, and for nobody to see."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        text, key = self.format_value(value), (attrs or {}).get("id", "")
        return format_html(
            '<input type="hidden" name="{}" value="{}" id="{}">', name, "" if text is None else text, key
        )


class MetadataFormField(forms.JSONField):
    """JSON, a value a line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)
