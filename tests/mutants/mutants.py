"""The mutants of a module: small changes of its code, each of which a test must notice.

cosmic-ray makes them. Left out are changes of code that does not run (annotations, blocks for the type checker), and
most replacements of an operator by all others, of which a few suffice.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB

# The operators that replace each operator. All others of these families are left out.
REPLACEMENTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "ReplaceBinaryOperator": {
        "Add": ("Sub",),
        "Sub": ("Add",),
        "Mul": ("FloorDiv",),
        "Div": ("Mul",),
        "FloorDiv": ("Mul",),
        "Mod": ("Mul",),
        "Pow": ("Mul",),
        "BitOr": ("BitAnd",),
        "BitAnd": ("BitOr",),
    },
    "ReplaceComparisonOperator": {
        "Eq": ("NotEq",),
        "NotEq": ("Eq",),
        "Lt": ("LtE", "GtE"),
        "LtE": ("Lt", "Gt"),
        "Gt": ("GtE", "LtE"),
        "GtE": ("Gt", "Lt"),
        "Is": ("IsNot",),
        "IsNot": ("Is",),
    },
}
# Further ones where a number is compared: the order of other values has no meaning.
OF_NUMBERS: Final = ("Eq_LtE", "Eq_GtE", "NotEq_Lt", "NotEq_Gt")
NUMBER: Final = re.compile(r"[=!]=\s*-?\d")
# Left out: other names in the place of variables fail at once.
LEFT_OUT: Final = ("core/VariableReplacer", "core/VariableInserter")

Position = tuple[int, int]


@dataclass
class Mutant:
    """A changed copy of a module.

    Args:
        operator: the name of the change.
        occurrence: the number of the place, counted for this operator.
        line: number of the line.
        before: the lines that it replaces, without their indentation.
        after: the new lines.
        outcomes: the outcome of each stage: "killed", "survived", or "incompetent" if the tests could not run.
    """

    operator: str
    occurrence: int
    line: int
    before: str
    after: str
    outcomes: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mutants_of(path: Path) -> list[Mutant]:
    """Return the mutants of a module."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    silent = list(_silent(tree))
    # Left out: texts that are not Python, that mean the same, or the same as another mutant.
    known: set[str | None] = {None, ast.dump(tree)}
    work = WorkDB(":memory:", WorkDB.Mode.create)
    init([path], work, {})
    found = []
    for item in work.work_items:
        (mutation,) = item.mutations
        if _is_left_out(mutation.operator_name) or any(start <= mutation.start_pos < end for start, end in silent):
            continue
        operator = get_operator(mutation.operator_name)(**mutation.operator_args)
        changed = mutate_code(source, operator, mutation.occurrence)
        if changed is None or _means(changed) in known:
            continue
        before, after = _changed_lines(source, changed)
        if "@overload" in before:
            continue
        if mutation.operator_name.endswith(OF_NUMBERS) and not NUMBER.search(before):
            continue
        known.add(_means(changed))
        line = mutation.start_pos[0]
        found.append(Mutant(mutation.operator_name, mutation.occurrence, line, before, after))
    work.close()
    return sorted(found, key=lambda each: (each.line, each.operator, each.occurrence))


def _means(source: str) -> str | None:
    """Return the meaning of a text of Python, or None if it is not Python."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return None


def _is_left_out(operator: str) -> bool:
    family, _separator, pair = operator.removeprefix("core/").partition("_")
    if family not in REPLACEMENTS:
        return operator in LEFT_OUT
    replaced, _separator, by = pair.partition("_")
    if pair in OF_NUMBERS:
        return False
    return by not in REPLACEMENTS[family].get(replaced, ())


def _changed_lines(source: str, changed: str) -> tuple[str, str]:
    lines = [line for line in difflib.ndiff(source.split("\n"), changed.split("\n")) if line[:2] in ("- ", "+ ")]
    before, after = ([line[2:].strip() for line in lines if line[0] == sign] for sign in "-+")
    return "\n".join(before).strip(), "\n".join(after).strip()


def _silent(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """Yield the start and the end of code that does not run, or runs for the type checker alone."""
    for node in ast.walk(tree):
        for part in _silent_parts(node):
            yield (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


def _silent_parts(node: ast.AST) -> list[Any]:
    match node:
        case ast.FunctionDef() if any(ast.unparse(each) == "overload" for each in node.decorator_list):
            return [node]
        case ast.FunctionDef():
            return [node.returns] if node.returns else []
        case ast.arg() | ast.AnnAssign():
            return [node.annotation] if node.annotation else []
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return [node.test, *node.body]
        case ast.Call(func=ast.Name(id="cast")):
            return node.args[:1]
        case ast.Call(func=ast.Name(id="TypeVar")):
            return [*node.args, *(each.value for each in node.keywords)]
    return []
