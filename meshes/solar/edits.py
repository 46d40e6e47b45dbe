"""Add bodies to a lit scene, take them away or change them, and light only what changes.

Every bit equals that of a new run over the whole scene. Sums of sensors are added to and
taken from, so that they differ from a new run's by the rounding of float32, some 0.0001
kWh/m2 an edit. What ground and buildings throw back stays as it was; facets that are
added get it from a reflector, if one is given.
"""

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.crowns import Crowns
from meshes.facets import Facets
from meshes.polygons import IntArray
from meshes.solar.canopy import Canopy, make_canopy
from meshes.solar.cast_words import find_words
from meshes.solar.changed_words import Words
from meshes.solar.crown_shade import crown_classes
from meshes.solar.irradiance import Irradiation
from meshes.solar.lit_scene import LitScene, light_scene
from meshes.solar.near import (
    bodies_met,
    body_boxes,
    boxes_of,
    for_facets,
    for_receivers,
    lay_out,
    narrow,
    near_caster,
)
from meshes.solar.newcomer import light_newcomer
from meshes.solar.occluders import Occluders, open_occluders
from meshes.solar.reflector import TiledReflector
from meshes.solar.relight import join_shades, look_up, patched, relight
from meshes.solar.shadow import Caster
from meshes.solar.visibility import Bits, FacetBits
from meshes.solids import Solids


@dataclass(frozen=True)
class Standing:
    """A lit scene with what blocks and weakens its light.

    Attributes
    ----------
    scene : LitScene
        Facets, their light and their bits.
    occluders : Occluders
        Everything that blocks light. What shall be taken away later must have a part's
        name.
    crowns : Crowns or None
        Trees that weaken light: `meshes.solar.tree_edits`.
    canopy : Canopy
        The same trees in layers.
    """

    scene: LitScene
    occluders: Occluders
    crowns: Crowns | None = None
    canopy: Canopy = field(default_factory=Canopy)

    @property
    def light(self) -> Irradiation:
        """The light on the facets; it keeps no packed visibility."""
        return self.scene.light


def stand(
    light: Irradiation, occluders: Occluders, crowns: Crowns | None = None
) -> Standing:
    """Make a lit scene ready for edits.

    Parameters
    ----------
    light : Irradiation
        With its visibility.
    occluders : Occluders
        What it was lit with.
    crowns : Crowns, optional
        Trees that it was lit with.

    Raises
    ------
    GeometryError
        If the visibility was not kept, or the trees are not those of the light.
    """
    canopy = Canopy() if crowns is None else make_canopy(crowns)
    known = np.empty((0, 12)) if light.crowns is None else light.crowns.transmittance
    if not np.array_equal(crown_classes(canopy.transmittance)[0], known):
        message = (
            f"trees must be those that the scene was lit with, got {len(canopy.layers)} "
            f"layers of crowns and light through {len(known)} classes; give its crowns"
        )
        raise GeometryError(message)
    scene = light_scene(light)
    return Standing(bare(scene), occluders, crowns, canopy)


def bare(scene: LitScene) -> LitScene:
    """Return a scene whose light keeps no packed bits: edits would leave them behind."""
    crowns = scene.light.crowns
    if crowns is not None:
        crowns = replace(crowns, bits=None)
    return replace(scene, light=replace(scene.light, visibility=None, crowns=crowns))


def add(
    standing: Standing,
    bodies: Occluders,
    facets: Facets | None = None,
    *,
    reflector: TiledReflector | None = None,
    threads: int | None = None,
) -> Standing:
    """Add bodies to a lit scene.

    Parameters
    ----------
    standing : Standing
        The scene; it is not changed.
    bodies : Occluders
        What blocks light from now on, in the scene's frame.
    facets : Facets, optional
        Faces of the bodies on which light is wanted; they come after the scene's.
    reflector : TiledReflector, optional
        Solved without the bodies, for loose receivers; by default nothing is thrown on
        the new facets.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    Standing

    Raises
    ------
    GeometryError
        If a part's name is taken, or the facets are in another frame.
    """
    _check(standing, bodies, facets)
    scene, workers = standing.scene, threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        words = find_words(
            scene.receivers, bodies, scene.compass, scene.bits, pool=pool, workers=workers
        )
        scene = _relit(scene, words, pool, workers, gained=False)
    if facets is not None and len(facets):
        caster = near_caster(
            facets, lay_out(facets, standing.occluders), lay_out(facets, bodies)
        )
        fresh = light_newcomer(
            scene,
            facets,
            caster,
            canopy=standing.canopy,
            reflector=reflector,
            threads=threads,
        )
        scene = _joined(scene, fresh)
    return replace(standing, scene=scene, occluders=standing.occluders + bodies)


