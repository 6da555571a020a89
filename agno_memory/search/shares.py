"""The share of an embedding model in the scores of a search.

The model adds to the words and does not replace them: fused by rank, or alone, it finds less; see docs/recall.md.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from agno_memory.search.ranking import Row

# The weights of a row's own similarity, of the one that its neighbours carry, and of its session's. They were tuned
# with the constants of ``ranking``.
ROW: Final = 0.5
CARRY: Final = 0.25
SESSION: Final = 0.25
# The weight of a row without a session.
ALONE: Final = 1.5
# The part of a similarity that counts for the next row of the session, and for the row before.
AHEAD: Final = 0.6
BACK: Final = 0.3
# The similarity of a session is the mean of so many of its best rows.
BEST_OF_SESSION: Final = 3
# Similarities of fewer rows have no distribution to compare with: they count as they are.
MIN_ROWS: Final = 8


def model_shares(rows: Iterable[Row], cosines: Mapping[str, float]) -> dict[str, float]:
    """Return the share of the model by key, for the rows that have a vector.

    Args:
        rows: those to rank.
        cosines: of the query and each row, by key.
    """
    known = [row for row in rows if row.key in cosines]
    own = _standardized({row.key: cosines[row.key] for row in known})
    in_session = [row for row in known if row.session is not None]
    carried = _standardized(_carried(in_session, cosines))
    sessions = _standardized(_sessions(in_session, cosines))
    shares = {row.key: ALONE * own[row.key] for row in known if row.session is None}
    for row in in_session:
        key = row.key
        shares[key] = math.fsum((ROW * own[key], CARRY * carried[key], SESSION * sessions[key]))
    return shares


def _standardized(values: Mapping[str, float]) -> dict[str, float]:
    """Return values as numbers of standard deviations from their mean."""
    if len(values) < MIN_ROWS:
        return dict(values)
    mean = math.fsum(values.values()) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values.values()) / len(values))
    return {key: (value - mean) / deviation if deviation else 0.0 for key, value in values.items()}


def _carried(rows: Sequence[Row], cosines: Mapping[str, float]) -> dict[str, float]:
    """Return the largest of each row's own similarity and the parts of its neighbours'."""
    at = {(row.session, row.position): cosines[row.key] for row in rows}
    return {
        row.key: max(
            cosines[row.key],
            AHEAD * at.get((row.session, row.position - 1), 0.0),
            BACK * at.get((row.session, row.position + 1), 0.0),
        )
        for row in rows
    }


def _sessions(rows: Sequence[Row], cosines: Mapping[str, float]) -> dict[str, float]:
    """Return the similarity of each row's session."""
    of_session: dict[str | None, list[float]] = defaultdict(list)
    for row in rows:
        of_session[row.session].append(cosines[row.key])
    means = {
        session: math.fsum(best) / len(best)
        for session, values in of_session.items()
        if (best := heapq.nlargest(BEST_OF_SESSION, values))
    }
    return {row.key: means[row.session] for row in rows}
