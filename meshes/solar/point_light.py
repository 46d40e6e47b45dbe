"""Light loose sensors in the surroundings of any mesh."""

import numpy as np

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
    albedo: float = GROUND_ALBEDO,
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
        One year of hours.
    latitude, longitude : float
        Place [degrees].
    albedo : float
        Reflectance of the ground, level at z = 0 and endless.
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
        If a place or normal is no number, or a reflectance is no share of light.
    """
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
    below = int(np.count_nonzero(points[:, 2] < 0))
    notes = merged.report.notes()
    if below:
        notes += (f"{below:,} sensors lie below the ground (z < 0), which shades nothing",)
    return light, notes
