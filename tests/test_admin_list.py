"""The list of memories on every database: its rows, filters, search, suggestions and cost.

It covers admin/changelist.py, columns.py, filters.py, search.py, autocomplete.py and the pages of keyset.py.
"""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from agno_memory.admin import keyset
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Kind
from agno_memory.operations import CreateTopicsIndex
from agno_memory.test import at
from tests.admin import LIST, add, add_many, counted, link, page, shown, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

HOSTILE = '<script>alert("x")</script>\u202e=HYPERLINK("http://x")'


def test_shows_a_memory(site: str) -> None:
    add("Likes tea", "maya", topics=["drinks", "a&b=c"], agent_id="bot")
    content = page(staff())
    assert ">Likes tea</span>" in content
    assert 'href="?user_id=maya"' in content
    assert 'href="?topic=drinks"' in content
    assert 'href="?topic=a%26b%3Dc"' in content
    assert 'href="?agent_id=bot"' in content
    assert "0\xa0seconds ago" in content or "second" in content or "now" in content
    assert f"{timezone.localtime():%Y-%m-%d}" in content


def test_text_is_data(site: str) -> None:
    add(HOSTILE, HOSTILE, topics=[HOSTILE[:100]], agent_id=HOSTILE)
    add("x" * 10_000, "y" * 255, topics=["z" * 100])
    content = page(staff())
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(&quot;x&quot;)" in content
    assert f'title="{"x" * 10_000}"' in content
    assert "x" * 200 not in content.replace(f'title="{"x" * 10_000}"', "")


def test_pages_hold_everything_once(site: str) -> None:
    texts = [memory.memory for memory in add_many(120)]
    client = staff()
    seen, url = [shown(client)], LIST
    while len(seen) < 3:
        url = LIST + link("Next", page(client, url))
        seen.append(shown(client, url))
    assert [len(each) for each in seen] == [50, 50, 20]
    assert [text for each in seen for text in each] == texts[::-1]
    assert "Next" not in page(client, url)
    assert shown(client, LIST + link("Previous", page(client, url))) == seen[1]
    assert shown(client, LIST + link("First page", page(client, url))) == seen[0]


def test_previous_leads_to_a_whole_first_page(site: str) -> None:
    memories = add_many(70)
    client = staff()
    second = LIST + link("Next", page(client))
    Memory().delete_user_memories([memory.memory_id for memory in memories[60:]], "maya")
    content = page(client, LIST + link("Previous", page(client, second)))
    first = shown(client, LIST + link("Previous", page(client, second)))
    assert (len(first), first[0]) == (50, "number 59")
    assert "Previous" not in content


def test_oldest_first(site: str) -> None:
    add("first"), add("second")
    assert shown(staff(), o="5") == ["first", "second"]


@pytest.mark.parametrize("order", ["1", "2", "99", "-x", "1.2.3", "-1.5"])
def test_no_order_without_an_index(site: str, order: str) -> None:
    add("first"), add("second")
    assert shown(staff(), o=order) in (["second", "first"], ["first", "second"])


def test_filters(site: str) -> None:
    add("a", "maya", topics=["food", "art"], agent_id="one")
    add("b", "noah", topics=["food"], agent_id="two")
    add("c", "maya", topics=["foo"])
    client = staff()
    assert shown(client, topic="food") == ["b", "a"]
    assert shown(client, topic=["food", "art"]) == ["a"]
    assert shown(client, user_id="maya") == ["c", "a"]
    assert shown(client, user_id="maya", topic="food") == ["a"]
    assert shown(client, agent_id="two") == ["b"]
    assert shown(client, user_id="nobody") == []
    assert shown(client, user_id="maya'%_") == []
    assert shown(client, team_id="x") == []
    assert "No memories were found" in page(client, user_id="nobody")


def test_metadata_filters(site: str) -> None:
    add("a", metadata={"plan": "pro", "seats": 5})
    add("b", metadata={"plan": "free", "seats": "5", "a.b": "x=y"})
    add("c")
    client = staff()
    assert shown(client, metadata="plan=pro") == ["a"]
    assert shown(client, metadata="seats=5") == ["b", "a"]
    assert shown(client, metadata=["seats=5", "plan=free"]) == ["b"]
    assert shown(client, metadata="a.b=x=y") == ["b"]
    assert shown(client, metadata="plan=Pro") == []
    both = page(client, metadata=["seats=5", "plan=free"])
    assert link("seats=5", both) == "?metadata=plan%3Dfree"


