"""Take the values of points out of a store, with their flags."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import IntArray
from twin.expectation.points import Values
from twin.store.protocol import Store


@dataclass(frozen=True)
class Logged:
    """What stands in a store over some time.

    Attributes
    ----------
    values : mapping of str to (times, values)
        By point [microseconds since 1970, UTC]; known gaps are NaN.
    quality : mapping of str to (n,) int
        Flags of these values (`twin.store.records.Quality`).
    sources : tuple of str
        Where the store's values come from.
    """

    values: Mapping[str, Values]
    quality: Mapping[str, IntArray]
    sources: tuple[str, ...]


def read_logged(
    store: Store,
    *,
    start: int | None = None,
    end: int | None = None,
    known_at: int | None = None,
) -> Logged:
    """Return what stands in a store.

    Parameters
    ----------
    store : Store
    start, end : int, optional
        First moment and first left out [microseconds since 1970, UTC]; default: all.
    known_at : int, optional
        As known when; default now.
    """
    with store.snapshot():
        span = store.span()
        if span is None:
            return Logged({}, {}, ())
        table = store.table(
            span[0] if start is None else start,
            span[1] + 1 if end is None else end,
            known_at=known_at,
        )
        sources = tuple(store.sources())
    frame = table.select(["point", "time", "value", "quality"]).to_pandas()
    values: dict[str, Values] = {}
    quality: dict[str, IntArray] = {}
    for point, part in frame.groupby("point", observed=True, sort=False):
        values[str(point)] = (
            part["time"].to_numpy(np.int64),
            part["value"].to_numpy(np.float64),
        )
        quality[str(point)] = part["quality"].to_numpy(np.int64)
    return Logged(values, quality, sources)
