"""Estimate what solar cells on roofs and facades would yield."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.hourly import facet_hours
from meshes.solar.irradiance import Irradiation
from meshes.solids import Kind

STC = 1000.0
"""Irradiance of the standard test conditions [W/m2]."""

INCIDENCE_STEPS = 200
"""Steps of the table of cover transmission over the cosine of incidence."""

SHARED_VIEW = 1e-3
"""Sky view up to which a wall is taken as shared with a neighbour [-]; what grazes along it
is not quite nothing."""

BLOCK = 256
"""Facets whose hours are held at a time."""

Real = TypeVar("Real", Float32Array, FloatArray)
"""Arrays of either precision."""

SMALL_BLOCK = 128
"""Facets that a thread takes at a time."""


@dataclass(frozen=True)
class PvAssumptions:
    """Editable assumptions of the first PV estimate; none is a measurement.

    Attributes
    ----------
    power_density : float
        Rated power per module area [kWp/m2]; 0.20 is an ordinary crystalline module
        of 2020-2025 (20 % efficiency). Assumption.
    roof_cover, facade_cover : float
        Share of a suitable surface that modules can cover, after edges, equipment,
        access and windows [-]. Assumption.
    roof_threshold, facade_threshold : float
        Least annual irradiation of a suitable spot [kWh/m2]. 800 leaves out roofs that
        lose a fifth to shade, 600 leaves out northern and shaded facades. Assumption.
    losses : float
        Share lost in cables, inverter, dirt and mismatch [-]; 0.14 is the default of
        PVGIS.
    """

    power_density: float = 0.20
    roof_cover: float = 0.70
    facade_cover: float = 0.40
    roof_threshold: float = 800.0
    facade_threshold: float = 600.0
    losses: float = 0.14


@dataclass(frozen=True)
class PartHours:
    """Hourly course of the building parts, (p, h) float32 each [kW].

    Attributes
    ----------
    pv : float32
        Power of all modules of each part.
    roof, facade : float32
        Light on all roofs and on all facades of each part.
    """

    pv: Float32Array
    roof: Float32Array
    facade: Float32Array


@dataclass(frozen=True)
class PvPotential:
    """PV potential of facets.

    Attributes
    ----------
    module_area : (f,) float
        Module area [m2].
    power : (f,) float
        Rated power [kWp].
    energy : (f,) float
        Energy of the year, alternating current [kWh].
    assumptions : PvAssumptions
        What it rests on.
    hours : PartHours or None
        The hours behind it; None where they were not kept.
    """

    module_area: FloatArray
    power: FloatArray
    energy: FloatArray
    assumptions: PvAssumptions
    hours: PartHours | None = None


def pv_potential(
    light: Irradiation,
    weather: Weather,
    *,
    assumptions: PvAssumptions | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> PvPotential:
    """Place modules on the well-lit parts of all facets, in their plane, and run a year.

    Parameters
    ----------
    light : Irradiation
        The year's light on the facets.
    weather : Weather
        Air temperature and wind of the same hours.
    assumptions : PvAssumptions, optional
        Module and placement figures.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    PvPotential

    Notes
    -----
    Sun and sky through glass, direction by direction: ``pvlib.iam.physical``; reflected
    light: ``pvlib.iam.marion_diffuse``;
    cell temperature ``pvlib.temperature.faiman`` on the in-plane light; power
    ``pvlib.pvarray.huld`` for crystalline silicon. The hours of a facet are those of its
    mean; its suitable sensors get more light by the ratio of their annual sums.
    """
    chosen = assumptions or PvAssumptions()
    facets = light.facets
    area, gain = suitable_area(light, chosen)
    power = area * chosen.power_density
    energy, step = np.zeros(len(facets)), light.light.step
    shape = (len(facets.solids.parts), light.hours)
    pv, roofs, walls = (np.zeros(shape, np.float32) for _ in range(3))
    cells = _Cells(light, weather, gain, chosen)
    for first in range(0, len(facets), BLOCK):
        block = np.arange(first, min(first + BLOCK, len(facets)))
        if progress is not None:
            progress("photovoltaics", (block[-1] + 1) / len(facets))
        hours = facet_hours(light, block)
        for kind, into in ((Kind.ROOF, roofs), (Kind.WALL, walls)):
            mine = facets.kind[block] == kind
            _add_by_part(
                into, facets.part[block[mine]], hours[mine], facets.area[block[mine]]
            )
        fitted = power[block] > 0
        if not fitted.any():
            continue
        modules = block[fitted]
        output = cells.output(modules, hours[fitted])
        energy[modules] = output.sum(axis=1, dtype=np.float64) * power[modules] * step
        _add_by_part(pv, facets.part[modules], output, power[modules])
    for watts in (roofs, walls):
        watts /= np.float32(1000)
    return PvPotential(area, power, energy, chosen, PartHours(pv, roofs, walls))


def pv_energy(
    light: Irradiation,
    weather: Weather,
    *,
    assumptions: PvAssumptions | None = None,
    threads: int | None = None,
) -> FloatArray:
    """Return `PvPotential.energy` alone, (f,) [kWh], in a fraction of the time."""
    chosen = assumptions or PvAssumptions()
    area, gain = suitable_area(light, chosen)
    energy = np.zeros(len(area))
    cells = _Cells(light, weather, gain, chosen)
    fitted = np.flatnonzero(area > 0)

    def sum_up(first: int) -> None:
        modules = fitted[first : first + SMALL_BLOCK]
        output = cells.output(modules, facet_hours(light, modules))
        energy[modules] = output.sum(axis=1, dtype=np.float64)

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        list(pool.map(sum_up, range(0, len(fitted), SMALL_BLOCK)))
    return energy * area * (chosen.power_density * light.light.step)


class _Cells:
    """Solar cells under glass in one year's weather."""

    def __init__(
        self, light: Irradiation, weather: Weather, gain: FloatArray, chosen: PvAssumptions
    ) -> None:
        self._light, self._gain, self._losses = light, gain, chosen.losses
        incidence = np.degrees(np.arccos(np.linspace(0.0, 1.0, INCIDENCE_STEPS + 1)))
        self._glass = np.asarray(pvlib.iam.physical(incidence))
        self._diffuse = diffuse_transmission(light.facets)
        self._air = weather.table["temp_air"].to_numpy(np.float64)
        self._wind = weather.table["wind_speed"].to_numpy(np.float64)

    def output(self, modules: IntArray, hours: Float32Array) -> Float32Array:
        """Return the power per rated power of the modules on some facets, (k, h).

        ``hours`` is the light on the facets, (k, h) [W/m2].
        """
        ground, building = (through[modules] for through in self._diffuse)
        effective = facet_hours(
            self._light,
            modules,
            transmission=self._glass,
            reflected_transmission=(ground, building),
        )
        scale = self._gain[modules, None].astype(np.float32)
        cell = pvlib.temperature.faiman(hours * scale, self._air, self._wind)
        output: Float32Array = cell_output(effective * scale, cell)
        output *= np.float32(1 - self._losses)
        return output


