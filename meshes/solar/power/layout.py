"""Place solar modules on roofs and facades."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.power.rows import Packed, pack_rows
from meshes.solar.power.usable import Usable

BoolArray = NDArray[np.bool_]

OBLIQUITY = 23.44
"""Tilt of the Earth's axis [degrees]; declination of the sun at the solstices."""


class Facing(StrEnum):
    """Where the rows of flat roofs look."""

    SOUTH = "south"
    EAST_WEST = "east-west"


@dataclass(frozen=True)
class PvModule:
    """A solar module.

    Attributes
    ----------
    width, length : float
        Size [m]: the usual format of 108 half cells of 182 mm since 2022.
    power : float
        Rated power [kWp]: 0.22 kWp/m2, as 440 W modules of that format have. Data sheets of
        2023 to 2025 give 430 to 460 W.
    cell_rows : int
        Rows of cells across the width; three substrings of two rows each lie behind a
        bypass diode each and run along the length.
    """

    width: float = 1.134
    length: float = 1.762
    power: float = 0.44
    cell_rows: int = 6

    def __post_init__(self) -> None:
        """Refuse modules without size or power."""
        if not (0 < self.width <= self.length and self.power > 0 and self.cell_rows > 0):
            message = (
                "a module needs 0 < width <= length [m] and a power above 0 kWp, got "
                f"{self.width} x {self.length} m and {self.power} kWp"
            )
            raise GeometryError(message)

    @property
    def area(self) -> float:
        """Area [m2]."""
        return self.width * self.length


@dataclass(frozen=True)
class Mounting:
    """How modules are mounted. Figures without a source are assumptions.

    Attributes
    ----------
    flat_below : float
        Roofs below this tilt get tilted rows; all else carries modules flush [degrees].
    facing : Facing
        South: rows one behind the other. East-west: tents of two modules back to back.
    tilt : float
        Of rows on flat roofs [degrees]; 10 to 15 need little ballast.
    ground_cover : float or None
        Length of modules across a row by the pitch of rows. None keeps rows out of each
        other's shade at noon of the winter solstice; tents then stand a walkway apart.
    along_edges : bool
        Whether rows follow the edge of the roof that looks most to the south, as is usual,
        or look straight south.
    gap : float
        Between neighbouring modules [m].
    walkway : float
        Between tents [m].
    height : float
        Of the lower edge above the surface [m].
    string : int
        Most modules in series.
    """

    flat_below: float = 5.0
    facing: Facing = Facing.SOUTH
    tilt: float = 15.0
    ground_cover: float | None = None
    along_edges: bool = True
    gap: float = 0.02
    walkway: float = 0.3
    height: float = 0.1
    string: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if not (0 < self.tilt < 90 and min(self.gap, self.walkway, self.height) >= 0):
            message = (
                "rows need a tilt above 0 and below 90 degrees and gaps from 0 m on, got "
                f"{self}; correct the mounting"
            )
            raise GeometryError(message)
        if self.string < 1 or not (self.ground_cover is None or self.ground_cover > 0):
            message = (
                "strings need a module and the ground cover must be above 0, got "
                f"{self.string} modules and {self.ground_cover}"
            )
            raise GeometryError(message)


@dataclass(frozen=True)
class Layout:
    """Modules on facets.

    Attributes
    ----------
    corners : (m, 4, 3) float
        Corners [m], relative to the local origin of the facets, counter-clockwise seen
        from the front; the first two are the lower edge.
    facet : (m,) int
        Facet each stands on.
    row : (m,) int
        Row on its facet, counted from the front or from below.
    side : (m,) int
        1 on the rear side of a tent, else 0.
    string : (m,) int
        String, counted over all facets; modules of a string are neighbours.
    portrait : (m,) bool
        Whether the long side goes up.
    tilted : (m,) bool
        Whether it stands tilted on a flat roof.
    ahead : (m,) float
        Level distance from the lower edge to the upper edge of the row in front [m]; inf
        where nothing stands there.
    module : PvModule
        What is placed.
    facets : Facets
        On what.
    """

    corners: FloatArray
    facet: IntArray
    row: IntArray
    side: IntArray
    string: IntArray
    portrait: BoolArray
    tilted: BoolArray
    ahead: FloatArray
    module: PvModule
    facets: Facets

    def __len__(self) -> int:
        """Return the number of modules."""
        return len(self.facet)

    @property
    def normal(self) -> FloatArray:
        """(m, 3) float: unit normals of the modules."""
        along = self.corners[:, 1] - self.corners[:, 0]
        up = self.corners[:, 3] - self.corners[:, 0]
        normal = np.cross(along, up)
        unit: FloatArray = normal / np.linalg.norm(normal, axis=1, keepdims=True)
        return unit

    @property
    def power(self) -> float:
        """Rated power of all modules [kWp]."""
        return len(self) * self.module.power


@dataclass(frozen=True)
class _Frame:
    """Axes of rows on a facet and how rows repeat.

    ``u`` runs along rows and ``v`` away from where they look, in the plane of the facet;
    ``slope`` is the tilt of modules against it [radians], ``ahead`` as in `Layout`.
    """

    u: FloatArray
    v: FloatArray
    slope: float = 0.0
    ahead: float = np.inf
    tent: bool = False


