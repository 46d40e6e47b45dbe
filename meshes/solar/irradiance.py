"""Turn visibility and weather into irradiation of sensors, facets and buildings.

Directions are cast in blocks; each block's bits are spent at once on the sums, so memory
does not grow with the number of directions. Threads share out directions while casting
and facets while summing: every sum is added in one fixed order, whatever their number.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.light import FACADE_ALBEDO, GROUND_ALBEDO, Light, split_light
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.sum_kernel import MONTHS, add_beam, add_views
from meshes.solar.sun import BIN_DEGREES, SunPath, sun_path

Float32Array = NDArray[np.float32]
Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0..1."""

BLOCK = 64
"""Directions whose bits are held at a time."""


@dataclass(frozen=True)
class Irradiation:
    """A year of light on facets.

    Attributes
    ----------
    sensor_monthly : (n, 12) float32
        Irradiation of each sensor in each UTC month [kWh/m2].
    sensor_sky_view : (n,) float32
        Share of the sky each sensor sees, weighted by the cosine; a free horizontal
        sensor has 1, a free vertical one 0.5.
    facet_monthly : (f, 12) float
        Mean irradiation over each facet's sensors [kWh/m2].
    facet_sky_view : (f,) float
        Mean sky view of each facet.
    sun_share : (f, b) float32
        Share of each facet's sensors that see each sun bin.
    facets : Facets
        What the numbers belong to.
    light : Light
        Hourly light in parts.
    path : SunPath
        Sun positions and bins.
    horizon_view, ground_view, facade_view : (f,) float
        Mean shares of the light of horizon band, sunlit ground and free facades that each
        facet receives; a free wall has 1, 0.5 and 0.
    """

    sensor_monthly: Float32Array
    sensor_sky_view: Float32Array
    facet_monthly: FloatArray
    facet_sky_view: FloatArray
    sun_share: Float32Array
    facets: Facets
    light: Light
    path: SunPath
    horizon_view: FloatArray
    ground_view: FloatArray
    facade_view: FloatArray

    @property
    def sensor_annual(self) -> Float32Array:
        """(n,) float32: irradiation of each sensor over the year [kWh/m2]."""
        annual: Float32Array = self.sensor_monthly.sum(axis=1, dtype=np.float64).astype(
            np.float32
        )
        return annual

    @property
    def facet_annual(self) -> FloatArray:
        """(f,) float: mean irradiation of each facet over the year [kWh/m2]."""
        annual: FloatArray = self.facet_monthly.sum(axis=1)
        return annual

    @property
    def hours(self) -> int:
        """Number of hours of the weather year."""
        return len(self.light.beam)


