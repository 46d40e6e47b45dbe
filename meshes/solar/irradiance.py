"""Turn visibility and weather into irradiation of sensors, facets and buildings."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.gather import (
    Beam,
    Progress,
    Views,
    cast_blocks,
    sum_sky,
    sum_sun,
)
from meshes.solar.light import FACADE_ALBEDO, GROUND_ALBEDO, Light, split_light
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.sum_kernel import MONTHS
from meshes.solar.sun import BIN_DEGREES, SunPath, sun_path
from meshes.solar.visibility import Visibility

Real = TypeVar("Real", bound=np.floating)


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
    sensor_horizon_view : (n,) float32
        Share of the horizon band's light that each sensor receives; a free wall has 1.
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
    sky : SkyPatches
        Directions of diffuse light.
    horizon_view, ground_view, facade_view : (f,) float
        Mean shares of the light of horizon band, sunlit ground and free facades that each
        facet receives; a free wall has 1, 0.5 and 0.
    visibility : Visibility or None
        Which sensors each direction cannot reach; None where it was not kept.
    """

    sensor_monthly: Float32Array
    sensor_sky_view: Float32Array
    sensor_horizon_view: Float32Array
    facet_monthly: FloatArray
    facet_sky_view: FloatArray
    sun_share: Float32Array
    facets: Facets
    light: Light
    path: SunPath
    sky: SkyPatches
    horizon_view: FloatArray
    ground_view: FloatArray
    facade_view: FloatArray
    visibility: Visibility | None = None

    def take(self, facets: IntArray) -> "Irradiation":
        """Return the light of some facets, in their order; visibility is left behind."""
        chosen = self.facets.take(facets)
        sensors = self.facets.sensors_of(facets)
        return Irradiation(
            sensor_monthly=self.sensor_monthly[sensors],
            sensor_sky_view=self.sensor_sky_view[sensors],
            sensor_horizon_view=self.sensor_horizon_view[sensors],
            facet_monthly=self.facet_monthly[facets],
            facet_sky_view=self.facet_sky_view[facets],
            sun_share=self.sun_share[facets],
            facets=chosen,
            light=self.light,
            path=self.path,
            sky=self.sky,
            horizon_view=self.horizon_view[facets],
            ground_view=self.ground_view[facets],
            facade_view=self.facade_view[facets],
        )

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
    return irradiate_from(
        facets,
        make_caster(facets, occluders),
        light,
        path,
        reinhart_patches() if sky is None else sky,
        threads=threads,
        progress=progress,
    )


def irradiate_from(
    facets: Facets,
    caster: Caster,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Irradiation:
    """Compute a year of irradiation from light and casters at hand: see `irradiate`."""
    told: Progress = progress or (lambda _text, _share: None)
    workers = threads or os.cpu_count() or 1
    packed: tuple[list[bytes], list[bytes]] = ([], [])
    with ThreadPoolExecutor(workers) as pool:
        sky_bits, sun_bits = (
            cast_blocks(caster, directions, pool, mask=facets.mask, packed=into)
            for directions, into in zip(
                (sky.direction, path.bin_direction), packed, strict=True
            )
        )
        views = sum_sky(facets, sky_bits, sky, pool=pool, workers=workers, progress=told)
        sums = sum_sun(
            facets, sun_bits, light, path, pool=pool, workers=workers, progress=told
        )
    visibility = Visibility(tuple(packed[0]), tuple(packed[1]), caster.words)
    return _assemble(facets, light, path, sky, views, sums, visibility)


def _assemble(
    facets: Facets,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    views: Views,
    sums: Beam,
    visibility: Visibility,
) -> Irradiation:
    """Add the parts of the light, per sensor and per facet."""
    bit, counts = facets.sensor_bit, facets.sensors_per_facet
    shares = diffuse_shares(facets, views.dome_bits[0, bit], views.horizon_bits[0, bit])
    sensor_monthly = shares.monthly(light)
    for m in range(MONTHS):
        sensor_monthly[:, m] += sums.bits[m, bit] / np.float32(1000)
    # The dark horizon of an overcast sky may not take more than there is.
    np.maximum(sensor_monthly, 0, out=sensor_monthly)
    owner, up = facets.sensor_facet, facets.normal[:, 2]
    facet_shares = DiffuseShares(
        sky=views.dome_facet * _free_dome(up),
        horizon=views.horizon_facet * _free_horizon(up),
        ground=np.bincount(owner, shares.ground, minlength=len(facets)) / counts,
        facade=np.bincount(owner, shares.facade, minlength=len(facets)) / counts,
    )
    facet_monthly = sums.facet / 1000.0 + facet_shares.monthly(light)
    return Irradiation(
        sensor_monthly=sensor_monthly,
        sensor_sky_view=shares.sky,
        sensor_horizon_view=shares.horizon,
        facet_monthly=np.maximum(facet_monthly, 0.0),
        facet_sky_view=facet_shares.sky,
        sun_share=sums.share,
        facets=facets,
        light=light,
        path=path,
        sky=sky,
        horizon_view=facet_shares.horizon,
        ground_view=facet_shares.ground,
        facade_view=facet_shares.facade,
        visibility=visibility,
    )


@dataclass(frozen=True)
class DiffuseShares(Generic[Real]):
    """Shares of the diffuse light that some places receive, (n,) each.

    Attributes
    ----------
    sky, horizon, ground, facade : (n,) float
        Shares of `Light.dome`, ``horizon``, ``ground`` and ``facade``.
    """

    sky: NDArray[Real]
    horizon: NDArray[Real]
    ground: NDArray[Real]
    facade: NDArray[Real]

    def monthly(self, light: Light) -> NDArray[Real]:
        """Return the diffuse irradiation of each month, (n, 12) [kWh/m2]."""
        found = np.empty((len(self.sky), MONTHS), self.sky.dtype)
        courses = [
            np.bincount(light.month, hourly, minlength=MONTHS) / 1000.0
            for hourly in (light.dome, light.horizon, light.ground, light.facade)
        ]
        for m in range(MONTHS):
            dome, horizon, ground, facade = (
                self.sky.dtype.type(course[m]) for course in courses
            )
            found[:, m] = (
                self.sky * dome
                + self.horizon * horizon
                + self.ground * ground
                + self.facade * facade
            )
        return found


def diffuse_shares(
    facets: Facets, dome: Float32Array, horizon: Float32Array
) -> DiffuseShares[np.float32]:
    """Return the shares of diffuse light of all sensors.

    Parameters
    ----------
    facets : Facets
        They carry the n sensors.
    dome, horizon : (n,) float32
        View of dome and horizon band, as shares of the free plane's.
    """
    owner, up = facets.sensor_facet, facets.normal[:, 2]
    to_ground = (1.0 - up) / 2.0
    return DiffuseShares(
        sky=(dome * _free_dome(up)[owner]).astype(np.float32),
        horizon=(horizon * _free_horizon(up)[owner]).astype(np.float32),
        ground=(dome**2 * to_ground[owner]).astype(np.float32),
        facade=dome * np.maximum(1 - dome, 0),
    )


def _free_dome(up: FloatArray) -> FloatArray:
    """Share of the dome that a free plane sees, from the upward part of its normal."""
    return (1.0 + up) / 2.0


def _free_horizon(up: FloatArray) -> FloatArray:
    """Share of the horizon band that a free plane sees."""
    view: FloatArray = np.sqrt(np.maximum(0.0, 1.0 - up**2))
    return view
