"""The code blocks of the documents are run unchanged, except for the addresses of the databases."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from codeop import CommandCompiler
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections, router
from django.test import Client, modify_settings, override_settings
from django.urls import ResolverMatch, URLResolver
from django.urls.resolvers import RegexPattern
from rest_framework.test import APIRequestFactory, force_authenticate

from agno_memory.conf import conf
from agno_memory.db.expressions import TopicsWith, TopicsWithout
from agno_memory.db.handles import MONGODB_OPTIONS, POSTGRES_OPTIONS, SQLITE_OPTIONS, options_in
from agno_memory.db.lookups import FewerTopics, TopicsLookup
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added
from agno_memory.test.contract import Capabilities
from demo_project import examples

ROOT = Path(__file__).parent.parent
EVERY_EXAMPLE = sorted(examples.blocks())
# The targets of links and of pictures, outside of blocks of code.
LINK = re.compile(r'\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"')
ABSOLUTE = re.compile(r"[a-z]+:")
CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
BLOCK = re.compile(r"^ *```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

# The files of a new project, of which README's blocks are parts.
PROJECT = Path(django.__file__).parent / "conf" / "project_template" / "project_name"

pytestmark = pytest.mark.django_db(transaction=True)


def run(title: str) -> dict[str, Any]:
    """Run an example here, on the test database."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(examples.blocks()[title], title, "exec"), names)
    return names


def printed_by(title: str, folder: Path, **places: str) -> list[str]:
    """Run an example as a program in a folder, and return the lines that it prints."""
    program = "import django; django.setup()\n" + examples.at(examples.blocks()[title], **places)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_example_is_run() -> None:
    """Each block of the page has a test here."""
    tested = {name for name, value in globals().items() if name.startswith("test_") and callable(value)}
    assert {f"test_example_{re.sub(r'[^a-z]+', '_', title.lower())}" for title in EVERY_EXAMPLE} <= tested


@pytest.mark.parametrize("title", EVERY_EXAMPLE)
def test_an_example_can_be_pasted_into_a_shell(title: str) -> None:
    """A shell takes line by line, and ends a statement with an indented block at a blank line."""
    compile_statement = CommandCompiler()
    lines: list[str] = []
    for line in [*examples.blocks()[title].splitlines(), ""]:
        lines.append(line)
        if compile_statement("\n".join(lines)):
            lines.clear()
    assert lines == []


def test_example_setting_up_storage(tmp_path: Path) -> None:
    assert printed_by("Setting up storage", tmp_path) == []


def test_example_sqlite_memory_py(tmp_path: Path) -> None:
    """The folder of tmp/memory.db does not exist yet."""
    memory, topics, updated = printed_by("sqlite_memory.py", tmp_path)
    assert memory == "Memory: The user prefers dark mode in applications"
    assert topics == "Topics: ['preferences', 'ui']"
    assert re.fullmatch(r"Last Updated: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00:00", updated)
    # A second run finds the memories of the first.
    assert len(printed_by("sqlite_memory.py", tmp_path)) == 6


@pytest.mark.parametrize("alias", ["postgres"])
def test_example_postgres_memory_py(alias: str, tmp_path: Path) -> None:
    check_counts("postgres_memory.py", tmp_path, connection_string=os.environ["TEST_POSTGRES_URL"])


@pytest.mark.parametrize("alias", ["mongodb"])
def test_example_mongo_memory_py(alias: str, tmp_path: Path) -> None:
    check_counts("mongo_memory.py", tmp_path, connection_string=os.environ["TEST_MONGODB_URL"], db_name="docs")


def check_counts(title: str, folder: Path, **places: str) -> None:
    """Check that each run adds one memory."""
    counts = []
    for _ in range(2):
        (line,) = printed_by(title, folder, **places)
        found = re.fullmatch(r"User has (\d+) memories stored", line)
        assert found
        counts.append(int(found[1]))
    assert counts[1] == counts[0] + 1


def test_example_memory_management_py(tmp_path: Path) -> None:
    printed = printed_by("memory_management.py", tmp_path)
    assert printed == ["Updated information about the user", "1 memory left", "0 memories left"]


def test_example_search_and_filter() -> None:
    run("Search and filter")


def test_example_ask_a_question() -> None:
    run("Ask a question")


def test_example_explain_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    run("Explain a search")
    printed = capsys.readouterr().out
    assert "When did you move to Lisbon?" in printed
    assert "Two years ago, with my cat" in printed
    assert "'lisbonn': 'lisbon'" in printed
    assert "green tea" not in printed