def test_every_filter_of_the_vocabulary(site: str) -> None:
    """A filter that is added to ``names.FILTERS`` narrows the list without a change in the admin."""
    identifiers = [each.lookup for each in FILTERS if each.kind is Kind.IDENTIFIER]
    with at(datetime.datetime(2024, 3, 1, 12, tzinfo=datetime.UTC)):
        add("old", topics=["other"], **dict.fromkeys(identifiers, "other"))
    with at(datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)):
        add("new", topics=["x"], **dict.fromkeys(identifiers, "x"))
    client = staff()
    for each in FILTERS:
        value = "2025-01-01T00:00:00Z" if each.kind is Kind.MOMENT else "x"
        found = ["old"] if each.name.endswith("_before") else ["new"]
        assert shown(client, **{each.parameter: value}) == found, each
        assert link(
            f"{each.label}: {value}" if each.name not in ("topics", "agent_id", "session_id") else value,
            page(client, f"{LIST}?{each.parameter}={value}"),
        )
    assert shown(client, team_id="x", any_topic=["x", "other"]) == ["new"]
    both = page(client, team_id="x", any_topic=["x", "other"])
    assert link("Team: x", both) == "?any_topic=x&any_topic=other"
    assert "Topic; repeat it to accept any of them: x, other" in both


def test_topic_filter_offers_the_most_frequent(site: str) -> None:
    for number in range(3):
        add(str(number), topics=["often", *(["rare"] if number == 0 else [])])
    content = page(staff())
    assert content.index(">often<") < content.index(">rare<")
    assert '<span class="am-count">3</span>' in content


def test_times(site: str) -> None:
    # In Chicago, where the tests are: the last minute of a day, and the first one.
    moments = [
        datetime.datetime(2024, 3, 1, 5, 59, tzinfo=datetime.UTC),
        datetime.datetime(2025, 3, 1, 6, tzinfo=datetime.UTC),
    ]
    for number, moment in enumerate(moments):
        with at(moment):
            add(str(number))
    add("2")
    client = staff()
    assert (
        shown(client, updated="2024")
        == shown(client, updated="2024-02")
        == shown(client, updated="2024-02-29")
        == ["0"]
    )
    assert shown(client, updated="2025-03-01") == ["1"]
    assert shown(client, updated="today") == shown(client, updated="7d") == ["2"]
    assert shown(client, updated_from="2024-02-29", updated_to="2025-02-28") == ["0"]
    assert shown(client, created_from="2025-03-01") == ["2", "1"]
    assert shown(client, created="2024", updated="2025") == []
    Memory().replace_user_memory(UserMemory.objects.get(memory="0").memory_id, UserMemory(memory="0"), "maya")
    assert shown(client) == ["0", "2", "1"]
    assert shown(client, created_to="2026-01-01") == ["1", "0"]
    content = page(client)
    assert 'href="?updated=2025"' in content
    assert 'href="?created=2024"' in page(client, created_from="2000-01-01")
    assert 'href="?updated=2025-03"' in page(client, updated="2025")
    assert 'href="?updated=2025-03-01"' in page(client, updated="2025-03")


@pytest.mark.parametrize(
    "query",
    [
        {"p": "x"},
        {"p": "after.1.y"},
        {"p": "after.x.k.y"},
        {"p": "after.9999999999999999999.k.y"},
        {"updated": "x"},
        {"updated": "2026-13"},
        {"updated": "0000"},
        {"updated_from": "2026-99-01"},
        {"updated_after": "x"},
        {"created_before": "0001-01-01T00:00:00+14:00"},
        {"team_id": "x" * 256},
        {"agent_id": "\x00"},
        {"metadata": "plan"},
        {"metadata": "=pro"},
        {"metadata": "$where=1"},
        {"metadata": "plan=" + "[" * 5000},
        {"created": "9999"},
        {"nothing": "x"},
        {"created_at__gte": "x"},
        {"version": "x"},
    ],
)
def test_invalid_parameters_are_not_server_errors(site: str, query: dict[str, str]) -> None:
    client = staff()
    response = client.get(LIST, query)
    assert response.status_code in (200, 302)
    assert client.get(LIST, query, follow=True).status_code == 200


