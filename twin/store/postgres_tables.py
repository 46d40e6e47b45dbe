"""Put long tables of observations in the order that the history wants."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from twin.store.loading import Coded
from twin.store.postgres_batch import Batch
from twin.store.postgres_schema import FIRST_MONTH, LAST_MONTH


def numbered(told: Coded, points: Mapping[str, int], sources: Mapping[str, int]) -> Batch:
    """Return a table with the numbers that the store gave the names."""
    of_point = np.array([points[name] for name in told.points], np.int64)
    of_source = np.array([sources[name] for name in told.sources], np.int64)
    columns = told.columns
    return Batch(
        point=of_point[columns["point"]],
        time=columns["time"],
        value=columns["value"],
        source=of_source[columns["source"]],
        quality=columns["quality"],
        version=columns["version"],
    )


def by_month(
    point: NDArray[np.int64], time: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[int]]:
    """Return the order by month, point and time, and one time of each month."""
    first, last = (_months(*month) for month in (FIRST_MONTH, LAST_MONTH))
    month = time.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    month = np.clip(month, first - 1, last)
    _, at = np.unique(month, return_index=True)
    return np.lexsort((time, point, month)), time[at].tolist()


def _months(year: int, month: int) -> int:
    """Return how many months lie between 1970 and another."""
    return 12 * (year - 1970) + month - 1
