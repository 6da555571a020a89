"""Topics as a line of text: separated by commas, and in quotes if they contain commas themselves."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

SPECIAL = re.compile(r'[",\r\n]')


def write(topics: Iterable[str]) -> str:
    """Return topics as text: ``food, "salt, pepper"``."""
    return ", ".join(_quoted(topic) for topic in topics)


def _quoted(topic: str) -> str:
    return '"{}"'.format(topic.replace('"', '""')) if SPECIAL.search(topic) else topic


def read(text: str) -> list[str]:
    """Return the topics of a text. Line ends separate topics like commas.

    Raises:
        ValueError: a quotation mark is not closed.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return [topic.strip() for row in rows for topic in row if topic.strip()]
