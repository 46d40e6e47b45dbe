"""Find rings that are none."""

from collections.abc import Iterator

import numpy as np

from gis.faults import count_things
from meshes.polygons import FloatArray
from meshes.predicates.codes import Code, Fault
from meshes.predicates.skin import BoolArray, Skin


def ring_faults(skin: Skin) -> Iterator[Fault]:
    """Find corners that are no numbers, rings with too few and with repeated corners.

    Yields
    ------
    Fault
        1001 once a face; 101 and 102 once a ring, 102 not where 101 holds.
    """
    faces = skin.solids.faces
    finite = skin.finite
    for face in np.unique(skin.face[~finite]).tolist():
        slots = np.flatnonzero((skin.face == face) & ~finite)
        yield _fault(
            skin,
            Code.COORDINATE_NOT_FINITE,
            face,
            np.full(3, np.nan),
            float(len(slots)),
            f"Face {face} has {count_things(len(slots), 'corner')} missing or infinite.",
        )
    lost: BoolArray = np.bincount(skin.face[~finite], minlength=len(faces)) > 0
    rings = len(faces.ring_start) - 1
    face_of_ring = np.repeat(np.arange(len(faces)), np.diff(faces.polygon_start))
    pairs = np.unique(skin.ring * max(skin.corner_count, 1) + skin.corner)
    distinct = np.bincount(pairs // max(skin.corner_count, 1), minlength=rings)
    few = (distinct < 3) & ~lost[face_of_ring]
    for ring in np.flatnonzero(few).tolist():
        face = int(face_of_ring[ring])
        count = int(distinct[ring])
        yield _fault(
            skin,
            Code.TOO_FEW_POINTS,
            face,
            _corner(skin, faces.ring_start[ring]),
            float(count),
            f"A ring of face {face} has {count_things(count, 'different corner')}, not 3.",
        )
    bare = np.flatnonzero((np.diff(faces.polygon_start) == 0) & ~lost)
    for face in bare.tolist():
        words = f"Face {face} has no ring."
        yield _fault(skin, Code.TOO_FEW_POINTS, face, np.full(3, np.nan), 0.0, words)
    same = (skin.corner == skin.corner[skin.end]) & ~few[skin.ring] & ~lost[skin.face]
    for ring in np.unique(skin.ring[same]).tolist():
        slots = np.flatnonzero(same & (skin.ring == ring))
        face = int(face_of_ring[ring])
        yield _fault(
            skin,
            Code.CONSECUTIVE_POINTS_SAME,
            face,
            skin.vertices[slots[0]],
            float(len(slots)),
            f"A ring of face {face} repeats {count_things(len(slots), 'corner')} at once.",
        )


def _corner(skin: Skin, slot: int) -> FloatArray:
    """Return the place of a slot, which a ring without corners may not have."""
    if slot < len(skin.vertices):
        place: FloatArray = skin.vertices[slot]
        return place
    return np.full(3, np.nan)


def _fault(
    skin: Skin, code: Code, face: int, where: FloatArray, amount: float, words: str
) -> Fault:
    """Return a fault of one face."""
    return Fault(int(skin.solids.part[face]), code, (face,), where, amount, words)
