"""Read heat, water and temperatures from the registers of a heat meter."""

from dataclasses import dataclass

import numpy as np

from gis.errors import TableError
from twin.ingest.cleaning import (
    BoolArray,
    Finding,
    FloatArray,
    IntArray,
    Kind,
    Rules,
    clean,
    runs_of,
    time_words,
)
from twin.ingest.payloads.mbus import WATER
from twin.ingest.registers import increments, spread
from twin.store.records import Quality

COLUMNS = ("energy", "volume", "forward_volume", "return_volume")
"""Registers: heat [kWh], water [m3], water times its temperature on the way in and out
[m3 degC], from which the mean temperatures follow."""

BALANCED = 0.05
"""Share by which heat may differ from 1.163 x water x difference of temperatures: hot
water holds up to 3 % less a cubic metre than that at 20 degC."""

STRAIGHT = 3
"""Intervals alike in all registers that are no chance any more."""

RARE = 0.01
"""Share of intervals without water up to which each of them is worth a word."""

TEMPERATURES = Rules(low=0.0, high=120.0, window=3, threshold=6.0, least=15.0)
"""Of district heating; Swedish networks send at most 120 degC (assumed)."""


@dataclass(frozen=True)
class Ticks:
    """Least step of each register, by which its readings are uncertain."""

    energy: float = 1.0
    volume: float = 0.01
    forward_volume: float = 1.0
    return_volume: float = 1.0


@dataclass(frozen=True)
class HeatMeter:
    """What a heat meter tells by intervals.

    Attributes
    ----------
    start : (n,) int64
        Start of each interval [microseconds since 1970, UTC].
    energy, volume : (n,) float
        Heat [kWh] and water [m3]; NaN where unknown.
    forward, back : (n,) float
        Temperatures [degC] as mean over the water of their block: as many intervals as it
        takes to know them within the limit; NaN where impossible.
    error : (n,) float
        Largest error of the temperatures by the ticks of the registers [K].
    raw_forward, raw_back : (n,) float
        The same from each interval alone, as naive division has it.
    quality : (n,) int64
        Flags of `Quality`; `Quality.ESTIMATED` where temperatures are of several
        intervals, or the registers lie on a straight line.
    findings : tuple of Finding
        What is wrong, of what kind, and why.
    """

    start: IntArray
    energy: FloatArray
    volume: FloatArray
    forward: FloatArray
    back: FloatArray
    error: FloatArray
    raw_forward: FloatArray
    raw_back: FloatArray
    quality: IntArray
    findings: tuple[Finding, ...]


