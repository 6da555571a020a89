"""Memories and people in titles and messages: places without markup, in which a text is isolated and short."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agno_memory.admin.accounts import Account

# Bidirectional classes of characters that embed, override or isolate text: an extra one would end an isolate early.
DIRECTIONAL_CLASSES: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def isolated(text: str) -> str:
    """Return a text isolated from the direction of the words around it."""
    plain = "".join(character for character in text if unicodedata.bidirectional(character) not in DIRECTIONAL_CLASSES)
    return f"\N{FIRST STRONG ISOLATE}{plain}\N{POP DIRECTIONAL ISOLATE}"


def person_title(user_id: str, account: Account | None) -> str:
    """Return the name of a person with the user id, or the user id alone without an account of another name."""
    name = account.other_name if account else ""
    return f"{isolated(name)} ({isolated(user_id)})" if name else isolated(user_id)
