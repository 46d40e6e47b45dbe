"""Raise footprints to closed LoD2 solids with roofs of told forms."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.faults import count_things
from gis.heights import LEAST_RISE
from gis.undersides import is_raised
from meshes.polygons import FloatArray, IntArray
from meshes.predicates.examination import invalid_parts
from meshes.roofs import fans, freeform, pieced, quads
from meshes.roofs.blocks import level_blocks
from meshes.roofs.checks import is_valid
from meshes.roofs.forms import NEXT, THINNEST
from meshes.roofs.outlines import has_walls_in_line
from meshes.roofs.parapets import parapet_roofs
from meshes.roofs.plots import Plots, Rise, Texts, make_plots
from meshes.roofs.sheds import shed_roofs
from meshes.roofs.shells import (
    Shells,
    join_shells,
    shells_from_solids,
    solids_from_shells,
)
from meshes.solids import Kind, Solids, local_origin, lod1_solids

BLOCK, ROOFED = "1.2", "2.0"
"""Levels of detail after Biljecki et al. 2016 [1]_.

.. [1] F. Biljecki, H. Ledoux and J. Stoter, "An improved LOD specification for 3D building
   models", Computers, Environment and Urban Systems 59 (2016).
"""

ORDER = (
    *("round", "half-hipped", "gabled", "gambrel", "mansard"),
    *("dome", "pyramid", "hipped", "shed"),
)
"""Forms as they are tried: each before the simpler one that `NEXT` names."""


INVALID = "no valid solid came of it"
"""Why a form was not made where its maker saw no reason."""


@dataclass(frozen=True)
class RoofReport:
    """What became of the roofs.

    Attributes
    ----------
    table : DataFrame
        One row per part, its id as index: ``lod`` (``"1.2"`` a block, ``"2.0"`` with a
        roof), ``roof_shape`` that was made, ``fallback`` (why it is simpler than told, ""),
        ``roof_height`` [m] from eaves to ridge (0 flat) and ``roof_height_source``
        (``stated``, ``eaves``, ``angle``, ``assumed pitch``, "" flat).
    notes : tuple of str
        What was assumed, lowered or simplified, in sentences with counts.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]


def lod2_solids(
    buildings: gpd.GeoDataFrame, *, origin: FloatArray | None = None
) -> tuple[Solids, RoofReport]:
    """Extrude each building part to its eaves and put the told roof on it.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `meshes.solids.lod1_solids` takes it; ``top`` is the highest point of the roof.
        Columns that may be there: ``roof_shape`` (one of `gis.roof_words.FORMS`, ""
        unknown and made flat), ``roof_height`` [m], ``eaves`` [m, RH2000], ``roof_angle``
        [degrees], ``roof_direction`` [degrees from north that the roof faces] and
        ``roof_orientation`` (``along`` or ``across`` the longer side), as
        `gis.roof_words.roof_words` reads them; ``parapet_height`` and ``parapet_width``
        [m] of flat roofs, see `meshes.roofs.parapets.parapet_roofs`.
    origin : (3,) float, optional
        Local origin [m]; by default a round point in the middle.

    Returns
    -------
    solids : Solids
        One closed, outward oriented solid per part in the order of the table: its roofs,
        a wall per outline edge, a ground face or underside. The outline is exact, corners
        that meet are equal to the last bit.
    report : RoofReport
        What was made of each.

    Raises
    ------
    TableError
        If a form of roof is unknown.
    GeometryError
        If a shape is not one polygon, is empty or has no area, or a top lies at its base.

    Notes
    -----
    Forms and directions have the meaning of OpenStreetMap's "Simple 3D Buildings". Where
    one cannot be made, or would not be a valid solid, the next simpler one of
    `meshes.roofs.forms.NEXT` is taken, at last a block with the mean height of the roof.
    """
    start = local_origin(buildings) if origin is None else origin
    plots = make_plots(buildings, start)
    told, shape = plots.shape.copy(), plots.shape.copy()
    why = np.full(len(shape), "", object)
    for flat, reason in _without_roof(plots):
        why[flat & (shape != "flat")] = reason
        shape[flat] = "flat"
    height, source = np.zeros(len(shape)), np.full(len(shape), "", object)
    lowered = np.zeros(len(shape), np.bool_)
    shells = []
    for form in ORDER:
        which = np.flatnonzero(shape == form)
        if not len(which):
            continue
        refused: dict[int, str] = {}
        for maker in _makers(form):
            group, made, rise = maker(_Task(buildings, plots, which, start, refused))
            good = is_valid(group, plots)
            fine = good[made]
            refused.update(dict.fromkeys(made[~fine].tolist(), INVALID))
            shells.append(group.keep(good))
            height[made[fine]], source[made[fine]] = rise.height[fine], rise.source[fine]
            lowered[made[fine]] = rise.lowered[fine]
            which = np.setdiff1d(which, made[fine])
            if not len(which):
                break
        for plot in which.tolist():
            reason = refused.get(plot, INVALID)
            why[plot] = f"{why[plot]}; {form}: {reason}".removeprefix("; ")
        shape[which] = NEXT[form]
    blocks = np.flatnonzero(shape == "flat")
    rimmed, sunk, reasons = parapet_roofs(buildings, plots, blocks)
    shells.append(rimmed)
    for plot, reason in reasons.items():
        why[plot] = f"{why[plot]}; {reason}".removeprefix("; ")
    blocks = np.setdiff1d(blocks, sunk)
    level, levelled = level_blocks(buildings, plots, blocks, told)
    flat_solids = lod1_solids(level, origin=start)
    shells.append(shells_from_solids(flat_solids, blocks))
    shell = join_shells(shells)
    lower = is_raised(buildings)[shell.plot] & (shell.kind == Kind.GROUND)
    solids = solids_from_shells(
        replace(shell, kind=np.where(lower, Kind.UNDERSIDE, shell.kind).astype(np.int8)),
        parts=tuple(str(part) for part in buildings.index),
        origin=start,
    )
    table = pd.DataFrame(
        {
            "lod": np.where(np.isin(np.arange(len(shape)), blocks), BLOCK, ROOFED),
            "roof_shape": shape,
            "fallback": why,
            "roof_height": height,
            "roof_height_source": source,
        },
        index=pd.Index(solids.parts, name=buildings.index.name),
    )
    notes = _notes(table, told, lowered)
    if len(levelled):
        some = count_things(len(levelled), "block")
        notes += (f"{some} lowered to the mean height of the roof that was told",)
    return solids, RoofReport(table, notes)