def read_heat_meter(
    time: IntArray,
    registers: dict[str, FloatArray],
    *,
    step: int,
    limit: float = 5.0,
    ticks: Ticks | None = None,
    rules: Rules = TEMPERATURES,
) -> HeatMeter:
    """Return what a heat meter tells by intervals, and what is wrong with it.

    Parameters
    ----------
    time : (n,) int64
        When it was read [microseconds since 1970, UTC].
    registers : dict of (n,) float
        Its `COLUMNS`, cumulative.
    step : int
        Length of the intervals [microseconds].
    limit : float
        Largest error of temperatures that is allowed [K].
    ticks : Ticks, optional
        Steps of the registers.
    rules : Rules
        What temperatures can be like.

    Returns
    -------
    HeatMeter

    Raises
    ------
    TableError
        If a register is missing.

    Notes
    -----
    A temperature is the quotient of two registers that count in steps. With a step of
    ``f`` [m3 degC] and ``v`` [m3] the quotient over a volume ``V`` errs by at most
    ``(f + T v) / V``: over a litre of water by a thousand degrees. No filter mends that;
    more water does.
    """
    missing = [column for column in COLUMNS if column not in registers]
    if missing:
        message = f"a heat meter must have {', '.join(COLUMNS)}; {missing} are missing"
        raise TableError(message)
    step_of = ticks or Ticks()
    series = {column: increments(time, registers[column]) for column in COLUMNS}
    amounts = {column: spread(found, step=step) for column, found in series.items()}
    start = amounts["energy"].start
    energy, volume, hot, cold = (amounts[column].amount for column in COLUMNS)
    quality = np.bitwise_or.reduce([amounts[column].quality for column in COLUMNS])
    with np.errstate(divide="ignore", invalid="ignore"):
        raw_forward, raw_back = hot / volume, cold / volume
    raw_forward[~np.isfinite(raw_forward)] = np.nan
    raw_back[~np.isfinite(raw_back)] = np.nan

    block = _blocks(volume, hot, limit, step_of)
    forward, back, error = _of_blocks(block, volume, hot, cold, step_of)
    findings = _impossible(start, raw_forward, forward, volume, hot, rules, step_of)
    for name, temperature in (("forward", forward), ("return", back)):
        # Blocks repeat a value over their hours: spikes are looked for block by block.
        first = np.flatnonzero(np.append([True], np.diff(block) != 0))
        cleaned = clean(
            start[first],
            temperature[first],
            rules,
            name=f"{name} temperature",
            unit="degC",
        )
        findings += cleaned.findings
        gone = np.isnan(cleaned.value) & ~np.isnan(temperature[first])
        temperature[np.isin(block, block[first[gone]])] = np.nan
    several = np.bincount(block)[block] > 1
    quality[several & ~np.isnan(forward)] |= int(Quality.ESTIMATED)

    straight = _straight(energy, volume, hot, cold)
    quality[straight] |= int(Quality.ESTIMATED)
    findings += _interpolated(start, straight, step)
    findings += _standing(start, volume, step)
    findings += _balance(start, energy, hot, cold)
    findings.sort(key=lambda one: one.start)
    return HeatMeter(
        start,
        energy,
        volume,
        forward,
        back,
        error,
        raw_forward,
        raw_back,
        quality,
        tuple(findings),
    )


def temperature_error(volume: float, temperature: float, ticks: Ticks) -> float:
    """Return the largest error of a temperature over a volume of water [K].

    Examples
    --------
    >>> round(temperature_error(1.0, 65.0, Ticks()), 3)
    1.65
    """
    return (ticks.forward_volume + temperature * ticks.volume) / volume


def _blocks(volume: FloatArray, hot: FloatArray, limit: float, ticks: Ticks) -> IntArray:
    """Return the number of each interval's block, long enough for its temperature."""
    block = np.zeros(len(volume), np.int64)
    number = 0
    water = heat = 0.0
    begun = 0
    for place in range(len(volume)):
        if np.isnan(volume[place]) or np.isnan(hot[place]):
            # Nothing goes over a hole: what was begun ends, unfinished.
            number += 1
            block[place] = number
            number += 1
            water = heat = 0.0
            begun = place + 1
            continue
        block[place] = number
        water += volume[place]
        heat += hot[place]
        if water > 0 and temperature_error(water, heat / water, ticks) <= limit:
            number += 1
            water = heat = 0.0
            begun = place + 1
    if 0 < begun < len(volume) and block[begun - 1] == number - 1:
        # What is left at the end is too little by itself.
        block[begun:] = number - 1
    return block


