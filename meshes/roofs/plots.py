"""Hold the outlines of buildings, their heights and what is told of their roofs."""

import itertools
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError, TableError
from gis.heights import LEAST_RISE
from gis.roof_words import FORMS
from gis.undersides import bottom_levels
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import MOST_SHARE, PITCH, THINNEST

Texts = NDArray[np.object_]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Plots:
    """Buildings that are to get roofs.

    Attributes
    ----------
    plan : (v, 2) float
        Corners of all outlines [m], relative to the origin; rings are open.
    ring_start : (r + 1,) int
        First corner of each ring.
    plot_start : (n + 1,) int
        First ring of each building; outlines counter-clockwise, holes clockwise.
    base, top : (n,) float
        Foot of the walls and highest point [m], relative to the origin.
    shape : (n,) object
        One of `gis.roof_words.FORMS`.
    height, eaves, angle, direction : (n,) float
        What is told: roof height [m], level of the eaves [m, relative to the origin], pitch
        and direction that the roof faces [degrees]; NaN unknown.
    across : (n,) bool
        Whether the ridge is told to run across the longer side.
    """

    plan: FloatArray
    ring_start: IntArray
    plot_start: IntArray
    base: FloatArray
    top: FloatArray
    shape: Texts
    height: FloatArray
    eaves: FloatArray
    angle: FloatArray
    direction: FloatArray
    across: BoolArray

    def rings(self, plot: int) -> list[FloatArray]:
        """Return the rings of one building, each (n, 2) float [m]."""
        starts = self.ring_start[self.plot_start[plot] : self.plot_start[plot + 1] + 1]
        return [self.plan[a:b] for a, b in itertools.pairwise(starts)]

    @property
    def corner_count(self) -> IntArray:
        """(n,) int: corners of all rings of each building."""
        return np.diff(self.ring_start[self.plot_start])

    @property
    def is_simple(self) -> BoolArray:
        """(n,) bool: no holes."""
        simple: BoolArray = np.diff(self.plot_start) == 1
        return simple


def make_plots(buildings: gpd.GeoDataFrame, origin: FloatArray) -> Plots:
    """Take outlines, heights and roof columns out of a table.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `meshes.roofs.lod2.lod2_solids` takes it.
    origin : (3,) float
        Local origin [m].

    Raises
    ------
    TableError
        If a form of roof is none of `gis.roof_words.FORMS`.
    GeometryError
        If an outline repeats a corner.
    """
    count = len(buildings)
    rings, owner = shapely.get_rings(buildings.geometry.to_numpy(), return_index=True)
    sizes = shapely.get_num_coordinates(rings)
    plan = shapely.get_coordinates(rings) - origin[:2]
    closing = np.zeros(len(plan), np.bool_)
    closing[np.cumsum(sizes) - 1] = True
    repeated = (plan[1:] == plan[:-1]).all(axis=1) & ~closing[:-1]
    if repeated.any():
        message = (
            f"outlines must not repeat corners, got {int(repeated.sum())} repeated; repair "
            "them with gis.footprints.repair_footprints"
        )
        raise GeometryError(message)
    angle = _numbers(buildings, "roof_angle")
    return Plots(
        plan=plan[~closing],
        ring_start=np.r_[0, np.cumsum(sizes - 1)].astype(np.int64),
        plot_start=np.searchsorted(owner, np.arange(count + 1)).astype(np.int64),
        base=bottom_levels(buildings) - origin[2],
        top=buildings["top"].to_numpy(np.float64) - origin[2],
        shape=_shapes(buildings),
        height=_numbers(buildings, "roof_height"),
        eaves=_numbers(buildings, "eaves") - origin[2],
        angle=np.where((angle > 0.0) & (angle < 90.0), angle, np.nan),
        direction=_numbers(buildings, "roof_direction"),
        across=_texts(buildings, "roof_orientation") == "across",
    )


def _shapes(buildings: gpd.GeoDataFrame) -> Texts:
    """Form of each roof, unknown ones flat."""
    shape = _texts(buildings, "roof_shape")
    known = np.isin(shape, FORMS) | (shape == "")
    if not known.all():
        words = sorted({str(word) for word in shape[~known]})
        message = (
            f"roof_shape must be one of {', '.join(FORMS)} or empty, got "
            f"{', '.join(words[:5])} in {int((~known).sum())} rows; read the words with "
            "gis.roof_words.roof_words"
        )
        raise TableError(message)
    return np.where(shape == "", "flat", shape)


def _texts(buildings: gpd.GeoDataFrame, column: str) -> Texts:
    """Text of a column, "" where it or its value is missing."""
    if column not in buildings:
        return np.full(len(buildings), "", object)
    values = buildings[column]
    texts: Texts = values.astype(object).where(values.notna(), "").to_numpy(object)
    return texts


def _numbers(buildings: gpd.GeoDataFrame, column: str) -> FloatArray:
    """Numbers of a column, NaN where it or its value is missing."""
    if column not in buildings:
        return np.full(len(buildings), np.nan)
    values = buildings[column].to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True)
class Rise:
    """How high some roofs become.

    Attributes
    ----------
    height : (k,) float
        From eaves to ridge [m]; 0 where there is no room for a roof.
    source : (k,) object
        ``stated``, ``eaves``, ``angle`` or ``assumed pitch``.
    lowered : (k,) bool
        Whether the building was too low for what was told.
    """

    height: FloatArray
    source: Texts
    lowered: BoolArray


def roof_rise(plots: Plots, which: IntArray, form: str, *, run: FloatArray) -> Rise:
    """Return how high roofs become, by what is told or else by an assumed pitch.

    Parameters
    ----------
    plots : Plots
        All buildings.
    which : (k,) int
        Those that get roofs of this form.
    form : str
        Its name.
    run : (k,) float
        Horizontal distance from eaves to ridge [m].

    Notes
    -----
    In order of trust: stated height, level of the eaves, pitch, and `PITCH` with at most
    `MOST_SHARE` of the building. The eaves stay `gis.heights.LEAST_RISE` above the base.
    """
    top, base = plots.top[which], plots.base[which]
    by_angle = run * np.tan(np.radians(plots.angle[which]))
    assumed = np.minimum(run * np.tan(np.radians(PITCH[form])), MOST_SHARE * (top - base))
    height, source = assumed, np.full(len(which), "assumed pitch", object)
    for name, told in (
        ("angle", by_angle),
        ("eaves", top - plots.eaves[which]),
        ("stated", plots.height[which]),
    ):
        usable = np.isfinite(told) & (told >= 0.0)
        height, source = np.where(usable, told, height), np.where(usable, name, source)
    room = np.maximum(top - base - LEAST_RISE, 0.0)
    lowered = height > room * (1.0 + 1e-12)
    height = np.minimum(height, room)
    return Rise(np.where(height < THINNEST, 0.0, height), source, lowered)
