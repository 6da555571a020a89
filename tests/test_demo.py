"""The demo: its command, its site, and the database of its memories."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import socket
import sqlite3
import subprocess
import urllib.parse
import urllib.request
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connections, models
from django.test import TestCase, override_settings
from django.test.utils import isolate_apps

from agno_memory.db.handles import POSTGRES_OPTIONS, SQLITE_OPTIONS
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentSession, UserMemory
from agno_memory.people import erase
from demo_project import conversations, databases, documents, examples, outdated, people
from demo_project import settings as demo_settings
from demo_project.management.commands import demo as demo_command
from demo_project.people import LOGIN
from tests.databases import each_database
from tests.demo import ROOT, answers, command, database_of_its_own, environment
from tests.servers import free_port, wait_until

COUNT = sum(len(memories) for memories in people.read().values())
MANAGED = "Updated information about the user\n1 memory left\n0 memories left"


def run_demo(folder: Path, memory_url: str = "", option: str = "--no-serve") -> subprocess.CompletedProcess[str]:
    """Run the demo without its server, in a folder and without a terminal."""
    return subprocess.run(
        command(option),
        cwd=folder,
        env=environment(folder, memory_url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def demo(folder: Path, memory_url: str = "", option: str = "--no-serve") -> str:
    """Run the demo as ``run_demo()`` does, and return its output."""
    done = run_demo(folder, memory_url, option)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize("alias", ["default", "postgres", "mongodb"])
def test_second_run_finds_what_the_first_loaded(alias: str, tmp_path: Path) -> None:
    with database_of_its_own(alias) as url:
        first = demo(tmp_path, url)
        second = demo(tmp_path, url, "--noserve")
    assert f"0 existing, {COUNT} loaded" in first
    assert f"{COUNT} existing, 0 loaded" in second
    assert first.count("Memory: The user prefers dark mode in applications") == 1
    assert second.count("Memory: The user prefers dark mode in applications") == 2
    assert ("User has 1 memories stored" in first) is ("User has 2 memories stored" in second) is bool(url)
    assert MANAGED in first
    assert MANAGED in second
    # The example for SQLite works on the demo's own file, unless the memories are elsewhere; contrib apps stay.
    assert ({"agno_memory_usermemory", "user_memories"} & tables(tmp_path / "demo.sqlite3") == set()) is bool(url)
    assert {"auth_user", "django_session"} <= tables(tmp_path / "demo.sqlite3")


OLD_TABLE = "(memory_id varchar(255) NOT NULL PRIMARY KEY, user_id varchar(255) NOT NULL, memory text NOT NULL)"


def write_old_file(file: Path, table: str) -> None:
    """Make a SQLite file as an earlier version did, with a table without keys, and the record of its migrations."""
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied text)")
        for name in ("0001_initial", "0002_indexes", "0003_sessions"):
            values = ("agno_memory", name, "2026-01-01 00:00:00")
            connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", values)
        connection.execute(f"CREATE TABLE {table} {OLD_TABLE}")
        connection.execute(f"INSERT INTO {table} VALUES ('memory_123', 'maya', 'Likes tea')")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("demo.sqlite3", "agno_memory_usermemory"),
        # Those of the examples.
        ("demo.sqlite3", "user_memories"),
        ("tmp/memory.db", "managed_memories"),
    ],
)
def test_a_file_of_an_earlier_version_is_named(name: str, table: str, tmp_path: Path) -> None:
    write_old_file(tmp_path / name, table)
    before = tables(tmp_path / name)
    done = run_demo(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"CommandError: The memories in {tmp_path / name} are in the format of an earlier version of this demo: "
        "delete this file or move it away, and run the command again."
    ]
    assert tables(tmp_path / name) == before
    (tmp_path / name).rename(tmp_path / "away")
    assert f"0 existing, {COUNT} loaded" in demo(tmp_path)


def test_the_database_of_an_earlier_version_is_named(tmp_path: Path) -> None:
    with database_of_its_own("postgres") as url:
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE TABLE agno_memory_usermemory {OLD_TABLE}")
        done = run_demo(tmp_path, url)
    assert done.returncode == 1
    assert "delete this database or move it away" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db(databases="__all__", transaction=True)
@each_database
@isolate_apps("agno_memory")
def test_tables_of_this_version_and_of_an_earlier_one(alias: str) -> None:
    class OldMemory(models.Model):  # noqa: DJ008  Nothing shows it.
        key = models.CharField(primary_key=True, db_column="_id", max_length=32)
        memory_id = models.CharField(max_length=255, unique=True)

        class Meta:
            app_label = "agno_memory"

    connection = connections[alias]
    assert not outdated.is_outdated(connection, UserMemory._meta.db_table)
    assert not outdated.is_outdated(connection, "nothing")
    with connection.schema_editor() as editor:
        editor.create_model(OldMemory)
    try:
        assert outdated.is_outdated(connection, OldMemory._meta.db_table)
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(OldMemory)


@pytest.mark.parametrize("alias", ["postgres", "mongodb"])
def test_memories_can_move_back(alias: str, tmp_path: Path) -> None:
    """The site's database has recorded the migrations of a run that stored the memories in another database."""
    with database_of_its_own(alias) as url:
        demo(tmp_path, url)
    assert f"0 existing, {COUNT} loaded" in demo(tmp_path)


