"""Write buildings with their light and surroundings as binary glTF 2.0."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.crs import HEIGHT_EPSG, PLAN_EPSG
from gis.errors import TableError
from gis.files import atomic_path
from meshes.crowns import make_crowns
from meshes.facets import Facets
from meshes.formats.atlas import Atlas, bake_atlas
from meshes.formats.features import FEATURES, add_tables, feature_numbers
from meshes.formats.glb import GlbWriter, Json
from meshes.formats.painted import (
    KIND_NAMES,
    PaintedFaces,
    missing_colour,
    paint_faces,
)
from meshes.formats.surroundings import Layer, Surroundings, TreePlaces
from meshes.formats.tree_shape import TreeShape, tree_proportions, tree_shape
from meshes.polygons import FloatArray, IntArray
from meshes.render.colours import UNIT, IrradiationScale, hex_linear, to_linear
from meshes.render.looks import DATA
from meshes.solids import Solids

COLOUR_STEPS = 65_535
"""Linear light in 16 bits: in 8 bits dark colours would fall into visible bands."""

COORDINATE_STEPS = 65_535
"""Places in a picture in 16 bits: a sixteenth of a texel in the widest."""

INSTANCING = "EXT_mesh_gpu_instancing"

NEAREST, CLAMP = 9728, 33071
"""Texels show as they are; the edge of the picture does not repeat."""

MEANINGS = {
    "id": "stable name of the facet",
    "part": "row of the facet's building part in the table of parts",
    "kind": "roof, wall or ground face",
    "irradiation": f"mean over the facet's sensors, {UNIT}; see noData where there is none",
    "area": "area above ground, m2",
}

Place = Callable[[FloatArray], FloatArray]


def write_glb(
    path: Path,
    model: Facets | Solids,
    *,
    values: ArrayLike | None = None,
    sensor_values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
    attributes: pd.DataFrame | None = None,
    around: Surroundings | None = None,
    title: str = "",
    credits: Sequence[str] = (),
) -> None:
    """Write one file that any glTF viewer opens without decoders.

    Parameters
    ----------
    path : Path
        Usually ends in ``.glb``.
    model : Facets or Solids
        The buildings.
    values : (n,) float, optional
        Irradiation of each facet, or of each face of solids [kWh/m2 a year]; NaN unknown.
        Faces become coloured by it, and the table of facets holds it.
    sensor_values : (s,) float, optional
        Irradiation of each sensor of the facets [kWh/m2 a year]: faces show it, a texel
        per sensor, instead of one colour each. Without ``values`` the facets' means
        become the property.
    scale : IrradiationScale, optional
        Colours; by default those of all pictures of the twin.
    attributes : DataFrame, optional
        Properties of the building parts: its index holds the ids of parts, each column
        of numbers, texts or truth values becomes a property.
    around : Surroundings, optional
        Ground, water and trees, with the same local origin.
    title : str
        What to call the scene.
    credits : sequence of str
        Whom to name.

    Raises
    ------
    TableError
        If values, attributes and model do not belong together.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Axes are those of glTF: x = east, y = up, z = south [m], relative to the local origin,
    which stands with its reference systems in the scene's extras. Every vertex carries the
    number of its face (``_FEATURE_ID_0``) and of its part (``_FEATURE_ID_1``),
    EXT_mesh_features, which count the rows of two tables, EXT_structural_metadata. Colours
    of vertices are linear light, as glTF wants them. Irradiation shows unlit, so that a
    colour means the same on every side of a building. Equal input gives equal bytes.
    """
    atlas = None
    if sensor_values is not None:
        if not isinstance(model, Facets):
            message = "values of sensors need facets that carry them, got solids alone"
            raise TableError(message)
        atlas = bake_atlas(model, sensor_values, scale=scale)
        scale = atlas.scale
        if values is None:
            values = _facet_means(model, sensor_values)
    painted = paint_faces(model, values=values, scale=scale)
    data = make_glb(
        painted,
        atlas=atlas,
        attributes=attributes,
        around=around,
        title=title,
        credits=credits,
    )
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(data)


def make_glb(
    painted: PaintedFaces | None,
    *,
    atlas: Atlas | None = None,
    attributes: pd.DataFrame | None = None,
    around: Surroundings | None = None,
    title: str = "",
    credits: Sequence[str] = (),
    place: Place | None = None,
    instancing: bool = False,
) -> bytes:
    """Return a whole glTF file, see `write_glb`.

    Parameters
    ----------
    painted : PaintedFaces, optional
        The buildings.
    atlas : Atlas, optional
        Light of the sensors of the painted faces' facets.
    attributes, around, title, credits
        As in `write_glb`.
    place : callable, optional
        Moves positions (n, 3) [m, local] just before they are written.
    instancing : bool
        Whether trees are lists of places that the graphics card repeats
        (EXT_mesh_gpu_instancing, which a reader must then know), and not nodes that share
        a mesh, which every reader knows.
    """
    extras: Json = {"title": title} if title else {}
    if place is None and painted is not None:
        extras |= {
            "crs": f"EPSG:{PLAN_EPSG}",
            "heights": f"EPSG:{HEIGHT_EPSG}",
            "origin": painted.solids.origin.tolist(),
            "axes": "x east, y up, z south [m] from the origin (easting, northing, height)",
        }
    if painted is not None and painted.scale is not None:
        extras["scale"] = {"unit": UNIT, "bottom": 0.0, "top": painted.scale.top}
    writer = GlbWriter(credit="; ".join(credits), extras=extras)
    moved: Place = place or (lambda points: points)
    if painted is not None and len(painted.solids.faces):
        _add_buildings(writer, painted, atlas, attributes, moved)
    if around is not None:
        for layer in around.layers:
            _add_layer(writer, layer, moved)
        _add_trees(writer, around.trees, moved, instancing=instancing)
    return writer.to_bytes()


def _facet_means(facets: Facets, sensor_values: ArrayLike) -> FloatArray:
    """Return the mean of each facet's sensors."""
    sums = np.bincount(
        facets.sensor_facet, np.asarray(sensor_values), minlength=len(facets)
    )
    means: FloatArray = sums / facets.sensors_per_facet
    return means