def irradiate(
    facets: Facets,
    occluders: Occluders,
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    albedo: float = GROUND_ALBEDO,
    facade_albedo: float = FACADE_ALBEDO,
    sky: SkyPatches | None = None,
    bin_degrees: float = BIN_DEGREES,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Irradiation:
    """Compute a year of irradiation on every sensor.

    Parameters
    ----------
    facets : Facets
        Where the light is received.
    occluders : Occluders
        What blocks it; usually the facets' own solids and the terrain.
    weather : Weather
        One year of hours.
    latitude, longitude : float
        Place of the facets [degrees].
    albedo, facade_albedo : float
        Reflectance of ground and facades [-].
    sky : SkyPatches, optional
        Directions of diffuse light; Reinhart's 577 patches by default.
    bin_degrees : float
        Width of the sun bins [degrees].
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Irradiation

    Notes
    -----
    Sky: Perez-Driesse in three parts (even dome, horizon band, circumsolar light that
    comes from the sun's direction). Free planes equal pvlib's sum, because the views of
    dome and horizon are normalised to those of the free plane. Reflections follow the
    sensor's openness r, its share of the free plane's view of the sky. The ground's light
    falls with r squared: once for what is hidden, once for the shade on what is left. The
    rest, 1 - r, are facades, taken as lit by r times the light of free ones.
    docs/solar.md compares all with Radiance.
    """
    light = split_light(
        weather,
        latitude=latitude,
        longitude=longitude,
        albedo=albedo,
        facade_albedo=facade_albedo,
    )
    path = sun_path(
        weather.sun_times,
        light.beam,
        latitude=latitude,
        longitude=longitude,
        bin_degrees=bin_degrees,
    )
    months = pd.DatetimeIndex(weather.table.index).month.to_numpy() - 1
    patches = reinhart_patches() if sky is None else sky
    caster = make_caster(facets, occluders)
    told: Progress = progress or (lambda _text, _share: None)
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        views = _sum_sky(facets, caster, patches, pool, workers, told)
        sums = _sum_sun(facets, caster, light, path, months, pool, workers, told)
    return _assemble(facets, light, path, months, views, sums)


@dataclass(frozen=True)
class _Views:
    """View of dome and horizon, per bit and per facet, as shares of the free plane's."""

    dome_bits: Float32Array
    dome_facet: FloatArray
    horizon_bits: Float32Array
    horizon_facet: FloatArray


@dataclass(frozen=True)
class _SunSums:
    """Beam energy per month and bit [Wh/m2], per facet and month, and visible shares."""

    bits: Float32Array
    facet: FloatArray
    share: Float32Array


def _blocks(
    caster: Caster, directions: FloatArray, pool: ThreadPoolExecutor
) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Cast all directions, a block at a time; yields the first index and the bits."""
    for first in range(0, len(directions), BLOCK):
        block = directions[first : first + BLOCK]
        bits = np.empty((len(block), caster.words), np.uint64)
        list(pool.map(caster.cast, block, bits))
        yield first, bits


def _ranges(facets: Facets, workers: int) -> list[tuple[int, int]]:
    """Split the facets into runs of about equal numbers of bits, four a worker."""
    pieces = max(1, min(len(facets), 4 * workers))
    targets = np.linspace(0, len(facets.mask) * 64, pieces + 1)[1:-1]
    cuts = np.unique(np.r_[0, np.searchsorted(facets.bit_start, targets), len(facets)])
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts)]


def _sum_sky(
    facets: Facets,
    caster: Caster,
    patches: SkyPatches,
    pool: ThreadPoolExecutor,
    workers: int,
    told: Progress,
) -> _Views:
    """Sum the views of dome and horizon over all patches."""
    cosine = np.maximum(facets.normal @ patches.direction.T, 0.0)
    dome = cosine * patches.solid_angle
    level = patches.direction * [1.0, 1.0, 0.0]
    level /= np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-12)
    band = (patches.row == 0) & (patches.direction[:, 2] < 1.0)
    horizon = np.maximum(facets.normal @ level.T, 0.0) * band
    dome /= np.maximum(dome.sum(axis=1, keepdims=True), 1e-12)
    horizon /= np.maximum(horizon.sum(axis=1, keepdims=True), 1e-12)
    bits = facets.mask.size * 64
    views = _Views(
        np.zeros((1, bits), np.float32),
        np.zeros(len(facets)),
        np.zeros((1, bits), np.float32),
        np.zeros(len(facets)),
    )
    counts = facets.sensors_per_facet
    for first, blocked in _blocks(caster, patches.direction, pool):
        stop = first + len(blocked)
        told("sky", stop / len(patches.direction))
        for weights, into, total in (
            (dome, views.dome_bits, views.dome_facet),
            (horizon, views.horizon_bits, views.horizon_facet),
        ):
            block = np.ascontiguousarray(weights[:, first:stop])
            if not block.any():
                continue
            jobs = [
                pool.submit(
                    add_views,
                    blocked,
                    facets.mask,
                    facets.bit_start,
                    facets.shape,
                    counts,
                    block,
                    a,
                    b,
                    into,
                    total,
                )
                for a, b in _ranges(facets, workers)
            ]
            for job in jobs:
                job.result()
    return views


def _sum_sun(
    facets: Facets,
    caster: Caster,
    light: Light,
    path: SunPath,
    months: IntArray,
    pool: ThreadPoolExecutor,
    workers: int,
    told: Progress,
) -> _SunSums:
    """Sum the beam over all sun positions, by month."""
    bits = facets.mask.size * 64
    sums = _SunSums(
        np.zeros((MONTHS, bits), np.float32),
        np.zeros((len(facets), MONTHS)),
        np.zeros((len(facets), len(path.bin_direction)), np.float32),
    )
    order = np.argsort(path.bin, kind="stable")
    start = np.searchsorted(path.bin[order], np.arange(len(path.bin_direction) + 1))
    energy = (light.beam[path.hour] * path.share)[order]
    month = months[path.hour][order]
    towards = path.direction[order]
    counts = facets.sensors_per_facet
    for first, blocked in _blocks(caster, path.bin_direction, pool):
        told("sun", (first + len(blocked)) / len(path.bin_direction))
        jobs = [
            pool.submit(
                add_beam,
                blocked,
                facets.mask,
                facets.bit_start,
                facets.shape,
                counts,
                facets.normal,
                first,
                start,
                towards,
                energy,
                month,
                a,
                b,
                sums.bits,
                sums.facet,
                sums.share,
            )
            for a, b in _ranges(facets, workers)
        ]
        for job in jobs:
            job.result()
    return sums


def _assemble(
    facets: Facets,
    light: Light,
    path: SunPath,
    months: IntArray,
    views: _Views,
    sums: _SunSums,
) -> Irradiation:
    """Add the parts of the light, per sensor and per facet."""

    def monthly(hourly: FloatArray) -> FloatArray:
        return np.bincount(months, hourly, minlength=MONTHS) / 1000.0

    facing_up = facets.normal[:, 2]
    free_dome = (1.0 + facing_up) / 2.0
    free_horizon = np.sqrt(np.maximum(0.0, 1.0 - facing_up**2))
    to_ground = (1.0 - facing_up) / 2.0
    dome, horizon = monthly(light.dome), monthly(light.horizon)
    ground, facade = monthly(light.ground), monthly(light.facade)
    owner = facets.sensor_facet
    bit = facets.sensor_bit
    seen = views.dome_bits[0, bit]
    rim = (views.horizon_bits[0, bit] * free_horizon[owner]).astype(np.float32)
    sky = (seen * free_dome[owner]).astype(np.float32)
    floor = (seen**2 * to_ground[owner]).astype(np.float32)
    mirror = seen * np.maximum(1 - seen, 0)
    counts = facets.sensors_per_facet
    ground_view = np.bincount(owner, floor, minlength=len(facets)) / counts
    facade_view = np.bincount(owner, mirror, minlength=len(facets)) / counts
    facet_monthly = (
        sums.facet / 1000.0
        + np.outer(views.dome_facet * free_dome, dome)
        + np.outer(views.horizon_facet * free_horizon, horizon)
        + np.outer(ground_view, ground)
        + np.outer(facade_view, facade)
    )
    sensor_monthly = np.empty((len(bit), MONTHS), np.float32)
    for m in range(MONTHS):
        sensor_monthly[:, m] = (
            sums.bits[m, bit] / np.float32(1000)
            + sky * np.float32(dome[m])
            + rim * np.float32(horizon[m])
            + floor * np.float32(ground[m])
            + mirror * np.float32(facade[m])
        )
    # The dark horizon of an overcast sky may not take more than there is.
    np.maximum(sensor_monthly, 0, out=sensor_monthly)
    return Irradiation(
        sensor_monthly=sensor_monthly,
        sensor_sky_view=sky,
        facet_monthly=np.maximum(facet_monthly, 0.0),
        facet_sky_view=views.dome_facet * free_dome,
        sun_share=sums.share,
        facets=facets,
        light=light,
        path=path,
        horizon_view=views.horizon_facet * free_horizon,
        ground_view=ground_view,
        facade_view=facade_view,
    )
