"""Replacements for two of Django's exceptions, for agents that use ``agno_memory.client`` without Django.

``agno_memory.exceptions`` imports them only if Django is not installed. Callers can read them as they read Django's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class ObjectDoesNotExist(Exception):
    """As Django's: the requested object does not exist."""


class ValidationError(Exception):
    """As Django's: the input is invalid, with messages by field.

    Args:
        message: a list of messages for every field.
    """

    def __init__(self, message: Mapping[str, Sequence[str]]) -> None:
        super().__init__(message)
        self.message_dict = {name: list(messages) for name, messages in message.items()}

    @property
    def messages(self) -> list[str]:
        """The messages of all fields."""
        return [message for messages in self.message_dict.values() for message in messages]

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        return iter(self.message_dict.items())

    def __str__(self) -> str:
        return repr(self.message_dict)