def suitable_area(
    light: Irradiation, chosen: PvAssumptions
) -> tuple[FloatArray, FloatArray]:
    """Find where modules suit each facet.

    Parameters
    ----------
    light : Irradiation
        The year's light.
    chosen : PvAssumptions
        Least light of a suitable spot, and how much of those modules cover.

    Returns
    -------
    area : (f,) float
        Module area of each facet [m2].
    gain : (f,) float
        How much better its suitable spots are lit than its mean; 0 without any.
    """
    facets = light.facets
    owner = facets.sensor_facet
    annual = light.sensor_annual.astype(np.float64)
    roof = facets.kind == Kind.ROOF
    threshold = np.where(roof, chosen.roof_threshold, chosen.facade_threshold)
    good = annual >= threshold[owner]
    number = np.bincount(owner, good, minlength=len(facets))
    total = np.bincount(owner, annual * good, minlength=len(facets))
    mean = np.maximum(light.facet_annual, 1e-9)
    gain = np.where(number > 0, total / np.maximum(number, 1) / mean, 0.0)
    cover = np.where(roof, chosen.roof_cover, chosen.facade_cover)
    return facets.area * number / facets.sensors_per_facet * cover, gain


def diffuse_transmission(facets: Facets) -> tuple[FloatArray, FloatArray]:
    """Return the shares that pass glass of light from the ground and from buildings, (f,).

    Buildings stand above and below the horizon: the mean of sky and ground serves them.
    """
    tilt = np.degrees(np.arccos(np.clip(facets.normal[:, 2], -1.0, 1.0))).round(1)
    tilts, which = np.unique(tilt, return_inverse=True)
    found = [_marion(float(value)) for value in tilts]
    sky, ground = (
        np.nan_to_num(np.array([float(one[name]) for one in found]))[which]
        for name in ("sky", "ground")
    )
    return ground, (sky + ground) / 2


