"""Raise footprints to closed LoD2 solids with roofs of told forms."""

from collections import Counter
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.faults import count_things
from gis.heights import LEAST_RISE
from meshes.polygons import FloatArray, IntArray
from meshes.roofs import fans, pieced, quads
from meshes.roofs.checks import is_valid
from meshes.roofs.forms import NEXT, THINNEST
from meshes.roofs.plots import Plots, Rise, Texts, make_plots
from meshes.roofs.sheds import shed_roofs
from meshes.roofs.shells import (
    Shells,
    join_shells,
    shells_from_solids,
    solids_from_shells,
)
from meshes.solids import Solids, local_origin, lod1_solids

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
        `gis.roof_words.roof_words` reads them.
    origin : (3,) float, optional
        Local origin [m]; by default a round point in the middle.

    Returns
    -------
    solids : Solids
        One closed, outward oriented solid per part in the order of the table: its roofs,
        a wall per outline edge, a ground face. The outline is exact, corners that meet
        are equal to the last bit.
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
    `meshes.roofs.forms.NEXT` is taken, at last the block of `lod1_solids`.
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
        for group, made, rise in _make(buildings, plots, which, form, start, refused):
            good = is_valid(group, plots)
            fine = good[made]
            shells.append(group.keep(good))
            height[made[fine]], source[made[fine]] = rise.height[fine], rise.source[fine]
            lowered[made[fine]] = rise.lowered[fine]
            which = np.setdiff1d(which, made[fine])
        for plot in which.tolist():
            reason = refused.get(plot, "no valid solid came of it")
            why[plot] = f"{why[plot]}; {form}: {reason}".removeprefix("; ")
        shape[which] = NEXT[form]
    blocks = np.flatnonzero(shape == "flat")
    flat_solids = lod1_solids(buildings.iloc[blocks], origin=start)
    shells.append(shells_from_solids(flat_solids, blocks))
    solids = solids_from_shells(
        join_shells(shells),
        parts=tuple(str(part) for part in buildings.index),
        origin=start,
    )
    table = pd.DataFrame(
        {
            "lod": np.where(shape == "flat", BLOCK, ROOFED),
            "roof_shape": shape,
            "fallback": why,
            "roof_height": height,
            "roof_height_source": source,
        },
        index=pd.Index(solids.parts, name=buildings.index.name),
    )
    return solids, RoofReport(table, _notes(table, told, lowered))


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


def _make(
    buildings: gpd.GeoDataFrame,
    plots: Plots,
    which: IntArray,
    form: str,
    origin: FloatArray,
    refused: dict[int, str],
) -> list[tuple[Shells, IntArray, Rise]]:
    """Make roofs of one form, fast ones first; says why some cannot be made."""
    if form == "shed":
        return [shed_roofs(buildings, plots, which, origin=origin)]
    if form in fans.FORMS:
        refused.update(dict.fromkeys(which.tolist(), "the middle does not see all walls"))
        return [fans.fan_roofs(plots, which, form)]
    by_corners = quads.quad_roofs(plots, which, form)
    rest = np.setdiff1d(which, by_corners[1])
    shells, made, rise, reasons = pieced.pieced_roofs(plots, rest, form)
    refused.update(reasons)
    return [by_corners, (shells, made, rise)]


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
