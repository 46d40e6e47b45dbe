"""Sink flat roofs behind the rims of their walls."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.heights import LEAST_RISE
from gis.parapets import LEAST_PARAPET, PARAPET_WIDTH
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.checks import is_valid
from meshes.roofs.plots import Plots
from meshes.roofs.shells import Shells
from meshes.solids import Kind

SHORTEST = 0.05
"""Edges of a sunk roof that are shorter are dropped [m]."""

MITRE = 5.0
"""Limit of the mitre at reflex corners, in widths of the rim."""

TOO_LOW = "no parapet, the building is too low for it"
TOO_NARROW = "no parapet, the outline is too narrow for it"

Geometries = NDArray[np.object_]


def parapet_roofs(
    buildings: gpd.GeoDataFrame, plots: Plots, flat: IntArray
) -> tuple[Shells, IntArray, dict[int, str]]:
    """Make blocks whose roof lies lower than the rim around it.

    Parameters
    ----------
    buildings : GeoDataFrame
        Columns ``parapet_height`` and ``parapet_width`` [m], NaN for none; without the
        first nothing is made, without the second the width is
        `gis.parapets.PARAPET_WIDTH`.
    plots : Plots
        The same, as `meshes.roofs.plots.make_plots` took them out.
    flat : (k,) int
        Those with flat roofs.

    Returns
    -------
    shells : Shells
        Closed bodies: the roof, the top of the rim, walls, the rim's inner walls, the
        ground face. The top of the building is that of the rim.
    made : (m,) int
        Which were made.
    refused : dict
        Why others with a parapet were not.

    Notes
    -----
    The volume is the block's less height of the parapet times area of the sunk roof.
    """
    height = _numbers(buildings, "parapet_height")[flat]
    asked = flat[height >= LEAST_PARAPET]
    height = height[height >= LEAST_PARAPET]
    width = _numbers(buildings, "parapet_width")[asked]
    width = np.where(width > 0.0, width, PARAPET_WIDTH)
    outlines = np.array([_polygon(plots, int(plot)) for plot in asked], object)
    inner = _inner_edges(outlines, width)
    refused: dict[int, str] = {}
    gathered = _Gathered()
    made = []
    for plot, outline, inside, rise in zip(
        asked.tolist(), outlines, inner, height.tolist(), strict=True
    ):
        if plots.top[plot] - rise - plots.base[plot] < LEAST_RISE:
            refused[plot] = TOO_LOW
        elif inside is None:
            refused[plot] = TOO_NARROW
        else:
            _add_body(gathered, plots, plot, outline, inside, rise)
            made.append(plot)
    shells = gathered.shells()
    good = is_valid(shells, plots)
    refused |= {plot: TOO_NARROW for plot in made if not good[plot]}
    return shells.keep(good), np.array([p for p in made if good[p]], np.int64), refused


def _numbers(buildings: gpd.GeoDataFrame, column: str) -> FloatArray:
    """Numbers of a column, NaN where it or its value is missing."""
    if column not in buildings.columns:
        return np.full(len(buildings), np.nan)
    values: FloatArray = buildings[column].to_numpy(np.float64, na_value=np.nan)
    return values


def _polygon(plots: Plots, plot: int) -> shapely.Polygon:
    """Outline of a building in local coordinates."""
    outer, *holes = plots.rings(plot)
    return shapely.Polygon(outer, holes)


def _inner_edges(outlines: Geometries, width: FloatArray) -> Geometries:
    """Outlines moved inwards; None where that breaks or closes them."""
    if not len(outlines):
        return outlines
    moved = shapely.buffer(outlines, -width, join_style="mitre", mitre_limit=MITRE)
    moved = shapely.orient_polygons(moved, exterior_cw=False)
    whole = shapely.get_type_id(moved) == shapely.GeometryType.POLYGON
    whole &= ~shapely.is_empty(moved)
    inner = np.full(len(outlines), None, object)
    inner[whole] = shapely.remove_repeated_points(moved[whole], SHORTEST)
    usable = whole & shapely.is_valid(inner)
    usable &= shapely.get_type_id(inner) == shapely.GeometryType.POLYGON
    holes = shapely.get_num_interior_rings
    usable[usable] = holes(inner[usable]) == holes(outlines[usable])
    # Every side of it must still lie behind a rim.
    edges = shapely.boundary(outlines[usable])
    usable[usable] = (
        shapely.distance(shapely.boundary(inner[usable]), edges) > 0.5 * width[usable]
    )
    inner[~usable] = None
    return inner


class _Gathered:
    """Faces while they are made."""

    def __init__(self) -> None:
        self.corners: list[FloatArray] = []
        self.rings: list[int] = []
        self.polygons: list[int] = []
        self.kinds: list[int] = []
        self.ranks: list[int] = []
        self.plots: list[int] = []

    def add(self, kind: Kind, rank: int, plot: int, rings: list[FloatArray]) -> None:
        """Append a face."""
        self.corners += rings
        self.rings += [len(ring) for ring in rings]
        self.polygons.append(len(rings))
        self.kinds.append(int(kind))
        self.ranks.append(rank)
        self.plots.append(plot)

    def shells(self) -> Shells:
        """Put them together."""
        return Shells(
            vertices=np.concatenate([np.empty((0, 3)), *self.corners]),
            ring_start=np.r_[0, np.cumsum(self.rings)].astype(np.int64),
            polygon_start=np.r_[0, np.cumsum(self.polygons)].astype(np.int64),
            kind=np.array(self.kinds, np.int8),
            rank=np.array(self.ranks, np.int64),
            plot=np.array(self.plots, np.int64),
        )


def _add_body(
    gathered: _Gathered,
    plots: Plots,
    plot: int,
    outline: shapely.Polygon,
    inside: shapely.Polygon,
    rise: float,
) -> None:
    """Append the faces of one building."""
    top, base = float(plots.top[plot]), float(plots.base[plot])
    outer, inner = _rings(outline), _rings(inside)
    gathered.add(Kind.ROOF, 0, plot, [_at(ring, top - rise) for ring in inner])
    rims = shapely.get_parts(
        shapely.orient_polygons(shapely.difference(outline, inside), exterior_cw=False)
    )
    for number, rim in enumerate(rims, 1):
        gathered.add(Kind.ROOF, number, plot, [_at(ring, top) for ring in _rings(rim)])
    number = 0
    for rings, low, high in ((outer, base, top), (inner, top, top - rise)):
        for ring in rings:
            # Seen from inside the rim a wall is a wall upside down.
            for one, other in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                pair = np.array([one, other])
                quad = [_at(pair, low), _at(pair[::-1], high)]
                gathered.add(Kind.WALL, number, plot, [np.concatenate(quad)])
                number += 1
    gathered.add(Kind.GROUND, 0, plot, [_at(ring[::-1], base) for ring in outer])


def _rings(polygon: shapely.Polygon) -> list[FloatArray]:
    """Return open rings of a polygon, (n, 2) each."""
    rings = [polygon.exterior, *polygon.interiors]
    return [shapely.get_coordinates(ring)[:-1] for ring in rings]


def _at(ring: FloatArray, level: float) -> FloatArray:
    """Lift a ring to a level."""
    lifted: FloatArray = np.c_[ring, np.full(len(ring), level)]
    return lifted
