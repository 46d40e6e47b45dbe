"""Turn visibility and weather into irradiation of sensors, facets and buildings."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from gis.horizon import HorizonLine
from gis.weather import Weather
from meshes.crowns import Crowns
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.canopy import Canopy, make_canopy
from meshes.solar.courses import Courses
from meshes.solar.crown_shade import CrownShade, cast_canopy, sum_crowns
from meshes.solar.facing import facing_weights
from meshes.solar.gather import (
    Beam,
    Keep,
    Progress,
    Views,
    cast_blocks,
    sum_sky,
    sum_sun,
)
from meshes.solar.light import MONTHS, Light
from meshes.solar.occluders import Occluders
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.reflection.tiles import BUDGET
from meshes.solar.reflector import Reflected, TiledReflector, make_reflector
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.sun import BIN_DEGREES, STEP_MINUTES, SunPath
from meshes.solar.visibility import Bits, Visibility, pack_bits
from meshes.solar.year import sun_and_sky

GROUND_ALBEDO = 0.2
"""Reflectance of urban ground [-]; the default of pvlib and of the Radiance references."""

FACADE_ALBEDO = 0.2
"""Reflectance of facades [-]: between that of windows and of plaster. Assumption."""

FEWEST_TILES = 4_000
"""Tiles of a coarse scene: reflected light is then good to 1 % of the whole."""

DARK = 0.01
"""View of the sky up to which another body may cover a sensor [sr]: under the lowest
millimetre of a body that stands on a roof a little sky is seen."""

PARTS = ("direct", "diffuse", "ground", "building")
"""Where light comes from: the sun, the sky, thrown back by the ground, by buildings."""


@dataclass(frozen=True)
class Irradiation:
    """A year of light on facets.

    Attributes
    ----------
    sensor_parts : (n, 4) float32
        Irradiation of each sensor over the year [kWh/m2] in `PARTS`.
    sensor_sky_view : (n,) float32
        Share of the sky each sensor sees, weighted by the cosine, were there no trees; a
        free horizontal sensor has 1, a free vertical one 0.5.
    facet_parts : (f, 4, 12) float
        Mean irradiation over each facet's sensors by part and UTC month [kWh/m2].
    patch_view : (f, p) float32
        What each facet receives of each sky patch per unit of its radiance [sr], were
        there no trees.
    sun_share : (f, b) float32
        Share of each facet's sensors that see each sun bin, were there no trees.
    bounced : (f, 2, k) float32
        What ground and buildings throw on each facet, for each source of reflections per
        unit of its course; k is 0 without reflections.
    facets : Facets
        What the numbers belong to.
    light : Light
        Hourly light of sun and sky.
    path : SunPath
        Sun positions and bins.
    sky : SkyPatches
        Directions of diffuse light.
    courses : Courses or None
        What ``bounced`` belongs to.
    visibility : Visibility or None
        Which sensors each direction cannot reach, trees apart; None where it was not kept.
    crowns : CrownShade or None
        What is seen through the crowns of trees: parts of ``patch_view`` and
        ``sun_share`` that they weaken. None without trees.
    """

    sensor_parts: Float32Array
    sensor_sky_view: Float32Array
    facet_parts: FloatArray
    patch_view: Float32Array
    sun_share: Float32Array
    bounced: Float32Array
    facets: Facets
    light: Light
    path: SunPath
    sky: SkyPatches
    courses: Courses | None = None
    visibility: Visibility | None = None
    crowns: CrownShade | None = None

    def take(self, facets: IntArray) -> "Irradiation":
        """Return the light of some facets, in their order; visibility is left behind."""
        sensors = self.facets.sensors_of(facets)
        return Irradiation(
            sensor_parts=self.sensor_parts[sensors],
            sensor_sky_view=self.sensor_sky_view[sensors],
            facet_parts=self.facet_parts[facets],
            patch_view=self.patch_view[facets],
            sun_share=self.sun_share[facets],
            bounced=self.bounced[facets],
            facets=self.facets.take(facets),
            light=self.light,
            path=self.path,
            sky=self.sky,
            courses=self.courses,
            crowns=None if self.crowns is None else self.crowns.take(facets),
        )

    @property
    def sensor_annual(self) -> Float32Array:
        """(n,) float32: irradiation of each sensor over the year [kWh/m2]."""
        annual: Float32Array = self.sensor_parts.sum(axis=1, dtype=np.float32)
        return annual

    @property
    def facet_monthly(self) -> FloatArray:
        """(f, 12) float: mean irradiation of each facet by UTC month [kWh/m2]."""
        monthly: FloatArray = self.facet_parts.sum(axis=1)
        return monthly

    @property
    def facet_annual(self) -> FloatArray:
        """(f,) float: mean irradiation of each facet over the year [kWh/m2]."""
        annual: FloatArray = self.facet_parts.sum(axis=(1, 2))
        return annual

    @property
    def facet_sky_view(self) -> FloatArray:
        """(f,) float: mean sky view of each facet."""
        view: FloatArray = self.patch_view.sum(axis=1, dtype=np.float64) / np.pi
        return view

    @property
    def hours(self) -> int:
        """Number of hours of the weather year."""
        return self.light.hours


def irradiate(
    facets: Facets,
    occluders: Occluders,
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    albedo: float | FloatArray = GROUND_ALBEDO,
    facade_albedo: float | FloatArray = FACADE_ALBEDO,
    ground: Ground | None = None,
    sky: SkyPatches | None = None,
    bin_degrees: float = BIN_DEGREES,
    step_minutes: float = STEP_MINUTES,
    grid_convergence: float = 0.0,
    crowns: Crowns | None = None,
    horizon: HorizonLine | None = None,
    keep_visibility: bool = True,
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
    albedo : float or (12,) float
        Reflectance of the ground, all year or by UTC month [-].
    facade_albedo : float or (p,) float
        Reflectance of all faces, or of each of the occluders' polygons [-]. If this and
        ``albedo`` are 0 nothing is reflected.
    ground : Ground, optional
        Where the ground lies; level at the lowest occluder by default.
    sky : SkyPatches, optional
        Directions of diffuse light; Reinhart's 577 patches by default.
    bin_degrees : float
        Width of the sun bins [degrees]; 0 gives every position a direction of its own.
    step_minutes : float
        Longest time between two positions of the sun [min].
    grid_convergence : float
        Direction of the plan's north, clockwise from true north [degrees]: see
        `gis.grid_north.grid_convergence`.
    crowns : Crowns, optional
        Trees, in the local frame of the facets; they weaken sun and sky by month. What
        ground and buildings throw back is as without them.
    horizon : HorizonLine, optional
        Far land seen from the middle of the scene, azimuths from true north; it hides sun
        and sky below its line from everything alike: `meshes.solar.far_land`.
    keep_visibility : bool
        Whether to keep the bits of every direction, which changes of the scene start from.
        Without, a tenth of the time is saved; ``crowns`` need them.
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Irradiation

    Notes
    -----
    Sky: Perez' all-weather radiance on the patches, one exact ray a patch, weighted with
    the patch's mean cosine. Sun: positions every ten minutes, one exact ray for each bin.
    docs/solar.md compares all with Radiance.
    """
    patches = reinhart_patches() if sky is None else sky
    light, path = sun_and_sky(
        weather,
        patches,
        latitude=latitude,
        longitude=longitude,
        grid_convergence=grid_convergence,
        bin_degrees=bin_degrees,
        step_minutes=step_minutes,
        horizon=horizon,
    )
    reflector = None
    if reflects(albedo, facade_albedo):
        loose = None if _lie_on(facets, occluders) else facets.sensor_positions()
        reflector = make_reflector(
            occluders,
            light,
            patches,
            path,
            ground=ground or lowest_ground(occluders, facets),
            albedo=albedo,
            reflectance=facade_albedo,
            receivers=loose,
            budget=BUDGET if loose is not None else tile_budget(facets.sensor_count),
            threads=threads,
            progress=progress,
        )
    return irradiate_from(
        facets,
        make_caster(facets, occluders),
        light,
        path,
        patches,
        reflector=reflector,
        canopy=None if crowns is None else make_canopy(crowns),
        keep_visibility=keep_visibility,
        threads=threads,
        progress=progress,
    )


