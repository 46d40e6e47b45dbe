"""Plant trees in a lit scene, fell them or change them.

Every bit of every layer of crowns equals that of a new run, and so does the light but for
rounding.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np

from gis.errors import GeometryError
from meshes.crowns import Crowns
from meshes.polygons import IntArray
from meshes.solar.canopy import Grove, crown_bodies, make_canopy, trunk_bodies
from meshes.solar.cast_words import count_shadows, count_up
from meshes.solar.changed_words import SparseBits, Words, no_bits, words_at
from meshes.solar.edits import Standing
from meshes.solar.lit_crowns import lit_crowns
from meshes.solar.lit_scene import LitScene
from meshes.solar.near import bodies_met, boxes_of
from meshes.solar.occluders import Occluders
from meshes.solar.regrowth import regrown

Kind = tuple[bytes, int]
"""Tells trees of a kind: what they let through, and how many of them are counted."""

Layers = tuple[SparseBits, ...]
"""Cells behind one tree of a kind or more, behind two or more, ..."""


def plant(standing: Standing, crowns: Crowns, *, threads: int | None = None) -> Standing:
    """Plant trees.

    Parameters
    ----------
    standing : Standing
        The scene; it is not changed.
    crowns : Crowns
        Trees, in the scene's frame; they come after those that stand there.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    Standing

    Raises
    ------
    GeometryError
        If trees of too many kinds come together.
    """
    here = standing.crowns
    stay = np.arange(0 if here is None else len(here))
    return _regrown(standing, stay, crowns, threads)


def fell(standing: Standing, trees: IntArray, *, threads: int | None = None) -> Standing:
    """Take trees away.

    Parameters
    ----------
    standing : Standing
        The scene; it is not changed.
    trees : (k,) int
        Numbers of trees in ``standing.crowns``; those behind them move up.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    Standing

    Raises
    ------
    GeometryError
        If a tree is not there.
    """
    return _regrown(standing, _staying(standing, trees), None, threads)


def change_trees(
    standing: Standing, trees: IntArray, crowns: Crowns, *, threads: int | None = None
) -> Standing:
    """Put trees in the place of others: see `fell` and `plant`."""
    return _regrown(standing, _staying(standing, trees), crowns, threads)


def _staying(standing: Standing, trees: IntArray) -> IntArray:
    """Return the trees that are left; refuse what is not there."""
    count = 0 if standing.crowns is None else len(standing.crowns)
    numbers = np.asarray(trees, np.int64).reshape(-1)
    missing = numbers[(numbers < 0) | (numbers >= count)]
    if len(missing):
        message = (
            f"trees must be numbered 0..{count - 1} as they stand, got "
            f"{missing[:5].tolist()}; name others"
            if count
            else f"no tree stands in the scene, got {missing[:5].tolist()}; plant some"
        )
        raise GeometryError(message)
    return np.setdiff1d(np.arange(count), numbers)


def _regrown(
    standing: Standing, stay: IntArray, added: Crowns | None, threads: int | None
) -> Standing:
    """Return the scene with some of its trees, and with others behind them."""
    here = standing.crowns
    kept = [] if here is None else [here.take(stay)]
    crowns = _joined([*kept, *([] if added is None else [added])])
    if crowns is None:
        return standing
    canopy = make_canopy(crowns)
    was = np.r_[stay, np.full(len(crowns) - len(stay), -1, np.int64)]
    scene, workers = standing.scene, threads or os.cpu_count() or 1
    old, new = _by_kind(standing), {_kind(grove): grove for grove in canopy.groves}
    found: dict[Kind, Layers] = {}
    turned: list[SparseBits] = []
    with ThreadPoolExecutor(workers) as pool:
        for kind in old | new:
            members, before = old.get(kind, (np.empty(0, np.int64), _nothing(kind)))
            others = new[kind].trees if kind in new else np.empty(0, np.int64)
            gone = np.setdiff1d(members, was[others])
            come = ~np.isin(was[others], members)
            after = before
            if len(gone) and here is not None:
                leaving = _bodies(here, gone, kind)
                rest = others[~come]
                left = _bodies(crowns, rest, kind) if len(rest) else None
                after = _cleared(scene, after, leaving, left, pool)
            if come.any():
                joining = _bodies(crowns, others[come], kind)
                fresh = count_shadows(
                    scene.receivers, joining, scene.compass, most=kind[1], pool=pool
                )
                after = count_up([*after, *fresh], most=kind[1])
            found[kind] = after
            turned += [a.turned(b) for a, b in zip(after, before, strict=True)]
        layers = [bits for kind in new for bits in found[kind]]
        after_all = lit_crowns(layers, canopy.transmittance) if layers else None
        scene = regrown(scene, after_all, turned, pool=pool, workers=workers)
    return replace(standing, scene=scene, crowns=crowns, canopy=canopy)


def _joined(crowns: Sequence[Crowns]) -> Crowns | None:
    """Return all trees in a row; None where there is nothing to join."""
    if not crowns:
        return None
    columns = [
        np.concatenate([getattr(each, column.name) for each in crowns])
        for column in fields(Crowns)
    ]
    return Crowns(*columns)


def _kind(grove: Grove) -> Kind:
    """Return what tells a grove from others."""
    return grove.transmittance.tobytes(), grove.most


def _by_kind(standing: Standing) -> dict[Kind, tuple[IntArray, Layers]]:
    """Return the trees of each kind and their layers."""
    found: dict[Kind, tuple[IntArray, Layers]] = {}
    layers = () if standing.scene.crowns is None else standing.scene.crowns.layers
    first = 0
    for grove in standing.canopy.groves:
        found[_kind(grove)] = grove.trees, layers[first : first + grove.most]
        first += grove.most
    return found


def _nothing(kind: Kind) -> Layers:
    """Return the layers of a kind without trees."""
    return tuple(no_bits() for _ in range(kind[1]))


def _bodies(crowns: Crowns, trees: IntArray, kind: Kind) -> Occluders:
    """Return trees as bodies: trunks are of the kind of which one is counted."""
    some = crowns.take(trees)
    return trunk_bodies(some) if kind[1] == 1 else crown_bodies(some)


def _cleared(
    scene: LitScene,
    layers: Layers,
    gone: Occluders,
    left: Occluders | None,
    pool: ThreadPoolExecutor,
) -> Layers:
    """Return the layers of a kind without some bodies: what is left is counted anew.

    Only behind those bodies, and only what rays from there can meet.
    """
    most = len(layers)
    (shadow,) = count_shadows(scene.receivers, gone, scene.compass, most=1, pool=pool)
    others = _nothing((b"", most))
    if left is not None and len(shadow):
        words = words_at(shadow.key, shadow.bits)
        near = _before(scene, words, left)
        others = count_shadows(
            scene.receivers,
            near,
            scene.compass,
            most=most,
            pool=pool,
            facets=np.unique(words.facet),
        )
    cleared = []
    for bits, other in zip(layers, others, strict=True):
        key = shadow.key
        change = (bits.at(key) ^ other.at(key)) & shadow.bits
        cleared.append(bits.turned(SparseBits(key, change)))
    return tuple(cleared)


def _before(scene: LitScene, words: Words, bodies: Occluders) -> Occluders:
    """Return the bodies that rays of words can meet, and some more."""
    starts = np.flatnonzero(np.diff(bodies.part, prepend=-1))
    corners = bodies.polygons.vertices
    first = bodies.polygons.vertex_start[starts]
    low, high = np.minimum.reduceat(corners, first), np.maximum.reduceat(corners, first)
    boxes = np.hstack([(low + high) / 2, (high - low) / 2])
    facet_boxes = boxes_of(scene.facets)
    met = np.zeros(len(boxes), np.bool_)
    for own in words.fans():
        near = facet_boxes[np.unique(words.facet[own])]
        directions = scene.compass.direction[np.unique(words.direction[own])]
        met[bodies_met(boxes, near, directions)] = True
    return bodies.take(np.flatnonzero(met[bodies.part]))
