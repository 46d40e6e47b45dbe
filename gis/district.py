"""Hold a district: boundary, buildings, ground, water, landmarks, trees."""

import math
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import PLAN, same_plane, to_wgs84
from gis.decks import DECK_COLUMNS, no_decks
from gis.errors import CrsError, GeometryError, TableError
from gis.grid_north import grid_convergence
from gis.parapets import PARAPET_COLUMNS
from gis.plan_rules import PlanRules
from gis.records import Records, no_records
from gis.terrain import Terrain
from gis.undersides import bottom_levels, share_heights

ROOF_COLUMNS = (
    "roof_shape",
    "roof_height",
    "roof_direction",
    "roof_orientation",
    "roof_angle",
    "roof_source",
)
"""Columns of roofs, with the meaning that `gis.roof_words.roof_words` gives them;
``roof_source`` says how the form is known."""

BUILDING_COLUMNS = (
    "building",
    "given",
    "name",
    "use",
    "year",
    "height",
    "height_source",
    "height_year",
    "height_uncertainty",
    "eaves",
    "ridge",
    *ROOF_COLUMNS,
    *PARAPET_COLUMNS,
    "underside",
    "base",
    "base_source",
    "top",
)
UNKNOWN = {
    "height_year": np.nan,
    "height_uncertainty": np.nan,
    "eaves": np.nan,
    "ridge": np.nan,
    "roof_shape": "",
    "roof_height": np.nan,
    "roof_direction": np.nan,
    "roof_orientation": "",
    "roof_angle": np.nan,
    "roof_source": "",
    "parapet_height": np.nan,
    "parapet_width": np.nan,
    "underside": 0.0,
}
"""Columns that few sources tell, with what stands for unknown; see `complete_buildings`.
What nobody calls raised stands on the ground."""

LANDMARK_COLUMNS = ("name", "kind", "accuracy", "basis")
TREE_COLUMNS = ("height", "crown_radius", "source")
KINDS = ("hub", "landmark")

LARGEST_OVERLAP = 0.01
"""Plan overlap of two parts that is still taken as rounding [m2]."""


@dataclass(frozen=True)
class District:
    """A piece of city, ready for meshing: EPSG:3008, RH2000, metres.

    Parameters
    ----------
    name : str
        What to call it.
    boundary : Polygon or MultiPolygon
        Edge of the district; buildings may stand beyond it as surroundings.
    buildings : GeoDataFrame
        Index ``part``, unique strings. Columns ``building`` (groups the parts of one
        building), ``given`` (the identity by which its source knows it), ``name`` and
        ``use`` ("" unknown), ``year`` (NaN unknown), ``height`` [m above ground] with
        ``height_source``, ``height_year`` (of the survey or statement) and
        ``height_uncertainty`` (standard, [m]), ``eaves`` and ``ridge`` [m above ground]
        where the roof was measured (NaN unknown), `ROOF_COLUMNS`, ``parapet_height`` and
        ``parapet_width`` [m] (NaN none), ``underside`` [m above ground] at which the part
        begins (0: it stands on the ground), ``base`` [m RH2000] with ``base_source``: the
        lowest ground under the footprint, ``top`` [m RH2000].
        Geometry: valid polygons, exterior counter-clockwise, holes allowed; two of them
        overlap only where one ends below the other.
    terrain : Terrain
        The ground.
    water : MultiPolygon
        Open water, may be empty and may reach beyond the terrain.
    landmarks : GeoDataFrame
        Points with ``name``, ``kind`` ("hub" or "landmark"), ``accuracy`` [m], ``basis``.
    trees : GeoDataFrame
        Points with ``height`` [m], ``crown_radius`` [m], ``source``; may be empty.
    schematic : bool
        True where shapes and levels are generalised and not survey data.
    credits : tuple of str
        Whom to name beside every picture or file made of it.
    notes : tuple of str
        What was assumed or repaired, in sentences with counts.
    water_level : float
        Elevation of the water surface [m RH2000].
    decks : GeoDataFrame
        Bridges as slabs in the air, see `gis.decks.Decks.table`; may be empty.
    plan : PlanRules or None
        What may be built; None where no plan was given.
    records : Records
        What was repaired, what disagreed and who was renamed on the way.

    Raises
    ------
    CrsError, TableError, GeometryError
        If a table is not in EPSG:3008, lacks columns, repeats an id, or holds a footprint
        that cannot be meshed.
    """

    name: str
    boundary: shapely.Polygon | shapely.MultiPolygon
    buildings: gpd.GeoDataFrame
    terrain: Terrain
    water: shapely.MultiPolygon
    landmarks: gpd.GeoDataFrame
    trees: gpd.GeoDataFrame
    schematic: bool
    credits: tuple[str, ...]
    notes: tuple[str, ...]
    water_level: float = 0.0
    decks: gpd.GeoDataFrame = field(default_factory=no_decks)
    plan: PlanRules | None = None
    records: Records = field(default_factory=no_records)

    def __post_init__(self) -> None:
        """Check what every later step relies on."""
        _check_table(self.buildings, BUILDING_COLUMNS, "buildings")
        _check_table(self.landmarks, LANDMARK_COLUMNS, "landmarks")
        _check_table(self.trees, TREE_COLUMNS, "trees")
        _check_table(self.decks, DECK_COLUMNS, "decks")
        faults = [*_faulty_ids(self.buildings), *_faulty_rows(self.buildings)]
        wrong = sorted(set(self.landmarks["kind"]) - set(KINDS))
        faults += [f"landmark kind {kind!r} is neither of {KINDS}" for kind in wrong]
        if faults:
            message = (
                f"a district must hold clean tables, got {len(faults)} faults: "
                f"{'; '.join(faults[:5])}; repair the footprints and heights first"
            )
            raise TableError(message)
        _check_overlaps(self.buildings)
        if self.boundary.is_empty or not self.boundary.is_valid:
            message = "the boundary must be a valid polygon with an area, got none"
            raise GeometryError(message)

    @property
    def longitude(self) -> float:
        """Longitude of the boundary's centroid, WGS84 [degrees]."""
        return float(self._place()[0])

    @property
    def latitude(self) -> float:
        """Latitude of the boundary's centroid, WGS84 [degrees]."""
        return float(self._place()[1])

    @property
    def grid_convergence(self) -> float:
        """Direction of the plan's north there, clockwise from true north [degrees]."""
        return grid_convergence(self.latitude, self.longitude)

    def _place(self) -> list[float]:
        """Longitude and latitude of the boundary's centroid."""
        centre = self.boundary.centroid
        place: list[float] = to_wgs84(np.array([centre.x, centre.y])).tolist()
        return place