@dataclass
class _Gathered:
    """Modules while they are placed, one list entry a facet."""

    corners: list[FloatArray] = field(default_factory=list)
    columns: list[tuple[IntArray, ...]] = field(default_factory=list)
    ahead: list[FloatArray] = field(default_factory=list)
    strings: int = 0


def lay_modules(
    facets: Facets,
    usable: Usable,
    *,
    latitude: float,
    module: PvModule | None = None,
    mounting: Mounting | None = None,
) -> Layout:
    """Place modules on the usable pieces of all facets.

    Parameters
    ----------
    facets : Facets
        Roofs and walls.
    usable : Usable
        Their usable pieces: see `meshes.solar.power.usable.find_usable`.
    latitude : float
        Place [degrees]; decides the distance of rows.
    module : PvModule, optional
        What is placed.
    mounting : Mounting, optional
        How.

    Returns
    -------
    Layout
        Modules lie inside their piece and meet no other. Of what fits, the taken share is
        left out evenly, as nobody knows where vents and windows are.

    Raises
    ------
    GeometryError
        If rows cannot stand apart enough, or overlap.

    Notes
    -----
    Flush modules stand or lie, whichever gives more; rows lie. The distance of rows: the
    upper edge of the row in front, of height ``h`` above the lower edge, is seen at the
    height of the sun at noon of the winter solstice, 90 - latitude - 23.44 degrees, in the
    plane across the rows.
    """
    piece, how = module or PvModule(), mounting or Mounting()
    gathered = _Gathered()
    for facet in np.flatnonzero(usable.area > 0).tolist():
        frame = _frame(facets, facet, piece, how, latitude)
        shape = _turn(usable.shapes[facet], facets, facet, frame)
        packed, portrait = _pack(shape, frame, piece, how)
        kept = _spare(len(packed), float(usable.taken[facet]))
        packed = Packed(packed.u[kept], packed.v[kept], packed.row[kept])
        if len(packed):
            _place(gathered, facets, facet, frame, packed, piece, how, portrait=portrait)
    empty = np.empty(0, np.int64)
    columns = [
        np.concatenate([empty, *some]) for some in zip(*gathered.columns, strict=True)
    ] or [empty] * 6
    of, row, side, string, standing, tilted = columns
    return Layout(
        corners=np.concatenate([np.empty((0, 4, 3)), *gathered.corners]),
        facet=of,
        row=row,
        side=side,
        string=string,
        portrait=standing.astype(np.bool_),
        tilted=tilted.astype(np.bool_),
        ahead=np.concatenate([np.empty(0), *gathered.ahead]),
        module=piece,
        facets=facets,
    )


def winter_distance(rise: float, *, latitude: float, turned: float = 0.0) -> float:
    """Return how far a row must stand behind an edge to be lit at noon in midwinter.

    Parameters
    ----------
    rise : float
        Height of the edge above the lower edge of the row [m].
    latitude : float
        Place [degrees].
    turned : float
        Angle between where the row looks and the equator [degrees].

    Returns
    -------
    float
        Level distance [m].

    Raises
    ------
    GeometryError
        If the sun stays below 2 degrees on that noon.
    """
    noon = 90.0 - abs(latitude) - OBLIQUITY
    if noon < 2.0:
        message = (
            f"the sun must rise above 2 degrees at midwinter noon, got {noon:.1f} at "
            f"latitude {latitude:g}; give a ground cover instead"
        )
        raise GeometryError(message)
    return float(rise * max(np.cos(np.radians(turned)), 0.0) / np.tan(np.radians(noon)))


def _frame(
    facets: Facets, facet: int, module: PvModule, how: Mounting, latitude: float
) -> _Frame:
    """Return the axes of rows on a facet."""
    normal = facets.normal[facet]
    if normal[2] < np.cos(np.radians(how.flat_below)):
        u = np.array([-normal[1], normal[0], 0.0])
        u /= np.linalg.norm(u)
        return _Frame(u, np.cross(normal, u))
    equator = np.array([0.0, -1.0 if latitude >= 0 else 1.0, 0.0])
    if how.facing is Facing.EAST_WEST:
        equator = np.array([-1.0, 0.0, 0.0])
    looks = equator - normal * (equator @ normal)
    if how.along_edges:
        e1, e2 = facets.e1[facet], facets.e2[facet]
        choices = np.array([e1, -e1, e2, -e2])
        looks = choices[int(np.argmax((choices @ equator).round(6)))]
    looks = looks / np.linalg.norm(looks)
    slope = float(np.radians(how.tilt))
    run, rise = module.width * np.cos(slope), module.width * np.sin(slope)
    tent = how.facing is Facing.EAST_WEST
    if tent:
        free = how.walkway
        if how.ground_cover is not None:
            free = 2 * (module.width / how.ground_cover - run) - how.gap
        ahead = free + run
    else:
        turned = float(np.degrees(np.arccos(np.clip(looks @ equator, -1.0, 1.0))))
        free = winter_distance(rise, latitude=latitude, turned=turned)
        if how.ground_cover is not None:
            free = module.width / how.ground_cover - run
        free = max(free, how.gap) if how.ground_cover is None else free
        ahead = free
    if free < 0:
        message = (
            f"rows must not overlap, got a ground cover of {how.ground_cover} at a tilt of "
            f"{how.tilt:g} degrees; take a smaller one"
        )
        raise GeometryError(message)
    return _Frame(np.cross(-looks, normal), -looks, slope, ahead, tent)


