"""Charts as markup: numbers in, SVG and tables out. No script, no style attributes, no network.

Widths are in percent and heights in pixels, so that a chart fills its place and its letters keep their size. What it
looks like is said by ``static/agno_memory/insight.css``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString

# Pixels: of the plot, of the line of labels below it, and above the topmost grid line for half of its label.
HEIGHT: Final = 160
BELOW: Final = 24
ABOVE: Final = 8
LETTER: Final = 7.5
# How much of its place a column leaves empty.
GAP: Final = 0.25
LINES: Final = 4
# What is beside an edge: a share of the whole width.
EDGE: Final = 0.05


class Point(NamedTuple):
    """One number of a chart.

    Args:
        label: what it is the number of.
        value: from 0.
        tick: what the axis says below it; nothing by default.
        is_minor: whether a narrow screen leaves the tick out.
    """

    label: str
    value: int
    tick: str = ""
    is_minor: bool = False


class Bar(NamedTuple):
    """One line of a table of bars.

    Args:
        label: what it is the number of.
        value: from 0.
        url: where the label leads to.
    """

    label: str
    value: int
    url: str = ""


def columns(name: str, title: str, summary: str, points: Sequence[Point], headings: tuple[str, str]) -> SafeString:
    """Return a chart of columns, side by side, with its numbers as a table.

    Args:
        name: unique on the page; letters, digits and dashes.
        title: what the chart shows.
        summary: what there is to see in it, in a sentence, for those who do not.
        points: in the order of the axis.
        headings: of the table's two columns.
    """
    lines = ticks(max((point.value for point in points), default=0))
    context = {
        "name": name,
        "title": title,
        "summary": summary,
        "headings": headings,
        "height": HEIGHT + ABOVE + BELOW,
        "baseline": HEIGHT + ABOVE,
        "below": HEIGHT + ABOVE + BELOW - 6,
        "axis": round(max(len(number(line)) for line in lines) * LETTER + 8),
        "lines": [{"y": _y(line, lines[-1]), "text": number(line)} for line in lines],
        "columns": [_column(index, point, len(points), lines[-1]) for index, point in enumerate(points)],
    }
    return render_to_string("agno_memory/charts/columns.html", context)


def bars(title: str, rows: Iterable[Bar], headings: tuple[str, str], whole: int | None = None) -> SafeString:
    """Return a table with a bar in each of its lines, in the order given.

    Args:
        title: what the table shows.
        rows: its lines.
        headings: of names and numbers.
        whole: what the values are shares of; without it, none are shown.
    """
    shown = list(rows)
    most = max((row.value for row in shown), default=0)
    lines = [
        {
            "label": row.label,
            "url": row.url,
            "value": number(row.value),
            "width": percent(row.value, most),
            "share": share(row.value, whole) if whole else "",
        }
        for row in shown
    ]
    return render_to_string("agno_memory/charts/bars.html", {"title": title, "lines": lines, "headings": headings})


def ticks(most: int) -> list[int]:
    """Return what an axis has lines at: 0, and at most ``LINES`` round numbers, the last of them not below ``most``."""
    step = 1
    while step * LINES < most:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    count = max(-(-most // step), 1)
    return [step * line for line in range(count + 1)]


def number(value: int) -> str:
    """Return a whole number as it is written in the current language, with its thousands apart."""
    return str(number_format(value, use_l10n=True, force_grouping=True))


def percent(value: float, whole: float) -> str:
    """Return a share for an attribute of SVG, which has its decimal point in every language."""
    return f"{100 * value / whole:.3f}".rstrip("0").rstrip(".") if whole else "0"


def share(value: int, whole: int) -> str:
    """Return a share in percent as it is written in the current language; what is less than one is not nothing."""
    rounded = round(100 * value / whole)
    shown = "<\N{NARROW NO-BREAK SPACE}1" if value and not rounded else number(rounded)
    return f"{shown}\N{NARROW NO-BREAK SPACE}%"


def _y(value: int, top: int) -> str:
    return f"{ABOVE + HEIGHT - HEIGHT * value / top:.1f}"


def _column(index: int, point: Point, count: int, top: int) -> dict[str, Any]:
    # However little, something is seen.
    height = max(HEIGHT * point.value / top, 1) if point.value else 0
    at, anchor = _anchor(index, count)
    return {
        "label": point.label,
        "value": number(point.value),
        "tick": point.tick,
        "is_minor": point.is_minor,
        "place": f"{percent(index, count)}%",
        "room": f"{percent(1, count)}%",
        "x": f"{percent(index + GAP / 2, count)}%",
        "width": f"{percent(1 - GAP, count)}%",
        "at": f"{percent(at, count)}%",
        "anchor": anchor,
        "y": f"{ABOVE + HEIGHT - height:.1f}",
        "height": f"{height:.1f}",
    }


def _anchor(index: int, count: int) -> tuple[float, str]:
    """Return where a column's label is held, and at which end: those beside an edge grow away from it."""
    if index < count * EDGE:
        return index, "start"
    return (index + 1, "end") if index + 1 > count * (1 - EDGE) else (index + 0.5, "middle")
