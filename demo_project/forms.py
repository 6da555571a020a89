from __future__ import annotations

from django import forms

from agno_memory.models import UserMemory


class MemoryForm(forms.Form):
    """A new memory of the logged-in person. The service validates it, not the form."""

    memory = forms.CharField(
        label="Something to remember about you",
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 2, "required": True, "placeholder": "Prefers window seats on morning trains"}
        ),
    )
    topics = forms.CharField(
        required=False,
        help_text="Separated by commas.",
        widget=forms.TextInput(attrs={"placeholder": "travel, trains", "autocomplete": "off"}),
    )

    def as_memory(self) -> UserMemory:
        """Return an unsaved memory with the values of the form."""
        topics = self.cleaned_data["topics"].split(",")
        return UserMemory(memory=self.cleaned_data["memory"], topics=[topic for topic in topics if topic.strip()])
