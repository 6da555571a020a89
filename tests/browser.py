"""A real browser that visits the live demo on one database, and the problems that fail a visit."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from agno_memory.keys import composite_key
from tests.demo import answers, command, database_of_its_own, environment
from tests.servers import free_port, wait_until

# Debian's; elsewhere playwright's own, which `make browser` has downloaded.
PROGRAM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The maximum wait for an expected element, in milliseconds. It is long, because no test here is about speed.
PATIENCE = 60_000
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

# The login that the demo prints.
LOGIN = PASSWORD = "demo"

LIST = "/admin/agno_memory/usermemory/"
ADD = f"{LIST}add/"
DASHBOARD = f"{LIST}dashboard/"
SESSIONS = "/admin/agno_memory/agentsession/"
TRACES = "/admin/agno_memory/agenttrace/"
RECORDS = "/admin/agno_memory/agentrecord/"


class Demo:
    """The running demo and its REST API, through which an agent writes during a visit.

    Args:
        address: of the site, without a slash at its end.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        login = {"username": LOGIN, "password": PASSWORD}
        self.headers = {"Content-Type": "application/json"}
        self.headers["Authorization"] = f"Token {self.ask('POST', '/api/token/', login)['token']}"
        self.cookies: Any = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the API and return the body of its response."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, self.headers, method=method)
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or "null")

    def add(self, user_id: str, memory: str, **content: Any) -> str:
        """Add a memory and return its id."""
        added = self.ask("POST", "/api/memories/", {"user_id": user_id, "memory": memory, **content})
        return str(added["memory_id"])

    def memory(self, user_id: str, memory_id: str) -> dict[str, Any]:
        """Return a memory as it is now."""
        return dict(self.ask("GET", f"/api/memories/{memory_id}/?user_id={user_id}"))

    def change(self, user_id: str, memory_id: str, **content: Any) -> None:
        """Change some fields of a memory."""
        self.ask("PATCH", f"/api/memories/{memory_id}/?user_id={user_id}", content)


@contextmanager
def demo(alias: str, folder: Path) -> Iterator[Demo]:
    """Serve the demo from a folder, with its memories in a database of their own on the server of an alias."""
    port = free_port()
    with ExitStack() as stack:
        settings = environment(folder, stack.enter_context(database_of_its_own(alias)))
        settings["DJANGO_SETTINGS_MODULE"] = "tests.demo_settings"
        log = stack.enter_context((folder / "log").open("w+"))
        process = subprocess.Popen(
            command(str(port)), cwd=folder, env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is not None or answers(f"{address}/login/"))
        assert process.poll() is None, (folder / "log").read_text()
        yield Demo(address)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser. One that does not start is an error."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS, timeout=PATIENCE)
        yield started
        started.close()


class Watch:
    """Collects hidden problems of a browser context: console messages, script errors and foreign requests.

    Args:
        context: of the browser.
        address: the address of the only site that it may request.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.seen: list[str] = []
        context.on("request", self._on_request)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.seen.append(str(error.error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        # Two messages are expected: a missing icon, and the status of the page for a memory that was deleted.
        if not message.location["url"].endswith("/favicon.ico") and "a status of 409" not in message.text:
            self.seen.append(f"{message.text} ({message.location['url']})")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.seen.append(f"a request to {request.url}")


@contextmanager
def visit(browser: Browser, demo: Demo, **options: Any) -> Iterator[Page]:
    """Open a page as the demo's member of staff, in a context of its own.

    A message on the console, a violation of the policy or a request to another site fails the visit at its end.

    Args:
        browser: to open it in.
        demo: to visit.
        options: of the context.
    """
    options = {"viewport": DESKTOP, "base_url": demo.address, "storage_state": demo.cookies, **options}
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    watch = Watch(context, demo.address)
    try:
        yield context.new_page()
        assert not watch.seen, watch.seen
    finally:
        context.close()


def log_in(page: Page, path: str = "/admin/") -> None:
    """Log in with the login that the demo prints."""
    page.goto(f"/admin/login/?next={path}")
    page.get_by_label("Username").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{path}")


def press_until(page: Page, key: str, selector: str, most: int = 80) -> None:
    """Press a key, like a user without a mouse, until the element has the focus."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} never has the focus")


# The pages


def person(owner: str) -> str:
    return f"{LIST}person/{owner}/"


def form_of(owner: str, memory_id: str, name: str = "change") -> str:
    """Return the URL of a memory's form, or of its page ``history`` or ``delete``."""
    # As Django's admin quotes a key, without its module, which needs settings.
    return f"{LIST}{composite_key(owner, memory_id).replace('_', '_5F')}/{name}/"


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def tick_all(page: Page) -> None:
    page.locator("#action-toggle").check()


def act(page: Page, action: str) -> None:
    """Run an action on the selected rows."""
    page.get_by_label("Action:").select_option(label=action)
    page.locator("#changelist-form button[name=index]").click()


def tags(page: Page) -> list[str]:
    return page.locator(".am-tags .am-chip bdi").all_text_contents()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
