"""The messages of ``manage.py check``: of the check functions in this process, and of a site in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Error, Tags, Warning, registry, run_checks  # noqa: A004  Django's own name
from django.db import connections
from django.db.models import Model
from django.test import override_settings
from django.utils.functional import cached_property
from rest_framework.authentication import (
    BasicAuthentication,
    RemoteUserAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.settings import api_settings

from agno_memory.aliases import with_memories
from agno_memory.checks import TAG, check_database, check_replicas, check_settings, check_users
from agno_memory.db.handles import MONGODB_OPTIONS, SQLITE_OPTIONS, SqliteMemoryDb
from agno_memory.models import AgentSession
from agno_memory.rest_checks import check_caller_headers, check_rest
from agno_memory.schema import check_migrations, check_schema
from agno_memory.search.checks import check_embedder, check_language, check_stored_words, check_vectors
from agno_memory.user_checks import account_field
from tests.rest.sites import NameInHeader

ROOT = Path(__file__).parent.parent
ROUTED = ["agno_memory.routers.MemoryRouter"]
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "memories", "OPTIONS": {}}

Site = Callable[..., subprocess.CompletedProcess[str]]


class OwnRouter:
    """A router of the site."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "elsewhere" if model._meta.app_label == "agno_memory" else None


class Places:
    """A router of the site: memories on three aliases, an archive beside them, and sessions elsewhere."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "sessions" if model is AgentSession else "primary"

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return "reader"

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return {"archive": True, "analytics": False}.get(db) if app_label == "agno_memory" else None


@pytest.fixture(autouse=True)
def memories_on_default() -> Iterator[None]:
    """The memories are on the default alias: the other ones of the tests have no safe settings."""
    with override_settings(DATABASE_ROUTERS=ROUTED):
        yield


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def memories_on(alias: str, **more: Any) -> override_settings:
    return override_settings(AGNO_MEMORY={"DATABASE": alias}, DATABASE_ROUTERS=ROUTED, **more)


def database(alias: str, **settings: Any) -> AbstractContextManager[Any]:
    """Make an alias known, as DATABASES would."""
    return patch.dict(connections.settings, {alias: {"NAME": "memories", "OPTIONS": {}, **settings}})


def test_a_site_without_mistakes_gets_no_messages() -> None:
    assert run_checks(tags=[TAG]) == []


def test_every_check_is_registered_under_the_tag_of_this_app() -> None:
    found = {check for check in registry.registry.get_checks() if TAG in check.tags}
    assert found == {
        check_settings,
        check_users,
        check_database,
        check_replicas,
        check_rest,
        check_caller_headers,
        check_language,
        check_embedder,
        check_migrations,
    }


def test_checks_that_read_a_database_run_only_where_one_is_named() -> None:
    """Django 6 gives a check of another tag all databases, also those that cannot be reached."""
    for check in (check_stored_words, check_vectors, check_schema):
        assert check.tags == (Tags.database,)
        assert check() == []


# Settings


@override_settings(AGNO_MEMORY={"MAX_TOPIC": 3})
def test_an_unknown_setting_and_the_nearest_name() -> None:
    assert run_checks(tags=[TAG]) == [
        Error("AGNO_MEMORY has no setting 'MAX_TOPIC'.", hint="Did you mean 'MAX_TOPICS'?", id="agno_memory.E004")
    ]


@override_settings(AGNO_MEMORY={"database": "default", 7: "seven"})
def test_each_unknown_setting_is_a_message() -> None:
    near, far = check_settings()
    assert near.hint == "Did you mean 'DATABASE'?"
    assert far.msg == "AGNO_MEMORY has no setting 7."
    assert far.hint is not None
    assert far.hint.startswith("Choose one of: DATABASE, DEFAULT_USER_ID, ")


@override_settings(AGNO_MEMORY={"MAX_TOPICS": "50", "DATABASE": None})
def test_a_setting_of_the_wrong_type_has_the_text_of_conf() -> None:
    assert run_checks(tags=[TAG]) == [
        Error(
            "AGNO_MEMORY['DATABASE'] must be a non-empty string, not None.",
            hint=(
                "DATABASE: Alias in ``DATABASES`` of the database that stores the memories; "
                "``MemoryRouter`` routes this app to it."
            ),
            id="agno_memory.E005",
        ),
        Error(
            "AGNO_MEMORY['MAX_TOPICS'] must be a whole number from 1 to 2,147,483,647, not '50'.",
            hint="MAX_TOPICS: Maximum number of topics of a memory.",
            id="agno_memory.E005",
        ),
    ]


@override_settings(AGNO_MEMORY=["DATABASE"])
def test_settings_that_are_not_a_dictionary_are_one_message() -> None:
    assert [(message.id, message.msg) for message in run_checks(tags=[TAG])] == [
        ("agno_memory.E005", "AGNO_MEMORY must be a dictionary of settings.")
    ]


@override_settings(USE_TZ=False)
def test_naive_time() -> None:
    assert run_checks(tags=[TAG]) == [
        Error(
            "USE_TZ is False, but the times of memories are aware, in UTC.",
            hint="Set USE_TZ = True.",
            id="agno_memory.E007",
        )
    ]


@override_settings(USE_TZ=False, AGNO_MEMORY=["DATABASE"])
def test_naive_time_and_settings_that_are_not_a_dictionary() -> None:
    assert ids(check_settings()) == ["agno_memory.E007", "agno_memory.E005"]


# Users


@pytest.mark.parametrize("name", ["pk", "id"])
def test_a_field_that_users_have(name: str) -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": name, "DEFAULT_USER_ID": "<nobody>"}):
        assert check_users() == []


@pytest.mark.parametrize("name", ["pk", "username", "email", "date_joined"])
def test_a_default_user_that_a_real_user_can_have(name: str) -> None:
    """A name can be "default"; a number, an address or a date cannot."""
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": name}):
        shared = [message for message in check_users() if message.id == "agno_memory.W002"]
        assert shared == (
            [
                Warning(
                    "A user with the username 'default' would own the memories that are added without a user.",
                    hint=(
                        "Set AGNO_MEMORY['DEFAULT_USER_ID'] to a text that is not a valid username, such as '<nobody>'."
                    ),
                    id="agno_memory.W002",
                )
            ]
            if name == "username"
            else []
        )


@override_settings(AGNO_MEMORY={"USER_ID_FIELD": "user_name"})
def test_a_field_that_users_do_not_have() -> None:
    assert run_checks(tags=[TAG]) == [
        Error(
            "AGNO_MEMORY['USER_ID_FIELD'] is 'user_name', which is not a field or property of User.",
            hint="Did you mean 'username'?",
            id="agno_memory.E008",
        )
    ]


@pytest.mark.parametrize("name", ["is_anonymous", "is_authenticated", "USERNAME_FIELD", "REQUIRED_FIELDS"])
def test_an_attribute_that_all_accounts_share_is_an_error(name: str) -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": name, "DEFAULT_USER_ID": "<nobody>"}):
        assert ids(check_users()) == ["agno_memory.E014"]


@pytest.mark.parametrize("kind", [property, cached_property])
def test_a_property_is_a_warning(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "mail", kind(lambda user: user.email), raising=False)
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": "mail", "DEFAULT_USER_ID": "<nobody>"}):
        (message,) = check_users()
    assert isinstance(message, Warning)
    assert message.id == "agno_memory.W018"


@pytest.mark.parametrize("name", ["email", "first_name", "last_name"])
def test_a_field_that_two_accounts_can_share_is_an_error(name: str) -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": name, "DEFAULT_USER_ID": "<nobody>"}):
        assert "agno_memory.E014" in ids(check_users())


@pytest.mark.parametrize("name", ["auth_token", "groups", "logentry_set"])
def test_a_relation_is_an_error(name: str) -> None:
    """The text of a related object is not unique, even if the relation is; and many accounts have no such object."""
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": name}):
        assert ids(check_users()) == ["agno_memory.E014"]


def test_a_relation_of_one_to_one_is_an_error_and_its_column_is_not() -> None:
    assert ids(list(account_field("user", Token))) == ["agno_memory.E014"]
    (message,) = account_field("user", Token)
    assert message.hint is not None
    assert "'user_id'" in message.hint
    assert ids(list(account_field("user_id", Token))) == ["agno_memory.W014"]


def test_a_field_that_people_can_change_is_a_warning() -> None:
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": "username", "DEFAULT_USER_ID": "<nobody>"}):
        (message,) = check_users()
    assert isinstance(message, Warning)
    assert message.id == "agno_memory.W014"


@override_settings(AGNO_MEMORY={"ON_USER_DELETE": "forget"})
def test_an_unknown_policy_for_deleted_accounts() -> None:
    assert [message.msg for message in check_settings()] == [
        "AGNO_MEMORY['ON_USER_DELETE'] must be 'keep' or 'erase', not 'forget'."
    ]


@override_settings(AGNO_MEMORY={"USER_ID_FIELD": "get_username"})
def test_a_method_of_users_is_not_a_field() -> None:
    assert ids(check_users()) == ["agno_memory.E008"]


@override_settings(AGNO_MEMORY={"USER_ID_FIELD": "user_name"})
def test_a_site_without_users_of_its_own_may_name_any_field() -> None:
    without_auth = [app.name for app in apps.get_app_configs() if app.name != "django.contrib.auth"]
    with override_settings(INSTALLED_APPS=without_auth):
        assert check_users() == []


@pytest.mark.parametrize("user_id", ["x" * 256, "nul\x00", "\ud800"])
def test_a_default_user_that_is_not_a_valid_id(user_id: str) -> None:
    with override_settings(AGNO_MEMORY={"DEFAULT_USER_ID": user_id}):
        (message,) = run_checks(tags=[TAG])
    assert message.id == "agno_memory.E009"
    assert message.msg.startswith("AGNO_MEMORY['DEFAULT_USER_ID'] is not a valid id: ")
    assert user_id not in message.msg


# Database


@memories_on("defualt")
def test_an_unknown_alias_and_the_nearest_one() -> None:
    assert run_checks(tags=[TAG]) == [
        Error(
            "Memories are stored in database 'defualt', but DATABASES has no such alias.",
            hint="Did you mean 'default'?",
            id="agno_memory.E001",
        )
    ]


@memories_on("xyz")
def test_an_unknown_alias_and_all_aliases() -> None:
    (message,) = check_database()
    assert message.hint is not None
    assert message.hint.startswith("Choose one of: default, postgres")


@override_settings(AGNO_MEMORY={"DATABASE": "postgres"}, DATABASE_ROUTERS=[])
def test_a_missing_router_and_the_line_to_paste() -> None:
    assert run_checks(tags=[TAG]) == [
        Error(
            "AGNO_MEMORY['DATABASE'] is 'postgres', but DATABASE_ROUTERS sends memories to 'default'.",
            hint='Put this app\'s router first: DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]',
            id="agno_memory.E002",
        )
    ]


@override_settings(AGNO_MEMORY={"DATABASE": "postgres"}, DATABASE_ROUTERS=["tests.test_checks.OwnRouter", *ROUTED])
def test_a_router_that_another_one_overrules() -> None:
    (message,) = check_database()
    assert message.id == "agno_memory.E002"
    assert message.hint is not None
    assert message.hint.endswith('["agno_memory.routers.MemoryRouter", ...]')


@override_settings(DATABASE_ROUTERS=["tests.test_checks.OwnRouter"])
def test_a_router_of_the_sites_own_counts() -> None:
    with database("elsewhere", **POSTGRES):
        assert check_database() == []
        with override_settings(AGNO_MEMORY={"DATABASE": "elsewhere"}):
            assert check_database() == []


@override_settings(DATABASE_ROUTERS=["tests.test_checks.OwnRouter"])
def test_where_a_router_of_the_sites_own_leads_is_checked() -> None:
    assert ids(check_database()) == ["agno_memory.E001"]
    with database("elsewhere", ENGINE="djongo"):
        assert ids(check_database()) == ["agno_memory.E006"]


@memories_on("memories")
def test_a_backend_that_is_not_installed() -> None:
    with database("memories", ENGINE="no_such_backend"):
        assert run_checks(tags=[TAG]) == [
            Error(
                "The driver of database 'memories' (ENGINE 'no_such_backend') cannot be loaded: "
                "No module named 'no_such_backend'",
                hint="Install the package with the module 'no_such_backend'.",
                id="agno_memory.E003",
            )
        ]


@pytest.mark.parametrize("engine", ["djongo", "djongo.cursor"])
@memories_on("memories")
def test_djongo_with_the_reason_and_the_remedy(engine: str) -> None:
    with database("memories", ENGINE=engine):
        (message,) = run_checks(tags=[TAG])
    assert (message.id, message.level) == ("agno_memory.E006", Error("").level)
    for part in ("Django before 3.1.13", "PyMongo before 3.12", "every query fails"):
        assert part in message.msg
    assert message.hint is not None
    for part in ('pip install "agno-memory[mongodb]"', "django_mongodb_backend", '"HOST"', '"NAME"', "JSON strings"):
        assert part in message.hint


def test_databases_of_other_apps_are_not_checked() -> None:
    with database("analytics", ENGINE="djongo"), database("reports", ENGINE="django.db.backends.sqlite3"):
        assert check_database() == []


# Each alias of the memories

UNSAFE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "memories.sqlite3", "OPTIONS": {}}
PREPARED = POSTGRES | {"OPTIONS": {"prepare_threshold": 5}, "PORT": "6543"}


def databases(**settings: dict[str, Any]) -> AbstractContextManager[Any]:
    """Make these all aliases, as DATABASES would."""
    return patch.dict(connections.settings, settings, clear=True)


def aliases_in(messages: list[CheckMessage]) -> list[str]:
    """Return the alias of each message."""
    return [message.msg.split("database '", 1)[1].split("'", 1)[0] for message in messages]


def test_each_alias_that_a_router_names_is_checked_once() -> None:
    """The reads, the writes, single models, and an alias that the router allows for ``Memory(alias)``."""
    names = ("default", "primary", "sessions", "reader", "archive", "analytics", "legacy")
    with databases(**dict.fromkeys(names, UNSAFE)), override_settings(DATABASE_ROUTERS=["tests.test_checks.Places"]):
        found = check_database()
        assert aliases_in(found) == ["primary", "reader", "sessions", "archive"]
        assert set(ids(found)) == {"agno_memory.W001"}
        assert with_memories(names) == ["primary", "sessions", "reader", "archive"]
    # The last one may have no memories.
    assert [message.hint is not None and "allow_migrate()" in message.hint for message in found] == [False] * 3 + [True]


@pytest.mark.parametrize("settings", [UNSAFE, PREPARED])
def test_replicas_in_the_settings_are_checked_and_the_database_of_the_site_is_not(settings: dict[str, Any]) -> None:
    memory = {"DATABASE": "memories", "READ_DATABASES": ["replica", "missing", "memories"]}
    with (
        databases(default=UNSAFE, memories=settings, replica=settings, analytics=UNSAFE),
        override_settings(AGNO_MEMORY=memory),
    ):
        assert aliases_in(check_database()) == ["memories", "replica"]
        # A replica has the schema and the rows of the database that it copies.
        assert with_memories(["default", "memories", "replica"]) == ["memories"]
        # Reported by themselves.
        assert "agno_memory.E011" in ids(check_replicas())


@override_settings(DATABASE_ROUTERS=[])
def test_without_routers_memories_can_be_on_each_alias() -> None:
    with databases(default=POSTGRES, archive=UNSAFE, old=UNSAFE | {"ENGINE": "djongo"}):
        assert aliases_in(check_database()) == ["archive"]
        with override_settings(DATABASE_ROUTERS=ROUTED):
            # The way out that the hint names.
            assert check_database() == []


@override_settings(DATABASE_ROUTERS=[])
def test_a_handle_is_not_an_alias_of_the_settings(tmp_path: Path) -> None:
    alias = SqliteMemoryDb(db_file=str(tmp_path / "memories.db")).alias
    with patch.dict(connections.settings[alias], {"OPTIONS": {}}):
        assert alias not in aliases_in(check_database())


@override_settings(AGNO_MEMORY={"READ_DATABASES": "replica"})
def test_a_wrong_setting_of_replicas_hides_no_other_message() -> None:
    with databases(default=UNSAFE):
        assert {*ids(run_checks(tags=[TAG]))} == {"agno_memory.E005", "agno_memory.W001"}


# SQLite


def sqlite(name: object = "memories.sqlite3", **options: Any) -> AbstractContextManager[Any]:
    return database("memories", ENGINE="django.db.backends.sqlite3", NAME=name, OPTIONS=options)


@memories_on("memories")
def test_sqlite_without_options_and_the_options_to_paste() -> None:
    with sqlite():
        assert run_checks(tags=[TAG]) == [
            Warning(
                "The SQLite database 'memories' is opened without WAL mode and immediate transactions: readers and "
                'writers block each other until one fails with "database is locked".',
                hint=(
                    'Add to DATABASES["memories"]: "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", '
                    '"transaction_mode": "IMMEDIATE", "timeout": 30}'
                ),
                id="agno_memory.W001",
            )
        ]


@memories_on("memories")
def test_the_settings_to_paste_silence_the_warning() -> None:
    with sqlite(**SQLITE_OPTIONS):
        assert check_database() == []


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"init_command": "PRAGMA journal_mode=WAL"}, "without immediate transactions"),
        ({"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "DEFERRED"}, "without immediate transactions"),
        ({"transaction_mode": "IMMEDIATE"}, "without WAL mode"),
        ({"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=DELETE"}, "without WAL mode"),
        ({"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WALL"}, "without WAL mode"),
        ({"transaction_mode": "IMMEDIATE", "init_command": None}, "without WAL mode"),
    ],
)
@memories_on("memories")
def test_sqlite_with_half_of_the_options(options: dict[str, Any], missing: str) -> None:
    with sqlite(**options):
        (message,) = check_database()
    assert message.id == "agno_memory.W001"
    assert f" {missing}:" in message.msg


@pytest.mark.parametrize("mode", ["immediate", "EXCLUSIVE", "exclusive"])
@pytest.mark.parametrize(
    "command",
    [
        "pragma JOURNAL_MODE = wal",
        "PRAGMA synchronous=NORMAL; PRAGMA journal_mode=WAL; PRAGMA cache_size=2000",
        "PRAGMA main.journal_mode='WAL'",
        "PRAGMA journal_mode(WAL)",
    ],
)
@memories_on("memories")
def test_other_spellings_count(mode: str, command: str) -> None:
    with sqlite(init_command=command, transaction_mode=mode):
        assert check_database() == []


@pytest.mark.parametrize("name", [":memory:", "file::memory:?cache=shared", "file:memories?mode=memory&cache=shared"])
@memories_on("memories")
def test_sqlite_in_memory_is_not_checked(name: str) -> None:
    with sqlite(name):
        assert check_database() == []


@memories_on("memories")
def test_sqlite_at_a_path_is_a_file() -> None:
    with sqlite(Path("memories.sqlite3")):
        assert ids(check_database()) == ["agno_memory.W001"]


@pytest.mark.parametrize(
    "sign",
    [
        {"DISABLE_SERVER_SIDE_CURSORS": True},
        {"PORT": "6432"},
        {"PORT": 6432},
        {"PORT": "6543"},
        {"PORT": "5432, 6543"},
        {"PORT": "5431"},
        {"PORT": "25061"},
    ],
)
@memories_on("memories")
def test_prepared_statements_behind_a_pool(sign: dict[str, Any]) -> None:
    """PgBouncer in transaction mode runs a read as the deletion of another client."""
    prepared = {"OPTIONS": {"prepare_threshold": 5}}
    with database("memories", **POSTGRES | prepared | sign):
        (message,) = check_database()
    assert message.id == "agno_memory.W010"
    assert next(iter(sign)) in message.msg
    safe_ones = (
        POSTGRES | prepared,
        POSTGRES | prepared | {"PORT": "5432"},
        POSTGRES | sign,
        POSTGRES | sign | {"OPTIONS": {"prepare_threshold": None}},
    )
    for safe in safe_ones:
        with database("memories", **safe):
            assert check_database() == []


@pytest.mark.parametrize(("port", "is_pool"), [("", True), ("5432", False)])
@memories_on("memories")
def test_the_port_of_a_pool_may_be_among_the_options(port: str, is_pool: bool) -> None:
    options = {"prepare_threshold": 5, "port": 6543}
    with database("memories", **POSTGRES | {"OPTIONS": options, "PORT": port}):
        found = check_database()
    assert [message.id for message in found] == ["agno_memory.W010"] * is_pool
    assert all("PORT 6543 (Supabase)" in message.msg for message in found)


@pytest.mark.parametrize(
    ("host", "options", "safe"),
    [
        ("mongodb://one/?journal=true", {}, True),
        ("mongodb://one/?w=1;Journal=true", {}, True),
        ("mongodb://one/", {"journal": True}, True),
        ("", {}, False),
        ("mongodb://one/", {}, False),
        ("mongodb://one/?journal=false", {}, False),
        ("mongodb://one/?replicaSet=rs0", {}, False),
        ("mongodb://one/?journal=true", {"journal": False}, False),
        ("mongodb://one/journal=true", {}, False),
    ],
)
@pytest.mark.parametrize("alias", ["mongodb"])
@memories_on("memories")
def test_mongodb_without_a_journal(alias: str, host: str, options: dict[str, Any], safe: bool) -> None:
    """A single server that is killed loses writes that it has confirmed."""
    with database("memories", ENGINE="django_mongodb_backend", HOST=host, OPTIONS=options):
        assert ids(check_database()) == ([] if safe else ["agno_memory.W013"])


@pytest.mark.parametrize("alias", ["mongodb"])
@memories_on("memories")
def test_mongodb_with_the_options_of_the_handles(alias: str) -> None:
    with database("memories", ENGINE="django_mongodb_backend", HOST="mongodb://one/", OPTIONS=MONGODB_OPTIONS):
        assert check_database() == []


# The REST API

GUARD = "agno_memory.rest.permissions.MemoryPermissions"


def permitted_by(*paths: str) -> override_settings:
    return override_settings(AGNO_MEMORY={"REST_PERMISSION_CLASSES": list(paths)})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("agno_memory.rest.permissions.MemoryPermision", "does not define"),
        ("no_such_module.Permission", "No module named 'no_such_module'"),
        ("MemoryPermissions", "doesn't look like a module path"),
        ("agno_memory.rest.problems.MEDIA_TYPE", "it is not a permission class"),
    ],
)
def test_a_permission_class_that_cannot_be_used(path: str, reason: str) -> None:
    with permitted_by(GUARD, path):
        (message,) = run_checks(tags=[TAG])
    assert (message.id, message.level) == ("agno_memory.E010", Error("").level)
    assert message.msg.startswith(f"AGNO_MEMORY['REST_PERMISSION_CLASSES'] has {path!r}, which cannot be used: ")
    assert reason in message.msg
    assert GUARD in str(message.hint)


@pytest.mark.parametrize(
    "paths", [[], ["rest_framework.permissions.IsAuthenticated"], ["rest_framework.permissions.DjangoModelPermissions"]]
)
def test_permission_classes_that_protect_no_user(paths: list[str]) -> None:
    with permitted_by(*paths):
        (message,) = run_checks(tags=[TAG])
    assert (message.id, message.level) == ("agno_memory.W004", Warning("").level)
    assert "naming another user" in message.msg
    assert GUARD in str(message.hint)


@pytest.mark.parametrize(
    "paths",
    [
        [GUARD],
        ["rest_framework.permissions.IsAdminUser", GUARD],
        ["tests.rest.sites.Helpdesk"],
        ["tests.rest.sites.own_or_read_only"],
    ],
)
def test_permission_classes_of_the_site_may_be_added(paths: list[str]) -> None:
    with permitted_by(*paths):
        assert run_checks(tags=[TAG]) == []


def test_permission_classes_that_are_not_a_list_are_one_message() -> None:
    with override_settings(AGNO_MEMORY={"REST_PERMISSION_CLASSES": GUARD}):
        assert ids(run_checks(tags=[TAG])) == ["agno_memory.E005"]


class Challenged(NameInHeader):
    """A class with a challenge reads the header of its answer."""

    def authenticate_header(self, request: Any) -> str:
        return "Key"


class Proxied(RemoteUserAuthentication):
    header = "HTTP_X_REMOTE_USER"


@pytest.mark.parametrize(
    ("headers", "classes", "expected"),
    [
        (None, [BasicAuthentication, SessionAuthentication, RemoteUserAuthentication], []),
        (None, [NameInHeader, Challenged], ["W025 tests.rest.sites.NameInHeader"]),
        (["x-name", "Cookie"], [NameInHeader], []),
        (None, [Proxied], ["W024 'X-Remote-User'"]),
        (["X-Remote-User", "cookie"], [Proxied], []),
        (["X-Name"], [NameInHeader], ["W024 'Cookie'"]),
        (["X-Name", "Cookie"], [TokenAuthentication, BasicAuthentication], ["W024 'Authorization'"]),
        (["HTTP_X_NAME"], [NameInHeader], []),
    ],
)
def test_headers_that_identify_callers(
    headers: list[str] | None, classes: list[type], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_AUTHENTICATION_CLASSES", classes)
    with override_settings(AGNO_MEMORY={} if headers is None else {"CALLER_HEADERS": headers}):
        found = check_caller_headers()
        # The value itself is another message.
        assert bool(check_settings()) == (headers == ["HTTP_X_NAME"])
    assert len(found) == len(expected)
    for message, text in zip(found, expected, strict=True):
        number, _, name = text.partition(" ")
        assert message.id == f"agno_memory.{number}"
        assert name in message.msg


# As a site sees it


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Run a command of a site that has these settings, with nothing of this test run in its environment."""

    def run(settings: str, *command: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "site_settings.py").write_text(COMMON + settings)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "django", *command, "--settings", "site_settings"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


