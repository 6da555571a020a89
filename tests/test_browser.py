"""The admin of the live demo in a real browser, on every database: the tasks of staff, step by step.

Each visit runs under the strictest Content-Security-Policy, and fails when something breaks it, complains on the
console or asks another machine (``tests.browser.visit``).
"""

from __future__ import annotations

import csv
import json
import re
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from demo_project import people
from demo_project.people import LOGIN
from tests.browser import (
    ADD,
    DASHBOARD,
    DESKTOP,
    LIST,
    PHONE,
    SESSIONS,
    TRACES,
    Demo,
    act,
    form_of,
    person,
    press_until,
    rows,
    save,
    tags,
    tick_all,
    visit,
)

# One worker of xdist for each, so that a demo is started once. The tests of the pages run on all databases; what a
# browser adds to them hardly depends on the database.
ALIASES = [
    pytest.param("default", marks=pytest.mark.xdist_group("default")),
    *(
        pytest.param(alias, marks=[pytest.mark.xdist_group(alias), pytest.mark.long])
        for alias in ("postgres", "mongodb")
    ),
]

pytestmark = pytest.mark.parametrize("alias", ALIASES, scope="module")

# A person of the demo with memories that no test changes.
NAME = "maya@example.com"
# Their id: the accounts are created in the order of the file, that of the login before them.
PERSON = str(2 + [name for name in people.read() if name != LOGIN].index(NAME))


def test_finds_a_person(page: Page) -> None:
    """From the search field to the person's page, with everything about them."""
    known = people.read()[NAME]
    page.goto(LIST)
    page.get_by_role("textbox", name="Search").fill(PERSON)
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text(f"These are the memories of {PERSON}.")).to_be_visible()
    expect(rows(page)).to_have_count(len(known))
    page.get_by_role("link", name="Everything about this person").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(PERSON)
    expect(page.locator(".am-figure").first).to_have_text(str(len(known)))
    expect(page.get_by_text(known[-1].memory)).to_be_visible()


def test_filters_by_a_chip(page: Page) -> None:
    page.goto(f"{LIST}?user_id={PERSON}")
    chip = page.locator("#result_list a.am-chip").first
    topic = chip.inner_text()
    chip.click()
    page.wait_for_url("**topic=**")
    assert parse_qs(urlsplit(page.url).query) == {"user_id": [PERSON], "topic": [topic]}
    about = [memory for memory in people.read()[NAME] if topic in memory.topics]
    expect(rows(page)).to_have_count(len(about))
    expect(rows(page).locator("a.am-chip", has_text=re.compile(f"^{re.escape(topic)}$"))).to_have_count(len(about))


def test_edits_topics_by_keyboard_alone(page: Page, live: Demo, owner: str) -> None:
    memory_id = live.add(owner, "Takes the night train", topics=["trains", "night"])
    page.goto(form_of(owner, memory_id))
    press_until(page, "Tab", ".am-tags-input")
    # A topic in use, chosen from the suggestions.
    page.keyboard.type("trave")
    expect(page.get_by_role("option").first).to_be_visible()
    while page.locator('[role="option"][aria-selected="true"]').all_text_contents() != ["travel"]:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    # One that is new, with a comma in it.
    page.keyboard.type('"slow, and far"')
    page.keyboard.press("Enter")
    assert tags(page) == ["trains", "night", "travel", "slow, and far"]
    # Back to the second, and away with it.
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    assert tags(page) == ["trains", "travel", "slow, and far"]
    press_until(page, "Tab", "input[name=_save]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert live.memory(owner, memory_id)["topics"] == ["trains", "travel", "slow, and far"]


def test_meets_a_conflict(page: Page, live: Demo, owner: str) -> None:
    """An agent writes while a staff user types: both texts are shown, and nothing is lost."""
    memory_id = live.add(owner, "Drinks tea", topics=["drinks"])
    page.goto(form_of(owner, memory_id))
    page.get_by_label("Memory:", exact=True).fill("Drinks green tea")
    live.change(owner, memory_id, memory="Drinks coffee", topics=["drinks", "coffee"])
    save(page)
    conflict = page.get_by_role("alert", name="This memory changed while you were editing it")
    expect(conflict.get_by_role("group", name="Current text")).to_have_text("Drinks coffee")
    expect(conflict.get_by_role("group", name="Your text")).to_have_text("Drinks green tea")
    # Nothing is written yet. The form keeps the typed text, and shows the agent's values in the other fields.
    assert live.memory(owner, memory_id)["memory"] == "Drinks coffee"
    expect(page.get_by_label("Memory:", exact=True)).to_have_value("Drinks green tea")
    assert tags(page) == ["drinks", "coffee"]
    page.get_by_label("I have read both").check()
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    now = live.memory(owner, memory_id)
    assert (now["memory"], now["topics"], now["version"]) == ("Drinks green tea", ["drinks", "coffee"], 3)


def test_runs_an_action(page: Page, live: Demo, owner: str) -> None:
    ids = [live.add(owner, f"Number {number}", topics=["old"]) for number in range(3)]
    page.goto(f"{LIST}?user_id={owner}")
    tick_all(page)
    rows(page).first.locator("input.action-select").uncheck()
    act(page, "Add a topic to selected memories")
    expect(page.locator(".am-lead")).to_have_text("2 memories are selected.")
    page.get_by_label("Topic").fill("new")
    page.get_by_role("button", name="Add the topic").click()
    expect(page.get_by_text("2 memories processed")).to_be_visible()
    topics = sorted(live.memory(owner, memory_id)["topics"] for memory_id in ids)
    assert topics == [["old"], ["old", "new"], ["old", "new"]]


def test_deletes_all_that_match(page: Page, live: Demo, owner: str) -> None:
    """More than a page of them."""
    live.ask("POST", "/api/memories/bulk/", [{"user_id": owner, "memory": f"Number {each}"} for each in range(60)])
    page.goto(f"{LIST}?user_id={owner}")
    tick_all(page)
    page.get_by_role("button", name="Select all that match").click()
    act(page, "Delete selected memories")
    expect(page.locator(".am-lead")).to_contain_text("60 memories will be deleted")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("60 memories processed")).to_be_visible()
    expect(rows(page)).to_have_count(0)


