"""Roof outlines of any shape by their straight skeletons."""

from collections.abc import Sequence

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import profile
from meshes.roofs.gabling import fold
from meshes.roofs.outlines import kept_corners
from meshes.roofs.plots import Plots, Rise, roof_rise
from meshes.roofs.shells import Shells
from meshes.roofs.slicing import clear_levels, slice_faces
from meshes.roofs.standing import Traced, stand_walls

GABLES = {
    "gabled": "full",
    "gambrel": "full",
    "round": "full",
    "half-hipped": "half",
    "hipped": "none",
    "mansard": "none",
}
"""What becomes of hips at the ends of ridges, for each form made here."""

BROKEN = ("mansard", "gambrel", "round")
"""Forms whose cross section breaks."""


def freeform_roofs(
    plots: Plots, which: IntArray, form: str, *, exact: bool = False
) -> tuple[Shells, IntArray, Rise, dict[int, str]]:
    """Make roofs on outlines of any shape, courtyards included.

    Parameters
    ----------
    plots : Plots
        All buildings.
    which : (k,) int
        Candidates.
    form : str
        One of `GABLES`.
    exact : bool
        Whether every corner breaks the roof, also those nearly in line.

    Returns
    -------
    shells : Shells
        The buildings that could be made.
    made : (m,) int
        Their numbers.
    rise : Rise
        How high their roofs are.
    refused : dict of int to str
        Why the others could not be made.

    Notes
    -----
    Corners nearly in line do not break the roof where that leaves a skeleton
    (`meshes.roofs.outlines.kept_corners`): the eaves there are off by as much as the
    corner. The cross section of broken forms belongs to the widest wing; narrower ones
    reach only as far up.
    """
    refused: dict[int, str] = {}
    numbers, middles, folded = [], [], []
    for plot in which.tolist():
        rings = plots.rings(plot)
        middle = (rings[0].min(axis=0) + rings[0].max(axis=0)) / 2
        found = _fold([ring - middle for ring in rings], GABLES[form], exact=exact)
        if isinstance(found, str):
            refused[plot] = found
        else:
            numbers.append(plot)
            middles.append(middle)
            folded.append(found)
    runs = np.array([one.highest for one in folded], np.float64)
    rise = roof_rise(plots, np.array(numbers, np.int64), form, run=runs)
    kept = []
    for k, (plot, high) in enumerate(zip(numbers, rise.height.tolist(), strict=True)):
        if high <= 0.0:
            continue
        bent = _bend(folded[k], form, high) if form in BROKEN else folded[k]
        if bent is None:
            refused[plot] = "its planes do not close"
            continue
        folded[k] = bent
        kept.append(k)
    chosen = np.array(kept, np.int64)
    made = Rise(rise.height[chosen], rise.source[chosen], rise.lowered[chosen])
    shells = stand_walls(
        plots,
        [numbers[k] for k in kept],
        [middles[k] for k in kept],
        [folded[k] for k in kept],
        made.height,
    )
    return shells, np.array(numbers, np.int64)[chosen], made, refused


def _fold(rings: Sequence[FloatArray], gables: str, *, exact: bool) -> Traced | str:
    """Find faces between real corners or, where that fails, between all."""
    every = [range(len(ring)) for ring in rings]
    kept = every if exact else [kept_corners(ring).tolist() for ring in rings]
    if kept != [list(some) for some in every]:
        plain = [ring[some] for ring, some in zip(rings, kept, strict=True)]
        shape = shapely.Polygon(plain[0], plain[1:]) if min(map(len, plain)) > 2 else None
        found = fold(rings, kept, gables=gables) if shape and shape.is_valid else ""
        if isinstance(found, Traced):
            return found
    return fold(rings, every, gables=gables)


def _bend(traced: Traced, form: str, rise: float) -> Traced | None:
    """Break even slopes as the cross section of a form does."""
    ways, heights = profile(form, run=np.array([traced.highest]), rise=np.array([rise]))
    way, height = ways[0], heights[0]
    way[1:-1] = clear_levels(way[1:-1], traced.height)
    if not (np.diff(way) > 0.0).all():
        return None
    cut = slice_faces(traced, way[1:-1])
    if cut is None:
        return None
    bent = np.interp(cut.height, way, height)
    # Corners of the outline between its sides may lie below the eaves.
    low = cut.height < 0.0
    bent[low] = cut.height[low] * height[1] / way[1]
    return Traced(cut.xy, bent, cut.roofs, cut.walls)