COMMON = """
import sys
SECRET_KEY = "for tests"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "agno_memory"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
AGNO_MEMORY = {"DATABASE": "memories"}
DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
"""


# From Django 6.1 on, checks of its own load every backend, and stop a plain `check` where one cannot be loaded.
BY_TAG = ["check", "--tag", TAG]
WITH_BROKEN_ENGINE = pytest.mark.parametrize("command", [BY_TAG] if django.VERSION >= (6, 1) else [BY_TAG, ["check"]])


@WITH_BROKEN_ENGINE
def test_a_site_with_djongo(site: Site, command: list[str]) -> None:
    result = site('DATABASES["memories"] = {"ENGINE": "djongo", "NAME": "memories"}', *command)
    assert result.returncode == 1
    assert "(agno_memory.E006) Database 'memories' has ENGINE 'djongo', which cannot work here" in result.stderr
    assert 'HINT: pip install "agno-memory[mongodb]"' in result.stderr
    assert "1 issue (0 silenced)" in result.stderr


@WITH_BROKEN_ENGINE
@pytest.mark.parametrize(
    ("engine", "modules", "extra"),
    [
        ("django.db.backends.postgresql", ["psycopg", "psycopg2"], "postgres"),
        ("django_mongodb_backend", ["django_mongodb_backend"], "mongodb"),
    ],
)
def test_a_site_without_the_driver(site: Site, engine: str, modules: list[str], extra: str, command: list[str]) -> None:
    # The modules are installed for the tests; None makes Python find nothing there.
    settings = f'sys.modules.update(dict.fromkeys({modules}))\nDATABASES["memories"] = {{"ENGINE": {engine!r}}}'
    result = site(settings, *command)
    assert result.returncode == 1
    assert f"(agno_memory.E003) The driver of database 'memories' (ENGINE {engine!r}) cannot be loaded" in result.stderr
    assert f'HINT: pip install "agno-memory[{extra}]"' in result.stderr
    assert "1 issue (0 silenced)" in result.stderr


