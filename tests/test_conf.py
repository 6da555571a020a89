"""Settings: their defaults, their valid values, and the time at which they are read."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from agno_memory.conf import Settings, conf

ROOT = Path(__file__).parent.parent
TEXTS = {
    "DATABASE": "default",
    "DEFAULT_USER_ID": "default",
    "USER_ID_FIELD": "pk",
    "ON_USER_DELETE": "keep",
    "ON_DUPLICATE": "allow",
    "LANGUAGE": "english",
    "EMBEDDER_NAME": "none",
}
# Valid values of the settings that do not accept any text.
OTHERS = {"ON_USER_DELETE": "erase", "ON_DUPLICATE": "refuse"}
COUNTS = {
    "MAX_MEMORY_LENGTH": 10_000,
    "MAX_INPUT_LENGTH": 100_000,
    "MAX_TOPICS": 50,
    "MAX_TOPIC_LENGTH": 100,
    "MAX_METADATA_SIZE": 65_536,
    "BATCH_SIZE": 1_000,
    "READ_YOUR_WRITES_SECONDS": 10,
    "EMBEDDER_TIMEOUT": 1_000,
    "REST_PAGE_SIZE": 50,
    "REST_MAX_PAGE_SIZE": 200,
    "REST_MAX_BULK": 1_000,
    "REST_MAX_BODY_SIZE": 10_485_760,
}
LISTS: dict[str, list[str]] = {
    "READ_DATABASES": [],
    "CALLER_HEADERS": ["Authorization", "Cookie"],
    "REST_PERMISSION_CLASSES": ["agno_memory.rest.permissions.MemoryPermissions"],
}
RATES: dict[str, dict[str, str]] = {"REST_THROTTLE_RATES": {}}
HISTORY: dict[str, Any] = {"HISTORY_DAYS": 30, "EXPIRE_AFTER": {}}
DEFAULTS: dict[str, Any] = {**TEXTS, **COUNTS, **LISTS, **RATES, **HISTORY, "EMBEDDER": None}


def test_these_are_all_settings() -> None:
    assert sorted(conf.names()) == sorted(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_setting_has_a_default(name: str) -> None:
    assert getattr(conf, name) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("name", "value"), [*((name, OTHERS.get(name, "other")) for name in TEXTS), *((name, 7) for name in COUNTS)]
)
def test_every_setting_can_be_overridden_and_reset(name: str, value: object) -> None:
    with override_settings(AGNO_MEMORY={name: value}):
        assert getattr(conf, name) == value
        assert {other: getattr(conf, other) for other in DEFAULTS} == {**DEFAULTS, name: value}
    assert getattr(conf, name) == DEFAULTS[name]


@pytest.mark.parametrize("value", [None, 1, b"default", "", " \n", ["default"]])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_must_be_a_non_empty_string(name: str, value: object) -> None:
    sentence = re.escape(f"AGNO_MEMORY[{name!r}] must be a non-empty string, not {value!r}.")
    with override_settings(AGNO_MEMORY={name: value}), pytest.raises(ImproperlyConfigured, match=f"^{sentence}$"):
        getattr(conf, name)


@pytest.mark.parametrize("value", [None, "a.b", ["a.b", 1], {"a.b"}])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_must_be_a_list_of_strings(name: str, value: object) -> None:
    with (
        override_settings(AGNO_MEMORY={name: value}),
        pytest.raises(ImproperlyConfigured, match="must be a list of strings"),
    ):
        getattr(conf, name)
    with override_settings(AGNO_MEMORY={name: ("a.b",)}):
        assert getattr(conf, name) == ["a.b"]


@pytest.mark.parametrize("value", [[], ["X Api Key"], ["X-Api-Key\n"], [""], ["*, Cookie"], ["HTTP_X_API_KEY"]])
def test_caller_headers_must_be_names_of_headers(value: object) -> None:
    with (
        override_settings(AGNO_MEMORY={"CALLER_HEADERS": value}),
        pytest.raises(ImproperlyConfigured, match="a list of names such as 'X-Api-Key'"),
    ):
        _ = conf.CALLER_HEADERS
    with override_settings(AGNO_MEMORY={"CALLER_HEADERS": ["X-Api-Key"]}):
        assert conf.CALLER_HEADERS == ["X-Api-Key"]


@pytest.mark.parametrize("value", ["", "no path", "one", 1, ["a.b"]])
def test_an_embedder_must_be_a_function_or_a_path(value: object) -> None:
    with (
        override_settings(AGNO_MEMORY={"EMBEDDER": value}),
        pytest.raises(ImproperlyConfigured, match="must be a function"),
    ):
        _ = conf.EMBEDDER
    for valid in ("a.b", sorted):
        with override_settings(AGNO_MEMORY={"EMBEDDER": valid}):
            assert valid == conf.EMBEDDER
    assert conf.EMBEDDER_NAME == "none"
    with override_settings(AGNO_MEMORY={"EMBEDDER": "a.b"}):
        assert conf.EMBEDDER_NAME == "a.b"
    with (
        override_settings(AGNO_MEMORY={"EMBEDDER_NAME": "x" * 256}),
        pytest.raises(ImproperlyConfigured, match="at most 255"),
    ):
        _ = conf.EMBEDDER_NAME


@pytest.mark.parametrize(
    "value", [None, "60/min", {"raed": "60/min"}, {"read": 60}, {"read": "0/min"}, {"read": "1/x"}]
)
@pytest.mark.parametrize("name", RATES)
def test_rates_must_be_rates_by_scope(name: str, value: object) -> None:
    with override_settings(AGNO_MEMORY={name: value}), pytest.raises(ImproperlyConfigured, match="read, write, erase"):
        getattr(conf, name)
    rates = {"read": "600/min", "write": "1/s", "erase": "5/hour", "export": "10/d"}
    with override_settings(AGNO_MEMORY={name: rates}):
        assert getattr(conf, name) == rates


@pytest.mark.parametrize("value", [None, 0, -1, 1.5, 10.0, "10", True])
@pytest.mark.parametrize("name", COUNTS)
def test_a_count_must_be_a_whole_number_from_1(name: str, value: object) -> None:
    sentence = (
        re.escape(f"AGNO_MEMORY[{name!r}] must be a whole number from 1 to ")
        + r"[\d,]+"
        + re.escape(f", not {value!r}.")
    )
    with override_settings(AGNO_MEMORY={name: value}), pytest.raises(ImproperlyConfigured, match=f"^{sentence}$"):
        getattr(conf, name)


@pytest.mark.parametrize("value", [None, [], "DATABASE", 1])
def test_settings_must_be_a_dictionary(value: object) -> None:
    with (
        override_settings(AGNO_MEMORY=value),
        pytest.raises(ImproperlyConfigured, match=r"^AGNO_MEMORY must be a dictionary of settings\.$"),
    ):
        _ = conf.DATABASE


@override_settings(AGNO_MEMORY={"MAX_TOPICS": "many"})
def test_a_wrong_setting_does_not_affect_the_others() -> None:
    assert DEFAULTS["MAX_MEMORY_LENGTH"] == conf.MAX_MEMORY_LENGTH


def test_importing_reads_no_settings() -> None:
    modules = ("conf", "exceptions", "routers", "signals", "keys", "validators")
    program = "; ".join([*(f"import agno_memory.{name}" for name in modules), "from django.conf import settings"])
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{program}; assert not settings.configured"],
        cwd=ROOT,
        env=environment,
        check=True,
    )


def test_importing_models_reads_nothing_of_this_app() -> None:
    # Django reads other settings when models are created; reading this wrong value would raise an error.
    program = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["agno_memory"], AGNO_MEMORY="not a dictionary")
django.setup()
from agno_memory import checks, memory
from agno_memory.db import handles
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_setting_is_documented(name: str) -> None:
    docstring = getattr(Settings, name).__doc__
    assert docstring is not None
    assert len(docstring.split()) > 3
    assert re.search(rf"\b{name}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("value", [-1, 36_501, "30", 1.5, True, None])
def test_days_of_history_are_a_whole_number_from_0(value: object) -> None:
    with (
        override_settings(AGNO_MEMORY={"HISTORY_DAYS": value}),
        pytest.raises(ImproperlyConfigured, match="HISTORY_DAYS"),
    ):
        _ = conf.HISTORY_DAYS
    with override_settings(AGNO_MEMORY={"HISTORY_DAYS": 0}):
        assert conf.HISTORY_DAYS == 0


def test_time_spans_by_topic() -> None:
    day = datetime.timedelta(days=1)
    spans = {"a": "30 days", "b": "P2D", "c": "12:00:00", "d": day}
    with override_settings(AGNO_MEMORY={"EXPIRE_AFTER": spans}):
        assert {"a": 30 * day, "b": 2 * day, "c": day / 2, "d": day} == conf.EXPIRE_AFTER


@pytest.mark.parametrize("value", ["30 days", {"a": "soon"}, {"a": 5}, {"a": "-1 days"}, {1: "1 days"}, {"a": None}])
def test_other_time_spans_are_refused(value: object) -> None:
    with (
        override_settings(AGNO_MEMORY={"EXPIRE_AFTER": value}),
        pytest.raises(ImproperlyConfigured, match="EXPIRE_AFTER"),
    ):
        _ = conf.EXPIRE_AFTER


def test_an_unknown_effect_of_duplicates_is_refused() -> None:
    with override_settings(AGNO_MEMORY={"ON_DUPLICATE": "merge"}), pytest.raises(ImproperlyConfigured, match="refuse"):
        _ = conf.ON_DUPLICATE
