"""Lower the blocks that stand for roofs to the mean height of these."""

import geopandas as gpd
import numpy as np
import shapely

from gis.heights import LEAST_RISE
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import ARC_STEPS, HIP_START, THINNEST, profile
from meshes.roofs.plots import Plots, Texts, roof_rise

SLICES = 8
"""Layers between two breaks of a cross section; even, for Simpson's rule."""

RADIUS = 1e-3
"""Error of the radius of the largest circle in an outline [m]."""

SHARP = 1e3
"""Limit of mitres: no corner of an outline is cut."""


def mean_share(form: str, outline: shapely.Polygon, *, rise: float, run: float) -> float:
    """Return the mean height of a roof over an outline as a share of its rise.

    Parameters
    ----------
    form : str
        One of `gis.roof_words.FORMS`.
    outline : Polygon
        What it covers.
    rise, run : float
        Its height and the way from eaves to ridge [m]; only the round roof depends on the
        first.

    Returns
    -------
    float
        0..1.

    Notes
    -----
    The mean of gabled forms is that of their cross section. Forms that rise from all sides
    are summed over mitred offsets of the outline, by Simpson's rule between the breaks.
    Half hips take off what they do at both ends of a rectangle of equal area and run.
    Checked against the closed forms of rectangles in tests/meshes/roofs/test_blocks.py.
    """
    if form == "flat":
        return 1.0
    if form == "shed":
        return 0.5
    if form in {"pyramid", "dome"}:
        if form == "pyramid":
            return 1.0 / 3.0
        angle = np.linspace(0.0, np.pi / 2, ARC_STEPS + 1)
        r, z = np.cos(angle), np.sin(angle)
        rings = r[1:] ** 2 + r[1:] * r[:-1] + r[:-1] ** 2
        return float((np.diff(z) * rings).sum() / 3.0)
    ways, heights = profile(form, run=np.array([run]), rise=np.array([rise]))
    way, height = ways[0] / run, heights[0] / rise
    if form in {"hipped", "mansard"}:
        volume = 0.0
        for k in range(len(way) - 1):
            depth = np.linspace(way[k], way[k + 1], SLICES + 1) * run
            cuts = shapely.buffer(outline, -depth, join_style="mitre", mitre_limit=SHARP)
            weight = np.full(SLICES + 1, 2.0)
            weight[1::2], weight[[0, -1]] = 4.0, 1.0
            mean = (weight * shapely.area(cuts)).sum() / weight.sum()
            volume += float((height[k + 1] - height[k]) * mean)
        return float(volume / outline.area)
    mean = float((np.diff(way) * (height[1:] + height[:-1])).sum() / 2.0)
    if form == "half-hipped":
        mean -= (2.0 * run) ** 2 * (1.0 - HIP_START) ** 3 / (6.0 * outline.area)
    return float(max(mean, 0.0))


def level_blocks(
    buildings: gpd.GeoDataFrame, plots: Plots, blocks: IntArray, told: Texts
) -> tuple[gpd.GeoDataFrame, IntArray]:
    """Give blocks the volume of the roofs that could not be made.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `meshes.roofs.lod2.lod2_solids` takes it.
    plots : Plots
        The same.
    blocks : (k,) int
        Buildings that become blocks.
    told : (n,) object
        Forms that were told of all.

    Returns
    -------
    buildings : GeoDataFrame
        The rows of the blocks with changed tops.
    levelled : (m,) int
        Blocks whose tops were lowered.

    Notes
    -----
    ``top`` is the ridge. A block as high holds up to half a roof too much; one up to the
    roof's mean height has its volume. Where no form is told, or no room or height for a
    roof, the top stays.
    """
    rows = buildings.iloc[blocks]
    room = plots.top[blocks] - plots.base[blocks] - LEAST_RISE
    with np.errstate(invalid="ignore"):
        flat = (told[blocks] == "flat") | (room < THINNEST)
        flat |= plots.height[blocks] < THINNEST
    levelled: IntArray = blocks[~flat]
    if not len(levelled):
        return rows, levelled
    top: FloatArray = rows["top"].to_numpy(np.float64).copy()
    for place, plot in zip(np.flatnonzero(~flat).tolist(), levelled.tolist(), strict=True):
        form, outline = str(told[plot]), rows.geometry.iloc[place]
        run = shapely.maximum_inscribed_circle(outline, RADIUS).length
        rise = roof_rise(plots, np.array([plot]), form, run=np.array([run])).height[0]
        if rise > 0.0:
            top[place] -= rise * (1.0 - mean_share(form, outline, rise=rise, run=run))
    return rows.assign(top=top), levelled