def remove(
    standing: Standing, parts: Collection[str], *, threads: int | None = None
) -> Standing:
    """Take parts and their facets away from a lit scene.

    Parameters
    ----------
    standing : Standing
        The scene; it is not changed.
    parts : collection of str
        Names of parts.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    Standing
        Only where the parts cast a shadow is it cast again, by what is left.

    Raises
    ------
    GeometryError
        If a part is not there.
    """
    gone = set(parts)
    missing = sorted(gone.difference(standing.occluders.parts))
    if missing:
        message = f"parts must stand in the scene, but {missing[:5]} do not; name others"
        raise GeometryError(message)
    occluders, workers = standing.occluders, threads or os.cpu_count() or 1
    named = np.array([name in gone for name in occluders.parts], np.bool_)
    leaves = (occluders.part >= 0) & named[occluders.part]
    left = _without(occluders, leaves, named)
    names = standing.scene.facets.solids.parts
    own = np.array([name in gone for name in names], np.bool_)[standing.scene.facets.part]
    scene = _taken(standing.scene, np.flatnonzero(~own))
    bodies = lay_out(scene.facets, left)
    with ThreadPoolExecutor(workers) as pool:
        for name in np.flatnonzero(named).tolist():  # one by one: their boxes are small
            part = occluders.take(np.flatnonzero(leaves & (occluders.part == name)))
            if not len(part.polygons):
                continue
            shadow = find_words(
                scene.receivers,
                part,
                scene.compass,
                scene.bits,
                pool=pool,
                workers=workers,
                all_blocked=True,
            )
            # Cells in the shadow of two parts are free as soon as the first is gone: what
            # stands there is cast without any of them.
            free = freed(scene, _blocked(scene.bits, shadow), bodies, pool)
            scene = _relit(scene, free, pool, workers, gained=True)
    return replace(standing, scene=scene, occluders=left)


def change(
    standing: Standing,
    parts: Collection[str],
    bodies: Occluders,
    facets: Facets | None = None,
    *,
    reflector: TiledReflector | None = None,
    threads: int | None = None,
) -> Standing:
    """Put bodies in the place of parts: see `remove` and `add`."""
    cleared = remove(standing, parts, threads=threads)
    return add(cleared, bodies, facets, reflector=reflector, threads=threads)


def _check(standing: Standing, bodies: Occluders, facets: Facets | None) -> None:
    """Refuse names that are taken and foreign frames."""
    taken = sorted(set(bodies.parts) & set(standing.occluders.parts))
    if taken:
        message = f"names of parts must be new, but {taken[:5]} stand there; rename them"
        raise GeometryError(message)
    if facets is None:
        return
    here, there = standing.scene.facets.solids.origin, facets.solids.origin
    if not np.array_equal(here, there):
        message = (
            f"facets must lie in the scene's frame with origin {here}, got {there}; raise "
            "the solids with origin=scene.facets.solids.origin"
        )
        raise GeometryError(message)


def _without(
    occluders: Occluders, leaves: NDArray[np.bool_], named: NDArray[np.bool_]
) -> Occluders:
    """Return the occluders that stay, and their names alone."""
    left = occluders.take(np.flatnonzero(~leaves))
    number: IntArray = np.cumsum(~named) - 1
    parts = tuple(
        name for name, gone in zip(occluders.parts, named, strict=True) if not gone
    )
    part = np.where(left.part < 0, -1, number[left.part]) if len(parts) else left.part
    return replace(left, part=part, parts=parts)


def _relit(
    scene: LitScene, words: Words, pool: ThreadPoolExecutor, workers: int, *, gained: bool
) -> LitScene:
    """Return the scene with the light of changed words and their bits turned over."""
    facets = np.unique(words.facet)
    if not len(facets):
        return scene
    before = scene.light.take(facets)
    after = relight(scene, before, facets, words, gained=gained, pool=pool, workers=workers)
    return replace(
        scene,
        light=patched(scene.light, facets, after),
        bits=_turned(scene.bits, facets, words),
    )


def _turned(bits: FacetBits, facets: IntArray, words: Words) -> FacetBits:
    """Return the bits with those of words turned over; facets left alone are shared."""
    sizes = bits.words[facets] * bits.directions
    start = np.cumsum(sizes) - sizes
    piece = np.concatenate([bits.of(f).ravel() for f in facets.tolist()])
    place = np.searchsorted(facets, words.facet)
    at = start[place] + words.direction * bits.words[words.facet] + words.word
    piece[at] ^= words.bits
    moved, first = bits.piece.copy(), bits.start.copy()
    moved[facets], first[facets] = len(bits.pieces), start
    return _compacted(
        FacetBits((*bits.pieces, piece), moved, first, bits.words, bits.directions)
    )


