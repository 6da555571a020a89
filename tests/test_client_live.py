"""The client against the service itself, on every database; and without Django."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import TransactionTestCase, override_settings
from django.test.testcases import LiveServerThread
from django.urls import include, path
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from agno_memory import names
from agno_memory.client import (
    AccessDenied,
    MemoryChanged,
    MemoryClient,
    MemoryExists,
    MemoryNotFound,
    MemoryVersion,
    Throttled,
    UnexpectedAnswer,
    UserMemory,
    ValidationError,
)
from agno_memory.keys import composite_key
from agno_memory.memory import Memory
from agno_memory.models import UserMemory as Model
from agno_memory.rest.base import UserScopedViewSet
from agno_memory.search.stored_words import stored_words
from agno_memory.test.contract import (
    AddContract,
    AsyncContract,
    BadInputContract,
    BulkContract,
    ContractCase,
    DeleteContract,
    HistoryContract,
    IdsContract,
    MergingContract,
    OrderContract,
    OwnerContract,
    ReplaceContract,
    SearchContract,
    TopicsContract,
)
from agno_memory.validators import fold
from demo_project import examples
from tests.databases import commits, each_database
from tests.routers import EveryDatabase

ROOT = Path(__file__).parent.parent
PASSWORD = "hunter2"

# The site of these tests: the service, with the authentication that REST framework has without any settings.
urlpatterns = [path("service/api/", include("agno_memory.rest.urls"))]


class Only(EveryDatabase):
    """Memories on one alias."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return self.alias if model._meta.app_label == "agno_memory" else None

    db_for_write = db_for_read


# The contract of the service, kept over HTTP


class OverHttp:
    """The service through a client, with models as arguments and results, as in the contract."""

    def __init__(self, client: MemoryClient, local: Memory) -> None:
        self.client = client
        self.local = local

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self.client, name)
        if not name.startswith("a") or name.startswith("add"):
            return lambda *args, **kwargs: as_model(verb(*args, **kwargs))

        async def twin(*args: Any, **kwargs: Any) -> Any:
            return as_model(await verb(*args, **kwargs))

        return twin

    def rows(self, user_id: object) -> Any:
        return self.local.rows(user_id)

    def clear(self) -> int:
        return self.local.clear()

    async def aclear(self) -> int:
        return await self.local.aclear()


def as_model(found: Any) -> Any:
    if isinstance(found, list):
        return [as_model(each) for each in found]
    if not isinstance(found, UserMemory) or isinstance(found, MemoryVersion):
        return found
    derived = {"key": composite_key(found.user_id, found.memory_id), "search_text": fold(found.memory)}
    derived["search_terms"] = stored_words(found.memory, found.topics)
    model = Model(**{name: getattr(found, name) for name in names.FIELDS}, **derived)
    model._state.adding = False
    return model