def test_exports_what_is_selected(page: Page, live: Demo, owner: str, tmp_path: Path) -> None:
    """And the file opens: text is text, a formula is none."""
    texts = ["=1+1", 'Says "hello",\nthen 再见', "Plain"]
    for text in texts:
        live.add(owner, text, topics=["a, b", "c"])
    page.goto(f"{LIST}?user_id={owner}")
    tick_all(page)
    with page.expect_download() as started:
        act(page, "Export selected memories as CSV")
    with Path(started.value.path()).open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert started.value.suggested_filename.endswith(".csv")
    assert {line["memory"] for line in table} == {"'=1+1", *texts[1:]}
    assert {line["user_id"] for line in table} == {owner}


def test_exports_a_person(page: Page, live: Demo, owner: str) -> None:
    ids = {live.add(owner, f"Number {number}", metadata={"number": number}) for number in range(3)}
    page.goto(person(owner))
    with page.expect_download() as started:
        page.get_by_role("button", name="Export as JSON Lines").click()
    lines = Path(started.value.path()).read_text("utf-8").splitlines()
    exported = [json.loads(line) for line in lines]
    assert started.value.suggested_filename.endswith(".jsonl")
    assert {memory["memory_id"] for memory in exported} == ids
    assert {memory["user_id"] for memory in exported} == {owner}
    assert sorted(memory["metadata"]["number"] for memory in exported) == [0, 1, 2]


def test_erases_a_person(page: Page, live: Demo, owner: str) -> None:
    for number in range(3):
        live.add(owner, f"Number {number}")
    page.goto(person(owner))
    page.get_by_role("link", name="Erase everything").click()
    expect(page.locator(".am-lead")).to_have_text(f"Everything about {owner} will be erased. This cannot be undone.")
    expect(page.locator(".am-figure").first).to_have_text("3")
    page.get_by_role("button", name="Erase everything").click()
    expect(page.locator(".messagelist")).to_contain_text("Memories 3")
    expect(page.locator(".messagelist")).to_contain_text("A second count found nothing.")
    page.goto(person(owner))
    expect(page.get_by_text("There are no memories of this person.")).to_be_visible()
    assert live.ask("GET", f"/api/stats/?user_id={owner}")["total"] == 0


def test_shows_the_whole_store(page: Page) -> None:
    """From the app's heading to the dashboard, and from its chart of topics to the memories about one."""
    page.goto("/admin/agno_memory/")
    page.get_by_role("link", name="Memory dashboard").click()
    expect(page.locator("svg.am-columns")).to_be_visible()
    topic = page.locator("section", has=page.get_by_role("heading", name="Topics")).get_by_role("link").first
    name = topic.inner_text()
    topic.click()
    page.wait_for_url("**topic=**")
    expect(rows(page).first.locator("a.am-chip", has_text=re.compile(f"^{re.escape(name)}$"))).to_be_visible()


def test_the_list_is_a_few_keys_away(page: Page) -> None:
    """Two links that only the keyboard reaches: Django's skips the menus, and ours the search and the filters."""
    for address in (LIST, SESSIONS):
        page.goto(address)
        press_until(page, "Tab", ".skip-to-content-link", most=2)
        page.keyboard.press("Enter")
        press_until(page, "Tab", ".am-skip a", most=2)
        expect(page.locator(".am-skip a")).to_be_visible()
        page.keyboard.press("Enter")
        press_until(page, "Tab", "#result_list tbody input, #result_list tbody a", most=5)


