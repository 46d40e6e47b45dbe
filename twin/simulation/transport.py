"""Send readings on their way: some get lost, come twice, late or in no order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import FloatArray, IntArray
from twin.kinds import Kind
from twin.model import Model
from twin.simulation.demand import SOURCE
from twin.simulation.faults import FaultKind, Plan
from twin.simulation.readings import Track
from twin.store.records import Observation, Quality


@dataclass(frozen=True)
class Delivery:
    """What arrives at a moment.

    Attributes
    ----------
    moment : int
        [microseconds since 1970, UTC].
    rows : list of Observation
        In the order in which they arrive; by systems where nothing went wrong.
    """

    moment: int
    rows: list[Observation]


@dataclass(frozen=True)
class _Group:
    """Points that are read at the same times."""

    names: tuple[str, ...]
    gateways: tuple[str, ...]
    start: IntArray
    known: IntArray
    values: FloatArray


def deliver(
    tracks: Sequence[Track], model: Model, plan: Plan, *, seed: int
) -> Iterator[Delivery]:
    """Yield what arrives, moment by moment.

    Parameters
    ----------
    tracks : sequence of Track
        What devices tell.
    model : Model
        Which building's gateway sends for a point.
    plan : Plan
        Lost, doubled and late values.
    seed : int
        Of what gets lost and doubled.

    Yields
    ------
    Delivery
        Flows at the end of their interval, states and registers at once. What a gateway
        kept back comes last things first.
    """
    rng = np.random.default_rng([seed, 31])
    lost = sum(fault.size for fault in plan.of(FaultKind.GAPS))
    doubled = sum(fault.size for fault in plan.of(FaultKind.DUPLICATES))
    groups = _groups(tracks, model)
    held: dict[int, list[Observation]] = {}
    again: list[Observation] = []
    late = {fault.point: fault for fault in plan.of(FaultKind.LATE)}
    moments = sorted({int(t) for g in groups for t in g.known})
    moments = sorted({*moments, *(fault.end for fault in late.values())})
    for moment in moments:
        fresh: list[Observation] = []
        for group in groups:
            column = int(np.searchsorted(group.known, moment))
            if column == len(group.known) or group.known[column] != moment:
                continue
            time = int(group.start[column])
            chance = rng.random(len(group.names))
            told = group.values[:, column]
            # Half of what is lost is reported as lost.
            sent = np.isfinite(told) & (chance >= lost / 2)
            for k in np.flatnonzero(sent):
                value = None if chance[k] < lost else float(told[k])
                row = Observation(
                    group.names[k], time, value, SOURCE, Quality.SIMULATED.value
                )
                keeps = late.get(group.gateways[k])
                if keeps is not None and keeps.start <= time < keeps.end > moment:
                    held.setdefault(keeps.end, []).append(row)
                else:
                    fresh.append(row)
        rows = [*fresh, *again, *reversed(held.pop(moment, []))]
        again = [row for row in fresh if rng.random() < doubled] if doubled else []
        if rows:
            yield Delivery(moment, rows)
    left = [*again, *(row for rows in held.values() for row in reversed(rows))]
    if left:
        yield Delivery(moments[-1], left)


def _groups(tracks: Sequence[Track], model: Model) -> list[_Group]:
    """Put points together that are read at the same times."""
    owner = model.owner
    parts: dict[tuple[int, bool], list[Track]] = {}
    for track in tracks:
        flow = track.point.quantity.kind is Kind.FLOW
        parts.setdefault((track.point.interval, flow), []).append(track)
    return [
        _Group(
            names=tuple(track.point.id for track in members),
            gateways=tuple(owner[track.point.system] for track in members),
            start=members[0].start,
            known=members[0].start + (interval * 1_000_000 if flow else 0),
            values=np.array([track.value for track in members]),
        )
        for (interval, flow), members in parts.items()
    ]


def count_rows(tracks: Sequence[Track]) -> int:
    """Return how many values are measured in a run."""
    return sum(int(np.isfinite(track.value).sum()) for track in tracks)


def units_of(model: Model) -> Mapping[str, str]:
    """Return the unit of each point."""
    return {point.id: point.quantity.unit for point in model.points}
