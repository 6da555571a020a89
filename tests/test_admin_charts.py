"""Charts as markup."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.admin.charts import (
    ABOVE,
    HEIGHT,
    MAX_LINES,
    Bar,
    Point,
    bars,
    columns,
    grid_lines,
    number,
    percent,
    share,
)

ROOT = Path(__file__).parent.parent
HEADINGS = ("Day", "Memories")
EVIL = '<script>alert("1")</script>&'


def drawn(points: list[Point], language: str = "en") -> ElementTree.Element:
    with translation.override(language):
        markup = columns("days", f"Days {EVIL}", "Much.", points, HEADINGS)
    return ElementTree.fromstring(markup)


def rects(chart: ElementTree.Element) -> list[dict[str, str]]:
    return [rect.attrib for rect in chart.iter("rect") if rect.attrib["class"] == "am-fill"]


def test_a_site_without_an_admin_has_templates_too() -> None:
    """Django imports every tag library, even if no template loads it."""
    code = """
import sys
from django.conf import settings
templates = {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
settings.configure(INSTALLED_APPS=["agno_memory"], TEMPLATES=[templates])
import django
django.setup()
from django.template.loader import render_to_string
print(render_to_string("agno_memory/charts/bars.html", {"lines": [{"label": "label"}]}))
print([name for name in sys.modules if name.startswith("django.contrib.admin")])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "label" in done.stdout
    assert done.stdout.endswith("[]\n")


@given(st.integers(0, 10**12))
def test_grid_lines_are_round_few_and_enough(most: int) -> None:
    lines = grid_lines(most)
    assert lines[0] == 0
    assert lines[-1] >= most
    assert 2 <= len(lines) <= MAX_LINES + 1
    (step,) = {after - before for before, after in pairwise(lines)}
    assert re.fullmatch("[125]0*", str(step))
    assert len(lines) == 2 or lines[-2] < most


def test_columns_are_as_high_as_their_numbers() -> None:
    chart = drawn([Point("a", 0), Point("b", 1), Point("c", 500), Point("d", 1000)])
    found = rects(chart)
    assert [float(rect["height"]) for rect in found] == [0, 1, HEIGHT / 2, HEIGHT]
    assert {float(rect["y"]) + float(rect["height"]) for rect in found} == {ABOVE + HEIGHT}
    lefts = [float(rect["x"].removesuffix("%")) for rect in found]
    assert [after - before for before, after in pairwise(lefts)] == [25, 25, 25]


def test_nothing_to_draw_is_drawn() -> None:
    assert rects(drawn([])) == []
    assert [rect["height"] for rect in rects(drawn([Point("a", 0)]))] == ["0.0"]


def test_the_numbers_are_a_table_too() -> None:
    chart = drawn([Point("Monday", 1234), Point(EVIL, 5)])
    rows = [[cell.text for cell in row] for row in chart.iter("tr")]
    assert rows == [list(HEADINGS), ["Monday", "1,234"], [EVIL, "5"]]
    svg = next(each for each in chart.iter("svg") if each.attrib.get("role") == "img")
    named = {each.attrib["id"]: each.text for each in svg if "id" in each.attrib}
    assert [named[name] for name in svg.attrib["aria-labelledby"].split()] == [f"Days {EVIL}", "Much."]


def test_attributes_have_points_where_the_language_has_commas() -> None:
    points = [Point("a", 1234), Point("b", 2000, "tick"), Point("c", 1)]
    chart = drawn(points, "de")
    assert next(each.text for each in chart.iter("td")) == "1.234"
    for element in chart.iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "width", "height"):
            assert re.fullmatch(r"-?\d+(\.\d+)?%?", element.attrib.get(name, "0")), element.attrib


def test_labels_stay_inside() -> None:
    points = [Point(str(day), 1, f"tick {day}", is_minor=day == 15) for day in range(30)]
    texts = [each for each in drawn(points).iter("text") if "am-tick" in each.attrib.get("class", "")]
    assert [text.attrib["text-anchor"] for text in (texts[0], texts[15], texts[29])] == ["start", "middle", "end"]
    assert (texts[0].attrib["x"], texts[29].attrib["x"]) == ("0%", "100%")
    assert [text.text for text in texts if "am-minor" in text.attrib["class"]] == ["tick 15"]


def test_bars_are_links_with_numbers_and_shares() -> None:
    markup = bars(EVIL, [Bar(EVIL, 30, "/?a=1&b=2"), Bar("few", 1), Bar("none", 0)], HEADINGS, total=1000)
    table = ElementTree.fromstring(markup)
    assert [each.text for each in table.iter("a")] == [EVIL]
    assert next(each.attrib["href"] for each in table.iter("a")) == "/?a=1&b=2"
    assert [rect["width"] for rect in rects(table)] == ["100%", "3.333%", "0%"]
    values = [each.text for each in table.iter("span")]
    assert values == ["30", "3\u202f%", "1", "<\u202f1\u202f%", "0", "0\u202f%"]


def test_bars_without_a_total_have_no_shares() -> None:
    assert "am-share" not in bars("t", [Bar("a", 1)], HEADINGS)
    assert "<tbody>" in bars("t", [], HEADINGS)


@pytest.mark.parametrize(("value", "shown"), [(0, "0"), (999, "999"), (1234567, "1,234,567")])
def test_thousands_are_apart(value: int, shown: str) -> None:
    assert number(value) == shown


def test_shares() -> None:
    assert [percent(1, 3), percent(1, 1), percent(0, 0), percent(1, 4)] == ["33.333", "100", "0", "25"]
    assert [share(1, 100), share(1, 201), share(0, 7)] == ["1\u202f%", "<\u202f1\u202f%", "0\u202f%"]


def test_no_chart_needs_a_script_or_a_style() -> None:
    both = columns("a", "b", "c", [Point("d", 1)], HEADINGS) + bars("a", [Bar("b", 1)], HEADINGS)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|https?:", both)
