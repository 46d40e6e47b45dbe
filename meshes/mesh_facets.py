"""Make facets of general meshes or of loose points."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from gis.errors import GeometryError
from gis.terrain import Terrain
from meshes.facets import Facets, lay_facets
from meshes.planes.merging import Merged
from meshes.polygons import FloatArray, IntArray, Polygons, plane_axes, polygons_from_rings
from meshes.solids import Kind, Solids

UPRIGHT = 0.01
"""Vertical part of a normal up to which a face is a wall: half a degree."""

GRAIN = 0.05
"""Places are told apart by this in names [m]."""

SHIFT = 0.0137
"""Shift of the grain [m], so that no whole millimetre lies on its border."""

COMPASS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")

POINT_CELL = 0.01
"""Side of the cell that stands for a loose point [m]; its size changes no light."""

WORDS = {Kind.ROOF: "roof", Kind.WALL: "wall", Kind.GROUND: "ground"} | {
    Kind.UNDERSIDE: "underside"
}


def mesh_solids(
    merged: Merged,
    names: Sequence[str] = (),
    *,
    origin: FloatArray | None = None,
    ground: float | None = None,
) -> Solids:
    """Tell roofs, walls, ground faces and undersides of a mesh by where they look.

    Parameters
    ----------
    merged : Merged
        Planar faces with their bodies.
    names : sequence of str, optional
        What the labels of ``merged`` mean.
    origin : (3,) float, optional
        What the coordinates count from [m]; 0 by default.
    ground : float, optional
        Level of the ground [m]: faces that look down are undersides above it, and ground
        faces at it or below. By default the lowest level of each body.

    Returns
    -------
    Solids
        A part a body, closed or not: light asks ``merged.side``. ``faces`` are
        ``merged.polygons``. A part is named after the label of its first face, and after
        its place where others have the same one.
    """
    start = np.zeros(3) if origin is None else np.asarray(origin, np.float64)
    faces = merged.polygons
    up = faces.normal[:, 2]
    low = np.full(len(merged.closed), np.inf)
    if len(faces):
        lowest = np.minimum.reduceat(faces.vertices[:, 2], faces.vertex_start[:-1])
        highest = np.maximum.reduceat(faces.vertices[:, 2], faces.vertex_start[:-1])
        np.minimum.at(low, merged.body, lowest)
    else:
        highest = np.empty(0)
    level = low[merged.body] if ground is None else ground
    foot = highest <= level + GRAIN
    kind = np.select(
        [up > UPRIGHT, (up < -UPRIGHT) & foot, up < -UPRIGHT],
        [Kind.ROOF, Kind.GROUND, Kind.UNDERSIDE],
        Kind.WALL,
    )
    return Solids(
        faces=faces,
        kind=kind.astype(np.int8),
        part=merged.body.astype(np.int32),
        parts=_part_names(merged, names, start),
        origin=start,
    )


def mesh_facets(
    merged: Merged,
    *,
    spacing: float = 1.0,
    names: Sequence[str] = (),
    origin: FloatArray | None = None,
    undersides: bool = False,
    ground: float | None = None,
    terrain: Terrain | None = None,
) -> Facets:
    """Lay a sensor grid on every face of a mesh.

    Parameters
    ----------
    merged : Merged
        Planar faces of the mesh.
    spacing : float
        Largest distance between neighbouring sensors [m].
    names, origin, ground
        As in `mesh_solids`.
    undersides : bool
        Whether faces that look down get sensors too, but for those on the ground.
    terrain : Terrain, optional
        Cells below it get no sensor; it needs ``origin``.

    Returns
    -------
    Facets
        ``face`` counts the polygons of ``merged``. Ids are made of the part, what the face
        is, where it looks and a code of its place, such as ``tower-wall-s-1f0c22ab``: the
        order of triangles does not change them, and what is elsewhere in the mesh only if
        it takes the name of the part.

    Raises
    ------
    GeometryError
        If the spacing is not positive.
    """
    solids = mesh_solids(merged, names, origin=origin, ground=ground)
    wanted = [Kind.ROOF, Kind.WALL, *([Kind.UNDERSIDE] if undersides else [])]
    faces = np.flatnonzero(np.isin(solids.kind, wanted))
    ids = _face_names(solids, faces)
    return lay_facets(solids, faces, ids, spacing=spacing, terrain=terrain)


def point_facets(
    points: FloatArray, normals: FloatArray, *, ids: Sequence[str] = ()
) -> Facets:
    """Make a facet of one sensor of every point.

    Parameters
    ----------
    points : (n, 3) float
        Positions [m]; kept as they are. A point on a surface is not shaded by it, as what
        lies within a millimetre of a facet's plane blocks nothing.
    normals : (n, 3) float
        Where they look; of any length but 0.
    ids : sequence of str, optional
        A name for each; by default ``point-1`` and so on.

    Returns
    -------
    Facets
        Facet and sensor ``k`` are point ``k``. Areas are those of cells of `POINT_CELL`,
        all equal, and mean nothing.

    Raises
    ------
    GeometryError
        If points and normals do not belong together, or one is none.
    """
    places = np.asarray(points, np.float64).reshape(-1, 3)
    looks = np.asarray(normals, np.float64).reshape(-1, 3)
    length = np.linalg.norm(looks, axis=1)
    if looks.shape != places.shape or (len(ids) and len(ids) != len(places)):
        message = (
            f"each of {len(places)} points needs one normal and at most one name, got "
            f"{len(looks)} normals and {len(ids)} names"
        )
        raise GeometryError(message)
    # Written so that NaN is refused too.
    sound = (length > 1e-9) & np.isfinite(places).all(axis=1) & np.isfinite(length)
    if not sound.all():
        message = (
            "points must be finite and normals longer than 0, point "
            f"{int(np.argmin(sound)) + 1} is not so; correct or leave out "
            f"{int((~sound).sum())} of {len(places)}"
        )
        raise GeometryError(message)
    normal = looks / length[:, None]
    solids = _small_squares(places, normal)
    names = tuple(ids) or tuple(f"point-{k + 1}" for k in range(len(places)))
    count = len(places)
    e1, e2 = plane_axes(normal)
    return Facets(
        ids=names,
        face=np.arange(count),
        kind=solids.kind,
        part=solids.part,
        normal=normal,
        corner=places - POINT_CELL / 2 * (e1 + e2),
        e1=e1,
        e2=e2,
        step=np.full((count, 2), POINT_CELL),
        shape=np.ones((count, 2), np.int64),
        area=np.full(count, POINT_CELL**2),
        bit_start=np.arange(count) * 64,
        mask=np.ones(count, np.uint64),
        sensor_start=np.arange(count + 1),
        sensor_bit=np.arange(count) * 64,
        solids=solids,
    )


def _small_squares(places: FloatArray, normal: FloatArray) -> Solids:
    """Return the cells of loose points as faces of one part."""
    e1, e2 = plane_axes(normal)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * POINT_CELL / 2
    corners = (
        places[:, None]
        + signs[None, :, :1] * e1[:, None]
        + signs[None, :, 1:] * e2[:, None]
    )
    count = len(places)
    faces = polygons_from_rings(
        corners.reshape(-1, 3), np.arange(count + 1) * 4, np.arange(count + 1)
    )
    up = normal[:, 2]
    kind = np.select([up > UPRIGHT, up < -UPRIGHT], [Kind.ROOF, Kind.UNDERSIDE], Kind.WALL)
    return Solids(
        faces, kind.astype(np.int8), np.zeros(count, np.int32), ("points",), np.zeros(3)
    )


def _part_names(
    merged: Merged, names: Sequence[str], origin: FloatArray
) -> tuple[str, ...]:
    """Name bodies after the label of their first face, and their place if need be."""
    bodies = len(merged.closed)
    first = np.unique(merged.body, return_index=True)[1]
    label = merged.label[first].tolist()
    plain = [names[k] if 0 <= k < len(names) else "" for k in label]
    often = Counter(plain)
    codes = _place_codes(*_boxes(merged.polygons, merged.body, bodies), origin)
    told = [
        name if name and often[name] == 1 else f"{name or 'body'}-{code}"
        for name, code in zip(plain, codes, strict=True)
    ]
    return tuple(_apart(told))


def _face_names(solids: Solids, faces: IntArray) -> tuple[str, ...]:
    """Name faces after their part, what they are, where they look and their place."""
    count = len(solids.faces)
    owner = np.repeat(np.arange(count), np.diff(solids.faces.vertex_start))
    codes = _place_codes(
        *_boxes(solids.faces, np.arange(count), count, owner=owner), solids.origin
    )
    normal = solids.faces.normal
    azimuth = np.degrees(np.arctan2(normal[:, 0], normal[:, 1]))
    # Walls along the axes and diagonals lie in the middle of their sector.
    sector = (np.floor((azimuth + 22.5) / 45).astype(np.int64) % 8).tolist()
    flat = (np.abs(normal[:, 2]) > np.cos(UPRIGHT)).tolist()
    kind = solids.kind.tolist()
    part = solids.part.tolist()
    told = [
        "-".join(
            [
                solids.parts[part[k]],
                WORDS[Kind(kind[k])],
                *([] if flat[k] else [COMPASS[sector[k]]]),
                codes[k],
            ]
        )
        for k in faces.tolist()
    ]
    return tuple(_apart(told))


def _boxes(
    polygons: Polygons, group: IntArray, count: int, *, owner: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest coordinates of groups of polygons, (count, 3) each."""
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    if owner is None:
        owner = np.repeat(group, np.diff(polygons.vertex_start))
    np.minimum.at(low, owner, polygons.vertices)
    np.maximum.at(high, owner, polygons.vertices)
    return low, high


def _place_codes(low: FloatArray, high: FloatArray, origin: FloatArray) -> list[str]:
    """Return eight letters for the middle of each box, equal where the grain is equal."""
    middle = (low + high) / 2 + origin
    grain = np.floor((middle + SHIFT) / GRAIN).astype("<i8")
    return [hashlib.blake2b(row.tobytes(), digest_size=4).hexdigest() for row in grain]


def _apart(names: list[str]) -> list[str]:
    """Give the second and further uses of a name a number, in their order."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return told
