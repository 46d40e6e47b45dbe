"""Put buildings, ground, water and trees into one scene."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.district import District
from meshes.facets import Facets
from meshes.render.ground import Land, land_triangles, lay_land
from meshes.render.rays import RayTracer
from meshes.render.trees import tree_triangles
from meshes.render.triangles import (
    Surface,
    Triangles,
    flat_normals,
    join_triangles,
    rim_heights,
)
from meshes.solids import Kind

SHARP = 0.85
"""Cosine between the faces of an edge below which it is drawn; round towers stay round."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """Everything that pictures show.

    Attributes
    ----------
    triangles : Triangles
        All surfaces, relative to ``origin``.
    tracer : RayTracer
        Finds the triangles that rays hit.
    facets : Facets
        What the triangles' ``facet`` counts.
    land : Land
        Ground and water that the triangles were cut from.
    origin : (3,) float
        Local origin [m], the facets' own.
    subject : (n, 3) float
        Points [m, local] that a view of the district must contain: the boundary on the
        ground and the roofs within it.
    boundary : Polygon or MultiPolygon
        Edge of the district, EPSG:3008.
    """

    triangles: Triangles
    tracer: RayTracer
    facets: Facets
    land: Land
    origin: FloatArray
    subject: FloatArray
    boundary: shapely.Polygon | shapely.MultiPolygon

    def is_within(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return whether places lie in the district, (n,).

        Parameters
        ----------
        points : (n, 3) float32
            Places [m, local].
        """
        inside: NDArray[np.bool_] = shapely.contains_xy(
            self.boundary, points[:, 0] + self.origin[0], points[:, 1] + self.origin[1]
        )
        return inside

    def outside(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far places lie beyond the terrain, (n,) [m]; 0 within.

        Parameters
        ----------
        points : (n, 3) float32
            Places [m, local].
        """
        x, y = points[:, 0] + self.origin[0], points[:, 1] + self.origin[1]
        return self.land.outside(x, y)

    def shore_distance(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far places on the water are from the shore, (n,) [m].

        Parameters
        ----------
        points : (n, 3) float32
            Places [m, local].
        """
        x, y = points[:, 0] + self.origin[0], points[:, 1] + self.origin[1]
        return self.land.shore_distance(x, y)


def build_scene(district: District, facets: Facets) -> Scene:
    """Assemble a district for the picture maker.

    Parameters
    ----------
    district : District
        Ground, water and trees.
    facets : Facets
        Its buildings.
    """
    origin = facets.solids.origin
    land = lay_land(district)
    shapely.prepare(district.boundary)
    triangles = join_triangles(
        [
            building_triangles(facets),
            land_triangles(land, origin=origin),
            tree_triangles(district.trees, land.terrain, origin=origin),
        ]
    )
    return Scene(
        triangles=triangles,
        tracer=RayTracer(triangles.corners),
        facets=facets,
        land=land,
        origin=origin,
        subject=_subject(district, land, origin),
        boundary=district.boundary,
    )


def building_triangles(facets: Facets) -> Triangles:
    """Cut the faces of the buildings into triangles that know their facet.

    Parameters
    ----------
    facets : Facets
        Faces without a facet, as buried walls, get facet -1.
    """
    solids = facets.solids
    corners, face = solids.faces.triangles()
    places = solids.faces.vertices[corners]
    facet_of_face = np.full(len(solids.faces), -1, np.int32)
    facet_of_face[facets.face] = np.arange(len(facets), dtype=np.int32)
    surface_of_kind = np.full(len(Kind), Surface.WALL, np.int8)
    surface_of_kind[Kind.ROOF] = Surface.ROOF
    return Triangles(
        corners=places.astype(np.float32),
        normals=flat_normals(places).astype(np.float32),
        surface=surface_of_kind[solids.kind[face]],
        facet=facet_of_face[face],
        rim=rim_heights(places, _is_drawn(facets, corners)),
    )


def _is_drawn(facets: Facets, corners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the edge opposite each corner is a sharp edge of its body, (t, 3)."""
    sharp = sharp_edges(facets)
    _, end = facets.solids.faces.edges()
    start, stop = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    drawn: NDArray[np.bool_] = (end[start] == stop) & sharp[start]
    return drawn


def sharp_edges(facets: Facets) -> NDArray[np.bool_]:
    """Return whether the body bends by more than `SHARP` at each edge of its faces.

    Parameters
    ----------
    facets : Facets
        The bodies.

    Returns
    -------
    (e,) bool
        For edges as numbered by `Polygons.edges`; an edge without a neighbour is sharp.
    """
    faces = facets.solids.faces
    start, end = faces.edges()
    face = np.repeat(np.arange(len(faces)), np.diff(faces.vertex_start))
    _, place = np.unique(faces.vertices.round(4), axis=0, return_inverse=True)
    part = facets.solids.part[face]
    key = np.c_[
        part, np.minimum(place[start], place[end]), np.maximum(place[start], place[end])
    ]
    _, edge = np.unique(key, axis=0, return_inverse=True)
    order = np.argsort(edge, kind="stable")
    # In a closed body each edge has two faces, which now stand side by side.
    pairs = np.flatnonzero(edge[order][1:] == edge[order][:-1])
    one, other = order[pairs], order[pairs + 1]
    flat = np.einsum("ex,ex->e", faces.normal[face[one]], faces.normal[face[other]]) > SHARP
    sharp = np.ones(len(start), bool)
    sharp[one[flat]] = False
    sharp[other[flat]] = False
    return sharp


def _subject(district: District, land: Land, origin: FloatArray) -> FloatArray:
    """Outline of the district on the ground, and the roofs within it."""
    parts = getattr(district.boundary, "geoms", [district.boundary])
    outline = np.concatenate([np.asarray(part.exterior.coords)[:, :2] for part in parts])
    ground = land.terrain.sample(outline[:, 0], outline[:, 1])
    within = district.buildings[district.buildings.intersects(district.boundary)]
    roofs = [
        np.c_[
            np.asarray(shape.exterior.coords)[:, :2],
            np.full(len(shape.exterior.coords), top),
        ]
        for shape, top in zip(within.geometry, within["top"], strict=True)
    ]
    points: FloatArray = np.concatenate([np.c_[outline, ground], *roofs]) - origin
    return points
