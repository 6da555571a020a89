"""The lists of ``make test-mutants`` name modules, tests and lines that exist."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT

FOLDER = Path(__file__).parent / "mutants"


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


MODULES: dict[str, dict[str, list[str]]] = read("modules.toml")
EQUIVALENTS: list[dict[str, str]] = read("equivalents.toml").get("equivalent", [])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests(module: str) -> None:
    entry = MODULES[module]
    assert entry.keys() <= {"fast", "more"}
    files = [module, *entry["fast"], *entry.get("more", [])]
    assert [each for each in files if not (ROOT / each).is_file()] == []


@pytest.mark.parametrize("entry", EQUIVALENTS, ids=lambda entry: entry["before"])
def test_an_equivalent_mutant_has_its_line_and_a_reason(entry: dict[str, str]) -> None:
    assert entry["module"] in MODULES
    lines = {line.strip() for line in (ROOT / entry["module"]).read_text(encoding="utf-8").splitlines()}
    assert set(entry["before"].splitlines()) <= lines
    assert len(entry["reason"].split()) > 3
