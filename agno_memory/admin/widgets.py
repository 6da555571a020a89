"""Form fields and widgets. They also work without JavaScript."""

from __future__ import annotations

import datetime
import json
from typing import Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import topics_text
from agno_memory.times import in_zone


def _normalized_line_ends(text: str) -> str:
    """Return text with ``\\n`` as line end. Browsers submit ``\\r\\n``."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class TextField(forms.CharField):
    """A text field that detects text without changes: it keeps spaces and compares without regard to line ends."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return _normalized_line_ends(text) if isinstance(text, str) else text

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(_normalized_line_ends(initial or ""), _normalized_line_ends(data or "")))


class MomentFormField(forms.DateTimeField):
    """A time in the current time zone, to the millisecond, in one input of the browser."""

    widget = forms.DateTimeInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.input_type = "datetime-local"
        # Otherwise the browser refuses seconds.
        self.widget.attrs["step"] = "0.001"

    def to_python(self, value: Any) -> datetime.datetime | None:
        # Django refuses a time that the clocks of the zone skip or repeat, which a memory may have.
        try:
            local = parse_datetime(value.strip()) if isinstance(value, str) else None
        except ValueError:
            local = None
        return super().to_python(in_zone(local) if local is not None and local.tzinfo is None else value)

    def prepare_value(self, value: Any) -> Any:
        local = super().prepare_value(value)
        return local.isoformat(timespec="milliseconds") if isinstance(local, datetime.datetime) else local

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.to_python(self.prepare_value(initial)), data))


class TopicsFormField(forms.CharField):
    """Topics as a line of text, which the script turns into tags."""

    default_error_messages = {"invalid": _("Close the quotation mark.")}

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **kwargs: Any) -> None:
        # The model's JSON field passes the encoder and the decoder, which a field of text does not take.
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return topics_text.write(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        try:
            return topics_text.read(_normalized_line_ends(value or ""))
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(self.prepare_value(initial)) != self.to_python(data)
        except forms.ValidationError:
            return True


class TopicsInput(forms.Textarea):
    """The widget of topics.

    Args:
        url: the URL of the view that completes topics.
        attrs: HTML attributes of the element.
    """

    # Texts of the script. Django's JavaScript catalogue of the admin has no texts of other apps.
    texts: ClassVar[dict[str, Any]] = {
        "name": _("Topics"),
        "suggestions": _("Suggested topics"),
        "remove": _("Remove %(topic)s"),
        "added": _("Added: %(topic)s"),
        "removed": _("Removed: %(topic)s"),
    }

    def __init__(self, url: str, attrs: dict[str, Any] | None = None) -> None:
        # All in one attribute, because the template renders attributes in a loop.
        config = json.dumps({"url": url, **{name: str(text) for name, text in self.texts.items()}})
        super().__init__({**(attrs or {}), "rows": 2, "cols": 40, "dir": "auto", "data-am-tags": config})


class PlainHiddenInput(forms.HiddenInput):
    """A hidden input that is rendered without a template: themes have nothing to change in it, and this is faster."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        text, key = self.format_value(value), (attrs or {}).get("id", "")
        return format_html(
            '<input type="hidden" name="{}" value="{}" id="{}">', name, "" if text is None else text, key
        )


class MetadataFormField(forms.JSONField):
    """JSON with an indent, one value a line."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            # A number of thousands of digits, or thousands of brackets.
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": value}) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except (ValueError, RecursionError):
            return True

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        text = json.dumps(value, ensure_ascii=False, indent=2)
        try:
            text.encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair, which is an error of the field: no page can show it but as an escape.
            return json.dumps(value, indent=2)
        return text
