"""Helpers of the tests of the REST API: memories on one database, callers and their requests."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.cache import cache
from django.db import connections
from django.test import override_settings
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import ALIASES
from tests.db.test_errors import nobody_listens

BASE = "/api/"
ROUTERS = ["agno_memory.routers.MemoryRouter", "tests.routers.EveryDatabase"]
PROBLEM = "application/problem+json"

# Where a test is rolled back. MongoDB has no such transactions, and Django would empty the whole site instead, which
# takes longer than the test: there the memories alone are cleared.
ROLLED_BACK = ("default", "postgres")


def _databases(*aliases: str, commits: bool = False, long: Collection[str] = ()) -> pytest.MarkDecorator:
    """Return the mark of a test for these databases.

    Args:
        long: those on which ``make test-long`` alone runs the test.
    """
    return pytest.mark.parametrize(
        "alias",
        [
            pytest.param(
                alias,
                marks=[
                    pytest.mark.django_db(transaction=commits, databases=_needed(alias, commits)),
                    *([pytest.mark.long] if alias in long else []),
                ],
            )
            for alias in aliases
        ],
    )


def _needed(alias: str, commits: bool) -> list[str]:
    return list(dict.fromkeys(["default", alias])) if commits or alias in ROLLED_BACK else ["default"]


each_database = _databases(*ALIASES)
# With commits that other threads and connections see.
each_database_commits = _databases(*ALIASES, commits=True)
# For tests of a layer above the database that take long.
one_server_database_commits = _databases("default", "postgres", "mongodb", commits=True, long=("postgres", "mongodb"))
sql_databases_commits = _databases("default", "postgres", commits=True)
# For tests that do not depend on the database.
on_sqlite = _databases("default")
on_sqlite_commits = _databases("default", commits=True)


def site(alias: str, **settings: Any) -> override_settings:
    """Return the settings of a site with user names as user ids and its memories on one database."""
    return override_settings(
        DATABASE_ROUTERS=ROUTERS, AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "username", **settings}
    )


@contextmanager
def memories_on(alias: str, **settings: Any) -> Iterator[None]:
    """Keep the memories on one database, empty at first, and the rest of the site on the default one."""
    cache.clear()
    with _connecting(alias), site(alias, **settings):
        yield
        if alias not in ROLLED_BACK:
            Memory().clear()
            AgentSessions().delete_user_sessions(ANYONE)


@contextmanager
def _connecting(alias: str) -> Iterator[None]:
    """Let a test connect to a database that is not among those of Django's test case, which refuses it."""
    connection = connections[alias]
    with ExitStack() as stack:
        for name in ("connect", "cursor", "chunked_cursor", "temporary_connection"):
            allowed = getattr(vars(connection).get(name), "wrapped", None)
            if allowed is not None:
                stack.enter_context(mock.patch.object(connection, name, allowed))
        yield


def broken(kind: str, folder: Path) -> dict[str, Any]:
    """Return the settings of a database that is not available."""
    port = nobody_listens()
    common: dict[str, Any] = {
        "NAME": "notes",
        "OPTIONS": {},
        "TIME_ZONE": None,
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
    }
    common |= {"AUTOCOMMIT": True, "CONN_HEALTH_CHECKS": False, "USER": "", "PASSWORD": "", "TEST": {}}
    match kind:
        case "default":
            return {**common, "ENGINE": "django.db.backends.sqlite3", "NAME": str(folder)}
        case "postgres":
            return {**common, "ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": str(port)}
    url = f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=20"
    return {**common, "ENGINE": "django_mongodb_backend", "HOST": url, "PORT": ""}


class Caller(APIClient):
    """A client of the API. Paths are relative to the address of the API.

    Args:
        user: the caller; None is not logged in.
    """

    def __init__(self, user: User | None = None, base: str = BASE) -> None:
        super().__init__()
        self.base = base
        self.user = user or AnonymousUser()
        if user is not None:
            self.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}")

    def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> Any:
        """Send JSON, or an empty request without a body, and return the response."""
        url = path if path.startswith(("/", "http:")) else self.base + path
        if query:
            url += f"{'&' if '?' in url else '?'}{urlencode(query, doseq=True)}"
        given: dict[str, Any] = {} if body is None else {"data": body, "format": "json"}
        return getattr(self, method.lower())(url, headers=headers, **given)

    def again(self) -> Caller:
        """Return another client of the same user, for another thread."""
        return Caller(self.user, self.base) if isinstance(self.user, User) else Caller(base=self.base)


def caller(name: str, *permissions: str, superuser: bool = False, staff: bool = False) -> Caller:
    """Return a caller of this name with these permissions. One without the name of a model is for memories."""
    user = User.objects.create_user(name, is_superuser=superuser, is_staff=staff or superuser or bool(permissions))
    codenames = [each if "_" in each else f"{each}_usermemory" for each in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return Caller(user)


def add(owner: str, text: str = "Likes tea", **content: Any) -> UserMemory:
    return Memory().add_user_memory(UserMemory(memory=text, **content), owner)


def add_many(owner: str, number: int, **content: Any) -> list[UserMemory]:
    memories = [UserMemory(memory=f"number {each}", **content) for each in range(number)]
    return Memory().add_user_memories(memories, owner)


def stored(memory_id: str, owner: str = "ana") -> UserMemory:
    return UserMemory.objects.get(memory_id=memory_id, user_id=owner)


def one(memory_id: str) -> str:
    """Return the path of a memory."""
    return f"memories/{quote(memory_id, safe='')}/"


def response_parts(response: Any) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers and the content of a response."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, dict(response.headers), content


def ids(response: Any) -> list[str]:
    """Return the ids in a list, in its order."""
    assert response.status_code == 200, response.content
    return [memory["memory_id"] for memory in response.json()["results"]]


def texts(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [memory["memory"] for memory in response.json()["results"]]


def pages(client: Caller, path: str = "memories/", direction: str = "next", **query: Any) -> Iterator[Any]:
    """Yield the pages of a list as JSON, following its links."""
    response = client.call("GET", path, **query)
    while True:
        assert response.status_code == 200, response.content
        yield (page := response.json())
        if page[direction] is None:
            return
        response = client.call("GET", page[direction])