def test_filters_are_a_touch_away_on_a_phone(chromium: Browser, live: Demo) -> None:
    with visit(chromium, live, viewport=PHONE) as page:
        for address in (LIST, SESSIONS, TRACES):
            page.goto(address)
            page.get_by_role("link", name="Filters").click()
            expect(page.locator("#changelist-filter")).to_be_in_viewport()
            # Nothing is cut off.
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_sessions_fit_into_their_list(page: Page) -> None:
    """Between the two sidebars of a desktop, too."""
    page.goto(SESSIONS)
    updated = rows(page).first.locator(".am-time")
    expect(updated).to_be_visible()
    inside = page.locator("#changelist-form .results").bounding_box()
    box = updated.bounding_box()
    assert inside is not None
    assert box is not None
    assert box["x"] + box["width"] <= inside["x"] + inside["width"]
    rows(page).first.locator("a.am-user-id").click()
    page.wait_for_url("**user_id=**")
    expect(rows(page)).to_have_count(1)


def test_counts_again_without_leaving_the_page(page: Page) -> None:
    page.goto(DASHBOARD)
    page.get_by_role("button", name="Count again").click()
    expect(page.get_by_text("Counted just now")).to_be_visible()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def sized(request: pytest.FixtureRequest, page: Page) -> Page:
    page.set_viewport_size(request.param)
    return page


def test_undoes_a_deletion_and_restores_an_earlier_text(sized: Page, live: Demo, owner: str) -> None:
    memory_id = live.add(owner, "Drinks tea", topics=["drinks"])
    live.change(owner, memory_id, memory="Drinks green tea")
    sized.goto(f"{LIST}?user_id={owner}")
    tick_all(sized)
    act(sized, "Delete selected memories")
    sized.get_by_role("button", name="Delete", exact=True).click()
    expect(rows(sized)).to_have_count(0)
    sized.get_by_role("button", name="Undo").click()
    expect(sized.get_by_text("1 memory is restored.")).to_be_visible()
    expect(rows(sized)).to_have_count(1)
    assert live.memory(owner, memory_id)["memory"] == "Drinks green tea"
    sized.goto(form_of(owner, memory_id, "history"))
    expect(sized.locator("ins", has_text="green").first).to_be_visible()
    sized.get_by_role("button", name="Restore version 1").click()
    expect(sized.get_by_text("Version 1 of the memory")).to_be_visible()
    assert live.memory(owner, memory_id)["memory"] == "Drinks tea"


def test_merges_duplicates_and_sees_them_in_the_past(sized: Page, live: Demo, owner: str) -> None:
    for text in ("Drinks tea", "drinks tea"):
        live.add(owner, text)
    time.sleep(1)
    before = sized.evaluate("new Date().toISOString().slice(0, 19)")
    sized.goto(person(owner))
    sized.get_by_role("link", name="Possible duplicates").click()
    sized.get_by_role("button", name="Merge the selected memories of group 1").click()
    sized.get_by_label("Another text").first.check()
    sized.get_by_label("Another text:").fill("Drinks any tea")
    sized.get_by_role("button", name="Merge", exact=True).click()
    expect(sized.get_by_text("2 memories are merged.")).to_be_visible()
    expect(rows(sized)).to_have_count(1)
    sized.goto(person(owner))
    sized.get_by_label("Memories as they were on").fill(before)
    sized.get_by_role("button", name="Show").click()
    expect(sized.locator(".am-memory .am-text")).to_have_text(["drinks tea", "Drinks tea"])
    sized.goto(f"{LIST}deleted/?user_id={owner}")
    sized.get_by_role("button", name="Restore Drinks tea").click()
    expect(sized.get_by_text("1 memory is restored.")).to_be_visible()


def test_works_without_javascript(chromium: Browser, live: Demo, owner: str) -> None:
    """Topics are a plain field then, and a filter is a form."""
    with visit(chromium, live, java_script_enabled=False) as page:
        page.goto(ADD)
        page.get_by_label("User id").fill(owner)
        page.get_by_label("Memory:", exact=True).fill("Reads on paper")
        page.get_by_label("Topics").fill('reading, "pen, and paper"')
        save(page)
        expect(page.get_by_text("was added successfully")).to_be_visible()
        page.goto(f"{LIST}?user_id={owner}")
        assert page.locator("#result_list a.am-chip").all_text_contents() == ["reading", "pen, and paper"]
        rows(page).get_by_role("link", name="Reads on paper").click()
        expect(page.get_by_label("Topics")).to_have_value('reading, "pen, and paper"')
        page.get_by_label("Topics").fill("reading")
        save(page)
        expect(page.get_by_text("was changed successfully")).to_be_visible()
        page.goto(f"{LIST}?user_id={owner}")
        assert page.locator("#result_list a.am-chip").all_text_contents() == ["reading"]


def test_a_visit_sees_what_goes_wrong(chromium: Browser, live: Demo) -> None:
    """Each kind of problem that must fail a visit is noticed."""
    visits = ExitStack()
    script = """url => {
        document.body.setAttribute("style", "color: red");
        document.body.append(Object.assign(new Image(), { src: url }));
        setTimeout(() => { throw new Error("no such thing"); });
    }"""
    page = visits.enter_context(visit(chromium, live))
    page.goto(LIST)
    with page.expect_event("pageerror"):
        page.evaluate(script, "http://127.0.0.1:9/picture.png")
    with pytest.raises(AssertionError) as failed:
        visits.close()
    for part in ("Applying inline style", "http://127.0.0.1:9/picture.png", "no such thing"):
        assert part in str(failed.value)
