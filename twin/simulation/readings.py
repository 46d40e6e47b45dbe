"""Measure what is: means of intervals, noise, digits, clocks that are off by seconds."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from twin.expectation.conditions import FloatArray, IntArray
from twin.kinds import Kind
from twin.model import Model, Point
from twin.quantities import Quantity
from twin.simulation.assumption import Assumption
from twin.simulation.chance import chances_of
from twin.simulation.damage import damage_readings, fits
from twin.simulation.district import Courses
from twin.simulation.faults import (
    PHYSICAL,
    SOLAR_POWERS,
    TRANSPORT,
    FaultKind,
    Plan,
    Planted,
)

SKEW = Assumption("spread of devices' clocks", 15.0, "s", "assumed")
MOST_SKEW = 60.0
"""Largest departure of a clock that is in order [s]."""

NOISE: Mapping[str, tuple[float, float, float]] = {
    "kW": (0.005, 0.0, 0.01),
    "m3/h": (0.01, 0.0, 0.001),
    "degC": (0.0, 0.05, 0.01),
    "W/m2": (0.01, 0.5, 0.1),
    "%": (0.0, 0.5, 0.1),
    "ppm": (0.01, 5.0, 1.0),
    "m/s": (0.02, 0.05, 0.01),
    "deg": (0.0, 2.0, 1.0),
    "hPa": (0.0, 0.05, 0.1),
    "mm/h": (0.03, 0.0, 0.1),
}
"""Relative and absolute standard deviation and last digit of meters, by unit: classes of
usual instruments, assumed. Registers, set-points and codes have none."""


@dataclass(frozen=True)
class Track:
    """What a point tells in a run.

    Attributes
    ----------
    point : Point
    start : (n,) int
        Times [microseconds since 1970, UTC].
    value : (n,) float
        NaN where nothing is sent.
    """

    point: Point
    start: IntArray
    value: FloatArray


def measure(
    courses: Courses, model: Model, plan: Plan, *, seed: int
) -> tuple[tuple[Track, ...], Plan]:
    """Measure all points.

    Parameters
    ----------
    courses : Courses
        What is.
    model : Model
    plan : Plan
        What goes wrong with devices.
    seed : int
        Of noise.

    Returns
    -------
    tracks : tuple of Track
        In the order of the model's points.
    plan : Plan
        The same without faults that would leave the range of their quantity, or that
        nobody sends; the notes tell of them.
    """
    faults: dict[str, list[Planted]] = {}
    for fault in plan.faults:
        faults.setdefault(fault.point, []).append(fault)
    tracks: list[Track] = []
    gone: Counter[str] = Counter()
    left = [fault for fault in plan.faults if fault.kind in TRANSPORT]
    for point in model.points:
        own = faults.get(point.id, [])
        if point.id not in courses.values:
            gone.update(fault.kind for fault in own)
            continue
        track, kept = _measured(courses, point, own, seed=seed)
        left += kept
        gone.update(fault.kind for fault in own)
        gone.subtract(fault.kind for fault in kept)
        if len(track.start):
            tracks.append(track)
    notes = tuple(
        f"{count} of {kind} would leave the range of their quantity"
        for kind, count in gone.items()
        if count > 0
    )
    left.sort(key=lambda fault: (fault.start, fault.kind, fault.point))
    return tuple(tracks), replace(plan, faults=tuple(left), notes=(*plan.notes, *notes))


def _measured(
    courses: Courses, point: Point, faults: list[Planted], *, seed: int
) -> tuple[Track, list[Planted]]:
    """Measure a point; say which of its faults were planted."""
    quantity, fine = point.quantity, courses.values[point.id]
    parts = point.interval * 1_000_000 // courses.step
    # Intervals begin where clocks show whole ones.
    skip = -(courses.start[0] // courses.step) % parts
    count = (len(fine) - skip) // parts
    start = courses.start[skip::parts][:count]
    flow = quantity.kind is Kind.FLOW

    def seen(moved: int) -> FloatArray:
        """Return what is read by a clock that is off by some steps."""
        place = np.clip(np.arange(len(fine)) - moved, 0, len(fine) - 1)
        shown = fine[place][skip : skip + count * parts].reshape(count, parts)
        return np.asarray(shown.mean(axis=1) if flow else shown[:, 0], np.float64)

    rng = np.random.default_rng([seed, chances_of(point.id)])
    digits = _digits(rng, count, quantity)
    values = digits(_skewed(seen(0), point, flow=flow))
    others = values
    for fault in faults:
        if fault.kind is FaultKind.CLOCK:
            others = digits(seen(round(fault.size * 60_000_000 / courses.step)))
    kept = []
    told = values
    for fault in faults:
        # Plants that give nothing are measured as they are.
        if fault.kind in PHYSICAL and quantity in SOLAR_POWERS:
            kept.append(fault)
            continue
        for one in _alternatives(fault):
            after = damage_readings(told, others, [one], start=start)
            if fits(after, quantity):
                told = after
                kept.append(one)
                break
    return Track(point, start, np.clip(told, quantity.low, quantity.high)), kept


def _alternatives(fault: Planted) -> tuple[Planted, ...]:
    """Return a fault and what takes its place where it would leave the range."""
    if fault.kind is not FaultKind.UNIT:
        return (fault,)
    return fault, replace(fault, size=1.0 / fault.size)


def _skewed(values: FloatArray, point: Point, *, flow: bool) -> FloatArray:
    """Return means of intervals that begin some seconds too early or too late."""
    if not flow or len(values) < 2:
        return values
    chance = np.random.default_rng(chances_of(f"{point.system} clock"))
    seconds = float(np.clip(chance.normal() * SKEW.value, -MOST_SKEW, MOST_SKEW))
    share = min(abs(seconds) / point.interval, 0.5)
    other = np.roll(values, -1 if seconds > 0 else 1)
    # The neighbours of the ends are not known.
    edge = -1 if seconds > 0 else 0
    other[edge] = values[edge]
    return np.asarray((1 - share) * values + share * other, np.float64)


def _digits(
    rng: np.random.Generator, count: int, quantity: Quantity
) -> Callable[[FloatArray], FloatArray]:
    """Return what an instrument makes of values: the same noise whenever it is asked."""
    exact = (
        quantity.kind is Kind.REGISTER
        or "setpoint" in quantity.value
        or quantity.unit not in NOISE
    )
    if exact:
        return lambda values: values
    relative, absolute, last = NOISE[quantity.unit]
    white = rng.normal(size=count)

    def read(values: FloatArray) -> FloatArray:
        """Return noisy values of so many digits; nothing stays nothing."""
        noisy = values * (1 + relative * white) + absolute * white
        noisy = np.where(values == 0, 0.0, noisy) if relative else noisy
        shown = np.round(np.round(noisy / last) * last, 6)
        # Taken from zero: night must be 0 and not -0.
        return np.asarray(np.clip(shown, quantity.low, quantity.high) + 0.0, np.float64)

    return read
