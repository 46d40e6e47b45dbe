"""Light a scene that is too large for memory, tile by tile.

The facets are shared out in tiles of neighbours, each small enough to be held with all of
its results. Every tile is lit among all bodies of the scene: what it cannot meet costs the
shadow kernel almost nothing, so there is no halo to choose, and shadows are those of the
whole scene, bit for bit. Light thrown back is solved once for the whole scene.
"""

from collections.abc import Iterator

import numpy as np

from gis.errors import GeometryError
from gis.horizon import HorizonLine
from gis.terrain import Terrain
from gis.weather import Weather
from meshes.crowns import Crowns
from meshes.facets import facet_ids, lay_facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.canopy import make_canopy
from meshes.solar.gather import Progress
from meshes.solar.irradiance import (
    FACADE_ALBEDO,
    GROUND_ALBEDO,
    Irradiation,
    irradiate_from,
    lowest_ground,
    reflects,
    tile_budget,
)
from meshes.solar.occluders import Occluders
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.reflector import make_reflector
from meshes.solar.shadow import curve_order, for_facets, make_caster
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.sun import BIN_DEGREES, STEP_MINUTES
from meshes.solar.year import sun_and_sky
from meshes.solids import Kind, Solids

TILE_SENSORS = 2_000_000
"""Sensors of a tile: its facets, light and hours then take about a gigabyte."""


def share_out(
    solids: Solids, *, spacing: float, most: int = TILE_SENSORS
) -> list[IntArray]:
    """Share out the roofs and walls of a scene in tiles of neighbours.

    Parameters
    ----------
    solids : Solids
        The buildings.
    spacing : float
        Largest distance between neighbouring sensors [m].
    most : int
        Sensors of a tile, about: by the area of its faces. A face stays whole.

    Returns
    -------
    list of (k,) int
        Faces of each tile, ascending.

    Raises
    ------
    GeometryError
        If ``spacing`` or ``most`` is not positive.
    """
    if not spacing > 0 or most < 1:
        message = (
            f"sensor spacing must be above 0 m and tiles hold at least one sensor, "
            f"got {spacing} m and {most}"
        )
        raise GeometryError(message)
    faces = np.flatnonzero((solids.kind == Kind.ROOF) | (solids.kind == Kind.WALL))
    if not len(faces):
        return []
    start = solids.faces.vertex_start
    faces = faces[curve_order(solids.faces.vertices[start[faces]])]
    sensors = np.maximum(solids.faces.area[faces] / spacing**2, 1.0)
    tile = ((np.cumsum(sensors) - sensors / 2) // most).astype(np.int64)
    cuts = np.flatnonzero(np.diff(tile)) + 1
    return [np.sort(part) for part in np.split(faces, cuts)]


def irradiate_tiles(
    solids: Solids,
    occluders: Occluders,
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    spacing: float = 1.0,
    terrain: Terrain | None = None,
    most: int = TILE_SENSORS,
    albedo: float | FloatArray = GROUND_ALBEDO,
    facade_albedo: float | FloatArray = FACADE_ALBEDO,
    ground: Ground | None = None,
    sky: SkyPatches | None = None,
    bin_degrees: float = BIN_DEGREES,
    step_minutes: float = STEP_MINUTES,
    grid_convergence: float = 0.0,
    crowns: Crowns | None = None,
    horizon: HorizonLine | None = None,
    keep_visibility: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Irradiation]:
    """Compute a year of irradiation on every sensor, one tile after the other.

    Parameters
    ----------
    solids : Solids
        The buildings; their faces come first among ``occluders``.
    occluders : Occluders
        What blocks light.
    weather : Weather
        One year of hours.
    latitude, longitude : float
        Place of the buildings [degrees].
    spacing, terrain
        Of the sensors: see `meshes.facets.make_facets`.
    most : int
        Sensors of a tile, about.
    albedo, facade_albedo, ground, sky, bin_degrees, step_minutes, grid_convergence,
    crowns, horizon
        As in `meshes.solar.irradiance.irradiate`.
    keep_visibility : bool
        Whether each tile keeps the bits of its sensors; below ``crowns`` it does anyway.
    threads : int, optional
        Working threads; the result does not depend on them.
    progress : callable, optional
        Told the share of tiles that are done.

    Yields
    ------
    Irradiation
        Of the facets of each tile, with the ids and faces that they have in the whole
        scene. Tiles without any sensor above ground are left out. Write a tile's results
        before the next one is asked for, and keep none of them.
    """
    told: Progress = progress or (lambda _text, _share: None)
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
    tiles = share_out(solids, spacing=spacing, most=most)
    if not tiles:
        return
    every = np.sort(np.concatenate(tiles))
    nowhere = lay_facets(solids, every[:0], (), spacing=spacing)
    reflector = None
    if reflects(albedo, facade_albedo):
        reflector = make_reflector(
            occluders,
            light,
            patches,
            path,
            ground=ground or lowest_ground(occluders, nowhere),
            albedo=albedo,
            reflectance=facade_albedo,
            budget=tile_budget(int(solids.faces.area[every].sum() / spacing**2)),
            threads=threads,
            progress=progress,
        )
    names = np.array(facet_ids(solids, every), object)
    bodies = make_caster(nowhere, occluders)
    canopy = None if crowns is None else make_canopy(crowns)
    for done, faces in enumerate(tiles):
        ids = tuple(names[np.searchsorted(every, faces)])
        facets = lay_facets(solids, faces, ids, spacing=spacing, terrain=terrain)
        if len(facets):
            yield irradiate_from(
                facets,
                for_facets(bodies, facets),
                light,
                path,
                patches,
                reflector=reflector,
                canopy=canopy,
                keep_visibility=keep_visibility,
                threads=threads,
            )
        told("tiles", (done + 1) / len(tiles))
