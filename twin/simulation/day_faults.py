"""Plan what goes wrong on a simulated day; keep the truth of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from gis.errors import TableError
from twin.judgement import FloatArray
from twin.model import Model, SystemKind, point_id
from twin.quantities import Quantity
from twin.simulation.truth import FILE, check_day_free, read_truth, write_truth

__all__ = ["FILE", "Faults", "Outage", "Silence", "plan_faults", "record_faults"]

OUTAGE_HOURS = (10, 15)
"""First hour of the outage, and the first after it, UTC."""

LARGEST = 5
"""The outage falls on one of so many buildings, those with the most sun on their panels."""

SILENT_FROM = (9, 15)
"""Hours, UTC, between which the silent building's meters stop."""

GAP_SHARE = 0.01
"""Share of the intervals that are missing, in runs of one or two."""


@dataclass(frozen=True)
class Outage:
    """Panels that deliver nothing for some hours."""

    building: str
    point: str
    start_hour: int
    end_hour: int
    missing_kwh: float


@dataclass(frozen=True)
class Silence:
    """A building whose meters send nothing for the rest of the day."""

    building: str
    points: tuple[str, ...]
    from_hour: int


@dataclass(frozen=True)
class Faults:
    """What goes wrong on a simulated day.

    Attributes
    ----------
    date : str
        Day, UTC.
    seed : int
        Choices follow from it.
    outage : Outage or None
        None in a district without panels.
    silence : Silence or None
        None in a district of one building.
    gaps : tuple of (str, int)
        Points and hours that are reported as missing.
    """

    date: str
    seed: int
    outage: Outage | None
    silence: Silence | None
    gaps: tuple[tuple[str, int], ...]

    def apply(self, point: str, hour: int, value: float) -> tuple[bool, float | None]:
        """Return whether a value is sent, and what is sent (None: a known gap)."""
        quiet = self.silence
        if quiet and point in quiet.points and hour >= quiet.from_hour:
            return False, None
        if (point, hour) in self._gaps:
            return True, None
        out = self.outage
        if out and point == out.point and out.start_hour <= hour < out.end_hour:
            return True, 0.0
        return True, value

    @cached_property
    def _gaps(self) -> frozenset[tuple[str, int]]:
        """Gaps for looking up."""
        return frozenset(self.gaps)


def plan_faults(
    model: Model, pv_kw: Mapping[str, FloatArray], *, day: date, seed: int, gaps: bool
) -> Faults:
    """Choose what goes wrong: one outage, one silent building, some gaps.

    Parameters
    ----------
    model : Model
        Buildings and points to choose from.
    pv_kw : mapping of str to (24,) float
        What the panels of each building would deliver [kW], 0 or positive.
    day : date
        Day, UTC.
    seed : int
        The same seed makes the same choice.
    gaps : bool
        Whether intervals are missing; the outage and the silence are planted anyway.

    Returns
    -------
    Faults
    """
    # The day belongs to the seed: two days in a row do not fail alike.
    chance = np.random.default_rng([seed, day.toordinal()])
    first, after = OUTAGE_HOURS
    lost = {name: float(kw[first:after].sum()) for name, kw in pv_kw.items()}
    largest = sorted(lost, key=lambda name: (-lost[name], name))[:LARGEST]
    outage = None
    if largest and lost[largest[0]] > 0:
        chosen = largest[int(chance.integers(len(largest)))]
        outage = Outage(
            building=chosen,
            point=point_id(chosen, Quantity.PV_POWER),
            start_hour=first,
            end_hour=after,
            missing_kwh=round(lost[chosen], 3),
        )
    panels = {s.building for s in model.systems if s.kind is SystemKind.PV}
    others = [
        building.id
        for building in model.buildings
        if building.id in panels and not (outage and building.id == outage.building)
    ]
    silence = None
    if others:
        quiet = others[int(chance.integers(len(others)))]
        systems = {system.id for system in model.systems if system.building == quiet}
        silence = Silence(
            building=quiet,
            points=tuple(p.id for p in model.points if p.system in systems),
            from_hour=int(chance.integers(SILENT_FROM[0], SILENT_FROM[1] + 1)),
        )
    spared = {outage.point} if outage else set()
    spared |= set(silence.points) if silence else set()
    free = [point.id for point in model.points if point.id not in spared]
    return Faults(
        date=day.isoformat(),
        seed=seed,
        outage=outage,
        silence=silence,
        gaps=_gaps(free, chance) if gaps else (),
    )


def _gaps(points: list[str], chance: np.random.Generator) -> tuple[tuple[str, int], ...]:
    """Choose runs of one or two hours; the outage's and the silence's points are whole."""
    runs = round(GAP_SHARE * 24 * len(points) / 1.5)
    found = set()
    for _ in range(runs if points else 0):
        point = points[int(chance.integers(len(points)))]
        hour, length = int(chance.integers(24)), int(chance.integers(1, 3))
        found |= {(point, k) for k in range(hour, min(24, hour + length))}
    return tuple(sorted(found))


def record_faults(path: Path, faults: Faults) -> None:
    """Add a day to the file with the truth; a day that stands there must be the same.

    Parameters
    ----------
    path : Path
        ``simulated_faults.json``; the same days give the same bytes.
    faults : Faults

    Raises
    ------
    TableError
        If the day was planned otherwise before: its values are in the log already.
    SourceError
        If the file is no such file.
    OutputError
        If it cannot be written.
    """
    days, runs = read_truth(path)
    check_day_free(path, faults.date, runs)
    told = json.loads(json.dumps(asdict(faults)))
    standing = days.get(faults.date)
    if standing is not None and standing != told:
        message = (
            f"{faults.date} was simulated in {path.parent} with other choices (seed "
            f"{standing.get('seed')}, {len(standing.get('gaps', ()))} gaps); use those, "
            "another date, or a copy of the folder without its live.sqlite and "
            f"{path.name}"
        )
        raise TableError(message)
    days[faults.date] = told
    write_truth(path, days, runs)
