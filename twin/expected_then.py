"""Tell what the systems that were there at a time should have given."""

import math
from dataclasses import replace

from twin.expected import ExpectedYear
from twin.live import LiveTwin
from twin.model import Model, System, SystemKind


def expected_then(
    twin: LiveTwin, model: Model, hour: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return expected powers in an hour of the typical year [kW], generation negative.

    Parameters
    ----------
    twin : LiveTwin
        The folder as it is now.
    model : Model
        The things of that day.
    hour : int
        Start [microseconds since 1970, UTC].

    Returns
    -------
    of_buildings : dict of str to float
        Panels of each building of the folder.
    of_systems : dict of str to float
        Systems of which the folder keeps hours: collectors, and panels that tell their
        size. Those that were of another size or lay elsewhere then are left out, and
        panels of their buildings as well.
    """
    year = twin.expected
    awaited = twin.expected_at([hour])[:, 0]
    of_buildings = {
        building.id: 0.0 - float(power)
        for building, power in zip(twin.model.buildings, awaited, strict=True)
        if not math.isnan(power)
    }
    now = {system.id: system for system in twin.model.systems}
    of_systems: dict[str, float] = {}
    for system in model.systems:
        if system.id in year.systems and _alike(system, now.get(system.id)):
            (power,) = year.of_system(system.id, [hour])
            if not math.isnan(power):
                of_systems[system.id] = 0.0 - float(power)
    # What the folder has of these buildings is that of the systems of today.
    for building in {system.building for system in _panels(twin.model, year)}:
        of_buildings.pop(building, None)
    own: dict[str, list[str]] = {}
    for system in model.systems:
        if system.kind is SystemKind.PV and system.facets:
            own.setdefault(system.building, []).append(system.id)
    for building in {system.building for system in _panels(model, year)}:
        if set(own[building]) <= set(of_systems):
            of_buildings[building] = sum(of_systems[name] for name in own[building])
    return of_buildings, of_systems


def _panels(model: Model, year: ExpectedYear) -> list[System]:
    """Return the panels with hours of their own."""
    return [
        system
        for system in model.systems
        if system.kind is SystemKind.PV and system.id in year.systems
    ]


def _alike(one: System, other: System | None) -> bool:
    """Say whether two systems give the same: their name and their days do not matter."""
    if other is None:
        return False
    same_days = replace(
        other, valid_from=one.valid_from, valid_to=one.valid_to, name=one.name
    )
    return same_days == one