def _compacted(bits: FacetBits) -> FacetBits:
    """Forget pieces that no facet needs any more."""
    used, piece = np.unique(bits.piece, return_inverse=True)
    return replace(bits, pieces=tuple(bits.pieces[k] for k in used), piece=piece)


def _taken(scene: LitScene, kept: IntArray) -> LitScene:
    """Return the scene with some of its facets."""
    if len(kept) == len(scene.facets):
        return scene
    crowns = None if scene.crowns is None else scene.crowns.take(kept)
    return light_scene(scene.light.take(kept), _compacted(scene.bits.take(kept)), crowns)


def _joined(scene: LitScene, fresh: LitScene) -> LitScene:
    """Return the scene with further facets behind its own, before the same trees."""
    light, own = scene.light, fresh.light
    sources = light.bounced.shape[2]
    thrown = own.bounced
    if thrown.shape[2] != sources:
        thrown = np.zeros((len(own.facets), 2, sources), np.float32)
    names = ("sensor_parts", "sensor_sky_view", "facet_parts", "patch_view", "sun_share")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(light, name), getattr(own, name)]) for name in names
    }
    count = len(light.facets)
    if light.crowns is not None and own.crowns is not None:
        behind = replace(own.crowns, facets=own.crowns.facets + count)
        joined["crowns"] = join_shades(light.crowns, behind)
    crowns = scene.crowns
    if crowns is not None and fresh.crowns is not None:
        crowns = crowns.joined(fresh.crowns, count)
    whole = replace(
        light,
        facets=join_facets(light.facets, own.facets),
        bounced=np.concatenate([light.bounced, thrown]),
        **joined,
    )
    return light_scene(whole, scene.bits + fresh.bits, crowns)


def join_facets(first: Facets, second: Facets) -> Facets:
    """Return facets of two sets of solids as one, with sensors and bits of their own."""
    words, sensors = len(first.mask), first.sensor_count
    a, b = first.solids, second.solids
    solids = Solids(
        faces=(open_occluders(a.faces) + open_occluders(b.faces)).polygons,
        kind=np.r_[a.kind, b.kind],
        part=np.r_[a.part, b.part + np.int32(len(a.parts))],
        parts=a.parts + b.parts,
        origin=a.origin,
    )
    alike = ("kind", "normal", "corner", "e1", "e2", "step", "shape", "area", "mask")
    return Facets(
        ids=first.ids + second.ids,
        face=np.r_[first.face, second.face + len(a.faces)],
        part=np.r_[first.part, second.part + np.int32(len(a.parts))],
        bit_start=np.r_[first.bit_start, second.bit_start + 64 * words],
        sensor_start=np.r_[first.sensor_start, second.sensor_start[1:] + sensors],
        sensor_bit=np.r_[first.sensor_bit, second.sensor_bit + 64 * words],
        solids=solids,
        **{n: np.concatenate([getattr(first, n), getattr(second, n)]) for n in alike},
    )


def freed(scene: LitScene, shadow: Words, left: Caster, pool: ThreadPoolExecutor) -> Words:
    """Return the cells of a shadow that nothing of what is left blocks."""
    boxes = body_boxes(left)
    facet_boxes = boxes_of(scene.facets)

    def cast(entries: IntArray) -> tuple[IntArray, Bits]:
        facets = np.unique(shadow.facet[entries])
        numbers = np.unique(shadow.direction[entries])
        directions = scene.compass.direction[numbers]
        bodies = bodies_met(boxes, facet_boxes[facets], directions)
        few = scene.facets.take(facets)
        caster = for_receivers(narrow(left, bodies), for_facets(few))
        rows = np.empty((len(numbers), caster.words), np.uint64)
        for direction, row in zip(directions, rows, strict=True):
            caster.cast(direction, row)
        first = few.bit_start[np.searchsorted(facets, shadow.facet[entries])] // 64
        at = np.searchsorted(numbers, shadow.direction[entries])
        return entries, shadow.bits[entries] & ~rows[at, first + shadow.word[entries]]

    bits: Bits = np.zeros_like(shadow.bits)
    for entries, found in pool.map(cast, shadow.fans()):
        bits[entries] = found
    return replace(shadow, bits=bits).take(np.flatnonzero(bits))


def _blocked(bits: FacetBits, words: Words) -> Words:
    """Return the cells of words that are blocked as yet."""
    return words.holding(words.bits & look_up(bits, words))
