"""A bar chart as SVG, for documents: it follows the reader's light or dark colours by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

# Pixels.
WIDTH: Final = 760
LABELS: Final = 90
ROW: Final = 12
GAP: Final = 10
HEAD: Final = 34
# The longest bar, as a multiple of the peer's time; longer ones are cut and labelled.
LONGEST: Final = 1.6

STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.value { font-size: 10px; fill: #59636e }
.base { stroke: #818b98; stroke-dasharray: 3 3 }
.b0 { fill: #9aa4af } .b1 { fill: #1a7f5a } .b2 { fill: #4c7fd0 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .value { fill: #9198a1 } .base { stroke: #656c76 }
.b0 { fill: #656c76 } .b1 { fill: #3fb984 } .b2 { fill: #7aa7f0 }
}
"""


class Bars(NamedTuple):
    """The bars of one database.

    Args:
        title: of the database.
        shares: by operation and store, the store's time as a share of the peer's.
    """

    title: str
    shares: dict[str, dict[str, float]]


def chart(groups: Iterable[Bars]) -> str:
    """Return the SVG of all groups, one below the other."""
    groups = list(groups)
    stores = list(next(iter(groups[0].shares.values())))
    parts = [_legend(stores)]
    y = HEAD
    for group in groups:
        height = _height(group, len(stores))
        parts.append(_group(group, y))
        y += height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
    title = "<title>Time of each operation as a share of the time of agno's own store; shorter is faster</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _height(group: Bars, stores: int) -> int:
    return HEAD + len(group.shares) * (stores * ROW + GAP)


def _legend(stores: list[str]) -> str:
    items = [
        f'<rect class="b{index}" x="{LABELS + index * 110}" y="8" width="10" height="10"/>'
        f'<text x="{LABELS + 14 + index * 110}" y="17">{escape(store)}</text>'
        for index, store in enumerate(stores)
    ]
    note = f'<text class="value" x="{LABELS + len(stores) * 110}" y="17">dashed: agno\'s own store</text>'
    return "".join([*items, note])


def _group(group: Bars, top: int) -> str:
    parts = [f'<text class="title" x="0" y="{top + 16}">{escape(group.title)}</text>']
    y = top + HEAD - 8
    begin = y
    for verb, shares in group.shares.items():
        parts.append(f'<text x="0" y="{y + len(shares) * ROW / 2 + 4:.0f}">{escape(verb)}</text>')
        for index, share in enumerate(shares.values()):
            parts.append(_bar(index, share, y + index * ROW))
        y += len(shares) * ROW + GAP
    base = LABELS + _length(1)
    parts.append(f'<line class="base" x1="{base:.1f}" x2="{base:.1f}" y1="{begin - 4}" y2="{y - GAP + 4}"/>')
    return "\n".join(parts)


def _bar(index: int, share: float, y: int) -> str:
    length = _length(min(share, LONGEST))
    label = f'<text class="value" x="{LABELS + length + 4:.1f}" y="{y + 9}">{share:.2f}</text>'
    return f'<rect class="b{index}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{ROW - 2}"/>{label}'


def _length(share: float) -> float:
    return share * (WIDTH - LABELS - 40) / LONGEST