def _turn(shape: object, facets: Facets, facet: int, frame: _Frame) -> shapely.Geometry:
    """Turn a shape from the axes of the facet to those of its rows."""
    axes = np.stack([facets.e1[facet], facets.e2[facet]])
    matrix = axes @ np.stack([frame.u, frame.v], axis=1)
    turned: shapely.Geometry = shapely.transform(shape, lambda points: points @ matrix)
    return turned


def _pack(
    shape: shapely.Geometry, frame: _Frame, module: PvModule, how: Mounting
) -> tuple[Packed, bool]:
    """Fit modules, or tents, into a shape; tell whether the modules stand upright."""
    if frame.slope > 0:
        run = module.width * np.cos(frame.slope)
        depth = 2 * run + how.gap if frame.tent else run
        free = frame.ahead - run if frame.tent else frame.ahead
        packed = pack_rows(
            shape, width=module.length, depth=depth, gap=how.gap, pitch=depth + free
        )
        return packed, False
    lying, standing = (
        pack_rows(shape, width=width, depth=depth, gap=how.gap, pitch=depth + how.gap)
        for width, depth in (
            (module.length, module.width),
            (module.width, module.length),
        )
    )
    return (lying, False) if len(lying) > len(standing) else (standing, True)


def _spare(count: int, share: float) -> IntArray:
    """Return which of a count are kept when a share of them is left out evenly."""
    done = np.floor(np.arange(count + 1) * (1.0 - share) + 1e-9)
    return np.flatnonzero(np.diff(done) > 0)


def _place(
    gathered: _Gathered,
    facets: Facets,
    facet: int,
    frame: _Frame,
    packed: Packed,
    module: PvModule,
    how: Mounting,
    *,
    portrait: bool,
) -> None:
    """Add the modules of a facet."""
    normal, corner = facets.normal[facet], facets.corner[facet]
    wide = module.width if portrait else module.length
    deep = module.length if portrait else module.width
    run, rise = deep * np.cos(frame.slope), deep * np.sin(frame.slope)
    sides = []
    for side in range(2 if frame.tent else 1):
        left, right = packed.u, packed.u + wide
        near = packed.v if side == 0 else packed.v + 2 * run + how.gap
        far = near + run * (1 - 2 * side)
        if side:
            left, right = right, left
        low, high = how.height, how.height + rise
        sides.append(
            np.stack(
                [
                    np.stack([u, v, np.full(len(u), z)], axis=-1)
                    for u, v, z in (
                        (left, near, low),
                        (right, near, low),
                        (right, far, high),
                        (left, far, high),
                    )
                ],
                axis=1,
            )
        )
    count = len(packed)
    looks = np.repeat(np.arange(len(sides)), count)
    row, start = np.tile(packed.row, len(sides)), np.tile(packed.u, len(sides))
    local = np.concatenate(sides)
    axes = np.stack([frame.u, frame.v, normal])
    string = _strings(row, start, looks, how.string)
    same = np.ones_like(row)
    gathered.corners.append(corner + local @ axes)
    gathered.columns.append(
        (
            same * facet,
            row,
            looks,
            string + gathered.strings,
            same * portrait,
            same * (frame.slope > 0),
        )
    )
    gathered.strings += int(string.max()) + 1
    gathered.ahead.append(
        np.where(_hidden(row, start, looks, wide), frame.ahead, np.inf)
        if frame.slope > 0
        else np.full(len(row), np.inf)
    )


def _hidden(row: IntArray, start: FloatArray, side: IntArray, wide: float) -> BoolArray:
    """Tell which modules have another in the row before them."""
    hidden = np.zeros(len(row), np.bool_)
    for number in np.unique(row).tolist():
        for look in np.unique(side).tolist():
            mine = np.flatnonzero((row == number) & (side == look))
            # Rows look towards lower numbers, the rear sides of tents towards higher ones.
            front = start[row == number - 1 + 2 * look]
            if len(front):
                apart = np.abs(start[mine][:, None] - front).min(axis=1)
                hidden[mine] = apart < wide - 1e-6
    return hidden


def _strings(row: IntArray, start: FloatArray, side: IntArray, most: int) -> IntArray:
    """Split rows, there and back, into numbered strings of about equal length."""
    string = np.empty(len(row), np.int64)
    first = 0
    for look in np.unique(side).tolist():
        mine = np.flatnonzero(side == look)
        way = np.where(row[mine] % 2, -start[mine], start[mine])
        order = mine[np.lexsort((way, row[mine]))]
        number = -(-len(mine) // most)
        string[order] = first + np.arange(len(mine)) * number // len(mine)
        first += number
    return string
