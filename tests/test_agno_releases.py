"""The table of releases: which store is imported for which installed release of agno. agno itself is not needed."""

from __future__ import annotations

import sys
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from agno_memory.contrib import agno as stores
from agno_memory.contrib.agno import RELEASES, Release
from tests.databases import ROOT


class Store3:
    """A store for agno 3."""


class Store4:
    """A store of the same name for agno 4."""


def install(monkeypatch: pytest.MonkeyPatch, release: str | None) -> None:
    """Let a release of agno be installed, and stores for agno 3 and agno 4 exist."""

    def version(package: str) -> str:
        if release is None:
            raise PackageNotFoundError(package)
        return release

    monkeypatch.setattr(stores, "version", version)
    for name, store in (("made_up_3", Store3), ("made_up_4", Store4)):
        module = ModuleType(name)
        module.DjangoDb = store  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    old = [release for release in RELEASES if release.major == "1"]
    made_up = [Release("3.1.10", {"DjangoDb": "made_up_3"}), Release("4.0.0", {"DjangoDb": "made_up_4"})]
    monkeypatch.setattr(stores, "RELEASES", [*old, *made_up])


@pytest.mark.parametrize(
    ("release", "store"), [("3.0.0", Store3), ("3.99.1", Store3), ("4.0.0", Store4), ("4.2", Store4)]
)
def test_the_installed_major_decides_between_stores_of_one_name(
    monkeypatch: pytest.MonkeyPatch, release: str, store: type
) -> None:
    install(monkeypatch, release)
    assert stores.DjangoDb is store


@pytest.mark.parametrize(
    ("release", "name", "message"),
    [
        (
            "1.8.4",
            "DjangoDb",
            r"DjangoDb is for agno 3\.1\.10 or 4\.0\.0, and agno 1\.8\.4 is installed: .*agno==4\.0\.0",
        ),
        ("2.9.1", "DjangoDb", r"DjangoDb is for agno 3\.1\.10 or 4\.0\.0, and agno 2\.9\.1 is installed"),
        ("2.9.1", "DjangoStorage", r"DjangoStorage is for agno 1\.8\.4, and agno 2\.9\.1 is installed"),
        ("40.0.0", "DjangoDb", r"agno 40\.0\.0 is installed"),
        (
            "4.0.0",
            "DjangoStorage",
            r"DjangoStorage is for agno 1\.8\.4, and agno 4\.0\.0 is installed: .*agno==1\.8\.4",
        ),
        (None, "DjangoDb", r"DjangoDb needs agno, which is not installed: pip install agno==4\.0\.0"),
        (None, "DjangoMemoryDb", r"DjangoMemoryDb needs agno, which is not installed: pip install agno==1\.8\.4"),
    ],
)
def test_another_release_or_none_raises_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, release: str | None, name: str, message: str
) -> None:
    install(monkeypatch, release)
    with pytest.raises(ImportError, match=message):
        getattr(stores, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="DjangoTable"):
        stores.DjangoTable  # noqa: B018


def test_every_store_in_the_table_is_public() -> None:
    assert {name for release in RELEASES for name in release.stores} == set(stores.__all__)


def test_pip_installs_no_release_without_a_store() -> None:
    file = ConfigParser()
    file.read(ROOT / "setup.cfg")
    lines = file["options.extras_require"]["agno"].splitlines()
    (requirement,) = [Requirement(line) for line in lines if line and not line.startswith("#")]
    majors = {release.major for release in RELEASES}
    for release in ("1.8.4", "2.0.0", "2.6.1", "3.0.0", "3.1.10", "3.9"):
        assert requirement.specifier.contains(release) == (release[0] in majors), release
