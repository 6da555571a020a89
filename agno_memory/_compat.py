"""What stands in for Django's exceptions where Django is not installed: agents that have ``agno_memory.client`` alone.

``agno_memory.exceptions`` picks. What is here can be read as Django's can, no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class ObjectDoesNotExist(Exception):
    """As Django's: something that was asked for is not there."""


class ValidationError(Exception):
    """As Django's: what was handed in is refused, by field.

    Args:
        message: what is wrong, a list of sentences for every field.
    """

    def __init__(self, message: Mapping[str, Sequence[str]]) -> None:
        super().__init__(message)
        self.message_dict = {name: list(sentences) for name, sentences in message.items()}

    @property
    def messages(self) -> list[str]:
        """All sentences, whatever their fields."""
        return [sentence for sentences in self.message_dict.values() for sentence in sentences]

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        return iter(self.message_dict.items())

    def __str__(self) -> str:
        return repr(self.message_dict)