def _of_blocks(
    block: IntArray, volume: FloatArray, hot: FloatArray, cold: FloatArray, ticks: Ticks
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return temperatures and their error, of each block for all its intervals."""
    water = np.bincount(block, volume)
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = np.bincount(block, hot) / water
        back = np.bincount(block, cold) / water
        error = (ticks.forward_volume + forward * ticks.volume) / water
    for values in (forward, back, error):
        values[~np.isfinite(values)] = np.nan
    return forward[block], back[block], error[block]


def _impossible(
    start: IntArray,
    raw: FloatArray,
    forward: FloatArray,
    volume: FloatArray,
    hot: FloatArray,
    rules: Rules,
    ticks: Ticks,
) -> list[Finding]:
    """Return why quotients of single intervals cannot be; ``forward`` is of more water."""
    with np.errstate(invalid="ignore"):
        places = np.flatnonzero((raw > rules.high) | (raw < rules.low))
    findings = []
    for place in places:
        error = temperature_error(volume[place], forward[place], ticks)
        text = (
            f"{time_words(int(start[place]))}: forward temperature of {raw[place]:.0f} "
            f"degC is {hot[place]:.3f} m3 degC over {1000 * volume[place]:.1f} l of water; "
            f"the registers count in steps of {ticks.forward_volume:g} m3 degC and "
            f"{1000 * ticks.volume:g} l, so that it is known to {error:.0f} K only; "
            f"{forward[place]:.0f} degC taken, from more water"
        )
        findings.append(
            Finding(Kind.UNCERTAIN, int(start[place]), int(start[place]), 1, text)
        )
    return findings


def _straight(*amounts: FloatArray) -> BoolArray:
    """Return which intervals lie on a straight line in all registers, though they move.

    Two intervals alike are chance where registers count in coarse steps; three are not.
    """
    count = len(amounts[0])
    if count < STRAIGHT:
        return np.zeros(count, dtype=bool)
    alike = np.ones(count - 1, dtype=bool)
    for amount in amounts:
        scale = max(float(np.nanmax(np.abs(amount), initial=0.0)), 1e-12)
        alike &= np.abs(np.diff(amount)) < 1e-7 * scale
    straight = np.zeros(count, dtype=bool)
    for run in runs_of(alike):
        if len(run) >= STRAIGHT - 1 and any(amount[run[0]] > 0 for amount in amounts):
            straight[run[0] : run[-1] + 2] = True
    return straight


def _interpolated(start: IntArray, straight: BoolArray, step: int) -> list[Finding]:
    """Return where somebody drew a line between readings."""
    findings = []
    for run in runs_of(straight):
        text = (
            f"{time_words(int(start[run[0]]))}: all registers go straight for {len(run)} "
            f"intervals of {step / 60e6:g} min; somebody filled a gap in the readings; "
            "kept and flagged"
        )
        first, last = int(start[run[0]]), int(start[run[-1]])
        findings.append(Finding(Kind.INTERPOLATED, first, last, len(run), text))
    return findings


def _standing(start: IntArray, volume: FloatArray, step: int) -> list[Finding]:
    """Return where no water went, if that is rare."""
    still = volume == 0
    if not still.any() or still.mean() > RARE:
        return []
    usual = float(np.median(volume[volume > 0]))
    findings = []
    for run in runs_of(still):
        after = float(volume[run[-1] + 1]) if run[-1] + 1 < len(volume) else np.nan
        went_on = (
            f"{1000 * after:.0f} l after it, usually {1000 * usual:.0f} l: "
            + ("readings were missing and caught up" if after > len(run) * usual
               else "the supply stood still, no reading was missed")
        )  # fmt: skip
        text = (
            f"{time_words(int(start[run[0]]))}: no water for {len(run)} intervals of "
            f"{step / 60e6:g} min; {went_on}; kept"
        )
        first, last = int(start[run[0]]), int(start[run[-1]])
        findings.append(Finding(Kind.STILL, first, last, len(run), text))
    return findings


def _balance(
    start: IntArray, energy: FloatArray, hot: FloatArray, cold: FloatArray
) -> list[Finding]:
    """Return whether heat and temperatures tell two stories over the whole time."""
    known = ~np.isnan(energy) & ~np.isnan(hot) & ~np.isnan(cold)
    told = float(energy[known].sum())
    expected = WATER * float((hot - cold)[known].sum())
    if not known.any() or expected <= 0 or abs(told / expected - 1) <= BALANCED:
        return []
    text = (
        f"heat of {told:.0f} kWh must be near 1.163 x water x difference of temperatures, "
        f"{expected:.0f} kWh; a unit or a register is wrong"
    )
    first, last = int(start[known][0]), int(start[known][-1])
    return [Finding(Kind.BALANCE, first, last, int(known.sum()), text)]
