"""Light loose sensors in the surroundings of any mesh."""

import numpy as np

from gis.errors import GeometryError
from gis.weather import Weather
from meshes.formats.triangle_mesh import TriangleMesh
from meshes.mesh_facets import mesh_solids, point_facets
from meshes.planes.merging import merge_coplanar
from meshes.polygons import FloatArray
from meshes.solar.gather import Progress
from meshes.solar.irradiance import GROUND_ALBEDO, Irradiation, irradiate
from meshes.solar.occluders import Occluders
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.sky import reinhart_patches
from meshes.solar.sun import STEP_MINUTES

REFLECTANCE = 0.3
"""Reflectance of the mesh's faces [-]: light render. Assumption."""

SKY_SPLIT = 4
"""Splits of Tregenza's patches: 2,305 patches, for single sensors show every error."""

TALLEST = 3000.0
"""Highest mesh [m]: whatever is higher was not drawn in metres."""

NARROW = 1.0
"""Width below which a mesh may be drawn in degrees [m]."""

FLOATING = 3.0
"""Height of a mesh above the ground from which it is told [m]."""

FAR_SENSOR = 1000.0
"""Distance of a sensor from the mesh's box from which it is told [m]."""

FEW = 500
"""Sensors up to which every position of the sun gets a ray of its own."""

FINE_DEGREES = 1.0
"""Width of the sun bins of more sensors [degrees]."""


def light_on_points(
    mesh: TriangleMesh,
    points: FloatArray,
    normals: FloatArray,
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    albedo: float | FloatArray = GROUND_ALBEDO,
    reflectance: float = REFLECTANCE,
    sky_split: int = SKY_SPLIT,
    step_minutes: float = STEP_MINUTES,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Irradiation, tuple[str, ...]]:
    """Compute a year of light on sensors anywhere around a mesh.

    Parameters
    ----------
    mesh : TriangleMesh
        What shades and reflects: z up, metres, y to true north.
    points : (n, 3) float
        Sensors [m], in the coordinates of the mesh's file.
    normals : (n, 3) float
        Where they look; any length but 0.
    weather : Weather
        A year of hours, or any even steps.
    latitude, longitude : float
        Place [degrees].
    albedo : float or (12,) float
        Reflectance of the ground, level at z = 0 and endless, all year or by UTC month.
    reflectance : float
        Reflectance of every face of the mesh.
    sky_split : int
        2 for 577 patches of sky, 4 for 2,305.
    step_minutes : float
        Longest time between two positions of the sun [min]; 60 for one an hour.
    threads : int, optional
        Working threads; the result does not depend on them.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    light : Irradiation
        Facet ``k`` and its only sensor are point ``k``.
    notes : tuple of str
        What was met and mended in the mesh.

    Raises
    ------
    GeometryError
        If a place or normal is no number, a reflectance is no share of light, or the mesh
        is higher than `TALLEST`.
    """
    low, high = (
        mesh.vertices.min(axis=0) + mesh.shift,
        mesh.vertices.max(axis=0) + mesh.shift,
    )
    _check_units(low, high)
    merged = merge_coplanar(mesh.vertices, mesh.triangles, labels=mesh.group)
    ground = -float(mesh.shift[2])
    solids = mesh_solids(merged, mesh.groups, ground=ground)
    facets = point_facets(points - mesh.shift, normals)
    light = irradiate(
        facets,
        Occluders(merged.polygons, merged.side, merged.body, solids.parts),
        weather,
        latitude=latitude,
        longitude=longitude,
        albedo=albedo,
        facade_albedo=reflectance,
        ground=Ground(z=ground),
        sky=reinhart_patches(sky_split),
        bin_degrees=0.0 if len(points) <= FEW else FINE_DEGREES,
        step_minutes=step_minutes,
        threads=threads,
        progress=progress,
    )
    return light, (*merged.report.notes(), *_place_notes(points, low, high))


def _check_units(low: FloatArray, high: FloatArray) -> None:
    """Refuse a mesh that cannot be in metres, by its lowest and highest corner."""
    tall = float(high[2] - low[2])
    if tall > TALLEST:
        message = (
            f"the mesh must be in metres, z up, got one {tall:,.0f} m high; divide "
            "millimetres by 1,000, or turn its axes"
        )
        raise GeometryError(message)


def _place_notes(points: FloatArray, low: FloatArray, high: FloatArray) -> tuple[str, ...]:
    """Tell what looks odd about where sensors, mesh and ground lie."""
    notes = []
    wide = float((high - low)[:2].max())
    if wide < NARROW:
        notes.append(f"the mesh is {wide:.2g} m wide; it must be in metres, not in degrees")
    if low[2] > FLOATING:
        notes.append(f"the mesh begins {low[2]:,.1f} m above the ground, which is at z = 0")
    if high[2] <= 0:
        notes.append("the mesh lies wholly below the ground, which is at z = 0")
    away = np.linalg.norm(points - np.clip(points, low, high), axis=1)
    far = int(np.count_nonzero(away > FAR_SENSOR))
    if far:
        notes.append(
            f"{far:,} sensors lie more than {FAR_SENSOR:,.0f} m from the mesh, up to "
            f"{away.max() / 1000:,.0f} km; both must have the same origin"
        )
    below = int(np.count_nonzero(points[:, 2] < 0))
    if below:
        notes.append(
            f"{below:,} sensors lie below the ground (z < 0), which shades nothing"
        )
    return tuple(notes)