def complete_buildings(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Reduce a table of buildings to what a district holds.

    Parameters
    ----------
    buildings : GeoDataFrame
        With `BUILDING_COLUMNS`, of which ``given`` and those of `UNKNOWN` may be absent.

    Returns
    -------
    GeoDataFrame
        In the order of `BUILDING_COLUMNS`; what was absent is unknown, ``given`` as
        ``building``.
    """
    absent = {k: value for k, value in UNKNOWN.items() if k not in buildings.columns}
    if "given" not in buildings.columns:
        absent["given"] = buildings["building"]
    return buildings.assign(**absent)[[*BUILDING_COLUMNS, "geometry"]]


def _check_table(table: gpd.GeoDataFrame, columns: tuple[str, ...], what: str) -> None:
    """Refuse tables without the columns or outside the plan."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        message = f"{what} must have the columns {', '.join(columns)}, {missing} missing"
        raise TableError(message)
    if table.crs is None or not same_plane(table.crs, PLAN):
        message = f"{what} must be in EPSG:3008, got {table.crs}; use gis.crs.to_plan"
        raise CrsError(message)


def _faulty_ids(buildings: gpd.GeoDataFrame) -> list[str]:
    """Say which part ids cannot serve as keys."""
    faults = []
    if not len(buildings):
        faults.append("there is no building")
    if buildings.index.name != "part":
        faults.append(f"the index is named {buildings.index.name!r}, not 'part'")
    repeated = buildings.index[buildings.index.duplicated()]
    faults += [f"part {part!r} occurs more than once" for part in repeated.unique()]
    faults += [f"part {part!r} is no text" for part in buildings.index if not _is_id(part)]
    return faults


def _is_id(value: object) -> bool:
    """Whether a value is a non-empty text."""
    return isinstance(value, str) and value != ""


def _faulty_rows(buildings: gpd.GeoDataFrame) -> list[str]:
    """Say which parts have no solid body."""
    shapes = buildings.geometry.to_numpy()
    is_polygon = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    is_whole = is_polygon & shapely.is_valid(shapes) & (shapely.area(shapes) > 0.0)
    is_clockwise = is_whole & ~shapely.is_ccw(shapely.get_exterior_ring(shapes))
    faults = [f"{part} is no valid polygon" for part in buildings.index[~is_whole]]
    faults += [f"{part} runs clockwise" for part in buildings.index[is_clockwise]]
    for part, bottom, top in zip(
        buildings.index, bottom_levels(buildings), buildings["top"], strict=True
    ):
        if not (math.isfinite(bottom) and math.isfinite(top) and top > bottom):
            faults.append(f"{part} has top={top} m and base={bottom} m, top must be above")
    under = buildings["underside"].to_numpy(np.float64)
    wrong = buildings.index[~(under >= 0.0)]
    faults += [f"{part} has no underside of 0 m or more" for part in wrong]
    return faults


def _check_overlaps(buildings: gpd.GeoDataFrame) -> None:
    """Refuse parts that share ground, unless one ends below the other."""
    shapes = buildings.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    meet = share_heights(buildings, one, other)
    one, other = one[meet], other[meet]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    bad = shared > LARGEST_OVERLAP
    if bad.any():
        parts = buildings.index
        pairs = [
            f"{parts[i]} and {parts[j]} share {area:.2f} m2"
            for i, j, area in zip(one[bad], other[bad], shared[bad], strict=True)
        ]
        message = (
            f"parts must not overlap in plan, {len(pairs)} pairs do: "
            f"{'; '.join(pairs[:5])}; use gis.footprints.repair_footprints"
        )
        raise GeometryError(message)