def test_contrib_apps_can_move_to_the_database_of_the_memories(tmp_path: Path) -> None:
    """It has not recorded their migrations."""
    both = f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    demo(elsewhere, both)
    assert "auth_user" not in tables(tmp_path / "demo.sqlite3")
    assert f"{COUNT} existing, 0 loaded" in demo(tmp_path)


def test_serves_the_site(tmp_path: Path) -> None:
    """The printed address and login open the page, over HTTP."""
    port = str(free_port())
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            command(port), cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/login/"))
            page = log_in_as_told((tmp_path / "log").read_text())
            for path in ("docs", "redoc"):
                check_is_of_this_site(f"http://127.0.0.1:{port}/api/{path}/")
            schema = urllib.request.urlopen(f"http://127.0.0.1:{port}/api/schema/").read().decode()
        finally:
            process.terminate()
            process.wait()
    assert "What is remembered about you" in page
    assert people.read()[LOGIN][-1].memory in page
    assert "operationId: memories_list" in schema


@pytest.mark.parametrize("port", ["in use", "out of range", "no number"])
def test_a_port_that_cannot_be_used_is_named_before_anything_is_done(port: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        in_use = str(other.getsockname()[1])
        address = {"in use": in_use, "out of range": "99999", "no number": "http"}[port]
        done = run_demo(tmp_path, option=address)
    assert done.returncode == 1
    assert address in done.stderr
    assert "8100" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "demo.sqlite3").exists()


def test_make_demo_takes_a_port() -> None:
    """Without running it: the command that make would run."""
    # A make above (`make test`) hands its own flags down, which print more lines.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    planned = subprocess.run(
        ["make", "--dry-run", "--always-make", "demo", "PORT=8100"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert planned.stdout.splitlines()[-1].endswith("manage.py demo 8100")
    assert "requirements-test.txt" not in planned.stdout


def check_is_of_this_site(url: str) -> None:
    """The site serves everything that a page loads, so it works without a network."""
    with urllib.request.urlopen(url) as answer:
        page = answer.read().decode()
    sources = [found for found in re.findall(r'(?:src|href)="([^"]+)"', page) if not found.startswith("data:")]
    assert any(source.endswith(".js") for source in sources)
    for source in sources:
        assert source.startswith("/static/")
        assert answers(urllib.parse.urljoin(url, source))


def log_in_as_told(log: str) -> str:
    """Log in at the address and with the login that the demo prints, and return the page."""
    told = re.search(r"(http://\S+/) \(log in as (\S+), password (\S+)\)", log)
    assert told, log
    address, username, password = told.groups()
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    # Redirected to the login page, which sets the token.
    browser.open(address).close()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token}
    with browser.open(f"{address}login/", urllib.parse.urlencode(form).encode()) as page:
        return str(page.read().decode())


def test_people_are_a_dozen_and_one_of_them_logs_in() -> None:
    assert len(people.read()) == 12
    assert LOGIN in people.read()
    assert 200 <= COUNT <= 400


@pytest.mark.django_db
def test_memories_are_spread_over_three_months() -> None:
    assert people.load() == COUNT
    days = {memory.last_updated.date() for memory in UserMemory.objects.all()}
    assert len(days) > 60
    assert max(days) - min(days) > timedelta(days=75)
    # The order of the file: its last memory of a person is the newest.
    owners = people.accounts()
    for person, memories in people.read().items():
        assert UserMemory.objects.for_user(owners[person]).newest()[0].memory == memories[-1].memory


@pytest.mark.django_db
def test_people_have_accounts_and_a_deleted_one_stays_deleted() -> None:
    people.load()
    conversations.load()
    assert (documents.load(), documents.load()) == (4, 0)
    aisha = User.objects.get(username="aisha.mwangi@example.com")
    assert (aisha.get_full_name(), aisha.email) == ("Aisha Mwangi", "aisha.mwangi@example.com")
    assert not aisha.has_usable_password()
    assert UserMemory.objects.for_user(aisha).count() == len(people.read()[aisha.username])
    maya = User.objects.get(username="maya@example.com")
    assert AgentSession.objects.for_user(maya).count() == 1
    assert AgentRecord.objects.for_user(maya).count() == 3
    aisha.delete()
    people.load()
    assert not User.objects.filter(username="aisha.mwangi@example.com").exists()
    assert len(people.accounts()) == 11


