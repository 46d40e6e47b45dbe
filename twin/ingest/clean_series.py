"""Clean the series of a table on its way in, with a list of what was found."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.ingest.checks import Way
from twin.ingest.cleaning import Finding, Rules, clean, time_words
from twin.ingest.cleaning import Kind as FindingKind
from twin.ingest.heat_meter import COLUMNS, read_heat_meter
from twin.ingest.registers import increments
from twin.kinds import Kind
from twin.store.records import Quality

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SHARE_OF_LEAP = 0.25
"""Share of the largest change within an hour below which nothing is a spike; assumed."""

WINDOW = 3

FORWARD, RETURN = "forward_temperature", "return_temperature"
"""Names under which the temperatures of a heat meter go in, if the mapping has them."""

SHOWN = 20
"""Readings of a register that are told singly; the others are counted."""


@dataclass(frozen=True)
class Flagged:
    """What was found in a series.

    Attributes
    ----------
    quality : (n,) int64
        Flags of `Quality`, one for each value.
    dropped : (n,) bool
        Readings of a register that stand out and go back: they would make those after
        them look as if the register ran backwards.
    findings : tuple of Finding
    """

    quality: IntArray
    dropped: BoolArray
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class HeatSeries:
    """Temperatures that follow from the registers of a heat meter, and what was found."""

    start: IntArray
    forward: FloatArray
    back: FloatArray
    quality: IntArray
    findings: tuple[Finding, ...]


def flag_series(way: Way, time: IntArray, value: FloatArray, *, name: str) -> Flagged:
    """Flag what a sensor cannot have measured.

    Parameters
    ----------
    way : Way
        Its quantity, and what the mapping tells of the meter: at which number a register
        starts again, and how fast it counts at most.
    time : (n,) int64
        In any order [microseconds since 1970, UTC].
    value : (n,) float
        In the quantity's unit; NaN is a gap.
    name : str
        What it is called, for the messages.

    Returns
    -------
    Flagged
        Of the order given; of equal times only the first is looked at.
    """
    quantity = way.quantity
    if quantity is None:
        message = "a way must lead to a point, got one of values that nobody wants"
        raise TableError(message)
    times, place = np.unique(time, return_index=True)
    quality = np.zeros(len(time), np.int64)
    dropped = np.zeros(len(time), dtype=bool)
    if quantity.kind is Kind.REGISTER:
        found = increments(
            times,
            value[place] - way.offset,
            largest=way.largest if way.largest < math.inf else None,
            most=way.leap if way.limited else None,
        )
        out = np.isin(times, found.dropped)
        dropped[place[out]] = True
        quality[place[out]] |= Quality.SPIKE.value
        new = np.isin(times, found.end[(found.quality & Quality.RESET.value) > 0])
        quality[place[new]] |= Quality.RESET.value
        again = np.isin(times, found.end[(found.quality & Quality.ROLLOVER.value) > 0])
        quality[place[again]] |= Quality.ROLLOVER.value
        findings = [
            Finding(
                FindingKind.SPIKE,
                int(times[k]),
                int(times[k]),
                1,
                f"{time_words(int(times[k]))}: {name} of {value[place[k]]:.6g} "
                f"{quantity.unit} stands out and goes back; put aside",
            )
            for k in np.flatnonzero(out)[:SHOWN].tolist()
        ]
        findings += [
            Finding(
                FindingKind.SPIKE,
                int(times[0]),
                int(times[-1]),
                0,
                f"{name}: {text}",
            )
            for text in found.findings
        ]
        return Flagged(quality, dropped, tuple(findings))
    rules = Rules(
        low=quantity.low,
        high=quantity.high,
        window=WINDOW,
        threshold=6.0 if way.leap < math.inf else 0.0,
        least=SHARE_OF_LEAP * way.leap if way.leap < math.inf else 0.0,
        longest=None if quantity.still is None else quantity.still * 1_000_000,
    )
    # A value of 0 may stand for ever: panels at night, a radiator in summer.
    held = (
        np.where(value[place] == 0, np.nan, value[place]) if rules.longest else value[place]
    )
    cleaned = clean(times, held, rules, name=name, unit=quantity.unit)
    quality[place] |= cleaned.quality
    told = tuple(_kept(finding) for finding in cleaned.findings)
    return Flagged(quality, dropped, told)


def _kept(finding: Finding) -> Finding:
    """Return a finding that says what is done here: values stay, with a flag."""
    text = finding.message.removesuffix("removed")
    if text != finding.message:
        text += "kept and flagged"
    return Finding(finding.kind, finding.start, finding.end, finding.count, text)


def heat_registers(names: list[str]) -> dict[str, str]:
    """Return which columns are the four registers of a heat meter, {} if they are not.

    Examples
    --------
    >>> heat_registers(["energy_kwh", "volume_m3", "inlet_m3xC", "back_m3xC"])["volume"]
    'volume_m3'
    """
    found: dict[str, str] = {}
    for name in names:
        plain = name.casefold().replace(" ", "").replace("*", "x").replace("°", "")
        weighted = "m3xc" in plain or "m3xdegc" in plain or "m³xc" in plain
        if weighted and any(word in plain for word in ("inlet", "forward", "fram")):
            found.setdefault("forward_volume", name)
        elif weighted and any(word in plain for word in ("back", "return", "retur")):
            found.setdefault("return_volume", name)
        elif not weighted and "energ" in plain:
            found.setdefault("energy", name)
        elif not weighted and ("volum" in plain or "volym" in plain):
            found.setdefault("volume", name)
    return found if len(found) == len(COLUMNS) else {}


def read_registers(
    time: IntArray, registers: dict[str, FloatArray], *, name: str
) -> HeatSeries:
    """Return the temperatures of a heat meter, and what is wrong with its registers."""
    steps = np.diff(np.unique(time))
    step = int(np.median(steps)) if len(steps) else 3_600_000_000
    read = read_heat_meter(time, registers, step=max(step, 60_000_000))
    findings = tuple(
        Finding(one.kind, one.start, one.end, one.count, f"{name}: {one.message}")
        for one in read.findings
    )
    return HeatSeries(read.start, read.forward, read.back, read.quality, findings)