def test_example_memories_for_a_prompt() -> None:
    run("Memories for a prompt")


def test_example_replace_without_overwriting_other_changes(capsys: pytest.CaptureFixture[str]) -> None:
    run("Replace without overwriting other changes")
    changed, taken, missing = capsys.readouterr().out.splitlines()
    assert "no longer at version 1" in changed
    assert "Already taken" in taken
    assert "has no memory" in missing


def test_example_async() -> None:
    names = run("Async")
    # In this thread, which has the connection of the test.
    found = async_to_sync(names["main"])()
    assert [memory.memory for memory in found] == ["Speaks Portuguese"]


def test_example_receive_a_signal_after_a_write() -> None:
    receivers = list(memory_added.receivers)
    try:
        run("Receive a signal after a write")
    finally:
        memory_added.receivers[:] = receivers
        memory_added.sender_receivers_cache.clear()


def test_every_block_of_readme_is_run() -> None:
    """Each block of Python has a call of ``run_block()`` here."""
    texts = [text for _quote, text in re.findall(r"run_block\(([\"'])(.+?)\1", Path(__file__).read_text())]
    blocks = BLOCK.findall(readme())
    assert len(blocks) == readme().count("```python") > 0
    assert [block for block in blocks if not any(text in block for text in texts)] == []


def test_readme_view(client: Client) -> None:
    """The view of the third step: a visitor logs in first, a POST adds one memory, and a reload adds none.

    A cache of whole pages keeps no response: it would show memories that are deleted.
    """
    cached = {"prepend": "django.middleware.cache.UpdateCacheMiddleware"}
    cached["append"] = "django.middleware.cache.FetchFromCacheMiddleware"
    urls = ModuleType("urls")
    vars(urls).update(run_block("def memories", "urls.py"))
    with override_settings(ROOT_URLCONF=urls), modify_settings(MIDDLEWARE=cached):
        visit = client.get("/memories/")
        assert (visit.status_code, visit["Location"]) == (302, "/admin/login/?next=/memories/")
        maya = User.objects.create_user("maya")
        client.force_login(maya)
        assert client.get("/memories/").json() == {"memories": []}
        assert client.post("/memories/").json() == {"memories": ["The user prefers dark mode"]}
        answer = client.get("/memories/")
        assert answer.json() == {"memories": ["The user prefers dark mode"]}
        for response in (visit, answer):
            assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
            assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
        Memory().clear_user_memories(maya)
        assert client.get("/memories/").json() == {"memories": []}


def test_readme_mounts_the_api() -> None:
    names = run_block('include("agno_memory.rest.urls")', "urls.py")
    assert resolve("/api/memories/", names["urlpatterns"]).url_name == "agno-memory-list"
    # The pages of the project stay.
    assert resolve("/admin/", names["urlpatterns"]).url_name == "index"


def test_readme_subclass_of_the_api() -> None:
    """A response has one more field, and internal memories are neither listed nor returned nor deleted."""
    names = run_block("class WithAge", "urls.py")
    user = User.objects.create_user("maya")
    Memory().add_user_memory(UserMemory(memory_id="a", memory="Likes tea"), user)
    Memory().add_user_memory(UserMemory(memory_id="b", memory="Pays late", topics=["internal"]), user)

    def answer(method: str, target: str) -> Any:
        match = resolve(target, names["urlpatterns"])
        request = getattr(APIRequestFactory(), method)(target)
        force_authenticate(request, user)
        return match.func(request, *match.args, **match.kwargs)

    (memory,) = answer("get", "/api/memories/").data["results"]
    assert (memory["memory"], memory["days"], memory["version"]) == ("Likes tea", 0, 1)
    assert answer("get", "/api/memories/a/").data["days"] == 0
    assert answer("get", "/api/memories/b/").status_code == 404
    assert answer("delete", "/api/memories/b/").status_code == 404


def test_readme_contract() -> None:
    """README's subclass is a suite, and sets flags that exist."""
    suite = run_block("MariaDbContract")["MariaDbContract"]
    assert suite.database == "mariadb"
    assert callable(suite.test_what_add_returns_equals_what_is_read_back)
    assert {name for name in vars(suite) if not name.startswith("_")} <= set(vars(Capabilities))