@pytest.mark.django_db
def test_a_person_who_was_erased_is_not_loaded_again() -> None:
    people.load()
    owner = people.accounts()[LOGIN]
    Memory().clear_user_memories(owner)
    assert people.load() == 0
    assert not UserMemory.objects.for_user(owner).exists()


@pytest.mark.django_db
def test_a_start_that_was_stopped_is_completed_by_the_next_one() -> None:
    people.load()
    assert not people.were_loaded()
    demo_command.Command(stdout=StringIO(), no_color=True).load_people()
    assert people.were_loaded()
    assert UserMemory.objects.count() == COUNT
    assert AgentSession.objects.exists()
    # Its presence means that all is there.
    kind, document = [(each["kind"], each) for each in json.loads(documents.FILE.read_text(encoding="utf-8"))][-1]
    assert (kind, document["run_id"]) == ("evaluation", people.DOCUMENT)


@pytest.mark.django_db
def test_people_who_were_all_erased_are_not_loaded_again() -> None:
    setup = demo_command.Command(stdout=StringIO(), no_color=True)
    setup.load_people()
    owners = people.accounts().values()
    for owner in owners:
        assert erase(owner).is_complete
    assert not UserMemory.objects.exists()
    setup.load_people()
    assert not UserMemory.objects.exists()
    assert not AgentSession.objects.exists()
    assert not AgentRecord.objects.filter(user_id__in=owners).exists()


def test_examples_are_read_from_the_page() -> None:
    assert {*examples.OF_VENDOR.values(), "memory_management.py"} <= set(examples.blocks())


def test_example_with_other_addresses() -> None:
    """Only the named addresses are replaced, with any value."""
    code = examples.blocks()["mongo_memory.py"]
    moved = examples.at(code, connection_string='mongodb://h/"\\1', db_file="unused")
    compile(moved, "moved", "exec")
    assert repr('mongodb://h/"\\1') in moved
    assert 'db_name="mydb"' in moved
    assert examples.at(code) == code


def test_sqlite_is_opened_as_the_handles_do() -> None:
    assert databases.from_url("sqlite:////srv/site.sqlite3") == {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "/srv/site.sqlite3",
        "OPTIONS": SQLITE_OPTIONS,
    }


def test_postgresql_url() -> None:
    config = databases.from_url("postgres://maya:s%40fe@db:5433/site?sslmode=require")
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["NAME"], config["PASSWORD"], config["PORT"]) == ("site", "s@fe", 5433)
    assert config["OPTIONS"] == {"sslmode": "require"} | POSTGRES_OPTIONS


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://localhost:27017/site?replicaSet=rs0", "site"),
        ("mongodb://u:p%2F@a:27017,b:27018/s%C3%AFte", "sïte"),
        ("mongodb+srv://u:p@cluster.example.com/?retryWrites=true", "agno_memory"),
        ("mongodb://localhost", "agno_memory"),
    ],
)
def test_mongodb_url(url: str, name: str) -> None:
    options = {"journal": True, "connectTimeoutMS": 5_000, "socketTimeoutMS": 60_000}
    assert databases.from_url(url) == {
        "ENGINE": "django_mongodb_backend",
        "HOST": url,
        "NAME": name,
        "OPTIONS": options,
    }


