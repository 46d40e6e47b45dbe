"""Choose how large fields of collectors are built."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from twin.build import Built
from twin.model import Model, System, SystemKind
from twin.quantities import Quantity
from twin.simulation import demand
from twin.simulation.assumption import Assumption

FIELD = Assumption(
    "collectors' heat on a bright day by the hot water of a day",
    0.5,
    "1",
    "assumed: so that summers leave little over",
)
BRIGHT = Assumption("heat of collectors on a bright day", 2.5, "kWh/m2", "assumed")
MOST_ROOF = Assumption(
    "collectors' share of the roofs of the panels at most", 0.15, "1", "assumed"
)

ASSUMPTIONS = (FIELD, BRIGHT, MOST_ROOF)

LEAST_FIELD = 2.0
"""Area of a single collector [m2]: nobody builds less; usual."""


def size_collectors(built: Built, model: Model) -> Model:
    """Return a model whose collectors all tell their area.

    Parameters
    ----------
    built : Built
        The lit twin.
    model : Model
        Systems of collectors that tell neither area nor rated power get an area that half
        of the hot water of their building wants, on a small part of their roofs.

    Returns
    -------
    Model
        The same where all are told.
    """
    place = {name: k for k, name in enumerate(built.facets.ids)}
    water = _daily_water(model)

    def sized(system: System) -> System:
        """Return a system with its area."""
        facets = [place[name] for name in system.facets if name in place]
        told = system.area_m2 is not None or system.rated_kw is not None
        if system.kind is not SystemKind.SOLAR_THERMAL or told or not facets:
            return system
        most = MOST_ROOF.value * float(built.facets.area[facets].sum())
        # What belongs to the district itself has no hot water to heat.
        wanted = FIELD.value * water.get(system.building, np.inf) / BRIGHT.value
        area = round(max(min(wanted, most), LEAST_FIELD), 1)
        return replace(system, area_m2=float(area))

    systems = tuple(sized(system) for system in model.systems)
    return model if systems == model.systems else replace(model, systems=systems)


def _daily_water(model: Model) -> Mapping[str, float]:
    """Return the heat of hot water on a usual day of each building [kWh]."""
    table = pd.DataFrame(
        {
            "use": [b.use for b in model.buildings],
            "year": [np.nan if b.year is None else b.year for b in model.buildings],
            "floor_area": [float(b.floor_area or 0.0) for b in model.buildings],
        },
        index=pd.Index([b.id for b in model.buildings], name="building"),
    )
    scale = demand.scaled_area(table, Quantity.HEAT_POWER)
    kinds = demand.kinds_of(table)
    return {
        str(name): kind.hot_water.value * own / 365
        for name, kind, own in zip(table.index, kinds, scale, strict=True)
    }
