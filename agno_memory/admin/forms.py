"""The form of a memory. It validates through the service's own checks, with the same error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import construct_instance
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.widgets import MetadataFormField, PlainHiddenInput, TextField, TopicsFormField
from agno_memory.cleaning import cleaned_memory
from agno_memory.conf import conf
from agno_memory.identifiers import owner_id
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.validators import validate_input, validate_memory

if TYPE_CHECKING:
    _Form = forms.ModelForm[UserMemory]
else:
    _Form = forms.ModelForm

# Height of a field of text, in rows.
ROWS: Final = {"memory": 6, "input": 4}
DEFAULT_ROWS: Final = 3
# The setting with the maximum length that a validator of a field checks.
LENGTH_SETTINGS: Final = {validate_memory: "MAX_MEMORY_LENGTH", validate_input: "MAX_INPUT_LENGTH"}


def form_field_classes() -> dict[str, Any]:
    """Return the form's field classes: ``TextField`` for every content field with long text, and those for JSON."""
    texts = {name for name in CONTENT_FIELDS if isinstance(UserMemory._meta.get_field(name), models.TextField)}
    return {**dict.fromkeys(texts, TextField), "topics": TopicsFormField, "metadata": MetadataFormField}


def max_length(name: str) -> int | None:
    """Return the maximum length of a field by its validators, or None if they check none."""
    validators: Any = UserMemory._meta.get_field(name).validators  # type: ignore[union-attr]
    setting = next((setting for validator, setting in LENGTH_SETTINGS.items() if validator in validators), None)
    return getattr(conf, setting) if setting else None


def content_of(memory: UserMemory) -> UserMemory:
    """Return an unsaved memory with the id and the content of another one: times are not for staff to set."""
    content = {name: getattr(memory, name) for name in CONTENT_FIELDS}
    return UserMemory(memory_id=memory.memory_id, **content)


class UserMemoryForm(_Form):
    """The form of a memory for staff.

    ``seen_version`` is the version that the form was opened with. If the memory has a newer version, nothing is
    written: the form is shown again with ``conflict`` set, and ``save_over`` then is the newer version that the staff
    user has read. Each field also submits its initial value, so that fields without changes keep their current value,
    even if another program has written it since.
    """

    seen_version = forms.IntegerField(required=False, widget=PlainHiddenInput)
    save_over = forms.IntegerField(required=False, widget=PlainHiddenInput)

    # Whether the memory has changed since the form was opened.
    conflict = False

    class Meta:
        # The admin sets the model and the fields. If they were set here too, every page would build all fields twice.
        field_classes: ClassVar[dict[str, Any]] = form_field_classes()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["seen_version"] = self.instance.version
        for name, field in self.fields.items():
            field.show_hidden_initial = name in CONTENT_FIELDS and not self.instance._state.adding
            field.hidden_widget = PlainHiddenInput
            if isinstance(field, TextField):
                field.widget.attrs |= {"rows": ROWS.get(name, DEFAULT_ROWS), "dir": "auto"}
                if limit := max_length(name):
                    field.widget.attrs["data-am-count"] = limit
            if field.required:
                field.error_messages["required"] = _("This cannot be blank.")

    @property
    def version_to_replace(self) -> int | None:
        """The newest version that the staff user has read."""
        save_over: int | None = self.cleaned_data.get("save_over")
        return save_over or self.cleaned_data.get("seen_version")

    def clean(self) -> dict[str, Any]:
        if self.instance._state.adding and not self.cleaned_data.get("memory_id"):
            # The instance has a new id already.
            self.cleaned_data.pop("memory_id", None)
        if not self.instance._state.adding:
            self._keep_unchanged_fields()
            if self.version_to_replace != self.instance.version:
                self.conflict = True
                self._rebase()
                self.add_error(None, ValidationError(_("This memory has changed since you opened it."), code="changed"))
        return self.cleaned_data

    def _rebase(self) -> None:
        """Show the current values in the fields without changes, and use them as the new initial values."""
        submitted: Any = self.data
        data = submitted.copy()
        for name in set(CONTENT_FIELDS) & self.fields.keys():
            current = self.fields[name].prepare_value(getattr(self.instance, name))
            data[self[name].html_initial_name] = "" if current is None else current
            if name not in self.changed_data:
                data[self[name].html_name] = "" if current is None else current
        self.data = data

    def _keep_unchanged_fields(self) -> None:
        """Keep the exact current value of fields without changes; browsers may submit other spaces and line ends."""
        for name in set(CONTENT_FIELDS) & self.cleaned_data.keys():
            if name not in self.changed_data:
                self.cleaned_data[name] = getattr(self.instance, name)

    def _post_clean(self) -> None:
        """Run the service's validation instead of the model's."""
        options = self._meta
        self.instance = construct_instance(self, self.instance, options.fields, options.exclude)
        try:
            cleaned_memory(UserMemory, content_of(self.instance), owner_id(self.instance.user_id))
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                if name not in self.errors:
                    self.add_error(name if name in self.fields else None, errors)
        if "memory_id" in self.cleaned_data and "user_id" in self.cleaned_data:
            self._check_that_id_is_new()

    def _check_that_id_is_new(self) -> None:
        # An id that the staff user has chosen; another person may use the same one.
        if Memory().get_user_memory(self.instance.memory_id, self.instance.user_id):
            self.add_error("memory_id", ValidationError(_("This person has a memory with this id."), code="unique"))
