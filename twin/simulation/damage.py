"""Do to solar plants and readings what a plan says."""

from collections.abc import Mapping, Sequence

import numpy as np

from twin.expectation.conditions import FloatArray, IntArray
from twin.model import Model
from twin.quantities import Quantity
from twin.simulation.chance import chances_of
from twin.simulation.faults import FaultKind, Plan, Planted

LEAST_SHADOW = 0.01
"""Share of the run's energy that a new shadow must take."""


def damage_panels(
    sun: Mapping[str, FloatArray],
    plan: Plan,
    *,
    system_of: Mapping[str, str],
    start: IntArray,
    azimuth: FloatArray,
    elevation: FloatArray,
    beam: FloatArray,
) -> dict[str, FloatArray]:
    """Return what panels and collectors give with outages, dirt and new shadows.

    Parameters
    ----------
    sun : mapping of str to (t,) float
        Power by system [kW].
    plan : Plan
    system_of : mapping of str to str
        System of each point.
    start : (t,) int
        Starts of the steps [microseconds since 1970, UTC].
    azimuth, elevation : (t,) float
        Of the sun [degrees].
    beam : (t,) float
        Share of the light that comes from the sun's disc.
    """
    left = dict(sun)
    for fault in plan.of(FaultKind.OUTAGE, FaultKind.SOILING, FaultKind.SHADING):
        system = system_of[fault.point]
        if system not in left:
            continue
        inside = (start >= fault.start) & (start < fault.end)
        kept = np.ones(len(start))
        if fault.kind is FaultKind.OUTAGE:
            kept[inside] = 0.0
        elif fault.kind is FaultKind.SOILING:
            kept[inside] -= (
                fault.size * (start[inside] - fault.start) / (fault.end - fault.start)
            )
        else:
            hidden = inside & hides(fault, azimuth, elevation)
            kept[hidden] -= fault.size * beam[hidden]
        left[system] = left[system] * kept
    return left


def seen_only(
    plan: Plan,
    before: Mapping[str, FloatArray],
    after: Mapping[str, FloatArray],
    model: Model,
) -> Plan:
    """Return a plan without shadows that take next to nothing: nobody could see them.

    Parameters
    ----------
    plan : Plan
    before, after : mapping of str to (t,) float
        Power of panels by system [kW], without and with what is planned.
    model : Model
    """
    system_of = {point.id: point.system for point in model.points}
    kept, gone = [], 0
    for fault in plan.faults:
        if fault.kind is FaultKind.SHADING:
            system = system_of[fault.point]
            lost = 1.0 - float(after[system].sum()) / float(before[system].sum())
            if lost < LEAST_SHADOW:
                gone += 1
                continue
        kept.append(fault)
    notes = (f"{gone} of shading would take next to nothing",) if gone else ()
    return Plan(tuple(kept), (*plan.notes, *notes))


def hides(
    fault: Planted, azimuth: FloatArray, elevation: FloatArray
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say when a new obstacle stands before the sun: its place follows from the point."""
    chance = np.random.default_rng(chances_of(fault.point))
    middle, wide = chance.uniform(140, 220), chance.uniform(18, 30)
    top = chance.uniform(35, 60)
    return np.asarray((np.abs(azimuth - middle) < wide) & (elevation < top))


def damage_readings(
    values: FloatArray,
    others: FloatArray,
    faults: Sequence[Planted],
    *,
    start: IntArray,
) -> FloatArray:
    """Return what a device tells of what it measured.

    Parameters
    ----------
    values : (n,) float
        Readings in order.
    others : (n,) float
        What it would have read at the times that a wrong clock tells.
    faults : sequence of Planted
        Of the point.
    start : (n,) int
        Times [microseconds since 1970, UTC].

    Returns
    -------
    (n,) float
        NaN where nothing is sent.
    """
    told = values.copy()
    for fault in faults:
        inside = (start >= fault.start) & (start < fault.end)
        instant = fault.kind in (FaultKind.SWAP, FaultKind.ROLLOVER)
        if not inside.any() and not instant:
            continue
        if fault.kind is FaultKind.STUCK:
            told[inside] = told[int(np.argmax(inside))]
        elif fault.kind is FaultKind.CLOCK:
            told[inside] = others[inside]
        elif fault.kind is FaultKind.UNIT:
            told[inside] = told[inside] * fault.size
        elif fault.kind is FaultKind.OUTAGE:
            told[inside] = 0.0
        elif fault.kind is FaultKind.SILENCE:
            told[inside] = np.nan
        elif fault.kind is FaultKind.DRIFT:
            told[inside] += (
                fault.size * (start[inside] - fault.start) / (fault.end - fault.start)
            )
        elif fault.kind is FaultKind.SPIKE:
            chance = np.random.default_rng(chances_of(fault.point))
            seen = inside & (np.abs(told) > 0)
            hit = seen & (chance.random(len(start)) < 0.08)
            # One at least, where it is largest.
            hit[int(np.argmax(np.where(seen, np.abs(told), -1.0)))] |= bool(seen.any())
            told[hit] = told[hit] * fault.size
        elif instant and (start >= fault.start).any():
            first = int(np.argmax(start >= fault.start))
            counted = told - told[first]
            if fault.kind is FaultKind.SWAP:
                told[first:] = counted[first:]
            else:
                # All of it moves, so that its end is reached just then.
                told = np.mod(counted + fault.size, fault.size)
            told = np.round(told, 6)
    return told


def fits(values: FloatArray, quantity: Quantity) -> bool:
    """Say whether all readings lie in the range of the quantity; others are refused."""
    known = values[np.isfinite(values)]
    return bool(((known >= quantity.low) & (known <= quantity.high)).all())
