"""The form of one memory. What it accepts is what the service accepts, and in the service's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import construct_instance
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.widgets import MetadataFormField, PlainHiddenInput, TextField, TopicsFormField
from agno_memory.cleaning import cleaned_memory
from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.validators import owner_id

if TYPE_CHECKING:
    _Form = forms.ModelForm[UserMemory]
else:
    _Form = forms.ModelForm

ROWS = {"memory": 6, "input": 4, "feedback": 3}
COUNTED = {"memory": "MAX_MEMORY_LENGTH", "input": "MAX_INPUT_LENGTH", "feedback": "MAX_INPUT_LENGTH"}


class UserMemoryForm(_Form):
    """A memory as staff write it.

    ``seen_version`` is the version that the editor has before them. When it is no longer the newest, nothing is
    written: the form comes back with ``conflict`` set, and ``save_over`` then says that the editor has read that too.
    Every field brings along what it was when the form was shown, so that what the editor did not touch stays as it is
    now, whoever wrote it.
    """

    seen_version = forms.IntegerField(required=False, widget=PlainHiddenInput)
    save_over = forms.IntegerField(required=False, widget=PlainHiddenInput)

    # Whether somebody else wrote meanwhile.
    conflict = False

    class Meta:
        # The admin names the model and the fields. Named here too, all would be made twice for every page.
        field_classes: ClassVar[dict[str, Any]] = {
            "memory": TextField,
            "input": TextField,
            "feedback": TextField,
            "topics": TopicsFormField,
            "metadata": MetadataFormField,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["seen_version"] = self.instance.version
        for name, field in self.fields.items():
            field.show_hidden_initial = name in UserMemory.content_fields and not self.instance._state.adding
            field.hidden_widget = PlainHiddenInput
            if isinstance(field, TextField):
                field.widget.attrs |= {"rows": ROWS[name], "dir": "auto", "data-am-count": getattr(conf, COUNTED[name])}
            if field.required:
                field.error_messages["required"] = _("This cannot be blank.")

    @property
    def version_to_replace(self) -> int | None:
        """The newest version that the editor has read."""
        save_over: int | None = self.cleaned_data.get("save_over")
        return save_over or self.cleaned_data.get("seen_version")

    def clean(self) -> dict[str, Any]:
        if not self.instance._state.adding:
            self._keep_untouched()
            if self.version_to_replace != self.instance.version:
                self.conflict = True
                self._rebase()
                self.add_error(None, ValidationError(_("This memory was changed meanwhile."), code="changed"))
        return self.cleaned_data

    def _rebase(self) -> None:
        """Show the newer memory in the fields that the editor did not touch, and compare with it from now on."""
        sent: Any = self.data
        data = sent.copy()
        for name in set(UserMemory.content_fields) & self.fields.keys():
            now = self.fields[name].prepare_value(getattr(self.instance, name))
            data[self[name].html_initial_name] = "" if now is None else now
            if name not in self.changed_data:
                data[self[name].html_name] = "" if now is None else now
        self.data = data

    def _keep_untouched(self) -> None:
        """Let what nobody touched stay as it is, to the last space, which a browser may have sent otherwise."""
        for name in set(UserMemory.content_fields) & self.cleaned_data.keys():
            if name not in self.changed_data:
                self.cleaned_data[name] = getattr(self.instance, name)

    def _post_clean(self) -> None:
        """Ask the service's own check, in the place of the model's, which would also look for the id."""
        options = self._meta
        self.instance = construct_instance(self, self.instance, options.fields, options.exclude)
        try:
            cleaned_memory(UserMemory, self.instance, owner_id(self.instance.user_id))
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                if name not in self.errors:
                    self.add_error(name if name in self.fields else None, errors)
