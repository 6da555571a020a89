"""The layout of the tests: each module has a test file of its name, or a row in ``tests/README.md``."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "agno_memory"
ROW = re.compile(r"^\| (`.+?`) \|", re.MULTILINE)


def test_each_module_has_tests_or_a_row() -> None:
    names = {path.stem for path in TESTS.rglob("test_*.py")}
    missing = [
        str(module) for module in modules() if not possible_names(module) & names and not (rows() & places_of(module))
    ]
    assert missing == [], "add test_<module>.py, or a row in tests/README.md"


def test_each_row_names_a_module_or_folder() -> None:
    assert [row for row in rows() if not (PACKAGE / row).exists()] == []


def modules() -> list[PurePath]:
    found = (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [path for path in found if path.stem != "__init__" and path.parts[0] != "migrations"]


def possible_names(module: PurePath) -> set[str]:
    """Return the names that the test file of a module can have: with or without those of its packages."""
    names = [*module.parts[:-1], module.stem]
    return {"_".join(["test", *names[start:]]) for start in range(len(names))}


def places_of(module: PurePath) -> set[str]:
    """Return a module and its folders, as the rows name them."""
    return {str(module), *(f"{folder}/" for folder in module.parents)}


def rows() -> set[str]:
    """Return the modules and folders in the first column of the table."""
    cells = ROW.findall((TESTS / "README.md").read_text(encoding="utf-8"))
    return {name for cell in cells for name in re.findall(r"`(.+?)`", cell)}
