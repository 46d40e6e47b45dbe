"""Write a district as 3D Tiles 1.1 on the globe."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gis.crs import HEIGHT_EPSG, PLAN_EPSG
from gis.errors import OutputError
from meshes.facets import Facets
from meshes.formats.ellipsoid import HELSINGBORG_GEOID, Placement, make_placement
from meshes.formats.glb import Json
from meshes.formats.gltf import make_glb
from meshes.formats.painted import PaintedFaces, paint_faces
from meshes.formats.surroundings import Layer, Surroundings, TreePlaces
from meshes.polygons import FloatArray, IntArray
from meshes.render.colours import UNIT, IrradiationScale
from meshes.solids import Solids

FILE = "tileset.json"
SUFFIXES = {".json", ".glb"}

PER_TILE = 100
"""Buildings that a tile holds before it hands the smaller ones on to four children."""

DEEPEST = 16
"""Levels of tiles; parts that still share a place then share a tile."""

PER_PIECE = 8000
"""Triangles of a piece of the ground, on average at most."""

ALL_UNSEEN = 2.0
"""Error of a tile that holds nothing itself, as a multiple of the district's diagonal."""

SLACK = 0.001
"""How much wider boxes are than exact positions [m]; rounding takes a tenth of it."""

NO_TREES = TreePlaces(np.empty((0, 3)), np.empty(0), np.empty(0))

PROPERTIES = {
    "name": ("STRING", "what the district is called"),
    "crs": ("STRING", "plan that the model was made in"),
    "heights": ("STRING", "height system that the model was made in"),
    "credits": ("STRING", "whom to name"),
    "geoid": (
        "FLOAT64",
        "height of that system's zero above the ellipsoid, m, one for all",
    ),
    "scale_top": ("FLOAT64", f"irradiation of the brightest colour, {UNIT}"),
}


@dataclass(frozen=True)
class _Contents:
    """What goes into the tiles."""

    painted: PaintedFaces
    attributes: pd.DataFrame | None
    placement: Placement
    credits: tuple[str, ...]
    folder: Path
    per_tile: int

    def write(self, name: str, faces: PaintedFaces | None, around: Surroundings) -> Json:
        """Write one file of content; return the tile's reference to it."""
        data = make_glb(
            faces,
            attributes=self.attributes,
            around=around,
            credits=self.credits,
            place=self.placement.place,
            instancing=True,
        )
        (self.folder / name).write_bytes(data)
        return {"uri": name}


def write_tiles(
    folder: Path,
    model: Facets | Solids,
    *,
    values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
    attributes: pd.DataFrame | None = None,
    around: Surroundings | None = None,
    title: str = "",
    credits: Sequence[str] = (),
    geoid: float = HELSINGBORG_GEOID,
    per_tile: int = PER_TILE,
) -> None:
    """Write a tileset that viewers of the globe open.

    Parameters
    ----------
    folder : Path
        Becomes ``tileset.json`` and its contents, whole or not at all. It may be new,
        empty or an earlier tileset, which is replaced.
    model, values, scale, attributes, around, title, credits
        As in `meshes.formats.gltf.write_glb`. Attributes may hold a column ``building``:
        parts of one building then stay in one tile.
    geoid : float
        Height of RH2000's zero above the ellipsoid at the district [m].
    per_tile : int
        Most buildings of a tile.

    Raises
    ------
    TableError
        If values, attributes and model do not belong together.
    CrsError
        If the geoid cannot be.
    OutputError
        If the folder holds something else or cannot be written.

    Notes
    -----
    Every building is in exactly one tile of an explicit quadtree: a tile holds its largest
    and hands the others on, so that its geometric error, what is missing while its
    children are not shown, is the size of the largest building handed on. The ground is
    cut into pieces beside it. Trees are repeated by the graphics card
    (EXT_mesh_gpu_instancing), as there may be tens of thousands and viewers of tiles know
    it since it replaced instanced models of 3D Tiles 1.0.

    The root's transform turns and shifts the frame of the grid at the local origin, whose
    north is off true north by the grid's convergence, to its place on the ellipsoid;
    positions are bent from the plan to the round Earth one by one, see `Placement.place`.
    Equal input gives equal bytes.
    """
    painted = paint_faces(model, values=values, scale=scale)
    placement = make_placement(painted.solids.origin, geoid=geoid)
    with _whole_folder(Path(folder)) as temporary:
        contents = _Contents(
            painted, attributes, placement, tuple(credits), temporary, max(per_tile, 1)
        )
        tileset = _tileset(contents, around, title)
        text = json.dumps(tileset, ensure_ascii=False, allow_nan=False, indent=1)
        (temporary / FILE).write_bytes(text.encode())


