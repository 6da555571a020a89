"""Topics as a line of text, to be typed and read: separated by commas, in quotes where they have commas themselves."""

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
    """Return the topics in a text; the end of a line separates them too.

    Raises:
        ValueError: a quotation mark that is not closed.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return [topic.strip() for row in rows for topic in row if topic.strip()]
