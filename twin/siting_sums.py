"""Sum up by building what a newcomer takes and what it gets."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.candidate import Candidate
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.cast_words import find_words
from meshes.solar.irradiance import Irradiation
from meshes.solar.newcomer import Shaded, count_words
from meshes.solar.occluders import Occluders
from meshes.solar.photovoltaics import PvPotential, pv_energy, yield_table
from meshes.solids import Kind
from twin.build import sum_buildings
from twin.siting_ground import DAY_HOURS, Site

WANTED_HOURS = 5.0
"""Hours of sun at the equinox between 9 and 17 that the Swedish National Board of Housing
recommended for homes (Solklart, 1991) [h]; a recommendation, the building code has no
number."""

LEAST_LOSS = 0.5
"""Loss of light in a year from which on a neighbour is called affected [kWh]."""


def sum_neighbours(
    site: Site, newcomer: Occluders, shaded: Shaded, threads: int | None
) -> pd.DataFrame:
    """Sum up by building what is lost."""
    built, facets, which = site.built, site.built.facets, shaded.facets
    owner = built.district.buildings["building"].to_numpy()[facets.part]
    buildings, number = np.unique(owner, return_inverse=True)

    def total(values: NDArray[np.floating], of: IntArray) -> FloatArray:
        """Sum values by building, ``of`` tells whose they are."""
        return np.bincount(of, values, minlength=len(buildings)).astype(np.float64)

    # Light and solar cells: only the facets in the newcomer's shadow have lost any.
    lost = facets.area[which] * (shaded.before.facet_annual - shaded.after.facet_annual)
    on_roof = facets.kind[which] == Kind.ROOF
    daylight = site.daylight
    pv_left = pv_energy(
        daylight.of(shaded.after),
        daylight.weather,
        assumptions=built.pv.assumptions,
        threads=threads,
    )
    pv_lost = total(built.pv.energy[which] - pv_left, number[which])
    roof_lost = total(lost * on_roof, number[which])
    facade_lost = total(lost * ~on_roof, number[which])
    # Sun at the equinox: means over the facades, each sensor weighted by its area.
    wall = facets.kind == Kind.WALL
    sensor = facets.sensor_facet
    weight = (facets.area * wall / facets.sensors_per_facet)[sensor]
    facade = total(weight, number[sensor])
    hours_lost, day_hours_lost = _hours_lost(site, newcomer, threads)
    had_enough = site.day_hours >= WANTED_HOURS
    no_longer = had_enough & (site.day_hours - day_hours_lost < WANTED_HOURS)
    sums = sum_buildings(built.parts).reindex(buildings)
    lasting = {
        "light_kwh": (sums["roof_kwh"] + sums["facade_kwh"], roof_lost + facade_lost),
        "roof_kwh_m2": (sums["roof_kwh_m2"], _over(roof_lost, sums["roof_area"])),
        "facade_kwh_m2": (sums["facade_kwh_m2"], _over(facade_lost, sums["facade_area"])),
        "pv_kwh": (sums["pv_kwh"], pv_lost),
        "sun_hours": (
            _over(total(weight * site.hours, number[sensor]), facade),
            _over(total(weight * hours_lost, number[sensor]), facade),
        ),
    }
    table = sums[["name", "use"]].copy()
    for name, (before, taken) in lasting.items():
        table[f"{name}_before"] = np.asarray(before)
        table[f"{name}_after"] = np.asarray(before) - np.asarray(taken)
        table[f"{name}_lost"] = np.asarray(taken)
    table["enough_sun_lost_m2"] = total(weight * no_longer, number[sensor])
    hurt = (table["light_kwh_lost"] >= LEAST_LOSS) | (table["sun_hours_lost"] > 0)
    return table[hurt].sort_values("light_kwh_lost", ascending=False, kind="stable")


def _over(values: ArrayLike, area: ArrayLike) -> FloatArray:
    """Divide by an area, NaN where there is none."""
    whole = np.asarray(area, np.float64)
    share: FloatArray = np.divide(
        np.asarray(values, np.float64),
        whole,
        out=np.full(len(whole), np.nan),
        where=whole > 0,
    )
    return share


def _hours_lost(
    site: Site, newcomer: Occluders, threads: int | None
) -> tuple[Float32Array, Float32Array]:
    """Return the hours of sun at the equinox that a newcomer takes, all and 9 to 17."""
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        words = find_words(
            site.scene.receivers,
            newcomer,
            site.compass,
            site.no_sun,
            pool=pool,
            workers=workers,
        )
    within = site.day.between(*DAY_HOURS)[site.compass.number][words.direction]
    facets, step = site.built.facets, np.float32(site.day.step)
    return (
        count_words(words, facets) * step,
        count_words(words.take(np.flatnonzero(within)), facets) * step,
    )


def sum_own(
    candidate: Candidate,
    light: Irradiation,
    pv: PvPotential,
    hours: Float32Array,
    day_hours: Float32Array,
) -> pd.Series:
    """Sum up what the new building gets."""
    facets = light.facets
    plain = pd.DataFrame(candidate.parts.drop(columns="geometry"))
    totals = sum_buildings(plain.join(yield_table(light, pv))).iloc[0]
    wall = (facets.kind == Kind.WALL)[facets.sensor_facet]
    weight = wall * (facets.area / facets.sensors_per_facet)[facets.sensor_facet]
    whole = max(float(weight.sum()), 1e-9)
    sun = {
        "sun_hours": float(weight @ hours) / whole,
        "enough_sun_share": float(weight @ (day_hours >= WANTED_HOURS)) / whole,
    }
    own: pd.Series = pd.concat([totals, pd.Series(sun)])
    return own
