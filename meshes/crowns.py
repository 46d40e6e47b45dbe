"""Hold trees as porous crowns on trunks."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import GeometryError
from gis.terrain import Terrain
from gis.tree_species import LeafCycle
from meshes.crown_leaves import MONTHS, TreeKind, transmittance_of
from meshes.polygons import FloatArray, IntArray

CROWN_SHARE = 0.72
"""Most of a tree's height that the crown takes where its base is not told; the rest is bare
trunk. An assumption: street trees are pruned above the heads of people and lorries."""

SLIMMEST = 2.4
"""Most of a crown's height over its radius where its base is not told, so that street
trees look round and not like poles. An assumption."""

TRUNK_SHARE = 0.05
"""Radius of the trunk as a share of the crown's where it is not told: crowns of
broad-leaved trees are about 20 times as wide as their trunks (Hemery et al. 2005, Forest
Ecology and Management 215:285-294)."""

CYCLES = {
    str(LeafCycle.DECIDUOUS): TreeKind.DECIDUOUS,
    str(LeafCycle.EVERGREEN): TreeKind.EVERGREEN,
}


@dataclass(frozen=True)
class Crowns:
    """Trees: an ellipsoid that lets some light through, on an upright opaque trunk.

    The trunk reaches up to the middle of the crown.

    Attributes
    ----------
    foot : (n, 3) float
        Ground at the trunk [m], east, north, up, relative to a local origin.
    height : (n,) float
        Top of the crown above the foot [m].
    radius : (n,) float
        Radius of the crown [m].
    base : (n,) float
        Lowest point of the crown above the foot [m].
    trunk_radius : (n,) float
        Radius of the trunk [m].
    kind : (n,) int8
        `TreeKind`.
    transmittance : (n, 12) float
        Share of light that comes through the crown in each month, 0..1.

    Raises
    ------
    GeometryError
        If a shape, size or share cannot be.
    """

    foot: FloatArray
    height: FloatArray
    radius: FloatArray
    base: FloatArray
    trunk_radius: FloatArray
    kind: NDArray[np.int8]
    transmittance: FloatArray

    def __post_init__(self) -> None:
        """Check what every later step relies on."""
        count = len(self.foot)
        shapes = {
            "foot": (count, 3),
            **dict.fromkeys(("height", "radius", "base", "trunk_radius", "kind"), (count,)),
            "transmittance": (count, MONTHS),
        }
        for name, shape in shapes.items():
            got = np.shape(getattr(self, name))
            if got != shape:
                message = f"{name} of {count} trees must have the shape {shape}, got {got}"
                raise GeometryError(message)
        rules = {
            "foot must be finite": np.isfinite(self.foot).all(axis=1),
            "height must be above the crown's base, and that at least 0 m": (
                (self.base >= 0.0) & (self.height > self.base) & np.isfinite(self.height)
            ),
            "radius of the crown must be above 0 m": (
                (self.radius > 0.0) & np.isfinite(self.radius)
            ),
            "trunk must be above 0 m thick and thinner than the crown": (
                (self.trunk_radius > 0.0) & (self.trunk_radius < self.radius)
            ),
            "transmittance must be within 0..1": (
                (self.transmittance >= 0.0) & (self.transmittance <= 1.0)
            ).all(axis=1),
        }
        faults = [
            f"{rule} ({int((~holds).sum())} trees, the first is {int(holds.argmin())})"
            for rule, holds in rules.items()
            if not holds.all()
        ]
        if faults:
            message = f"trees must have sound sizes: {'; '.join(faults)}"
            raise GeometryError(message)

    def __len__(self) -> int:
        """Return the number of trees."""
        return len(self.foot)

    @property
    def middle(self) -> FloatArray:
        """(n, 3) float: centre of each crown [m]."""
        middle: FloatArray = (
            self.foot + np.c_[np.zeros((len(self), 2)), (self.height + self.base) / 2]
        )
        return middle

    @property
    def radii(self) -> FloatArray:
        """(n, 3) float: half axes of each crown along east, north, up [m]."""
        radii: FloatArray = np.stack(
            [self.radius, self.radius, (self.height - self.base) / 2], axis=1
        )
        return radii

    @property
    def trunk_height(self) -> FloatArray:
        """(n,) float: top of each trunk above the foot, in the middle of the crown [m]."""
        height: FloatArray = (self.height + self.base) / 2
        return height

    def take(self, trees: IntArray) -> "Crowns":
        """Return some of the trees in the given order."""
        return Crowns(
            self.foot[trees],
            self.height[trees],
            self.radius[trees],
            self.base[trees],
            self.trunk_radius[trees],
            self.kind[trees],
            self.transmittance[trees],
        )


def make_crowns(
    foot: ArrayLike,
    height: ArrayLike,
    radius: ArrayLike,
    *,
    base: ArrayLike | None = None,
    trunk_radius: ArrayLike | None = None,
    kind: ArrayLike | None = None,
    transmittance: Mapping[TreeKind, ArrayLike] | None = None,
) -> Crowns:
    """Make trees, with usual proportions where they are not told.

    Parameters
    ----------
    foot : (n, 3) float
        Ground at each trunk [m], relative to a local origin.
    height, radius : (n,) float
        Of tree and crown [m].
    base : (n,) float, optional
        Lowest point of each crown above the foot [m]; by default the crown takes
        `CROWN_SHARE` of the height, and is at most `SLIMMEST` times as high as its radius.
    trunk_radius : (n,) float, optional
        [m]; by default `TRUNK_SHARE` of the crown's.
    kind : (n,) int, optional
        `TreeKind`; unknown by default.
    transmittance : mapping, optional
        Twelve shares of light for some kinds, see
        `meshes.crown_leaves.transmittance_of`.

    Returns
    -------
    Crowns

    Raises
    ------
    GeometryError, TableError
        If a size, kind or share cannot be.
    """
    feet = np.asarray(foot, np.float64).reshape(-1, 3)
    tall, wide = np.asarray(height, np.float64), np.asarray(radius, np.float64)
    if base is None:
        base = tall - np.minimum(CROWN_SHARE * tall, SLIMMEST * wide)
    if trunk_radius is None:
        trunk_radius = TRUNK_SHARE * wide
    kinds = np.zeros(len(feet), np.int8) if kind is None else np.asarray(kind)
    return Crowns(
        foot=feet,
        height=tall,
        radius=wide,
        base=np.asarray(base, np.float64),
        trunk_radius=np.asarray(trunk_radius, np.float64),
        kind=kinds.astype(np.int8),
        transmittance=transmittance_of(kinds, table=transmittance),
    )


def crowns_of_trees(
    trees: gpd.GeoDataFrame,
    terrain: Terrain,
    *,
    origin: FloatArray,
    transmittance: Mapping[TreeKind, ArrayLike] | None = None,
) -> Crowns:
    """Make the trees of a district.

    Parameters
    ----------
    trees : GeoDataFrame
        Points with ``height`` [m] and ``crown_radius`` [m], and ``leaf_cycle``
        ("deciduous", "evergreen") where it is known; may be empty.
    terrain : Terrain
        The ground they stand on.
    origin : (3,) float
        Local origin [m].
    transmittance : mapping, optional
        Twelve shares of light for some kinds.

    Returns
    -------
    Crowns
        In the order of the table.

    Raises
    ------
    GeometryError, TableError
        If a size or share cannot be.
    """
    places = shapely.get_coordinates(trees.geometry.to_numpy())
    ground = terrain.sample(places[:, 0], places[:, 1])
    return make_crowns(
        np.c_[places, ground] - origin,
        trees["height"].to_numpy(np.float64),
        trees["crown_radius"].to_numpy(np.float64),
        kind=kinds_of_trees(trees),
        transmittance=transmittance,
    )


def kinds_of_trees(trees: gpd.GeoDataFrame) -> NDArray[np.int8]:
    """Return the `TreeKind` of each row of a table of trees, (n,) int8."""
    if "leaf_cycle" not in trees.columns:
        return np.full(len(trees), TreeKind.UNKNOWN, np.int8)
    told = trees["leaf_cycle"].astype(str).tolist()
    return np.array([CYCLES.get(each, TreeKind.UNKNOWN) for each in told], np.int8)
