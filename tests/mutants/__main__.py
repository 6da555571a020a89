"""Run the mutants of the core: ``make test-mutants``, or ``python -m tests.mutants [MODULE ...]``.

In two stages: each mutant meets the fast tests of its module on SQLite first, and the survivors meet these and further
tests on all databases.
A run that was interrupted continues where it stopped, unless the module has changed. At the end it prints the
survivors; it fails if one of them is not in ``equivalents.toml``. ``--again`` runs them again, after new tests.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Final

from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_item import MutationSpec

from tests.mutants.mutants import Mutant, hash_of, mutants_of

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "tmp" / "mutants"
HERE: Final = Path(__file__).parent
# Values of TEST_DATABASES by the stage; None is all of them.
STAGES: Final[dict[str, str | None]] = {"sqlite": "default", "all": None}
# What tests that ran say of a mutant. They have not run on one that is "incompetent".
OUTCOMES: Final = ("killed", "survived")
# A mutant that takes this many times as long as the code itself, and a minute more, runs forever.
TIMEOUT_FACTOR: Final = 4


class Module:
    """A module with its mutants, whose outcomes are kept in a file.

    Args:
        path: of the module, below the root.
        tests: files of tests by the stage.
    """

    def __init__(self, path: str, tests: dict[str, list[str]]) -> None:
        self.path = path
        self.tests = tests
        self._file = FOLDER / f"{path.replace('/', '.')}.json"
        kept = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._hash, self._rules = hash_of(ROOT / path), hash_of(HERE / "mutants.py")
        before = [Mutant(**each) for each in kept.get("mutants", ()) if kept["hash"] == self._hash]
        self.mutants = before
        if not before or kept.get("rules") != self._rules:
            outcomes = {(each.operator, each.occurrence): each.outcomes for each in before}
            self.mutants = mutants_of(ROOT / path)
            for mutant in self.mutants:
                mutant.outcomes = outcomes.get((mutant.operator, mutant.occurrence), {})
        self.save()

    def save(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        state = {"hash": self._hash, "rules": self._rules, "mutants": [each.as_dict() for each in self.mutants]}
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(state, indent=1))
        written.replace(self._file)

    def pending(self, stage: str) -> list[Mutant]:
        """Return the mutants that must run in a stage and have not."""
        stages = list(STAGES)
        before = stages[: stages.index(stage)]
        return [
            each
            for each in self.mutants
            if each.outcomes.get(stage) not in OUTCOMES
            and not reason_of(self.path, each)
            and all(each.outcomes.get(earlier) == "survived" for earlier in before)
        ]

    def survivors(self) -> list[Mutant]:
        """Return the mutants that survived the last stage."""
        return [each for each in self.mutants if each.outcomes.get(list(STAGES)[-1]) == "survived"]

    def forget_survivors(self) -> None:
        """Let the survivors of the last stage run again."""
        for each in self.mutants:
            if "killed" not in each.outcomes.values():
                each.outcomes.clear()


def tests_of(entry: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the tests of an entry of ``modules.toml``, by the stage."""
    return {"sqlite": entry["fast"], "all": [*entry["fast"], *entry.get("more", [])]}


