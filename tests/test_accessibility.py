"""Every page of the admin, judged by axe: light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import (
    ADD,
    DASHBOARD,
    DESKTOP,
    LIST,
    PHONE,
    RECORDS,
    SESSIONS,
    TRACES,
    Demo,
    act,
    form_of,
    person,
    rows,
    save,
    tick_all,
    visit,
)

pytestmark = [
    # Pages look the same, wherever the memories are.
    pytest.mark.parametrize("alias", ["default"], scope="module"),
    pytest.mark.xdist_group("accessibility"),
]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Rows are alike, and axe takes its time for each.
ALL_BUT_MORE_ROWS = {"exclude": [["#result_list tbody tr:nth-child(n+9)"]]}

# A stranger's or a language model's.
HOSTILE = ["x" * 10_000, "\N{RIGHT-TO-LEFT OVERRIDE}evil", "<script>alert(1)</script>" * 20, "不" * 3_000]


def opened(path: str) -> Callable[[Page, Demo, str], None]:
    def open_it(page: Page, live: Demo, owner: str) -> None:
        page.goto(path)

    return open_it


def found(page: Page, live: Demo, owner: str) -> None:
    live.add(owner, "Takes the train", topics=["trains"])
    page.goto(f"{LIST}?q={owner}")
    expect(page.get_by_role("link", name="Everything about this person")).to_be_visible()


def completing(page: Page, live: Demo, owner: str) -> None:
    page.goto(form_of(owner, live.add(owner, "Takes the train", topics=["trains"])))
    page.locator(".am-tags-input").press_sequentially("tra")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def refused(page: Page, live: Demo, owner: str) -> None:
    page.goto(ADD)
    page.get_by_label("Metadata").fill("{")
    save(page)
    expect(page.locator(".errornote")).to_be_visible()


def conflict(page: Page, live: Demo, owner: str) -> None:
    memory_id = live.add(owner, "Drinks tea")
    page.goto(form_of(owner, memory_id))
    page.get_by_label("Memory:", exact=True).fill("Drinks green tea")
    live.change(owner, memory_id, memory="Drinks coffee")
    save(page)
    expect(page.get_by_role("alert", name="This memory changed while you were editing it")).to_be_visible()


def gone(page: Page, live: Demo, owner: str) -> None:
    memory_id = live.add(owner, "Drinks tea")
    page.goto(form_of(owner, memory_id))
    page.get_by_label("Memory:", exact=True).fill("Drinks green tea")
    live.ask("DELETE", f"/api/memories/{memory_id}/?user_id={owner}")
    save(page)
    expect(page.get_by_text("Drinks green tea")).to_be_visible()


def action(label: str) -> Callable[[Page, Demo, str], None]:
    def asks(page: Page, live: Demo, owner: str) -> None:
        live.add(owner, "Drinks tea", topics=["drinks"])
        page.goto(f"{LIST}?user_id={owner}")
        tick_all(page)
        act(page, label)
        expect(page.locator(".am-lead")).to_be_visible()

    return asks


def done(page: Page, live: Demo, owner: str) -> None:
    action("Delete selected memories")(page, live, owner)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("1 memory processed")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def trash(page: Page, live: Demo, owner: str) -> None:
    done(page, live, owner)
    page.goto(f"{LIST}deleted/?user_id={owner}")
    expect(page.get_by_text("Drinks tea")).to_be_visible()


def of_person(path: str) -> Callable[[Page, Demo, str], None]:
    def open_it(page: Page, live: Demo, owner: str) -> None:
        for number in range(30):
            live.add(owner, f"Number {number}", topics=["numbers"], agent_id="counter")
        page.goto(f"{person(owner)}{path}")

    return open_it


def history(page: Page, live: Demo, owner: str) -> None:
    memory_id = live.add(owner, "Drinks tea")
    page.goto(form_of(owner, memory_id))
    page.get_by_label("Memory:", exact=True).fill("Drinks green tea")
    save(page)
    page.goto(form_of(owner, memory_id, "history"))


def merging(page: Page, live: Demo, owner: str) -> None:
    for text in ("Drinks tea", "drinks tea", "Drinks green tea"):
        live.add(owner, text, topics=["drinks"])
    page.goto(f"{person(owner)}duplicates/")
    page.get_by_role("button", name="Merge the selected memories of group 1").click()
    expect(page.get_by_text("become one")).to_be_visible()


def moment(page: Page, live: Demo, owner: str) -> None:
    for number in range(30):
        live.add(owner, f"Number {number}", topics=["numbers"])
    page.goto(person(owner))
    page.get_by_label("Memories as they were on").fill("2099-01-01T10:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Memories on")).to_be_visible()


def duplicates(page: Page, live: Demo, owner: str) -> None:
    for text in ("Drinks tea", "drinks tea", "Has a dog", "has a dog"):
        live.add(owner, text, topics=["drinks"], agent_id="bot")
    page.goto(f"{person(owner)}duplicates/")


def trace(page: Page, live: Demo, owner: str) -> None:
    page.goto(TRACES)
    rows(page).last.locator("th a").click()
    page.get_by_text("Input", exact=True).first.click()
    expect(page.locator(".am-step .am-message-text").first).to_be_visible()


def deciding(page: Page, live: Demo, owner: str) -> None:
    page.goto(f"{RECORDS}?kind=approval&status=pending")
    rows(page).first.locator("th a").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


PAGES: dict[str, Callable[[Page, Demo, str], None]] = {
    "app": opened("/admin/agno_memory/"),
    "list": opened(LIST),
    "filtered list": opened(f"{LIST}?topic=trains&updated=30d"),
    "search": opened(f"{LIST}?q=train"),
    "search for a person": found,
    "nothing found": opened(f"{LIST}?q=nothing-of-this-kind"),
    "add": opened(ADD),
    "refused": refused,
    "form, completing": completing,
    "conflict": conflict,
    "gone": gone,
    "history": history,
    "add a topic": action("Add a topic to selected memories"),
    "move": action("Move selected memories to another person"),
    "delete": action("Delete selected memories"),
    "done": done,
    "deleted": trash,
    "nothing deleted": opened(f"{LIST}deleted/?user_id=nobody-we-know"),
    "pinned": opened(f"{LIST}?state=pinned"),
    "person": of_person(""),
    "merge": merging,
    "duplicates": duplicates,
    "no duplicates": opened(f"{person('nobody-we-know')}duplicates/"),
    "person at a moment": moment,
    "person at no moment": opened(f"{person('nobody-we-know')}?as_of=2020-01-01T10:00"),
    "nobody": opened(person("nobody-we-know")),
    "erase": of_person("erase/"),
    "dashboard": opened(DASHBOARD),
    "sessions": opened(SESSIONS),
    "session": opened(f"{SESSIONS}demo-travel/change/"),
    "traces": opened(TRACES),
    "trace": trace,
    "records": opened(RECORDS),
    "approval": deciding,
}


@pytest.fixture
def page(chromium: Browser, live: Demo) -> Iterator[Page]:
    # axe itself writes styles into pages. Pages alone meet the policy in the other tests.
    with visit(chromium, live, bypass_csp=True) as opened:
        yield opened


def violations(page: Page) -> list[Any]:
    """Return the violations that axe finds: each rule with the elements that break it."""
    # Colours on their way from light to dark are neither.
    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    # Once for a page: to read axe, and to return all that is in order, take a third of the time of a run.
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)
    run = "([context, options]) => axe.run(context, options).then(results => results.violations)"
    found = page.evaluate(run, [ALL_BUT_MORE_ROWS, {"resultTypes": ["violations"]}])
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name: str, page: Page, live: Demo, owner: str) -> None:
    PAGES[name](page, live, owner)
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], (viewport, scheme)


def test_axe_finds_something(page: Page) -> None:
    """Where there is something to be found."""
    page.goto(LIST)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert [rule for rule, _elements in violations(page)] == ["button-name"]


def test_hostile_text_breaks_no_layout(page: Page, live: Demo, owner: str) -> None:
    """No page is wider than the screen, and nothing runs."""
    ids = [live.add(owner, text, topics=[text[:100]], agent_id=text[:200]) for text in HOSTILE]
    paths = [f"{LIST}?user_id={owner}", person(owner), DASHBOARD, *(form_of(owner, memory_id) for memory_id in ids)]
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    page.goto(paths[0])
    assert rows(page).count() == len(HOSTILE)
