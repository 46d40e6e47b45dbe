"""Hold the values of a table, and how it is to be read."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twin.ingest.local_time import Label

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Unwanted = Callable[[str, str, IntArray], BoolArray]
"""Says of which times values of a device and name are known and not wanted."""


@dataclass(frozen=True)
class Reader:
    """How a table is read.

    Attributes
    ----------
    zone : str
        Time zone of times that name none; "" refuses them.
    label : Label or None
        Which end of an interval they name; only told for times without a zone. Where
        nobody says it is the start, but for hours numbered from 1.
    time, device : str or None
        Columns of times and devices; a ``device`` that is no column is that of all rows.
    unit : str
        Unit where neither the table nor the mapping tells one.
    column : str or None
        The only column of a wide table that is read.
    decimal : str
        The decimal mark; "" where the file shall tell.
    """

    zone: str = ""
    label: Label | None = None
    time: str | None = None
    device: str | None = None
    unit: str = ""
    column: str | None = None
    decimal: str = ""


@dataclass(frozen=True, order=True)
class Series:
    """Who measured what: names and unit as the table has them."""

    device: str
    name: str
    unit: str


@dataclass(frozen=True)
class Bad:
    """A row that cannot be read: its line, why, and what stands there."""

    line: int
    fault: str
    message: str
    text: str


@dataclass
class Export:
    """The values of a table in the order of its rows.

    Attributes
    ----------
    series : list of Series
    place : (n,) int
        Which of them a value belongs to.
    time : (n,) int
        [microseconds since 1970, UTC]
    value : (n,) float
        NaN is a gap.
    line : (n,) int
        Line of the file, the column names being line 1.
    source : (n,) object or None
        Name of the source, where the table tells.
    quality, version : (n,) int or None
    bad : list of Bad
    notes : list of str
    """

    series: list[Series]
    place: IntArray
    time: IntArray
    value: FloatArray
    line: IntArray
    source: npt.NDArray[np.object_] | None = None
    quality: IntArray | None = None
    version: IntArray | None = None
    bad: list[Bad] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
