"""Turn ground, water and trees into objects of CityJSON 2.0."""

from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.errors import TableError
from meshes.crowns import TRUNK_SHARE, Crowns, kinds_of_trees, make_crowns
from meshes.formats.cityjson_values import known
from meshes.formats.surroundings import Layer, Surroundings
from meshes.formats.tree_shape import tree_bodies, tree_proportions
from meshes.polygons import FloatArray, IntArray

LAND_LOD, TREE_LOD = "1", "2"
"""Levels of detail of ground and water, and of trees with crown and trunk."""

GROUND, WATER = "ground", "water"
"""Names of the layers that have types of their own in the standard."""

DIGITS = 6
"""Decimals of the corners of a template, which is 1 m high; a tree is off by 0.05 mm."""

TRUNK_SOURCE = f"assumed, {TRUNK_SHARE:.0%} of the crown's diameter"

Json = dict[str, object]


@dataclass(frozen=True)
class Around:
    """What a document needs to hold surroundings.

    Attributes
    ----------
    objects : dict
        City objects by id, whose vertices are numbered as ``vertices`` says.
    vertices : (v, 3) int
        Corners on the grid: those of the buildings as they were, then others; no two are
        the same.
    templates : dict
        The member ``geometry-templates``; empty without trees.
    low, high : (3,) float
        Smallest and largest east, north, up of it all [m], relative to the local origin;
        infinite, turned round, if there is nothing.
    """

    objects: dict[str, Json]
    vertices: IntArray
    templates: Json
    low: FloatArray
    high: FloatArray


def around_objects(
    around: Surroundings,
    trees: gpd.GeoDataFrame,
    vertices: IntArray,
    *,
    scale: float,
    taken: Iterable[str],
) -> Around:
    """Make city objects of surroundings.

    Parameters
    ----------
    around : Surroundings
        In the frame of the buildings.
    trees : GeoDataFrame
        The same trees with what is told of them, in the same order.
    vertices : (v, 3) int
        Corners of the buildings on the grid.
    scale : float
        Step of the grid [m].
    taken : iterable of str
        Ids of the buildings.

    Returns
    -------
    Around
        Ground as a ``TINRelief`` for each piece that hangs together, the largest first;
        water as a ``WaterBody``; other layers (the walls of the shore) as
        ``GenericCityObject``; each tree as a ``SolitaryVegetationObject`` that repeats a
        template.

    Raises
    ------
    TableError
        If the tables of trees differ.
    """
    if len(trees) != len(around.trees.foot):
        message = (
            f"surroundings must hold the district's {len(trees)} trees, got "
            f"{len(around.trees.foot)}; make them of the same district"
        )
        raise TableError(message)
    names = _Names(taken)
    corners = [layer.corners for layer in around.layers]
    points = np.concatenate([np.empty((0, 3)), *corners, around.trees.foot])
    grid = np.rint(points / scale).astype(np.int64)
    numbers, whole = _append(vertices, grid)
    objects: dict[str, Json] = {}
    first = 0
    for layer in around.layers:
        mine = numbers[first : first + len(layer.corners)]
        first += len(layer.corners)
        triangles = _sound(mine[layer.triangles], whole)
        for name, thing in _land(layer, triangles):
            objects[names.new(name)] = thing
    crowns = make_crowns(
        around.trees.foot,
        around.trees.height,
        around.trees.crown_radius,
        kind=kinds_of_trees(trees),
    )
    templates, things = _trees(crowns, trees, numbers[first:])
    for name, thing in zip(trees.index, things, strict=True):
        objects[names.new(str(name))] = thing
    reach = np.c_[crowns.radius, crowns.radius, np.zeros(len(crowns))]
    top = np.c_[crowns.radius, crowns.radius, crowns.height]
    bounds = [grid * scale, crowns.foot - reach, crowns.foot + top]
    everything = np.concatenate(bounds)
    used, kept = _used(whole, objects, len(vertices))
    return Around(
        objects=used,
        vertices=kept,
        templates=templates,
        low=everything.min(axis=0, initial=np.inf),
        high=everything.max(axis=0, initial=-np.inf),
    )