def test_a_site_with_a_typo_in_the_alias(site: Site) -> None:
    settings = 'AGNO_MEMORY = {"DATABASE": "memory"}\nDATABASES["memories"] = DATABASES["default"]'
    for command in ("check", "migrate"):
        result = site(settings, command)
        assert result.returncode == 1
        assert "(agno_memory.E001)" in result.stderr
        assert "HINT: Did you mean 'memories'?" in result.stderr


def test_a_site_with_many_mistakes_gets_all_messages_at_once(site: Site) -> None:
    settings = 'USE_TZ = False\nAGNO_MEMORY = {"DATABSE": "memories", "MAX_TOPICS": 0, "USER_ID_FIELD": "uuid"}'
    result = site(settings, "check")
    assert result.returncode == 1
    for number in ("E004", "E005", "E007", "E008", "W001"):
        assert f"(agno_memory.{number})" in result.stderr


MOUNTED = """
ROOT_URLCONF = "site_settings"
AGNO_MEMORY = {}
DATABASES["default"]["NAME"] = ":memory:"
def __getattr__(name):
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import include, path
    return [path("api/", include("agno_memory.rest.urls"))]
"""


def test_a_site_with_the_api_but_without_rest_framework(site: Site) -> None:
    result = site(MOUNTED, *BY_TAG)
    assert result.returncode == 0
    assert (
        "(agno_memory.W003) The REST API is in the URLs, but REST framework is not in INSTALLED_APPS" in result.stderr
    )
    assert site(MOUNTED + 'INSTALLED_APPS += ["rest_framework"]', *BY_TAG).stderr == ""
    assert site(MOUNTED + 'ROOT_URLCONF = "no_such_module"', *BY_TAG).stderr == ""


def test_an_error_in_the_urlconf_is_not_hidden(site: Site) -> None:
    result = site(MOUNTED.replace("from django.urls import", "1 / 0; from django.urls import"), *BY_TAG)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr


def test_a_site_without_the_api_imports_nothing_of_it(site: Site) -> None:
    settings = 'sys.modules.update(dict.fromkeys(["rest_framework", "django_filters"]))\nAGNO_MEMORY = {}\n'
    result = site(settings + 'DATABASES["default"]["NAME"] = ":memory:"', *BY_TAG)
    assert (result.returncode, result.stderr) == (0, "")


def test_checking_a_site_opens_no_connection(site: Site) -> None:
    settings = """
DATABASES["memories"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": "1"}
"""
    result = site(settings, *BY_TAG)
    assert (result.returncode, result.stdout) == (0, "System check identified no issues (0 silenced).\n")


def test_other_migrations_are_reported() -> None:
    assert check_migrations() == []
    with override_settings(MIGRATION_MODULES={"agno_memory": "site.memory_migrations"}):
        (warning,) = check_migrations()
    assert warning.id == "agno_memory.W017"
    with override_settings(MIGRATION_MODULES={"agno_memory": None}):
        assert check_migrations() == []