@cache
def _marion(tilt: float) -> dict[str, float]:
    """Shares of diffuse light that pass the glass at a tilt [degrees]."""
    found: dict[str, float] = pvlib.iam.marion_diffuse("physical", tilt)
    return found


def cell_output(effective: Real, cell_temperature: Real) -> Real:
    """Return the power of crystalline silicon per rated power, of direct current.

    Parameters
    ----------
    effective : (..., h) float
        Light behind the glass [W/m2].
    cell_temperature : (..., h) float
        [deg C].

    Returns
    -------
    (..., h) float
        Of the type of ``effective``; 0 below 1 W/m2, where the model has no value.

    Notes
    -----
    Huld's model as in pvlib, with its coefficients for crystalline silicon.
    """
    lit = effective > 1.0
    power = pvlib.pvarray.huld(
        np.where(lit, effective, STC), cell_temperature, 1.0, cell_type="csi"
    )
    limited: Real = np.where(lit, np.maximum(power, 0.0), 0.0).astype(effective.dtype)
    return limited


def _add_by_part(
    into: Float32Array, part: NDArray[np.int32], hours: Float32Array, weight: FloatArray
) -> None:
    """Add weighted rows to the rows of their building parts."""
    for row, (target, factor) in enumerate(zip(part, weight, strict=True)):
        into[target] += hours[row] * np.float32(factor)


def yield_table(light: Irradiation, pv: PvPotential) -> pd.DataFrame:
    """Sum light and PV per building part.

    Returns
    -------
    DataFrame
        Index ``part``; ``roof_area``, ``facade_area`` [m2, without what neighbours
        cover], ``roof_kwh_m2``,
        ``facade_kwh_m2`` [kWh/m2 and year, NaN without area], ``roof_kwh``,
        ``facade_kwh`` [kWh/year], ``pv_m2``, ``pv_kwp``, ``pv_kwh``, and of these
        ``pv_roof_kwh``, ``pv_facade_kwh``.
    """
    facets = light.facets
    parts = len(facets.solids.parts)
    # A wall shared with a neighbour sees no sky; it is no facade.
    seen = np.bincount(
        facets.sensor_facet, light.sensor_sky_view > SHARED_VIEW, minlength=len(facets)
    )
    open_area = facets.area * seen / facets.sensors_per_facet
    columns: dict[str, FloatArray] = {}
    for name, kind in (("roof", Kind.ROOF), ("facade", Kind.WALL)):
        mine = facets.kind == kind
        area = _sums(facets.part, open_area * mine, parts)
        # What sees no sky gets a little light thrown back, but is no facade either.
        lit = mine & (seen > 0)
        energy = _sums(facets.part, facets.area * lit * light.facet_annual, parts)
        columns[f"{name}_area"] = area
        columns[f"{name}_kwh_m2"] = np.divide(
            energy, area, out=np.full(parts, np.nan), where=area > 0
        )
        columns[f"{name}_kwh"] = energy
        columns[f"pv_{name}_kwh"] = _sums(facets.part, pv.energy * mine, parts)
    for name, values in (
        ("pv_m2", pv.module_area),
        ("pv_kwp", pv.power),
        ("pv_kwh", pv.energy),
    ):
        columns[name] = _sums(facets.part, values, parts)
    return pd.DataFrame(columns, index=pd.Index(facets.solids.parts, name="part"))


def _sums(index: NDArray[np.int32], values: FloatArray, count: int) -> FloatArray:
    """Sum the values of each index."""
    return np.bincount(index, values, minlength=count).astype(np.float64)