class _Names:
    """Gives each object an id of its own."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, name: str) -> str:
        """Return a name that is not taken yet, and take it."""
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}-{number}"
        self._taken.add(found)
        return found


def _append(vertices: IntArray, grid: IntArray) -> tuple[IntArray, IntArray]:
    """Give corners numbers after those of the vertices; equal ones share a number."""
    joined = np.concatenate([vertices, grid])
    _, first, inverse = np.unique(joined, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    number = np.empty(len(first), np.int64)
    number[order] = np.arange(len(first))
    return number[inverse.reshape(-1)][len(vertices) :], joined[first[order]]


def _sound(triangles: IntArray, vertices: IntArray) -> IntArray:
    """Drop triangles that have no area on the grid."""
    # Exact: whole numbers of tenths of a millimetre, relative to one of the corners.
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    area: FloatArray = np.abs(np.cross(b - a, c - a)).sum(axis=1)
    return triangles[area > 0]


def _land(layer: Layer, triangles: IntArray) -> Iterable[tuple[str, Json]]:
    """Yield the objects of a layer with their names."""
    if not len(triangles):
        return
    if layer.name == GROUND:
        for piece in _pieces(triangles):
            yield (
                GROUND,
                {
                    "type": "TINRelief",
                    "geometry": [_surface("CompositeSurface", triangles[piece])],
                },
            )
        return
    geometry = _surface("MultiSurface", triangles)
    if layer.name == WATER:
        values = [0] * len(triangles)
        semantics = {"surfaces": [{"type": "WaterSurface"}], "values": values}
        yield (
            WATER,
            {
                "type": "WaterBody",
                "geometry": [{**geometry, "semantics": semantics}],
            },
        )
        return
    yield (
        layer.name,
        {
            "type": "GenericCityObject",
            "attributes": {"class": layer.name},
            "geometry": [geometry],
        },
    )


def _surface(kind: str, triangles: IntArray) -> Json:
    """Return triangles as a geometry."""
    boundaries = [[ring] for ring in triangles.tolist()]
    return {"type": kind, "lod": LAND_LOD, "boundaries": boundaries}


def _pieces(triangles: IntArray) -> list[IntArray]:
    """Return the triangles of each piece that hangs together by edges, largest first.

    A composite surface must be one piece; land on both sides of a canal is two, and so is
    every courtyard.
    """
    count = len(triangles)
    edges = np.sort(np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]), 1)
    _, edge = np.unique(edges, axis=0, return_inverse=True)
    owner = np.tile(np.arange(count), 3)
    edge = edge.reshape(-1)
    touches = coo_array((np.ones(len(edge), bool), (owner, edge + count)), shape=(
        count + edge.max() + 1, count + edge.max() + 1
    ))  # fmt: skip
    _, label = connected_components(touches, directed=False)
    _, piece, size = np.unique(label[:count], return_inverse=True, return_counts=True)
    order = np.argsort(piece, kind="stable")
    parts = np.split(order, np.cumsum(size)[:-1])
    return sorted(parts, key=lambda part: (-len(part), int(part[0])))


def _trees(
    crowns: Crowns, trees: gpd.GeoDataFrame, foot: IntArray
) -> tuple[Json, list[Json]]:
    """Return the templates and the trees that repeat them."""
    if not len(crowns):
        return {}, []
    proportions, template = tree_proportions(crowns)
    shared: list[Json] = []
    corners: list[list[float]] = []
    for crown, trunk in proportions:
        shape = tree_bodies(crown, trunk)
        first = len(corners)
        boundaries = [
            [[[[corner + first for corner in face]] for face in body]]
            for body in shape.bodies
        ]
        shared.append({"type": "MultiSolid", "lod": TREE_LOD, "boundaries": boundaries})
        corners += (shape.corners.round(DIGITS) + 0.0).tolist()
    rows = {
        name: trees[name].tolist() if name in trees.columns else [None] * len(trees)
        for name in ("species", "leaf_cycle", "source")
    }
    things: list[Json] = []
    for k in range(len(crowns)):
        radius, height = (round(float(v[k]), 3) for v in (crowns.radius, crowns.height))
        described = {
            "species": rows["species"][k],
            "leaf_cycle": rows["leaf_cycle"][k],
            "height": height,
            "crownDiameter": 2.0 * crowns.radius[k],
            "crown_base_m": crowns.base[k],
            "trunkDiameter": 2.0 * crowns.trunk_radius[k],
            "trunkDiameter_source": TRUNK_SOURCE,
            "source": rows["source"][k],
        }
        matrix = np.diag([radius, radius, height, 1.0]).ravel().tolist()
        instance: Json = {
            "type": "GeometryInstance",
            "template": int(template[k]),
            "boundaries": [int(foot[k])],
            "transformationMatrix": matrix,
        }
        things.append(
            {
                "type": "SolitaryVegetationObject",
                "attributes": known(described.items()),
                "geometry": [instance],
            }
        )
    return {"templates": shared, "vertices-templates": corners}, things


def _used(
    vertices: IntArray, objects: dict[str, Json], kept: int
) -> tuple[dict[str, Json], IntArray]:
    """Drop vertices from ``kept`` on that no object uses, and renumber."""
    used = np.zeros(len(vertices), bool)
    used[:kept] = True
    for thing in objects.values():
        for geometry in thing["geometry"]:  # type: ignore[attr-defined]
            used[np.array(geometry["boundaries"]).ravel()] = True
    if used.all():
        return objects, vertices
    number = np.cumsum(used) - 1
    renumbered: dict[str, Json] = {}
    for name, thing in objects.items():
        told = [
            {
                **geometry,
                "boundaries": number[np.array(geometry["boundaries"])].tolist(),
            }
            for geometry in thing["geometry"]  # type: ignore[attr-defined]
        ]
        renumbered[name] = {**thing, "geometry": told}
    return renumbered, vertices[used]