def test_search(site: str) -> None:
    add("Likes green tea", "maya", topics=["drinks"], memory_id="m/1")
    add("Plays the oud", "noah", topics=["music", "dark mode"], agent_id="bot")
    add("Knows Maya from school", "zoe")
    client = staff()
    assert shown(client, q="TEA green") == ["Likes green tea"]
    assert shown(client, q="m/1") == ["Likes green tea"]
    assert shown(client, q="maya") == ["Likes green tea"]
    assert shown(client, q="text:maya") == ["Knows Maya from school"]
    assert shown(client, q="noa") == ["Plays the oud"]
    assert shown(client, q="music") == ["Plays the oud"]
    assert shown(client, q="dark mode") == ["Plays the oud"]
    assert shown(client, q='topic:"dark mode"') == ["Plays the oud"]
    assert shown(client, q="agent:bot oud") == ["Plays the oud"]
    assert shown(client, q="user:maya oud") == []
    assert shown(client, q="id:m/1") == ["Likes green tea"]
    add("Likes green rice", "zoe", memory_id="m/1")
    assert shown(client, q="m/1") == shown(client, q="id:m/1") == ["Likes green rice", "Likes green tea"]
    assert shown(client, q="id:m/1 user:zoe") == ["Likes green rice"]
    assert "Each person may have a memory with the id <bdi>m/1</bdi>." in page(client, q="m/1")
    assert shown(client, LIST + link("Search all texts", page(client, q="m/1"))) == []
    assert shown(client, q='"green tea"') == ["Likes green tea"]
    assert shown(client, q='"tea green"') == []
    for nothing in ("%", "_", "\\", "'", ")", "[", "$", "{}"):
        assert shown(client, q=nothing) == []
    for everything in ("", " ", '" "', '""'):
        assert len(shown(client, q=everything)) == 4


def test_search_for_an_owner_says_so(site: str) -> None:
    add("Likes tea", "maya")
    add("Knows Maya", "zoe")
    client = staff()
    content = page(client, q="maya")
    assert "<bdi>maya</bdi>" in content
    assert shown(client, LIST + link("Search all texts", content)) == ["Knows Maya"]


@pytest.mark.parametrize("query", ["x" * 1001, "\x00"])
def test_search_refuses(site: str, query: str) -> None:
    add()
    response = staff().get(LIST, {"q": query})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode() or 'class="error"' in response.content.decode()


def test_search_further(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index, a page searches a window of memories, on demand a larger one; no match is skipped."""
    monkeypatch.setattr(keyset, "WINDOW", 10)
    monkeypatch.setattr(keyset, "FAR_WINDOW", 15)
    add("the needle")
    add_many(20, topics=["other"])
    add("another needle")
    add_many(10)
    client = staff()
    content = page(client, q="needle")
    assert shown(client, q="needle") == []
    assert "No match was found back to" in content
    url = LIST + link("Search further", content)
    assert shown(client, url) == ["another needle"]
    last = LIST + link("Search further", page(client, url))
    assert shown(client, last) == ["the needle"]
    assert "Search further" not in page(client, last)
    back = LIST + link("Previous", page(client, last))
    assert shown(client, back) == []
    assert shown(client, LIST + link("Previous", page(client, back))) == ["another needle"]


def test_search_further_for_a_topic_where_no_index_finds_it(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "WINDOW", 10)
    add("needle", topics=["rare"])
    add_many(20)
    client = staff()
    at_once = shown(client, topic="rare") == ["needle"]
    assert at_once == CreateTopicsIndex.is_made_on(connections[site])
    if not at_once:
        assert shown(client, LIST + link("Search further", page(client, topic="rare"))) == ["needle"]


def test_statements_do_not_grow(site: str) -> None:
    add_many(10, topics=["a", "b"], agent_id="bot")
    client = staff()
    urls = [
        LIST,
        f"{LIST}?topic=a",
        f"{LIST}?q=number",
        f"{LIST}?user_id=maya",
        f"{LIST}?q=maya",
        f"{LIST}?agent_id=bot",
        f"{LIST}?updated=7d",
    ]
    few = [counted(client, url, ("default", site)) for url in urls]
    add_many(9_990, topics=["a", "b"], agent_id="bot")
    many = [counted(client, url, ("default", site)) for url in urls]
    # The number of statements does not grow with the rows.
    assert many == few
    assert max(few) <= 14


@pytest.mark.parametrize(
    "key", ["a/b", "%2F", "..", ".", "食事", "a b?c#d", "_2F", "//", "a\\b", "+", '"<x>', "'", "_2E"]
)
def test_any_id_can_be_opened(site: str, key: str) -> None:
    add("Likes tea", key, memory_id=key)
    client = staff()
    content = page(client, link("Likes tea", page(client)))
    assert "Likes tea" in content


def test_completions(site: str) -> None:
    add("a", "maya", topics=["food", "seafood"], agent_id="one")
    add("b", "mark", topics=["art"], agent_id="two")
    add("c", "noah")
    client = staff()

    def found(name: str, text: str) -> Any:
        return client.get(f"{LIST}complete/{name}/", {"q": text}).json()["results"]

    assert found("topics", "FOO") == ["food", "seafood"]
    assert found("people", "ma") == ["mark", "maya"]
    assert found("people", "") == ["mark", "maya", "noah"]
    assert found("agents", "w") == ["two"]
    assert found("people", "\x00%") == []