def _tileset(contents: _Contents, around: Surroundings | None, title: str) -> Json:
    """Write all contents; return the description of them."""
    painted, placement = contents.painted, contents.placement
    children = []
    if len(painted.solids.faces):
        children.append(_buildings(contents))
    if around is not None:
        if around.layers:
            children += _grounds(contents, around.layers)
        if len(around.trees.foot):
            children.append(_trees(contents, around.trees))
    low, high = _union([_corners(child["boundingVolume"]["box"]) for child in children])
    error = ALL_UNSEEN * float(np.linalg.norm(high - low))
    told: Json = {
        "name": title,
        "crs": f"EPSG:{PLAN_EPSG}",
        "heights": f"EPSG:{HEIGHT_EPSG}",
        "credits": "; ".join(contents.credits),
        "geoid": placement.geoid,
    }
    if painted.scale is not None:
        told["scale_top"] = painted.scale.top
    known = {name: value for name, value in told.items() if value != ""}
    properties = {
        name: {"description": text, **_kind(kind)}
        for name, (kind, text) in PROPERTIES.items()
    }
    return {
        "asset": {"version": "1.1"},
        "schema": {
            "id": "heidi_tileset",
            "version": "1.0.0",
            "classes": {"district": {"properties": properties}},
        },
        "metadata": {"class": "district", "properties": known},
        "geometricError": error,
        "root": {
            "transform": placement.matrix,
            "boundingVolume": _box(low, high),
            "geometricError": error,
            "refine": "ADD",
            "children": children,
        },
    }


def _kind(kind: str) -> Json:
    """Return the type of a property in the words of the schema."""
    if kind == "STRING":
        return {"type": "STRING"}
    return {"type": "SCALAR", "componentType": kind}


