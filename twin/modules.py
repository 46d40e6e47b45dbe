"""Lay solar modules and collectors on a twin and tell what they yield."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely

from gis.errors import TableError, UnknownIdError
from gis.faults import name_some
from meshes.polygons import IntArray
from meshes.solar.gather import Progress
from meshes.solar.power.arrays import ArrayYield, array_yield
from meshes.solar.power.economy import cost_curve
from meshes.solar.power.layout import Layout, Mounting, lay_modules
from meshes.solar.power.usable import Usable, find_usable
from meshes.solar.thermal import FLAT_PLATE, Collector, heat_hours
from twin.build import Built

BLOCK = 256
"""Facets whose hours of heat are held at a time."""


@dataclass(frozen=True)
class Modules:
    """Solar modules on a twin.

    Attributes
    ----------
    usable : Usable
        Where modules may lie.
    layout : Layout
        The modules.
    arrays : ArrayYield or None
        A year of all strings, if it was asked for.
    """

    usable: Usable
    layout: Layout
    arrays: ArrayYield | None

    @property
    def power(self) -> float:
        """Rated power of all modules [kWp]."""
        return len(self.layout) * self.layout.module.power

    def costs(self) -> pd.DataFrame:
        """Rank roofs and facades by the cost of their power: see `cost_curve`.

        Raises
        ------
        TableError
            If no year was computed.
        """
        if self.arrays is None:
            message = "costs need a year of the strings; ask for it with yields"
            raise TableError(message)
        return cost_curve(self.arrays)


def place_modules(
    built: Built,
    *,
    building: str | None = None,
    mounting: Mounting | None = None,
    yields: bool = True,
    progress: Progress | None = None,
) -> Modules:
    """Lay modules on all roofs and facades that are worth it.

    Parameters
    ----------
    built : Built
        The twin.
    building : str, optional
        Only on this building.
    mounting : Mounting, optional
        How they are mounted; rows to the south on flat roofs by default.
    yields : bool
        Whether to compute the year of every string, which takes a while.
    progress : callable, optional
        Told what is being done and how far it is.

    Raises
    ------
    UnknownIdError
        If the twin has no such building.
    """
    usable = find_usable(built.light)
    if building is not None:
        others = np.setdiff1d(
            np.arange(len(built.facets)), facets_of(built, building), assume_unique=True
        )
        shapes, area = usable.shapes.copy(), usable.area.copy()
        shapes[others], area[others] = shapely.Polygon(), 0.0
        usable = replace(usable, shapes=shapes, area=area)
    layout = lay_modules(
        built.facets, usable, latitude=built.district.latitude, mounting=mounting
    )
    arrays = None
    if yields and len(layout):
        arrays = array_yield(layout, built.light, built.weather, progress=progress)
    return Modules(usable, layout, arrays)


def facets_of(built: Built, building: str) -> IntArray:
    """Return the facets of a building; raises UnknownIdError if there is none."""
    owner = built.district.buildings["building"].to_numpy()
    if building not in owner:
        known = sorted(set(owner))
        message = (
            f"the twin has no building {building}; it has {len(known):,}: "
            f"{name_some(known)}"
        )
        raise UnknownIdError(message)
    return np.flatnonzero(owner[built.facets.part] == building)


def heat_table(
    built: Built,
    *,
    building: str | None = None,
    collector: Collector = FLAT_PLATE,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Tell the heat that collectors would give on every usable roof and facade.

    Parameters
    ----------
    built : Built
        The twin.
    building : str, optional
        Only on this building.
    collector : Collector
        Its parameters of ISO 9806.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    DataFrame
        Index ``facet``; ``part``, ``usable_m2`` and heat of the year per area of collector
        in its plane [kWh/m2]: ``preheat_kwh_m2`` and ``network_kwh_m2``, preheating hot
        water or giving all to the district-heating network. The best first.

    Raises
    ------
    UnknownIdError
        If the twin has no such building.
    """
    usable = find_usable(built.light)
    chosen = np.flatnonzero(usable.area > 0)
    if building is not None:
        chosen = np.intersect1d(chosen, facets_of(built, building))
    preheat, network = np.zeros(len(chosen)), np.zeros(len(chosen))
    for first in range(0, len(chosen), BLOCK):
        block = slice(first, first + BLOCK)
        hours = heat_hours(built.light, chosen[block], built.weather, collector=collector)
        preheat[block] = hours.preheat.sum(axis=1, dtype=np.float64) / 1000
        network[block] = hours.export.sum(axis=1, dtype=np.float64) / 1000
        if progress is not None:
            progress("solar heat", min(1.0, (first + BLOCK) / len(chosen)))
    facets = built.facets
    table = pd.DataFrame(
        {
            "part": [facets.solids.parts[k] for k in facets.part[chosen]],
            "usable_m2": usable.area[chosen],
            "preheat_kwh_m2": preheat,
            "network_kwh_m2": network,
        },
        index=pd.Index([facets.ids[k] for k in chosen], name="facet"),
    )
    return table.sort_values("network_kwh_m2", ascending=False, kind="stable")
