"""Flag what a sensor cannot have measured, and say of each why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.ingest.payloads.fields import EPOCH
from twin.store.records import Quality

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAD = 1.4826
"""Standard deviation of normal values for a median absolute deviation of 1: Hampel (1974),
doi 10.1080/01621459.1974.10482962."""


class Kind(StrEnum):
    """What is wrong with a value."""

    RANGE = "range"
    """It lies outside what is possible; removed."""
    SPIKE = "spike"
    """It stands out from its neighbours on both sides; removed."""
    STUCK = "stuck"
    """It stood still longer than the quantity can; kept and flagged."""
    UNCERTAIN = "uncertain"
    """It follows from too few ticks of a register; removed."""
    INTERPOLATED = "interpolated"
    """It lies on a straight line between readings further apart; kept and flagged."""
    STILL = "still"
    """Nothing moved, and went on as if nothing had been missed; kept."""
    BALANCE = "balance"
    """Quantities that belong together differ; kept."""


@dataclass(frozen=True)
class Rules:
    """What values of a quantity can be like.

    Attributes
    ----------
    low, high : float
        Least and largest possible value.
    window : int
        Readings on each side that a value is held against.
    threshold : float
        Standard deviations of those, told from their median, beyond which it stands out;
        0 looks for no spikes.
    least : float
        Difference from their median that is never a spike: noise, a sensor's steps.
    longest : int or None
        How long the value may stand still [microseconds]; None for ever.
    """

    low: float = -np.inf
    high: float = np.inf
    window: int = 3
    threshold: float = 6.0
    least: float = 0.0
    longest: int | None = None

    def __post_init__(self) -> None:
        """Check that the rules can be kept."""
        if not (self.low < self.high and self.window >= 1 and self.threshold >= 0):
            message = (
                "rules must have low below high, a window of at least 1 and no threshold "
                f"below 0, got {self.low}, {self.high}, {self.window}, {self.threshold}"
            )
            raise TableError(message)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong from one reading to another.

    Attributes
    ----------
    kind : Kind
    start, end : int
        Times of the first and the last reading [microseconds since 1970, UTC].
    count : int
        Readings concerned.
    message : str
        What was found, what must hold, and what was done.
    """

    kind: Kind
    start: int
    end: int
    count: int
    message: str


@dataclass(frozen=True)
class Cleaned:
    """A series without what cannot be.

    Attributes
    ----------
    value : (n,) float
        NaN where it was removed, or there was none.
    quality : (n,) int64
        Flags of `Quality`, of removed values too.
    findings : tuple of Finding
        In the order of time.
    """

    value: FloatArray
    quality: IntArray
    findings: tuple[Finding, ...]


def clean(
    time: IntArray, value: FloatArray, rules: Rules, *, name: str, unit: str
) -> Cleaned:
    """Remove what is impossible or stands out, flag what stands still.

    Parameters
    ----------
    time : (n,) int64
        Ascending [microseconds since 1970, UTC].
    value : (n,) float
        NaN where there is none.
    rules : Rules
    name, unit : str
        What it is, for the messages.

    Returns
    -------
    Cleaned

    Raises
    ------
    TableError
        If times and values are not of one length or do not ascend.

    Notes
    -----
    A spike is found as by Hampel: by the distance from the median of the neighbours on
    both sides in units of their median deviation, the value itself left out. A step that
    stays is none, as the neighbours on one side are with it.
    """
    if len(time) != len(value) or (np.diff(time) <= 0).any():
        message = "times must ascend, one for each value; sort them and drop what is twice"
        raise TableError(message)
    held = np.asarray(value, dtype=float).copy()
    quality = np.zeros(len(held), np.int64)
    findings: list[Finding] = []
    words = _Words(name, unit)

    present = ~np.isnan(held)
    outside = present & ~((held >= rules.low) & (held <= rules.high))
    for run in runs_of(outside):
        text = (
            f"{words.span(held[run])} lies outside {rules.low:g} to {rules.high:g} {unit}; "
            "removed"
        )
        findings.append(_finding(Kind.RANGE, time, run, text))
    quality[outside] |= int(Quality.DOUBTFUL)
    held[outside] = np.nan

    middle, scale = _surroundings(held, rules.window)
    if rules.threshold:
        with np.errstate(invalid="ignore"):
            away = np.abs(held - middle)
            spikes = (away > rules.threshold * scale) & (away > rules.least)
        # Two in a row hide each other on one side: what is left stands out no more.
        for run in runs_of(spikes):
            text = (
                f"{words.span(held[run])} stands out from {middle[run[0]]:.4g} {unit} "
                f"around it by more than {rules.threshold:g} x {scale[run[0]]:.3g} {unit}; "
                "removed"
            )
            findings.append(_finding(Kind.SPIKE, time, run, text))
        quality[spikes] |= int(Quality.SPIKE)
        held[spikes] = np.nan

    if rules.longest is not None:
        for run in _still(time, held, rules.longest):
            lasted = (int(time[run[-1]]) - int(time[run[0]])) / 3.6e9
            text = (
                f"{name} stood still at {held[run[0]]:.6g} {unit} for {lasted:.3g} h, "
                f"longer than {rules.longest / 3.6e9:.3g} h; kept and flagged"
            )
            findings.append(_finding(Kind.STUCK, time, run, text))
            quality[run] |= int(Quality.STUCK)
    return Cleaned(held, quality, tuple(sorted(findings, key=lambda one: one.start)))


def summary(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many readings each kind of finding concerns."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.kind.value] += finding.count
    return dict(counts)


def time_words(time: int) -> str:
    """Return a time as text."""
    return f"{EPOCH + timedelta(microseconds=time):%Y-%m-%dT%H:%MZ}"


def runs_of(mask: BoolArray) -> list[IntArray]:
    """Return the places of each run of a mask."""
    places = np.flatnonzero(mask)
    if not len(places):
        return []
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)


def _surroundings(value: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Return the median of each value's neighbours and their deviation, as if normal.

    NaN where there are not as many neighbours on each side; gaps are stepped over.
    """
    middle = np.full(len(value), np.nan)
    scale = np.full(len(value), np.nan)
    places = np.flatnonzero(~np.isnan(value))
    if len(places) < 2 * window + 1:
        return middle, scale
    around = np.lib.stride_tricks.sliding_window_view(value[places], 2 * window + 1)
    others = np.delete(around, window, axis=1)
    centre = np.median(others, axis=1)
    inner = places[window : len(places) - window]
    middle[inner] = centre
    scale[inner] = MAD * np.median(np.abs(others - centre[:, None]), axis=1)
    return middle, scale


def _still(time: IntArray, value: FloatArray, longest: int) -> list[IntArray]:
    """Return runs of readings that stand still for longer than they may."""
    places = np.flatnonzero(~np.isnan(value))
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(value[places]) != 0) + 1
    runs = np.split(places, breaks)
    return [run for run in runs if time[run[-1]] - time[run[0]] > longest]


def _finding(kind: Kind, time: IntArray, run: IntArray, text: str) -> Finding:
    """Return a finding of a run of readings."""
    start, end = int(time[run[0]]), int(time[run[-1]])
    when = time_words(start)
    if end > start:
        when += f" to {time_words(end)}"
    return Finding(kind, start, end, len(run), f"{when}: {text}")


@dataclass(frozen=True)
class _Words:
    """What a series is called."""

    name: str
    unit: str

    def span(self, values: FloatArray) -> str:
        """Return values of a run as words."""
        if len(values) == 1:
            return f"{self.name} of {values[0]:.6g} {self.unit}"
        return f"{self.name} of {values.min():.6g} to {values.max():.6g} {self.unit}"
