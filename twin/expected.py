"""Look up what panels should yield at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import SourceError, TableError
from twin.expected_systems import with_systems
from twin.judgement import FloatArray

FILE = "hourly.parquet"
"""Name of the file in the twin folder."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ExpectedYear:
    """Expected yield of every building's panels, for every hour of a typical year.

    Parameters
    ----------
    buildings : tuple of str
        The b buildings.
    kw : (b, h) float
        Mean of each hour [kW], 0 or positive.
    hours : tuple of datetime
        Starts of the h hours, UTC. The year is that of the weather the light was computed
        with; any other year is looked up by month, day and hour.
    systems : mapping of str to (h,) float
        The same of systems that tell how large they are, and of collectors, whose power
        is heat: see `twin.expected_systems`.
    """

    buildings: tuple[str, ...]
    kw: FloatArray
    hours: tuple[datetime, ...]
    systems: Mapping[str, FloatArray] = field(default_factory=dict)

    @cached_property
    def peak(self) -> FloatArray:
        """Largest expected power of the year, (b,) float [kW]."""
        largest: FloatArray = self.kw.max(axis=1)
        return largest

    @cached_property
    def _column(self) -> dict[tuple[int, int, int], int]:
        """Column of each month, day and hour."""
        return {
            (hour.month, hour.day, hour.hour): number
            for number, hour in enumerate(self.hours)
        }

    def columns(self, times: Sequence[int]) -> list[int | None]:
        """Return where times are found in the year, None where it lacks them.

        Parameters
        ----------
        times : sequence of int
            Starts of hours [microseconds since 1970, UTC]. 29 February is taken as the
            28th where the year has none.
        """
        found = []
        for time in times:
            when = EPOCH + timedelta(microseconds=int(time))
            key = (when.month, when.day, when.hour)
            column = self._column.get(key)
            if column is None and key[:2] == (2, 29):
                column = self._column.get((2, 28, when.hour))
            found.append(column)
        return found

    def at(self, times: Sequence[int]) -> FloatArray:
        """Return the expected yields at times.

        Parameters
        ----------
        times : sequence of int
            Starts of t hours [microseconds since 1970, UTC].

        Returns
        -------
        (b, t) float
            [kW], 0 or positive, NaN where the year lacks the hour.
        """
        values = np.full((len(self.buildings), len(times)), np.nan)
        for place, column in enumerate(self.columns(times)):
            if column is not None:
                values[:, place] = self.kw[:, column]
        return values

    def of_system(self, name: str, times: Sequence[int]) -> FloatArray:
        """Return the expected power of one of `systems` at times, (t,) float.

        As `at`: [kW], 0 or positive, NaN where the year lacks the hour.
        """
        values = np.full(len(times), np.nan)
        for place, column in enumerate(self.columns(times)):
            if column is not None:
                values[place] = self.systems[name][column]
        return values


def read_expected(path: Path) -> ExpectedYear:
    """Read the expected yields of all buildings.

    Parameters
    ----------
    path : Path
        ``hourly.parquet`` of a twin folder: building after building, the same hours each.

    Returns
    -------
    ExpectedYear

    Raises
    ------
    SourceError
        If the file is missing or no Parquet.
    TableError
        If it lacks columns or buildings differ in their hours.

    Notes
    -----
    Reads through `ParquetFile`: `read_table` loads Arrow's data set library, which alone
    takes longer than the file.
    """
    # Imported here: a page of help must not wait for it.
    from pyarrow.parquet import ParquetFile

    if not path.is_file():
        message = f"{path} must exist, but is missing; build the twin again"
        raise SourceError(message)
    try:
        with ParquetFile(path) as file:
            table = file.read(columns=["building", "time", "pv_kw"])
        names = table["building"].unify_dictionaries()
        kw = _numbers(table["pv_kw"].chunks).astype(np.float64)
        time = _microseconds(table["time"])
    except (OSError, pa.ArrowException) as error:
        message = f"{path} must be Parquet that can be read: {error}; build the twin again"
        raise SourceError(message) from error
    except (KeyError, AttributeError, BufferError, TypeError) as error:
        message = (
            f"{path} must have building, time, pv_kw without gaps: {error}; build again"
        )
        raise TableError(message) from error
    codes = _numbers([chunk.indices for chunk in names.chunks])
    order = codes[np.r_[True, codes[1:] != codes[:-1]]] if len(codes) else codes
    count = len(codes) // max(1, len(order))
    whole = count * len(order) == len(codes) > 0 and len(set(order)) == len(order)
    if not whole or (time.reshape(-1, count) != time[:count]).any() or not (kw >= 0).all():
        message = (
            f"{path} must hold the same hours of every building, all 0 kW or more; "
            "build the twin again"
        )
        raise TableError(message)
    known = names.chunk(0).dictionary.to_pylist()
    year = ExpectedYear(
        buildings=tuple(known[code] for code in order),
        kw=kw.reshape(len(order), count),
        hours=tuple(EPOCH + timedelta(microseconds=int(hour)) for hour in time[:count]),
    )
    return with_systems(year, path.parent)


def _numbers(chunks: Sequence[pa.Array]) -> NDArray[Any]:
    """Return numbers without gaps as an array.

    Arrow's own ``to_numpy`` loads pandas and ``cast`` its library of functions; each takes
    longer than all of this together.
    """
    return np.concatenate([np.empty(0, np.int8), *(np.from_dlpack(c) for c in chunks)])


def _microseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return times as microseconds since 1970, UTC."""
    if not pa.types.is_timestamp(times.type) or times.type.tz is None:
        message = f"times must have a time zone, got {times.type}"
        raise TypeError(message)
    raw = _numbers([chunk.view(pa.int64()) for chunk in times.chunks])
    if times.type.unit == "ns":
        return raw // 1000
    whole: NDArray[np.int64] = raw * {"s": 1_000_000, "ms": 1000, "us": 1}[times.type.unit]
    return whole