class Everywhere(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Django in this process, so that it works on the connections of the test."""

    def __init__(self) -> None:
        application: Any = get_asgi_application()
        self.wsgi = httpx.WSGITransport(get_wsgi_application())
        self.asgi = httpx.ASGITransport(application)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.wsgi.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.asgi.handle_async_request(request)


class ClientContract(ContractCase):
    """The contract of the service over HTTP, as a user with the permission to act for others."""

    def setUp(self) -> None:
        super().setUp()
        override = override_settings(ROOT_URLCONF=__name__, DATABASE_ROUTERS=[Only(self.database)])
        override.enable()
        self.addCleanup(override.disable)
        User.objects.create_superuser("agent", password=PASSWORD)
        client = MemoryClient("http://testserver/service/api/", auth=("agent", PASSWORD), transport=Everywhere())
        self.addCleanup(client.close)
        self.memory: Any = OverHttp(client, self.memory)

    test_what_add_returns_equals_what_is_read_back = AddContract.test_what_add_returns_equals_what_is_read_back
    test_a_memory_starts_at_version_1_with_one_moment = AddContract.test_a_memory_starts_at_version_1_with_one_moment
    test_what_is_not_given_is_empty = AddContract.test_what_is_not_given_is_empty
    test_the_callers_instance_is_left_alone = AddContract.test_the_callers_instance_is_left_alone
    test_machine_written_fields_cannot_be_given = AddContract.test_machine_written_fields_cannot_be_given
    test_new_ids_are_in_the_order_of_their_making = AddContract.test_new_ids_are_in_the_order_of_their_making

    outcome = IdsContract.outcome
    test_two_people_use_the_same_id = IdsContract.test_two_people_use_the_same_id
    test_an_id_is_used_once_by_each_owner = IdsContract.test_an_id_is_used_once_by_each_owner
    test_nothing_shows_that_another_owner_uses_an_id = IdsContract.test_nothing_shows_that_another_owner_uses_an_id
    test_ids_may_be_given_in_other_types = IdsContract.test_ids_may_be_given_in_other_types
    test_what_is_not_an_id_is_refused = IdsContract.test_what_is_not_an_id_is_refused

    bad_content = BadInputContract.bad_content
    test_content = BadInputContract.test_content
    test_nesting_of_metadata = BadInputContract.test_nesting_of_metadata
    test_the_callers_mistakes = BadInputContract.test_the_callers_mistakes
    test_errors_do_not_repeat_the_text = BadInputContract.test_errors_do_not_repeat_the_text
    test_limits_are_settings = BadInputContract.test_limits_are_settings

    test_a_number_is_the_same_user_as_its_text = OwnerContract.test_a_number_is_the_same_user_as_its_text
    test_users_differ_by_every_character = OwnerContract.test_users_differ_by_every_character
    test_someone_elses_memory_does_not_exist = OwnerContract.test_someone_elses_memory_does_not_exist
    test_upsert_of_an_id_of_another_owner = OwnerContract.test_upsert_of_an_id_that_another_owner_uses_adds

    test_replace = ReplaceContract.test_replace_puts_everything_that_callers_set
    test_values_are_data = ReplaceContract.test_values_are_data
    test_replace_of_a_version = ReplaceContract.test_replace_of_a_version
    test_what_does_not_exist_is_not_found = ReplaceContract.test_what_does_not_exist_is_not_found
    test_upsert_adds_then_replaces = ReplaceContract.test_upsert_adds_then_replaces

    test_delete_many_says_which = DeleteContract.test_delete_many_says_which
    test_clear_one_person = DeleteContract.test_clear_one_person

    test_many = BulkContract.test_many
    test_a_taken_id_anywhere_refuses_all = BulkContract.test_a_taken_id_anywhere_refuses_all
    test_an_id_given_twice = BulkContract.test_an_id_given_twice

    found = TopicsContract.found
    test_canonical = TopicsContract.test_canonical
    test_all_and_any = TopicsContract.test_all_and_any
    test_no_topics_to_ask_for = TopicsContract.test_no_topics_to_ask_for
    test_topics_are_whole_and_plain = TopicsContract.test_topics_are_whole_and_plain
    test_the_question_is_made_canonical_too = TopicsContract.test_the_question_is_made_canonical_too

    test_keyword = SearchContract.test_keyword_needs_every_word_in_any_order
    test_methods = SearchContract.test_methods

    test_a_write_makes_it_the_newest = OrderContract.test_a_write_makes_it_the_newest
    test_limits = OrderContract.test_limits
    test_filters_of_origin = OrderContract.test_filters_of_origin

    # Those without acting(), querysets, matches and positions.
    replace = HistoryContract.replace
    versions = HistoryContract.versions
    test_nobody_sees_the_history_of_another = HistoryContract.test_nobody_sees_the_history_of_another
    test_a_version_is_restored_as_a_new_one = HistoryContract.test_a_version_is_restored_as_a_new_one
    test_a_deleted_memory_comes_back = HistoryContract.test_a_deleted_memory_comes_back
    test_an_id_that_is_used_again = HistoryContract.test_an_id_that_is_used_again_begins_a_new_history
    test_what_was_known_at_a_moment = HistoryContract.test_what_was_known_at_a_moment
    test_a_moment_before_the_history_is_refused = HistoryContract.test_a_moment_before_the_history_is_refused
    test_what_is_deleted_for_good_leaves_nothing = HistoryContract.test_what_is_deleted_for_good_leaves_nothing
    test_without_history_nothing_is_kept = HistoryContract.test_without_history_nothing_is_kept
    test_a_clock_that_goes_back_makes_no_hole = HistoryContract.test_a_clock_that_goes_back_makes_no_hole

    test_merging = MergingContract.test_merging_keeps_the_newest_and_unites_the_topics
    test_merging_takes_a_text = MergingContract.test_merging_takes_a_text
    test_bad_merges_change_nothing = MergingContract.test_bad_merges_change_nothing
    test_duplicates = MergingContract.test_duplicates
    test_what_is_known_is_returned = MergingContract.test_what_is_known_is_returned
    test_what_is_known_is_refused = MergingContract.test_what_is_known_is_refused
    test_duplicates_are_allowed_by_default = MergingContract.test_duplicates_are_allowed_by_default

    test_a_life = AsyncContract.test_a_life
    test_many_at_once = AsyncContract.test_many_at_once


class SqliteClientTests(ClientContract, TransactionTestCase):
    database = "default"


class PostgresClientTests(ClientContract, TransactionTestCase):
    database = "postgres"


class MongoClientTests(ClientContract, TransactionTestCase):
    database = "mongodb"


class StandaloneMongoClientTests(ClientContract, TransactionTestCase):
    database = "standalone"


# A real server


def client_of(site: str, name: str, **options: Any) -> MemoryClient:
    return MemoryClient(f"{site}/service/api", auth=(name, PASSWORD), **options)


@pytest.fixture
def site(alias: str, transactional_db: None, settings: Any) -> Iterator[str]:
    """The address of a site with its memories on the database, and two people; one may act for others."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.ROOT_URLCONF = __name__
    settings.DATABASE_ROUTERS = [Only(alias)]
    settings.AGNO_MEMORY = {"USER_ID_FIELD": "username"}
    User.objects.create_user("maya", password=PASSWORD)
    agent = User.objects.create_user("agent", password=PASSWORD)
    agent.user_permissions.set(Permission.objects.filter(content_type__app_label="agno_memory"))
    # A handler of static files that leaves everything to the site.
    make: Any = LiveServerThread
    server = make("127.0.0.1", lambda application: application)
    server.start()
    server.is_ready.wait()
    assert server.error is None
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@commits
@each_database
def test_a_life_on_a_real_server(alias: str, site: str) -> None:
    with client_of(site, "maya") as memory:
        one = memory.add_user_memory(UserMemory(memory="Likes café ☕", topics=["café", "drinks"], metadata={"a": [1]}))
        assert one.user_id == "maya"
        many = memory.add_user_memories([UserMemory(memory=str(number), topics=["n"]) for number in range(7)])
        assert memory.get_user_memory(one.memory_id) == one
        everything = sorted([one, *many], key=lambda each: (each.last_updated, each.memory_id), reverse=True)
        assert memory.get_user_memories() == everything
        with client_of(site, "maya", page_size=3) as in_pages:
            assert in_pages.get_user_memories() == everything
            assert in_pages.get_user_memories(limit=5) == everything[:5]
        assert sorted(memory.iter_user_memories(topics=["n"]), key=lambda each: each.memory_id) == many
        assert memory.topic_counts() == [("n", 7), ("café", 1), ("drinks", 1)]
        assert memory.stats() == ("maya", 8, one.created_at, everything[0].last_updated)
        assert memory.search_user_memories("CAFÉ") == [one]
        memory.delete_user_memory(one.memory_id, version=one)
        with pytest.raises(MemoryNotFound):
            memory.delete_user_memory(one.memory_id)
        again = memory.add_user_memory(UserMemory(memory="Likes mate", memory_id=one.memory_id))
        # It has the id and the version of the memory that was read, but nobody has read it.
        for write in (
            lambda version: memory.replace_user_memory(one.memory_id, one, version=version),
            lambda version: memory.restore_user_memory(one.memory_id, at_version=version),
            lambda version: memory.delete_user_memory(one.memory_id, version=version),
        ):
            with pytest.raises(MemoryChanged):
                write(one)
        assert memory.get_user_memories(limit=1) == [again]
        memory.delete_user_memory(one.memory_id, version=memory.get_user_memories(limit=1)[0])
        assert memory.delete_user_memories([many[3].memory_id, one.memory_id]) == [many[3].memory_id]
        assert memory.clear_user_memories() == 6
        assert memory.get_user_memories() == []


@commits
@each_database
def test_an_async_life_on_a_real_server(alias: str, site: str) -> None:
    async def life() -> None:
        async with client_of(site, "maya") as memory:
            new = [UserMemory(memory=str(number)) for number in range(10)]
            added = await asyncio.gather(*(memory.aadd_user_memory(each) for each in new))
            assert {each.memory_id for each in added} == {each.memory_id for each in new}
            found = [each async for each in memory.aiter_user_memories()]
            assert sorted(found, key=lambda each: each.memory_id) == sorted(added, key=lambda each: each.memory_id)
            replaced = await memory.aupsert_user_memory(UserMemory(memory="x", memory_id=new[0].memory_id))
            assert replaced.version == 2
            assert await memory.aclear_user_memories("maya") == 10

    client_of(site, "maya").close()
    asyncio.run(life())


ODD_IDS = (
    "a b",
    "a/b",
    "100%",
    "%2e%2e",
    "a?b#c",
    "a&b=c;d",
    "é",
    "e\u0301",
    "🌶️",
    "a\\b",
    "...",
    "x\n",
    "~'()*!",
    "+",
    " a ",
)


@commits
@each_database
def test_odd_ids_on_a_real_server(alias: str, site: str) -> None:
    with client_of(site, "agent") as memory:
        for odd in ODD_IDS:
            added = memory.add_user_memory(UserMemory(memory="x", memory_id=odd), odd)
            assert (added.memory_id, added.user_id) == (odd, odd)
        for odd in ODD_IDS:
            found = memory.get_user_memory(odd, odd)
            assert found is not None
            assert (found.memory_id, found.user_id, memory.stats(odd).user_id) == (odd, odd, odd)
            assert memory.replace_user_memory(odd, UserMemory(memory="y"), odd).version == 2
            memory.delete_user_memory(odd, odd)
            memory.upsert_user_memory(UserMemory(memory="z", memory_id=odd), odd)
            assert memory.clear_user_memories(odd) == 1


@commits
@each_database
def test_pages_miss_nothing_while_others_write(alias: str, site: str) -> None:
    """A memory that is written between two pages moves to the first page, which is read already."""
    local, written = Memory(db=alias), []

    def write(request: httpx.Request) -> None:
        if b"cursor" in request.url.query:
            written.append(local.replace_user_memory(oldest, Model(memory="again"), "maya").version)

    with client_of(site, "maya", page_size=3, event_hooks={"request": [write]}) as memory:
        ids = [each.memory_id for each in memory.add_user_memories([UserMemory(memory=str(n)) for n in range(8)])]
        oldest = ids[0]
        found = memory.get_user_memories()
    assert sorted(each.memory_id for each in found) == ids
    assert written == [2, 3]
    moments = [each.last_updated for each in found if each.last_updated]
    assert moments == sorted(moments, reverse=True)


@commits
@each_database
def test_permissions(alias: str, site: str) -> None:
    with client_of(site, "maya") as maya, client_of(site, "agent", user_id="maya") as agent:
        hers = agent.add_user_memory(UserMemory(memory="hers"))
        assert maya.get_user_memory(hers.memory_id) == hers
        assert agent.get_user_memory(hers.memory_id, "agent") is None
        for call in (maya.get_user_memories, maya.stats, maya.topic_counts, maya.clear_user_memories):
            with pytest.raises(AccessDenied) as caught:
                call("agent")
            assert caught.value.status == 403
        with pytest.raises(AccessDenied):
            list(maya.iter_user_memories("agent"))
        with pytest.raises(MemoryExists):
            agent.add_user_memory(UserMemory(memory="x", memory_id=hers.memory_id))
        # The agent has ids of their own, and a memory of maya's stands for its id alone.
        assert agent.upsert_user_memory(UserMemory(memory="x", memory_id=hers.memory_id), "agent").version == 1
        assert agent.replace_user_memory(hers, UserMemory(memory="his"), "agent").user_id == "agent"
        assert agent.get_user_memory(hers) == hers
        assert agent.clear_user_memories() == 1
        assert agent.delete_user_memories([hers], "agent") == [hers.memory_id]
    with MemoryClient(f"{site}/service/api") as anonymous, pytest.raises(AccessDenied):
        anonymous.get_user_memories()


@commits
@each_database
def test_bulk_limits(alias: str, site: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {"USER_ID_FIELD": "username", "REST_MAX_BULK": 10}
    new = [UserMemory(memory=str(number)) for number in range(25)]
    with client_of(site, "maya", bulk_size=10) as memory:
        assert [each.memory_id for each in memory.add_user_memories(new)] == [each.memory_id for each in new]
        with pytest.raises(ValidationError) as refused:
            memory.add_user_memories(
                [*(UserMemory(memory=str(number)) for number in range(12)), UserMemory(memory=" ")]
            )
        assert list(refused.value.message_dict) == ["12.memory"]
        assert refused.value.__notes__ == ["Requests before this one succeeded: 10 memories were added."]
        assert memory.stats().total == 35
        ids = [each.memory_id for each in new]
        assert memory.delete_user_memories([*ids, "nothing"]) == ids
    with client_of(site, "maya") as memory, pytest.raises(ValidationError, match="At most 10"):
        memory.add_user_memories([UserMemory(memory="x") for _ in range(11)])


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_throttled(alias: str, site: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {"USER_ID_FIELD": "username", "REST_THROTTLE_RATES": {"write": "2/hour"}}
    with client_of(site, "maya") as memory:
        for text in ("1", "2"):
            memory.add_user_memory(UserMemory(memory=text))
        with pytest.raises(Throttled) as caught:
            memory.add_user_memory(UserMemory(memory="3"))
        assert 3000 < (caught.value.retry_after or 0) <= 3600
        assert [each.memory for each in memory.get_user_memories()] == ["2", "1"]


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_a_wrong_address_is_not_an_empty_store(alias: str, site: str) -> None:
    with MemoryClient(site, auth=("maya", PASSWORD)) as memory:
        for call in (
            lambda: memory.get_user_memory("m1"),
            memory.get_user_memories,
            lambda: memory.delete_user_memory("m1"),
        ):
            with pytest.raises(UnexpectedAnswer, match="base_url"):
                call()


class Tokens(TokenAuthentication):
    """Accepts a token that contains the user's name, instead of a table of tokens."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        user = User.objects.filter(username=key.removeprefix("token-of-")).first()
        if user is None:
            raise AuthenticationFailed("Unknown token.")
        return user, None


DOCUMENTED = ("Remember", "Async", "Look back, and undo", "Erase a person", "Errors")


@commits
@pytest.mark.parametrize("alias", ["default"])
@pytest.mark.parametrize("title", DOCUMENTED)
def test_documented(title: str, alias: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserScopedViewSet, "authentication_classes", [Tokens])
    code = examples.blocks(ROOT / "docs" / "client.md")[title]
    address = '"https://example.com/api/", token="the token of maya"'
    assert code.count(address) == 1
    exec(compile(code.replace(address, f'"{site}/service/api/", token="token-of-maya"'), title, "exec"), {})


def test_every_documented_block_is_run() -> None:
    assert set(examples.blocks(ROOT / "docs" / "client.md")) == set(DOCUMENTED)


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_unknown_token(alias: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserScopedViewSet, "authentication_classes", [Tokens])
    with MemoryClient(f"{site}/service/api/", token="stolen") as memory:
        with pytest.raises(AccessDenied, match="Unknown token") as caught:
            memory.get_user_memories()
        assert caught.value.status == 401
        assert "stolen" not in str(caught.value)


# Without Django


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


HIDDEN = """
import importlib.abc, runpy, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def test_it_works_without_django() -> None:
    """``tests/wheel.sh`` does the same without Django installed."""
    program = HIDDEN.format(name="django") + "runpy.run_path('tests/client_alone.py', run_name='__main__')"
    assert run(program) == "agno_memory.client works without Django\n"


def test_only_exceptions_of_django_are_imported() -> None:
    loaded = run("import sys, agno_memory.client; print(*sys.modules)").split()
    ours = [name for name in loaded if name.startswith(("django.", "agno_memory."))]
    assert {name for name in ours if not name.startswith(("django.utils.", "agno_memory.client."))} == {
        "agno_memory.batches",
        "agno_memory.client",
        "agno_memory.exceptions",
        "agno_memory.keys",
        "agno_memory.names",
        "django.core",
        "django.core.exceptions",
        "django.utils",
    }


def test_message_without_httpx() -> None:
    program = (
        HIDDEN.format(name="httpx")
        + """
try:
    import agno_memory.client
except ModuleNotFoundError as error:
    print(error)
"""
    )
    assert 'pip install "agno-memory[client]"' in run(program)
