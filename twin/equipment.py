"""Add systems and their points to a model."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from twin.model import INTERVAL, LAYOUT, Model, Point, System, system_id
from twin.quantities import Quantity
from twin.system_kinds import SystemKind


def with_systems(
    model: Model, systems: Iterable[System], points: Iterable[Point] = ()
) -> Model:
    """Return a model with more systems and points, behind those it has.

    Parameters
    ----------
    model : Model
    systems : iterable of System
        Of its buildings or, with `DISTRICT` as building, of the district.
    points : iterable of Point
        On these systems or those that were there.

    Raises
    ------
    TableError
        If they do not hang together with the others.
    """
    return replace(
        model,
        systems=(*model.systems, *systems),
        points=(*model.points, *points),
    )


def equipment(
    building: str,
    kind: SystemKind,
    *,
    number: int = 1,
    quantities: Iterable[Quantity] | None = None,
    facets: Sequence[str] = (),
    interval: int = INTERVAL,
    name: str = "",
    rated_kw: float | None = None,
    area_m2: float | None = None,
    limit_kw: float | None = None,
) -> tuple[System, tuple[Point, ...]]:
    """Make a system with the points that such a one usually has.

    Parameters
    ----------
    building : str
        `DISTRICT` for the district's own.
    kind : SystemKind
    number : int
        Which of the building's systems of the kind; the first has none in its id.
    quantities : iterable of Quantity, optional
        What is measured there; default: what the kind usually has.
    facets : sequence of str
        Roofs and walls that carry it.
    interval : int
        Time from one value to the next [s].
    name : str
    rated_kw, area_m2, limit_kw : float, optional
        How large it is, as of `System`.

    Returns
    -------
    system : System
    points : tuple of Point

    Examples
    --------
    >>> system, points = equipment("", SystemKind.BATTERY)
    >>> system.id, points[0].id
    ('battery', 'battery/battery_power')
    """
    made = system_id(building, kind) if building else kind.value
    if number != 1:
        made = f"{made}-{number}"
    chosen = kind.quantities if quantities is None else tuple(quantities)
    short = {quantity: word for quantity, (home, word) in LAYOUT.items() if home is kind}
    system = System(
        made,
        building,
        kind,
        tuple(facets),
        name,
        rated_kw=rated_kw,
        area_m2=area_m2,
        limit_kw=limit_kw,
    )
    return system, tuple(
        Point(f"{made}/{short.get(quantity, quantity.value)}", made, quantity, interval)
        for quantity in chosen
    )