@override_settings(
    ROOT_URLCONF=demo_settings.ROOT_URLCONF,
    # At their first import, its models look for their app in the settings of that time.
    INSTALLED_APPS=[name for name in demo_settings.INSTALLED_APPS if name != "rest_framework.authtoken"],
    MIDDLEWARE=demo_settings.MIDDLEWARE,
    TEMPLATES=demo_settings.TEMPLATES,
    LOGIN_URL=demo_settings.LOGIN_URL,
    LOGIN_REDIRECT_URL=demo_settings.LOGIN_REDIRECT_URL,
    LOGOUT_REDIRECT_URL=demo_settings.LOGOUT_REDIRECT_URL,
    STATIC_URL=demo_settings.STATIC_URL,
)
class PageTests(TestCase):
    """The page of the logged-in person."""

    def setUp(self) -> None:
        self.maya = User.objects.create_user("maya")
        self.client.force_login(self.maya)
        self.theirs = Memory().add_user_memory(UserMemory(memory="Plays the oud"), user_id="noah")

    def add(self, text: str, topics: str = "") -> UserMemory:
        self.client.post("/", {"memory": text, "topics": topics})
        (newest,) = Memory().get_user_memories(self.maya, limit=1)
        return newest

    def test_shows_the_newest_memories_first(self) -> None:
        self.add("Likes <b>tea</b>", "drinks")
        self.add("喜欢吃辣 🌶️", "饮食, 喜好")
        page = self.client.get("/").content.decode()
        self.assertLess(page.index("喜欢吃辣 🌶️"), page.index("Likes &lt;b&gt;tea&lt;/b&gt;"))
        for topic in ("drinks", "饮食", "喜好"):
            self.assertInHTML(f'<li dir="auto">{topic}</li>', page)
        self.assertNotIn("Plays the oud", page)

    def test_shows_that_there_are_no_memories(self) -> None:
        self.assertContains(self.client.get("/"), "Nothing yet.")

    def test_adds(self) -> None:
        response = self.client.post("/", {"memory": "Likes tea", "topics": " drinks,, tea ,drinks"}, follow=True)
        self.assertRedirects(response, "/")
        self.assertContains(response, "Remembered.")
        (added,) = Memory().get_user_memories(self.maya)
        self.assertEqual((added.memory, added.topics), ("Likes tea", ["drinks", "tea"]))

    def test_shows_errors_of_the_service_in_the_form(self) -> None:
        response = self.client.post("/", {"memory": "  ", "topics": "x" * 101})
        self.assertFormError(response.context["form"], "memory", "This cannot be blank.")
        self.assertFormError(response.context["form"], "topics", "Ensure this has at most 100 characters (it has 101).")
        self.assertContains(response, "This cannot be blank.")
        self.assertEqual(Memory().get_user_memories(self.maya), [])

    def test_shows_an_error_for_an_empty_form(self) -> None:
        self.assertContains(self.client.post("/"), "This cannot be blank.")

    def test_forgets(self) -> None:
        kept, gone = self.add("Likes tea"), self.add("Likes coffee")
        response = self.client.post("/forget/", {"memory_id": gone.memory_id}, follow=True)
        self.assertRedirects(response, "/")
        self.assertContains(response, "Forgotten.")
        self.assertEqual(Memory().get_user_memories(self.maya), [kept])

    def test_does_not_find_a_memory_of_another_person(self) -> None:
        response = self.client.post("/forget/", {"memory_id": self.theirs.memory_id})
        self.assertEqual(response.status_code, 404)
        self.assertEqual(Memory().get_user_memories("noah"), [self.theirs])

    def test_does_not_find_an_empty_id(self) -> None:
        self.assertEqual(self.client.post("/forget/").status_code, 404)

    def test_forgets_only_by_post(self) -> None:
        kept = self.add("Likes tea")
        self.assertEqual(self.client.get("/forget/", {"memory_id": kept.memory_id}).status_code, 405)
        self.assertEqual(Memory().get_user_memories(self.maya), [kept])

    def test_asks_for_a_token(self) -> None:
        strict = self.client_class(enforce_csrf_checks=True)
        strict.force_login(self.maya)
        for path, data in (("/", {"memory": "Likes tea"}), ("/forget/", {"memory_id": self.theirs.memory_id})):
            self.assertEqual(strict.post(path, data).status_code, 403)
        self.assertEqual(UserMemory.objects.count(), 1)

    def test_asks_the_anonymous_to_log_in(self) -> None:
        self.client.post("/logout/")
        for path in ("/", "/whats-new/"):
            self.assertRedirects(self.client.get(path), f"/login/?next={path}")
        self.client.post("/", {"memory": "Likes tea"})
        self.client.post("/forget/", {"memory_id": self.theirs.memory_id})
        self.assertEqual(list(UserMemory.objects.all()), [self.theirs])

    def test_refuses_a_wrong_password(self) -> None:
        self.client.post("/logout/")
        response = self.client.post("/login/", {"username": "maya", "password": "maya"})
        self.assertContains(response, "Please enter a correct username and password.")

    async def test_returns_the_newest_from_an_async_view(self) -> None:
        await self.async_client.aforce_login(self.maya)
        for number in range(7):
            await Memory().aadd_user_memory(UserMemory(memory=f"Fact {number}", topics=["facts"]), user_id=self.maya)
        response = await self.async_client.get("/whats-new/")
        newest = [{"memory": f"Fact {number}", "topics": ["facts"]} for number in (6, 5, 4, 3, 2)]
        self.assertEqual(json.loads(response.content), {"memories": newest})