def _buildings(contents: _Contents) -> Json:
    """Write the quadtree of buildings; return its first tile."""
    solids = contents.painted.solids
    low, high = _part_bounds(contents)
    group = _groups(solids, contents.attributes)
    count = int(group.max()) + 1
    bottom, top = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(bottom, group, low)
    np.maximum.at(top, group, high)
    size = np.linalg.norm(top - bottom, axis=1)
    middle = (bottom + top)[:, :2] / 2
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(count + 1))

    def tile(name: str, chosen: IntArray, square: FloatArray, depth: int) -> Json:
        """Write the largest of some buildings, and the others in tiles below it."""
        ranked = chosen[np.lexsort((chosen, -size[chosen]))]
        held = ranked if depth == DEEPEST else ranked[: contents.per_tile]
        left = ranked[len(held) :]
        parts = np.sort(np.concatenate([order[first[k] : first[k + 1]] for k in held]))
        content = contents.write(
            f"{name}.glb", contents.painted.take(parts), Surroundings((), NO_TREES)
        )
        box = _box(low[parts].min(axis=0), high[parts].max(axis=0))
        described: Json = {
            "geometricError": float(size[left].max(initial=0.0)),
            "content": {**content, "boundingVolume": box},
        }
        half = square[:2] + square[2] / 2
        side = (middle[left] >= half).astype(np.int64) @ np.array([1, 2])
        children = [
            tile(
                f"{name}{quarter}",
                left[side == quarter],
                np.r_[
                    square[:2] + np.array([quarter % 2, quarter // 2]) * square[2] / 2,
                    square[2] / 2,
                ],
                depth + 1,
            )
            for quarter in range(4)
            if (side == quarter).any()
        ]
        if children:
            described["children"] = children
        boxes = [box, *(child["boundingVolume"] for child in children)]
        bounds = _union([_corners(each["box"]) for each in boxes])
        return {"boundingVolume": _box(*bounds), **described}

    corner, extent = middle.min(axis=0), float(np.ptp(middle, axis=0).max())
    return tile("buildings-", np.arange(count), np.r_[corner, extent], 0)


def _groups(solids: Solids, attributes: pd.DataFrame | None) -> IntArray:
    """Return the number of each part's building, (p,)."""
    if attributes is None or "building" not in attributes.columns:
        return np.arange(len(solids.parts))
    names = attributes["building"].reindex(list(solids.parts)).fillna("").astype(str)
    owner = np.where(names == "", list(solids.parts), names)
    number, _ = pd.factorize(owner)
    return number.astype(np.int64)


def _part_bounds(contents: _Contents) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest placed corner of each part, (p, 3) each."""
    solids = contents.painted.solids
    places = contents.placement.place(solids.faces.vertices)
    owner = np.repeat(solids.part, np.diff(solids.faces.vertex_start))
    shape = (len(solids.parts), 3)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    np.minimum.at(low, owner, places)
    np.maximum.at(high, owner, places)
    return low, high


def _grounds(contents: _Contents, layers: Sequence[Layer]) -> list[Json]:
    """Write ground, shore and water in square pieces; return their tiles."""
    middles = [layer.corners[layer.triangles].mean(axis=1)[:, :2] for layer in layers]
    everywhere = np.concatenate(middles)
    side = int(np.ceil(np.sqrt(len(everywhere) / PER_PIECE)))
    low, extent = everywhere.min(axis=0), np.maximum(np.ptp(everywhere, axis=0), 1e-9)
    cells = [
        np.minimum((middle - low) / extent * side, side - 1).astype(np.int64) @ (1, side)
        for middle in middles
    ]
    tiles = []
    for k in range(side * side):
        pieces = tuple(
            layer.take(np.flatnonzero(cell == k))
            for layer, cell in zip(layers, cells, strict=True)
            if (cell == k).any()
        )
        if not pieces:
            continue
        content = contents.write(f"ground-{k}.glb", None, Surroundings(pieces, NO_TREES))
        corners = np.concatenate([piece.corners for piece in pieces])
        places = contents.placement.place(corners)
        box = _box(places.min(axis=0), places.max(axis=0))
        tiles.append({"boundingVolume": box, "geometricError": 0.0, "content": content})
    return tiles


def _trees(contents: _Contents, trees: TreePlaces) -> Json:
    """Write the trees; return their tile."""
    content = contents.write("trees.glb", None, Surroundings((), trees))
    size = np.c_[trees.crown_radius, trees.crown_radius, trees.height]
    feet = contents.placement.place(trees.foot)
    low, high = (feet - size * [1, 1, 0]).min(axis=0), (feet + size).max(axis=0)
    return {"boundingVolume": _box(low, high), "geometricError": 0.0, "content": content}


def _box(low: FloatArray, high: FloatArray) -> Json:
    """Return a box along the frame's axes: its middle and three half axes."""
    half = (high - low) / 2 + SLACK
    return {"box": [*((low + high) / 2).tolist(), *np.diag(half).ravel().tolist()]}


def _corners(box: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest corner of such a box."""
    middle, half = np.array(box[:3]), np.array(box[3:]).reshape(3, 3).diagonal()
    return middle - half, middle + half


def _union(boxes: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Return the corners of the box around others; a point if there are none."""
    if not boxes:
        return np.zeros(3), np.zeros(3)
    low, high = zip(*boxes, strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` that takes its place if nothing fails."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        _check_replaceable(folder)
        temporary.mkdir(parents=True)
        yield temporary
        if folder.exists():
            folder.replace(old)
        temporary.replace(folder)
    except OutputError:
        raise  # says already what is wrong
    except OSError as error:
        reason = error.strerror or error
        message = f"cannot write {folder}: {reason}; choose a folder that can be written"
        raise OutputError(message) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    """Refuse a folder that holds anything but a tileset."""
    if not folder.exists():
        return
    names = [entry.name for entry in folder.iterdir()]
    if names and not (FILE in names and all(Path(n).suffix in SUFFIXES for n in names)):
        message = (
            f"{folder} must be new, empty or an earlier tileset, but it holds other "
            "things; choose another folder"
        )
        raise OutputError(message)