def to_gltf_axes(vectors: FloatArray) -> NDArray[np.float32]:
    """Turn vectors (n, 3) from east, north, up to x = east, y = up, z = south."""
    east, north, up = np.asarray(vectors, np.float64).T
    return np.stack([east, up, -north], axis=1).astype("<f4") + np.float32(0)


def _add_buildings(
    writer: GlbWriter,
    painted: PaintedFaces,
    atlas: Atlas | None,
    attributes: pd.DataFrame | None,
    place: Place,
) -> None:
    """Add the faces of all buildings as one mesh with its tables."""
    solids = painted.solids
    faces = solids.faces
    triangles, face = faces.triangles()
    positions = to_gltf_axes(place(faces.vertices))
    tables = add_tables(
        writer,
        {"facet": _facet_table(painted), "part": _part_table(solids, attributes)},
        meanings=MEANINGS,
        enums={"kind": {int(kind): name for kind, name in KIND_NAMES.items()}},
    )
    writer.use(FEATURES)
    is_data = painted.scale is not None
    if atlas is None:
        groups = [(np.arange(len(faces)), "light" if is_data else "buildings")]
    else:
        lit = painted.facet >= 0
        groups = [(np.flatnonzero(lit), "light"), (np.flatnonzero(~lit), "buried")]
    primitives = [
        _primitive(
            writer,
            painted,
            chosen,
            name,
            triangles[np.isin(face, chosen)],
            positions,
            tables,
            atlas,
        )
        for chosen, name in groups
        if len(chosen)
    ]
    mesh = writer.add("meshes", {"name": "buildings", "primitives": primitives})
    writer.add_node({"name": "buildings", "mesh": mesh})


def _primitive(
    writer: GlbWriter,
    painted: PaintedFaces,
    chosen: IntArray,
    name: str,
    triangles: IntArray,
    positions: NDArray[np.float32],
    tables: dict[str, int],
    atlas: Atlas | None,
) -> Json:
    """Write the chosen faces with one material."""
    faces, part = painted.solids.faces, painted.solids.part.astype(np.int64)
    owner = np.repeat(np.arange(len(faces)), np.diff(faces.vertex_start))
    used, corners = np.unique(triangles, return_inverse=True)
    owner = owner[used]
    attributes = {
        "POSITION": writer.add_attribute(positions[used], bounds=True),
        "_FEATURE_ID_0": writer.add_attribute(feature_numbers(owner)),
        "_FEATURE_ID_1": writer.add_attribute(feature_numbers(part[owner])),
    }
    is_data = painted.scale is not None
    if not is_data:  # without light, normals would be a fifth of the file for nothing
        normals = _unit(to_gltf_axes(faces.normal))[owner]
        attributes["NORMAL"] = writer.add_attribute(normals)
    colour = texture = None
    if atlas is None:
        linear = to_linear(painted.colour)[owner]
        shades = np.rint(linear * COLOUR_STEPS).astype("<u2")
        attributes["COLOR_0"] = writer.add_attribute(shades, normalized=True)
    elif name == "light":
        spots = atlas.coordinates(faces.vertices[used], painted.facet[owner])
        places = np.rint(spots * COORDINATE_STEPS).astype("<u2")
        attributes["TEXCOORD_0"] = writer.add_attribute(places, normalized=True)
        texture = _add_texture(writer, atlas)
    else:
        colour = to_linear(missing_colour()).astype(np.float64)
    return {
        "attributes": attributes,
        "indices": writer.add_indices(corners.reshape(-1, 3), vertices=len(used)),
        "material": writer.add_material(
            name, colour=colour, texture=texture, unlit=is_data
        ),
        "extensions": {
            FEATURES: {
                "featureIds": [
                    {
                        "featureCount": len(np.unique(numbers)),
                        "attribute": k,
                        "label": label,
                        "propertyTable": tables[label],
                    }
                    for k, (label, numbers) in enumerate(
                        {"facet": chosen, "part": part[chosen]}.items()
                    )
                ]
            }
        },
    }


