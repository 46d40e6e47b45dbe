"""Fit buildings out with all kinds of equipment."""

from collections.abc import Callable

from twin.equipment import equipment, with_systems
from twin.model import DISTRICT, Building, Model, Point, System, SystemKind, system_id
from twin.quantities import Quantity
from twin.simulation.chance import chance_of

K = SystemKind

SHARES: dict[SystemKind, float] = {
    K.SOLAR_THERMAL: 0.15,
    K.WASTE_WATER: 0.15,
    K.HEAT_PUMP: 0.1,
    K.BATTERY: 0.2,
    K.BEMS: 0.3,
}
"""Share of the buildings that could have it which get it: assumed."""

WASTE_STATIONS = 3


def fit_out(model: Model, *, interval: int) -> tuple[Model, tuple[str, ...]]:
    """Return a model whose buildings have the full equipment, where it is lacking.

    Parameters
    ----------
    model : Model
    interval : int
        Of the new points [s]; those that are there keep theirs.

    Returns
    -------
    model : Model
        The same where nothing is lacking.
    told : tuple of str
        What was added, in words.

    Notes
    -----
    Meters of heat, electricity, rooms and panels get their other points. Offices get
    cooling; offices, schools and new flats ventilation; which homes get collectors (on the
    roofs of their panels), waste-water exchangers, heat pumps and batteries hangs on their
    id. The district gets a weather station, waste stations and a management system.
    """
    have = {system.id for system in model.systems}
    points = {point.id for point in model.points}
    panels = {s.building: s.facets for s in model.systems if s.kind is K.PV}
    systems: list[System] = []
    added: list[Point] = []

    def add(building: str, kind: SystemKind, *, number: int = 1, **more: object) -> None:
        """Add what is lacking of a system."""
        facets = more.get("facets", ())
        assert isinstance(facets, tuple)
        own = kind.quantities
        if kind is K.ELECTRICITY:
            own = (*own, Quantity.GRID_POWER)
        system, told = equipment(
            building,
            kind,
            number=number,
            quantities=own,
            facets=facets,
            interval=interval,
        )
        if system.id not in have:
            systems.append(system)
        added.extend(point for point in told if point.id not in points)

    for building in model.buildings:
        for kind in (K.HEAT, K.ELECTRICITY, K.INDOOR, K.PV):
            if system_id(building.id, kind) in have:
                add(building.id, kind)
        for kind, fits in _FITTING.items():
            share = SHARES.get(kind, 1.0)
            if fits(building) and chance_of(f"{building.id} has {kind}") < share:
                if kind in (K.BATTERY, K.SOLAR_THERMAL) and building.id not in panels:
                    continue
                facets = panels[building.id] if kind is K.SOLAR_THERMAL else ()
                add(building.id, kind, facets=facets)
    add(DISTRICT, K.WEATHER)
    add(DISTRICT, K.BEMS)
    for number in range(1, WASTE_STATIONS + 1):
        add(DISTRICT, K.WASTE, number=number)
    if not systems and not added:
        return model, ()
    return with_systems(model, systems, added), (
        f"{len(systems):,} systems and {len(added):,} points added, every "
        f"{interval / 60:g} min",
    )


def is_home(building: Building) -> bool:
    """Say whether people live in a building, who need hot water every day."""
    return building.use not in ("office", "education")


_FITTING: dict[SystemKind, Callable[[Building], bool]] = {
    K.COOLING: lambda building: building.use == "office",
    K.VENTILATION: lambda building: (
        not is_home(building) or bool(building.year and building.year >= 2010)
    ),
    K.WASTE_WATER: is_home,
    K.SOLAR_THERMAL: is_home,
    K.HEAT_PUMP: is_home,
    K.BATTERY: lambda _: True,
    K.BEMS: lambda building: not is_home(building),
}