def test_readme_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """README's methods are compiled for the vendor that they are named for. They were run on a real MariaDB by hand."""
    for owner in (TopicsLookup, FewerTopics, TopicsWith, TopicsWithout):
        monkeypatch.setattr(owner, "as_mysql", None, raising=False)
    run_block("as_mysql")
    monkeypatch.setattr(connections["default"], "vendor", "mysql")
    rows = UserMemory.objects.about("a").about_any("b", "c").filter(topics__fewer_than=3)
    rows = rows.annotate(more=TopicsWith("topics", "d"), fewer=TopicsWithout("topics", "e"))
    sql, params = rows.query.get_compiler("default").as_sql()
    assert [sql.count(name) for name in ("JSON_TABLE", "JSON_LENGTH", "JSON_ARRAY_APPEND")] == [3, 1, 1]
    assert params == ("d", "e", "a", "b", "c")


def test_readme_settings(settings: Any) -> None:
    """The settings in README select the database and have the options of the handles."""
    names = run_block('DATABASES["memories"]', "settings.py")
    with_sqlite = run_block("init_command", "settings.py")
    assert with_sqlite["INSTALLED_APPS"] == [*names["INSTALLED_APPS"], "agno_memory"]
    with_postgres = run_block("tcp_user_timeout", "settings.py")
    (timeouts, replicas) = re.findall(
        r"\{\n *\"connect_timeout.*?\}", (ROOT / "docs/databases.md").read_text(), re.DOTALL
    )
    assert eval(timeouts) == eval(replicas) == POSTGRES_OPTIONS
    with_mongodb = options_in(names["DATABASES"]["memories"]["HOST"])
    assert with_mongodb == {name.lower(): str(value).lower() for name, value in MONGODB_OPTIONS.items()}
    settings.AGNO_MEMORY = names["AGNO_MEMORY"]
    settings.DATABASE_ROUTERS = names["DATABASE_ROUTERS"]
    assert router.db_for_write(UserMemory) == "memories"
    assert names["DATABASES"]["memories"]["ENGINE"] == "django_mongodb_backend"
    assert with_sqlite["DATABASES"]["default"]["OPTIONS"] == SQLITE_OPTIONS
    assert with_postgres["DATABASES"]["default"]["OPTIONS"] == POSTGRES_OPTIONS
    settings.AGNO_MEMORY = run_block('"ON_USER_DELETE": "erase"', "settings.py")["AGNO_MEMORY"]
    assert (conf.DATABASE, conf.ON_USER_DELETE) == ("memories", "erase")


def test_readme_verbs() -> None:
    """Every verb is in README's table."""
    verbs = {name for name in dir(Memory) if not name.startswith("_") and hasattr(Memory, f"a{name}")}
    assert {verb for verb in verbs if f"`{verb}(" not in readme()} == set()


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "tests").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """The files of relative links and pictures exist, and so do the headings that they name."""
    text = CODE.sub("", page.read_text())
    targets = [target for found in LINK.findall(text) for target in found if target]
    broken = []
    for target in (target for target in targets if not ABSOLUTE.match(target)):
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_every_page_is_named_in_another_one() -> None:
    """A reader gets to every page of the documents from README."""
    reached, new = set(), [ROOT / "README.md"]
    while new:
        page = new.pop()
        reached.add(page)
        files = {target.partition("#")[0] for found in LINK.findall(CODE.sub("", page.read_text())) for target in found}
        linked = {(page.parent / file).resolve() for file in files if file.endswith(".md")}
        new += [each for each in linked if each not in reached and each.exists()]
    assert [page.name for page in (ROOT / "docs").glob("*.md") if page.resolve() not in reached] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = HEADING.findall(CODE.sub("", page.read_text()))
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def test_the_page_on_history() -> None:
    """Its blocks run one after another."""
    names: dict[str, Any] = {}
    blocks = BLOCK.findall((ROOT / "docs" / "history.md").read_text())
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)


def resolve(target: str, patterns: list[Any]) -> ResolverMatch:
    """Return the view of an address by these patterns."""
    return URLResolver(RegexPattern(r"^/"), patterns).resolve(target)


def run_block(containing: str, file: str = "") -> dict[str, Any]:
    """Run the one block of README that contains a text, as the end of a file of a new project."""
    (block,) = (found for found in BLOCK.findall(readme()) if containing in found)
    names: dict[str, Any] = {"__name__": Path(file).stem or "block", "__file__": str(PROJECT / (file or "block.py"))}
    before = (PROJECT / f"{file}-tpl").read_text() if file else ""
    exec(before, names)
    exec(textwrap.dedent(block), names)
    return names


def readme() -> str:
    return (ROOT / "README.md").read_text()