def lowest_ground(occluders: Occluders, facets: Facets) -> Ground:
    """Return level ground below everything."""
    heights = np.r_[occluders.polygons.vertices[:, 2], facets.solids.faces.vertices[:, 2]]
    return Ground(z=float(heights.min(initial=np.inf)) if len(heights) else 0.0)


def reflects(albedo: float | FloatArray, facade_albedo: float | FloatArray) -> bool:
    """Whether ground or faces throw any light back."""
    return bool(np.max(albedo) > 0 or np.max(facade_albedo) > 0)


def tile_budget(sensors: int) -> int:
    """Return how many tiles suit a scene: no more than a quarter of its sensors."""
    return min(BUDGET, max(FEWEST_TILES, sensors // 4))


def _lie_on(facets: Facets, occluders: Occluders) -> bool:
    """Whether the facets are faces of the first occluders."""
    faces = facets.solids.faces
    count = len(faces.vertices)
    return len(faces) <= len(occluders.polygons) and np.array_equal(
        occluders.polygons.vertices[:count], faces.vertices
    )


def irradiate_from(
    facets: Facets,
    caster: Caster,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    *,
    reflector: TiledReflector | None = None,
    canopy: Canopy | None = None,
    keep_visibility: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Irradiation:
    """Compute a year of irradiation from light and casters at hand: see `irradiate`.

    Without ``keep_visibility`` a tenth of the time is saved; ``canopy`` needs it.
    """
    told: Progress = progress or (lambda _text, _share: None)
    kept = keep_visibility or canopy is not None
    patches = len(sky.direction)
    texts = [b""] * (patches + len(path.bin_direction))

    def pack(numbers: IntArray, rows: Bits) -> None:
        for number, row in zip(numbers.tolist(), rows, strict=True):
            texts[number] = pack_bits(row)

    lit = sum_light(
        facets,
        caster,
        light,
        path,
        sky,
        keep=pack if kept else None,
        reflector=reflector,
        threads=threads,
        progress=told,
    )
    if not kept:
        return lit
    visibility = Visibility(tuple(texts[:patches]), tuple(texts[patches:]), caster.words)
    lit = replace(lit, visibility=visibility)
    if canopy is None or not canopy.layers:
        return lit
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        return _behind_trees(lit, canopy, visibility, pool, workers, told)


def sum_light(
    facets: Facets,
    caster: Caster,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    *,
    keep: Keep | None = None,
    reflector: TiledReflector | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Irradiation:
    """Compute a year of irradiation without trees; ``keep`` takes the bits.

    The sky's patches are numbered first, then the bins of the sun.
    """
    told: Progress = progress or (lambda _text, _share: None)
    workers = threads or os.cpu_count() or 1
    radiance = light.monthly_radiance()
    patches = len(sky.direction)

    def keep_sun(numbers: IntArray, rows: Bits) -> None:
        if keep is not None:
            keep(numbers + patches, rows)

    with ThreadPoolExecutor(workers) as pool:
        sky_bits, sun_bits = (
            cast_blocks(
                caster,
                directions,
                pool,
                mask=facets.mask,
                keep=None if keep is None else into,
            )
            for directions, into in (
                (sky.direction, keep),
                (path.bin_direction, keep_sun),
            )
        )
        views = sum_sky(
            facets,
            sky_bits,
            facing_weights(facets.normal, sky),
            radiance.sum(axis=1),
            pool=pool,
            workers=workers,
            progress=told,
        )
        beam = sum_sun(
            facets, sun_bits, light, path, pool=pool, workers=workers, progress=told
        )
    thrown = None
    if reflector is not None:
        thrown = reflector.reflect(facets, views.sky[facets.sensor_bit] <= DARK)
        told("reflections", 1.0)
    courses = None if reflector is None else reflector.courses
    return _assemble(facets, light, path, sky, views, beam, radiance, thrown, courses)


def _behind_trees(
    lit: Irradiation,
    canopy: Canopy,
    visibility: Visibility,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
) -> Irradiation:
    """Take off what the crowns of trees hold back."""
    progress("trees", 0.0)
    bits = cast_canopy(lit.facets, canopy, lit.sky, lit.path, pool=pool)
    shade, held = sum_crowns(
        lit.facets,
        bits,
        visibility,
        lit.light,
        lit.path,
        lit.sky,
        pool=pool,
        workers=workers,
        progress=progress,
    )
    sensor_parts, facet_parts = lit.sensor_parts.copy(), lit.facet_parts.copy()
    sensor_parts[held.sensors, 0] -= held.direct
    sensor_parts[held.sensors, 1] -= held.diffuse
    facet_parts[held.facets, :2] -= held.facet_parts
    # Sums in other orders round differently.
    np.maximum(sensor_parts, 0, out=sensor_parts)
    np.maximum(facet_parts, 0, out=facet_parts)
    return replace(lit, sensor_parts=sensor_parts, facet_parts=facet_parts, crowns=shade)


def _assemble(
    facets: Facets,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    views: Views,
    beam: Beam,
    radiance: FloatArray,
    thrown: Reflected | None,
    courses: Courses | None,
) -> Irradiation:
    """Put the parts of the light together, per sensor and per facet."""
    bit = facets.sensor_bit
    sensor_parts = np.zeros((len(bit), len(PARTS)), np.float32)
    sensor_parts[:, 0] = beam.direct[bit]
    sensor_parts[:, 1] = views.diffuse[bit]
    facet_parts = np.zeros((len(facets), len(PARTS), MONTHS))
    facet_parts[:, 0] = beam.facet
    facet_parts[:, 1] = views.facet.astype(np.float64) @ radiance
    bounced = np.zeros((len(facets), 2, 0), np.float32)
    if thrown is not None and courses is not None:
        sensor_parts[:, 2], sensor_parts[:, 3] = thrown.ground, thrown.building
        bounced = thrown.facet
        facet_parts[:, 2:] = bounced.astype(np.float64) @ courses.monthly()
    return Irradiation(
        sensor_parts=sensor_parts,
        sensor_sky_view=views.sky[bit] / np.float32(np.pi),
        facet_parts=facet_parts,
        patch_view=views.facet,
        sun_share=beam.share,
        bounced=bounced,
        facets=facets,
        light=light,
        path=path,
        sky=sky,
        courses=courses,
    )
