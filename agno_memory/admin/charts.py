"""Charts as markup: SVG and tables, without scripts, style attributes or network requests.

Widths are in percent and heights in pixels, so that a chart fills the available width and its letters keep their size.
The style sheet is ``static/agno_memory/dashboard.css``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString

# Pixels: the height of the plot; the space for the ticks below it; the space above it for half a label of the topmost
# grid line; the width of a letter.
HEIGHT: Final = 160
BELOW: Final = 24
ABOVE: Final = 8
LETTER: Final = 7.5
# The gap between columns, as a share of a column's slot.
GAP: Final = 0.25
# Maximum number of grid lines above 0.
MAX_LINES: Final = 4
# Columns within this share of the width, at either end, have their ticks aligned to the edge.
EDGE: Final = 0.05


class Point(NamedTuple):
    """A column of a chart.

    Args:
        label: the label of the column.
        value: 0 or more.
        tick: text on the axis below the column; none by default.
        is_minor: whether the tick is hidden on narrow screens.
    """

    label: str
    value: int
    tick: str = ""
    is_minor: bool = False


class Bar(NamedTuple):
    """A row of a table of bars.

    Args:
        label: the label of the row.
        value: 0 or more.
        url: link of the label; none by default.
        note: a text beside the label.
    """

    label: str
    value: int
    url: str = ""
    note: str = ""


def columns(name: str, title: str, summary: str, points: Sequence[Point], headings: tuple[str, str]) -> SafeString:
    """Return a column chart, with its numbers as a table.

    Args:
        name: unique on the page; letters, digits and dashes.
        title: the title of the chart.
        summary: a sentence about the data, for screen readers.
        points: the columns, in the order of the axis.
        headings: the headings of the table's two columns.
    """
    lines = grid_lines(max((point.value for point in points), default=0))
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


def bars(title: str, rows: Iterable[Bar], headings: tuple[str, str], total: int | None = None) -> SafeString:
    """Return a table with a bar in each of its rows, in their order.

    Args:
        title: the title of the table.
        rows: the rows.
        headings: the headings of the labels and of the numbers.
        total: 100 percent, for the shares; without it, no shares are shown.
    """
    rows = list(rows)
    maximum = max((row.value for row in rows), default=0)
    lines = [
        {
            "label": row.label,
            "url": row.url,
            "note": row.note,
            "value": number(row.value),
            "width": percent(row.value, maximum),
            "share": share(row.value, total) if total else "",
        }
        for row in rows
    ]
    return render_to_string("agno_memory/charts/bars.html", {"title": title, "lines": lines, "headings": headings})


def grid_lines(maximum: int) -> list[int]:
    """Return the values of the grid lines: 0, and up to ``MAX_LINES`` round numbers, the last one >= ``maximum``."""
    step = 1
    while step * MAX_LINES < maximum:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    count = max(-(-maximum // step), 1)
    return [step * line for line in range(count + 1)]


def number(value: int) -> str:
    """Return a whole number in the format of the current language, with separated thousands."""
    return str(number_format(value, use_l10n=True, force_grouping=True))


def percent(value: float, total: float) -> str:
    """Return a share in percent for an SVG attribute, with a decimal point in every language."""
    return f"{100 * value / total:.3f}".rstrip("0").rstrip(".") if total else "0"


def share(value: int, total: int) -> str:
    """Return a share in percent in the format of the current language; "<1 %" if a share above 0 rounds to 0."""
    rounded = round(100 * value / total)
    text = "<\N{NARROW NO-BREAK SPACE}1" if value and not rounded else number(rounded)
    return f"{text}\N{NARROW NO-BREAK SPACE}%"


def _y(value: int, top: int) -> str:
    return f"{ABOVE + HEIGHT - HEIGHT * value / top:.1f}"


def _column(index: int, point: Point, count: int, top: int) -> dict[str, Any]:
    # A value above 0 has a visible height.
    height = max(HEIGHT * point.value / top, 1) if point.value else 0
    tick_x, anchor = _anchor(index, count)
    return {
        "label": point.label,
        "value": number(point.value),
        "tick": point.tick,
        "is_minor": point.is_minor,
        "slot_x": f"{percent(index, count)}%",
        "slot_width": f"{percent(1, count)}%",
        "x": f"{percent(index + GAP / 2, count)}%",
        "width": f"{percent(1 - GAP, count)}%",
        "tick_x": f"{percent(tick_x, count)}%",
        "anchor": anchor,
        "y": f"{ABOVE + HEIGHT - height:.1f}",
        "height": f"{height:.1f}",
    }


def _anchor(index: int, count: int) -> tuple[float, str]:
    """Return the x position of a column's tick, in slots, and its ``text-anchor``: near an edge, it is that edge."""
    if index < count * EDGE:
        return index, "start"
    return (index + 1, "end") if index + 1 > count * (1 - EDGE) else (index + 0.5, "middle")
