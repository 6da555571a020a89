"""agno's ``BaseDb`` has no method and no argument that this project does not know, in the installed release.

``base_db.txt`` has them, as of the release that ``requirements.txt`` names: a method with its arguments in each line.
A release that has grown one fails here: read what it is for, keep it or let it raise, and write it into the file and
into the table of docs/agno.md. To print the lines of a release: ``python -m tests.agno3.test_base_db``.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from agno.db.base import AsyncBaseDb, BaseDb

KNOWN = Path(__file__).parent / "base_db.txt"
LINE = re.compile(r"(\w+)\((.*)\)")
Methods = dict[str, list[str]]


def methods(store: type[Any]) -> Methods:
    """Return the public methods of a class, each with the names of its arguments."""
    found = inspect.getmembers(store, callable)
    return {
        name: [each for each in inspect.signature(method).parameters if each not in ("self", "cls")]
        for name, method in found
        if not name.startswith("_")
    }


def known() -> Methods:
    found = [LINE.fullmatch(line) for line in KNOWN.read_text().splitlines()]
    return {line[1]: line[2].split(", ") if line[2] else [] for line in found if line}


def unknown(found: Methods) -> Methods:
    """Return the methods that are not in the file, and the arguments that are not, by the name of their method."""
    new = {name: [each for each in names if each not in known().get(name, [])] for name, names in found.items()}
    return {name: names for name, names in new.items() if names or name not in known()}


@pytest.mark.parametrize("store", [BaseDb, AsyncBaseDb])
def test_every_method_and_argument_is_known(store: type[Any]) -> None:
    assert unknown(methods(store)) == {}


def test_a_new_method_and_a_new_argument_are_noticed() -> None:
    class Grown(BaseDb):
        def get_dreams(self, user_id: str) -> None: ...

        def get_user_memory(self, memory_id: str, dream: str) -> None: ...

    assert unknown(methods(Grown)) == {"get_dreams": ["user_id"], "get_user_memory": ["dream"]}


def test_the_store_takes_every_argument() -> None:
    # No store without models: the import needs Django.
    from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb

    for store, base in ((DjangoDb, BaseDb), (AsyncDjangoDb, AsyncBaseDb)):
        for name, names in methods(base).items():
            taken = inspect.signature(getattr(store, name)).parameters
            if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
                assert [each for each in names if each not in taken] == [], (store.__name__, name)


if __name__ == "__main__":
    every = methods(BaseDb)
    for method, arguments in methods(AsyncBaseDb).items():
        every[method] = list(dict.fromkeys([*every.get(method, []), *arguments]))
    for method in sorted(every):
        print(f"{method}({', '.join(every[method])})")