def _add_texture(writer: GlbWriter, atlas: Atlas) -> int:
    """Add the atlas as a texture."""
    view = writer.add_view(atlas.png())
    image = writer.add("images", {"bufferView": view, "mimeType": "image/png"})
    sampler = writer.add(
        "samplers",
        {"magFilter": NEAREST, "minFilter": NEAREST, "wrapS": CLAMP, "wrapT": CLAMP},
    )
    return writer.add("textures", {"source": image, "sampler": sampler})


def _facet_table(painted: PaintedFaces) -> pd.DataFrame:
    """Tell what each face is."""
    table = pd.DataFrame(
        {
            "id": painted.ids,
            "part": painted.solids.part.astype(np.uint32),
            "kind": painted.solids.kind,
            "area": painted.area,
        }
    )
    known = painted.scale is not None
    return table.assign(irradiation=painted.irradiation) if known else table


def _part_table(solids: Solids, attributes: pd.DataFrame | None) -> pd.DataFrame:
    """Tell what each building part is."""
    table = pd.DataFrame({"id": solids.parts})
    if attributes is None:
        return table
    lost = [part for part in solids.parts if part not in attributes.index]
    if lost or not attributes.index.is_unique:
        message = (
            f"attributes must have one row per building part, {len(lost)} parts have none"
            f"{': ' + ', '.join(lost[:5]) if lost else ', or ids occur twice'}; give the "
            "buildings table of the same district"
        )
        raise TableError(message)
    rows = attributes.loc[list(solids.parts)].reset_index(drop=True)
    return pd.concat(
        [table, rows.drop(columns=["id", "geometry"], errors="ignore")], axis=1
    )


def _add_layer(writer: GlbWriter, layer: Layer, place: Place) -> None:
    """Add ground, shore or water as a mesh of its own."""
    positions = to_gltf_axes(place(layer.corners))
    attributes = {"POSITION": writer.add_attribute(positions, bounds=True)}
    # Without normals viewers light each triangle flat, as walls along a shore should be.
    if layer.name != "shore":
        normals = _unit(to_gltf_axes(layer.normals()))
        attributes["NORMAL"] = writer.add_attribute(normals)
    colour = hex_linear(layer.colour).astype(np.float64)
    primitive = {
        "attributes": attributes,
        "indices": writer.add_indices(layer.triangles, vertices=len(positions)),
        "material": writer.add_material(layer.name, colour=colour),
    }
    mesh = writer.add("meshes", {"name": layer.name, "primitives": [primitive]})
    writer.add_node({"name": layer.name, "mesh": mesh})


def _add_trees(
    writer: GlbWriter, trees: TreePlaces, place: Place, *, instancing: bool
) -> None:
    """Add a tree for each proportion that occurs, and the places where each stands."""
    if not len(trees.foot):
        return
    crowns = make_crowns(trees.foot, trees.height, trees.crown_radius)
    proportions, number = tree_proportions(crowns)
    material = writer.add_material("tree")
    feet = to_gltf_axes(place(trees.foot)).round(3) + np.float32(0)
    sizes = np.c_[trees.crown_radius, trees.height, trees.crown_radius].round(3)
    children = []
    for k, (crown, trunk) in enumerate(proportions):
        mesh = _add_tree(writer, tree_shape(crown, trunk), material)
        chosen = np.flatnonzero(number == k)
        if instancing:
            attributes = {
                "TRANSLATION": writer.add_attribute(feet[chosen]),
                "SCALE": writer.add_attribute(sizes[chosen].astype("<f4")),
            }
            extensions = {INSTANCING: {"attributes": attributes}}
            node: Json = {"name": "trees", "mesh": mesh, "extensions": extensions}
            children.append(writer.add("nodes", node))
            continue
        children += [
            writer.add("nodes", {"mesh": mesh, "translation": foot, "scale": size})
            for foot, size in zip(
                feet[chosen].astype(np.float64).round(3).tolist(),
                sizes[chosen].tolist(),
                strict=True,
            )
        ]
    if instancing:
        writer.require(INSTANCING)
    writer.add_node({"name": "trees", "children": children})


def _add_tree(writer: GlbWriter, shape: TreeShape, material: int) -> int:
    """Add the mesh of one tree; return its number."""
    tones = np.array([hex_linear(DATA.crown), hex_linear(DATA.trunk)])
    shades = np.rint(tones * COLOUR_STEPS).astype("<u2")[shape.is_trunk.astype(np.int64)]
    primitive = {
        "attributes": {
            "POSITION": writer.add_attribute(to_gltf_axes(shape.corners), bounds=True),
            "NORMAL": writer.add_attribute(_unit(to_gltf_axes(shape.normals))),
            "COLOR_0": writer.add_attribute(shades, normalized=True),
        },
        "indices": writer.add_indices(shape.triangles, vertices=len(shape.corners)),
        "material": material,
    }
    return writer.add("meshes", {"name": "tree", "primitives": [primitive]})


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors of length 1 in the precision they are written in."""
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype("<f4")
