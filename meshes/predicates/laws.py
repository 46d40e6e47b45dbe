"""Find breaches of the laws that this project adds to those of solids."""

from collections.abc import Iterator

import numpy as np

from gis.faults import count_things
from meshes.polygons import IntArray
from meshes.predicates.codes import Code, Fault
from meshes.predicates.shells import find_shells
from meshes.predicates.skin import BoolArray, Skin
from meshes.solids import Kind

MEASURED = 1e-6
"""Largest difference of stated normals, and of areas by area, from those of the corners."""

EXACT = 1e-9
"""Largest relative difference of the volume of a block from area times height."""


def kind_faults(skin: Skin) -> Iterator[Fault]:
    """Find faces that are neither roof nor wall nor ground: 1003, one a part."""
    unknown = ~np.isin(skin.solids.kind, list(Kind))
    yield from _by_part(
        skin, unknown, Code.KIND_UNKNOWN, "Neither roof nor wall nor ground"
    )


def law_faults(skin: Skin, sound: BoolArray) -> Iterator[Fault]:
    """Find faces that look the wrong way or are wrongly measured, and odd volumes.

    Parameters
    ----------
    skin : Skin
    sound : (parts,) bool
        Parts to look at.

    Yields
    ------
    Fault
        1002, 1004 and 1005 once a part; 1006 where none of them holds.
    """
    solids = skin.solids
    asked = sound[solids.part]
    area = np.linalg.norm(skin.vector, axis=1)
    normal = skin.vector / np.maximum(area, np.finfo(float).tiny)[:, None]
    wrong = np.abs(normal - solids.faces.normal).max(axis=1, initial=0.0) > MEASURED
    wrong |= np.abs(area - solids.faces.area) > MEASURED * np.maximum(area, 1.0)
    down = (solids.kind == Kind.ROOF) & (skin.vector[:, 2] <= 0)
    lower = (solids.kind == Kind.GROUND) | (solids.kind == Kind.UNDERSIDE)
    up = lower & (skin.vector[:, 2] >= 0)
    broken = np.zeros(len(sound), np.bool_)
    for code, faces, words in (
        (
            Code.NORMAL_OR_AREA_WRONG,
            wrong,
            "Stating a normal or an area other than that of their corners",
        ),
        (Code.ROOF_LOOKS_DOWN, down, "Roofs that do not look up"),
        (Code.GROUND_LOOKS_UP, up, "Ground or undersides that do not look down"),
    ):
        broken[solids.part[asked & faces]] = True
        yield from _by_part(skin, asked & faces, code, words)
    yield from _volumes(skin, sound & ~broken)


def _by_part(skin: Skin, chosen: BoolArray, code: Code, words: str) -> Iterator[Fault]:
    """Yield one fault for each part that has chosen faces."""
    faces = np.flatnonzero(chosen)
    order = np.argsort(skin.solids.part[faces], kind="stable")
    faces = faces[order]
    parts, first = np.unique(skin.solids.part[faces], return_index=True)
    groups: list[IntArray] = np.split(faces, first[1:]) if len(faces) else []
    for part, group in zip(parts.tolist(), groups, strict=True):
        where = skin.vertices[skin.solids.faces.vertex_start[group[0]]]
        told = f"{words}: {count_things(len(group), 'face')}."
        yield Fault(part, code, tuple(group.tolist()), where, float(len(group)), told)


def _volumes(skin: Skin, sound: BoolArray) -> Iterator[Fault]:
    """Compare blocks with area times height.

    A block has corners at two heights only, and faces that are level or upright.
    """
    solids = skin.solids
    count = len(sound)
    z = skin.vertices[:, 2]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, skin.part, z)
    np.maximum.at(high, skin.part, z)
    between = (z > low[skin.part]) & (z < high[skin.part])
    level = np.abs(skin.vector[:, 2])
    upright = np.abs(skin.vector[:, :2]).max(axis=1, initial=0.0)
    slope = np.minimum(level, upright) > EXACT * np.maximum(level, upright)
    block = sound & (np.bincount(skin.part[between], minlength=count) == 0)
    block[solids.part[slope]] = False
    if not block.any():
        return
    shells = find_shells(skin, block)
    volume = np.bincount(shells.part, shells.volume, minlength=count)
    roof = solids.kind == Kind.ROOF
    # Of roofs at the upper height only: in a block a roof cannot be anywhere else.
    area = np.bincount(solids.part[roof], skin.vector[roof, 2], minlength=count)
    made = area * np.where(block, high - low, 0.0)
    for part in np.flatnonzero(block & (np.abs(volume - made) > EXACT * volume)).tolist():
        faces = np.flatnonzero(solids.part == part)
        where = skin.vertices[solids.faces.vertex_start[faces[0]]]
        words = (
            f"A block of {area[part]:.2f} m2 of roof and {high[part] - low[part]:.2f} m "
            f"must hold {made[part]:.2f} m3, it holds {volume[part]:.2f} m3."
        )
        wrong = Code.VOLUME_NOT_AREA_TIMES_HEIGHT
        amount = float(volume[part] - made[part])
        yield Fault(part, wrong, tuple(faces.tolist()), where, amount, words)