def _without_roof(
    plots: Plots,
) -> list[tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], str]]:
    """Which buildings get no roof whatever their form, and why."""
    room = plots.top - plots.base - LEAST_RISE
    with np.errstate(invalid="ignore"):
        return [
            (room < THINNEST, "the building is too low for a roof"),
            (plots.height < THINNEST, "the roof is told to have no height"),
        ]


@dataclass(frozen=True)
class _Task:
    """Roofs of one form to make, and a place to say why some cannot be made."""

    buildings: gpd.GeoDataFrame
    plots: Plots
    which: IntArray
    origin: FloatArray
    refused: dict[int, str]


_Made = tuple[Shells, IntArray, Rise]


def _makers(form: str) -> tuple[Callable[[_Task], _Made], ...]:
    """Ways to make roofs of a form, for what the ones before could not make."""

    def shed(task: _Task) -> _Made:
        return shed_roofs(task.buildings, task.plots, task.which, origin=task.origin)

    def fan(task: _Task) -> _Made:
        reason = "the middle does not see all walls"
        task.refused.update(dict.fromkeys(task.which.tolist(), reason))
        return fans.fan_roofs(task.plots, task.which, form)

    def quad(task: _Task) -> _Made:
        return quads.quad_roofs(task.plots, task.which, form)

    def piece(task: _Task) -> _Made:
        shells, made, rise, reasons = pieced.pieced_roofs(task.plots, task.which, form)
        task.refused.update(reasons)
        if form == "round":
            shells = _without_touching(shells, task.plots)
        return shells, made, rise

    def free(task: _Task, *, exact: bool = False) -> _Made:
        # On a rectangle the way of the ridge is told: a simpler form that keeps it is
        # nearer to what stands there than this one with its ridge turned.
        right, _ = quads.right_quads(task.plots, task.which)
        which = np.setdiff1d(task.which, right)
        shells, made, rise, reasons = freeform.freeform_roofs(
            task.plots, which, form, exact=exact
        )
        task.refused.update(reasons)
        return shells, made, rise

    def plain(task: _Task) -> _Made:
        some = [k for k in task.which.tolist() if not has_walls_in_line(_near(task, k))]
        return free(replace(task, which=np.array(some, np.int64)))

    def exact(task: _Task) -> _Made:
        return free(task, exact=True)

    if form == "shed":
        return (shed,)
    if form in fans.FORMS:
        return (fan,)
    # Rectangles give each wing of a round roof its own arc.
    return (
        (quad, piece, free, exact) if form == "round" else (quad, plain, piece, free, exact)
    )


def _without_touching(shells: Shells, plots: Plots) -> Shells:
    """Leave out bodies with faces that touch, as arcs of two wings may in a point."""
    shells = shells.keep(is_valid(shells, plots))
    own, place = np.unique(shells.plot, return_inverse=True)
    if not len(own):
        return shells
    parts = tuple(str(k) for k in own.tolist())
    solids = solids_from_shells(
        replace(shells, plot=place.astype(np.int64)), parts=parts, origin=np.zeros(3)
    )
    good = np.zeros(len(plots.base), np.bool_)
    good[np.delete(own, invalid_parts(solids))] = True
    return shells.keep(good)


def _near(task: _Task, plot: int) -> list[FloatArray]:
    """Rings of a building near the origin."""
    rings = task.plots.rings(plot)
    return [ring - rings[0][0] for ring in rings]


def _notes(
    table: pd.DataFrame, told: Texts, lowered: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[str, ...]:
    """Tell what was assumed, lowered or simplified."""
    notes = []
    assumed = int((table["roof_height_source"] == "assumed pitch").sum())
    if assumed:
        notes.append(f"{count_things(assumed, 'roof height')} assumed by the form's pitch")
    if lowered.any():
        some = count_things(int(lowered.sum()), "roof")
        notes.append(f"{some} lowered so that walls of {LEAST_RISE:g} m remain")
    ways = Counter(
        (str(was), str(made), str(why))
        for was, made, why in zip(told, table["roof_shape"], table["fallback"], strict=True)
        if why
    )
    for (was, made, why), count in ways.most_common():
        notes.append(f"{count_things(count, was + ' roof')} made {made}: {why}")
    return tuple(notes)