def equivalents() -> list[dict[str, Any]]:
    with (HERE / "equivalents.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file).get("equivalent", [])
    return found


EQUIVALENTS: Final = equivalents()


def fits(entry: dict[str, Any], path: str, mutant: Mutant) -> bool:
    """Return whether an entry of the list of equivalents is about a mutant."""
    is_line = (entry["module"], entry["before"]) == (path, mutant.before)
    return is_line and entry.get("after", mutant.after) == mutant.after


def reason_of(path: str, mutant: Mutant) -> str | None:
    """Return the reason for which no test can notice a mutant, or None."""
    return next((each["reason"] for each in EQUIVALENTS if fits(each, path, mutant)), None)


# Workers: each has a copy of the checkout, in which it changes the module.


def make_copy(number: int) -> Path:
    copy = FOLDER / f"copy-{number}"
    shutil.rmtree(copy, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(command, cwd=ROOT, text=True).split("\0"):
        source = ROOT / name
        if name and source.is_file() and not source.is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)
    return copy


def enter_copy(copies: Any) -> None:
    """Begin a worker process in the next copy."""
    os.chdir(copies.get())


def run(path: str, mutant: dict[str, Any], command: str, timeout: float, databases: str | None) -> str:
    """Run the tests on a mutant in this worker's copy, and return the outcome."""
    choose(databases)
    # Positions are for reports alone.
    spec = MutationSpec(
        module_path=Path(path),
        operator_name=mutant["operator"],
        occurrence=mutant["occurrence"],
        start_pos=(1, 0),
        end_pos=(1, 1),
    )
    outcome = mutate_and_test([spec], command, timeout).test_outcome
    return str(outcome.value)


def choose(databases: str | None) -> None:
    """Let the tests run on these databases."""
    os.environ.pop("TEST_DATABASES", None)
    if databases is not None:
        os.environ["TEST_DATABASES"] = databases


def command_for(python: str, tests: list[str]) -> str:
    return shlex.join([python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not long", *tests])


class FailingTests(Exception):
    """The tests fail without a mutant."""


def baseline(command: str, copy: Path, databases: str | None) -> float:
    """Run the tests on the code itself, which they must accept; return the seconds. It also compiles the copy."""
    choose(databases)
    started = time.monotonic()
    done = subprocess.run(shlex.split(command), cwd=copy, capture_output=True, text=True)
    if done.returncode:
        raise FailingTests(f"{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - started


def run_stage(module: Module, stage: str, copies: list[Path], python: str) -> None:
    pending = module.pending(stage)
    if not pending:
        return
    command, databases = command_for(python, module.tests[stage]), STAGES[stage]
    seconds = max(baseline(command, copy, databases) for copy in copies[: len(pending)])
    print(f"{module.path}: {len(pending)} mutants on {databases or 'all databases'}, {seconds:.0f} s each", flush=True)
    places: Any = multiprocessing.Queue()
    for copy in copies:
        places.put(str(copy))
    with ProcessPoolExecutor(len(copies), initializer=enter_copy, initargs=(places,)) as pool:
        timeout = TIMEOUT_FACTOR * seconds + 60
        jobs = {pool.submit(run, module.path, each.as_dict(), command, timeout, databases): each for each in pending}
        for number, job in enumerate(as_completed(jobs), 1):
            mutant = jobs[job]
            mutant.outcomes[stage] = job.result()
            module.save()
            if mutant.outcomes[stage] == "survived":
                print(f"  {number}/{len(pending)} {stage}: survived {described(module, mutant)}", flush=True)


def described(module: Module, mutant: Mutant) -> str:
    return f"{module.path}:{mutant.line}\n    - {mutant.before}\n    + {mutant.after}"


def problems(module: Module) -> Iterator[str]:
    for stage in STAGES:
        if left := module.pending(stage):
            yield f"{module.path}: {len(left)} mutants have not run in the stage {stage!r}"
    yield from (
        f"survived: {described(module, each)}" for each in module.survivors() if not reason_of(module.path, each)
    )
    for entry in EQUIVALENTS:
        if entry["module"] == module.path and not any(fits(entry, module.path, each) for each in module.mutants):
            yield f"equivalents.toml lists a mutant that does not exist: {entry['before']!r}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="paths of modules; all of modules.toml by default")
    parser.add_argument("--python", default=str(ROOT / ".venv" / "bin" / "python"), help="runs the tests")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="run the survivors again")
    parser.add_argument(
        "--quick", action="store_true", help="run the first stage alone; its survivors count as not run"
    )
    parser.add_argument("--report", action="store_true", help="only report")
    options = parser.parse_args()
    with (HERE / "modules.toml").open("rb") as file:
        listed = tomllib.load(file)
    modules = [Module(path, tests_of(listed[path])) for path in options.modules or listed]
    if not options.report:
        copies = [make_copy(number) for number in range(options.workers)]
        for module in modules:
            if options.again:
                module.forget_survivors()
            try:
                for stage in list(STAGES)[: 1 if options.quick else None]:
                    run_stage(module, stage, copies, options.python)
            except FailingTests as error:
                # The mutants count as not run.
                print(f"{module.path}: the tests fail without a mutant:\n{error}", flush=True)
    found = [problem for module in modules for problem in problems(module)]
    for module in modules:
        killed = sum("killed" in each.outcomes.values() for each in module.mutants)
        excused = sum(reason_of(module.path, each) is not None for each in module.mutants)
        print(f"{module.path}: {len(module.mutants)} mutants, {killed} killed, {excused} equivalent")
    sys.exit("\n".join(found) or None)


if __name__ == "__main__":
    main()
