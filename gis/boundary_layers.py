"""Read the places, water and edges that a boundary is built from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from gis.attributes import as_text, find_columns
from gis.boundary_recipe import EXAMPLE, Anchor, suggest
from gis.crs import PLAN, horizontal, same_plane, to_plan
from gis.errors import CrsError, GeometryError, HeidiError, TableError
from gis.faults import name_some
from gis.sources.vector import WATER_LAYERS, read_layer

Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.int64]

BESIDE = 1.0
"""How far beyond its area of use a reference system is accepted [degrees]."""

NAME_COLUMNS = (
    "name",
    "namn",
    "byggnadsnamn1",
    "addr:housename",
    "address",
    "adress",
    "building",
    "id",
    "@id",
)
"""Columns of a layer of places by which an anchor may call one, in order of trust."""

EDGE_NAMES = ("name", "namn", "ref")
"""Columns that name an edge, in order of trust."""


@dataclass(frozen=True)
class Edge:
    """A natural edge.

    Attributes
    ----------
    line : LineString
        In the plan [m].
    name : str
        Such as the name of a street, "" if it has none.
    source : str
        Name of its file, "" if it came without one.
    """

    line: shapely.LineString
    name: str = ""
    source: str = ""


def metric_plan(system: str) -> CRS:
    """Read the reference system of the result.

    Parameters
    ----------
    system : str
        Such as "EPSG:3008".

    Returns
    -------
    CRS

    Raises
    ------
    CrsError
        If it is unknown, or not projected in metres.
    """
    crs = horizontal(_spelled(system))
    metric = crs.is_projected and all(a.unit_name == "metre" for a in crs.axis_info[:2])
    if not metric:
        message = (
            f"the plan must be a projected system in metres, got {system} ({crs.name}); "
            'give for example plan = "EPSG:3008"'
        )
        raise CrsError(message)
    return crs


def _spelled(system: str) -> str:
    """Name a reference system as PROJ knows it."""
    return "OGC:CRS84" if system.strip().upper() == "CRS84" else system


def _bring(frame: gpd.GeoDataFrame, plan: CRS, what: str) -> gpd.GeoDataFrame:
    """Bring a layer to the plan and check that it can lie there."""
    try:
        if same_plane(plan, PLAN):
            return to_plan(frame)
        if frame.crs is None:
            message = (
                "coordinates must come with a reference system, this layer has none; "
                "assign it, for example with ogr2ogr -a_srs"
            )
            raise CrsError(message)
        frame = frame.set_crs(horizontal(frame.crs), allow_override=True).to_crs(plan)
        _check_area(frame, plan)
    except (HeidiError, ProjError, CRSError) as error:
        message = f"{what}: {' '.join(str(error).split())}"
        raise CrsError(message) from error
    return frame


def _check_area(frame: gpd.GeoDataFrame, plan: CRS) -> None:
    """Refuse layers whose middle lies nowhere near the area of use of a plan."""
    west, south, east, north = frame.total_bounds
    x, y = (west + east) / 2, (south + north) / 2
    area = plan.area_of_use
    inside = bool(np.isfinite([west, south, east, north]).all())
    if inside and area is not None:
        to_degrees = Transformer.from_crs(plan, "OGC:CRS84", always_xy=True)
        longitude, latitude = to_degrees.transform(x, y)
        inside = (
            area.west - BESIDE <= longitude <= area.east + BESIDE
            and area.south - BESIDE <= latitude <= area.north + BESIDE
        )
    if not inside:
        message = (
            f"coordinates must lie where {plan.name} holds, got {x:.6g}, {y:.6g} there; "
            "the axes are swapped or the place is elsewhere: choose another plan"
        )
        raise CrsError(message)


def _read_frame(path: Path, plan: CRS, prefer: Sequence[str]) -> gpd.GeoDataFrame:
    """Read a layer and bring it to the plan."""
    frame, _ = read_layer(path, prefer=prefer)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if frame.empty:
        message = f"a layer must hold geometry, {path.name} has none"
        raise GeometryError(message)
    return _bring(frame, plan, path.name)


def read_places(path: Path, plan: CRS) -> dict[str, shapely.Geometry]:
    """Read named places.

    Parameters
    ----------
    path : Path
        Layer of points or areas with names or addresses.
    plan : CRS
        What to bring them to.

    Returns
    -------
    dict of str to geometry
        Several features of one name are one place.

    Raises
    ------
    TableError
        If there is no column of names.
    """
    frame = _read_frame(path, plan, ("place", "station", "building"))
    columns = find_columns(frame, NAME_COLUMNS)
    if not columns:
        message = (
            f"a layer of places must have a column of names, {path.name} has "
            f"{name_some(c for c in frame.columns if c != frame.geometry.name) or 'none'}; "
            f"call one of them {NAME_COLUMNS[0]}"
        )
        raise TableError(message)
    shapes = frame.geometry.to_numpy()
    places: dict[str, shapely.Geometry] = {}
    for column in columns:
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(as_text(frame[column])):
            if name:
                rows.setdefault(name, []).append(row)
        for name, at in rows.items():
            places.setdefault(name, shapely.union_all(shapely.make_valid(shapes[at])))
    return places


def resolve(
    anchors: Sequence[str | Anchor], known: Mapping[str, shapely.Geometry], plan: CRS
) -> list[shapely.Geometry]:
    """Find the places that anchors name, or bring theirs to the plan.

    Parameters
    ----------
    anchors : sequence of str or Anchor
        In the order of the walk.
    known : mapping of str to geometry
        Named places in the plan; capitals make no difference.
    plan : CRS
        The plan.

    Returns
    -------
    list of geometry
        In the same order.

    Raises
    ------
    TableError
        If nobody knows a name; the nearest names are told.
    CrsError
        If coordinates cannot lie in the plan.
    """
    unknown, found = [], []
    for anchor in anchors:
        if isinstance(anchor, Anchor):
            found.append(_place(anchor, plan))
            continue
        name = known_name(anchor, known)
        if name is None:
            unknown.append(f"{anchor!r}{suggest(anchor, known)}")
        else:
            found.append(known[name])
    if unknown:
        message = (
            f"anchors must be named places, {len(unknown)} of {len(anchors)} are not "
            f"known: {name_some(unknown)}; or give coordinates, such as {EXAMPLE}"
        )
        raise TableError(message)
    return found


def known_name(name: str, known: Mapping[str, object]) -> str | None:
    """Find how a place that an anchor names is spelled; None if there is none."""
    if name in known:
        return name
    return {one.casefold(): one for one in known}.get(name.casefold())


def _place(anchor: Anchor, plan: CRS) -> shapely.Geometry:
    """Bring the place of an anchor to the plan."""
    what = f"the anchor {anchor.name}"
    try:
        crs = horizontal(_spelled(anchor.crs))
    except CrsError as error:
        message = f"{what}: {error}"
        raise CrsError(message) from error
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(anchor.at)], crs=crs)
    return _bring(frame, plan, what).geometry.iloc[0]


def read_water(path: Path, plan: CRS, window: shapely.Polygon) -> list[shapely.Geometry]:
    """Read open water near the district.

    Parameters
    ----------
    path : Path
        Layer of areas; where a column ``kind`` exists, its rows with ``water``.
    plan : CRS
        What to bring them to.
    window : Polygon
        Where the district may lie.

    Returns
    -------
    list of Polygon

    Raises
    ------
    GeometryError
        If the layer holds no areas.
    """
    frame = _read_frame(path, plan, WATER_LAYERS)
    kinds = find_columns(frame, ["kind"])
    if kinds:
        frame = frame[as_text(frame[kinds[0]]).str.lower() == "water"]
    areas, _ = _of_dimension(frame.geometry.to_numpy(), 2)
    if not len(areas):
        message = f"a layer of water must hold polygons, {path.name} has none"
        raise GeometryError(message)
    return list(areas[shapely.intersects(areas, window)])


def read_edges(path: Path, plan: CRS, window: shapely.Polygon) -> list[Edge]:
    """Read natural edges near the district.

    Parameters
    ----------
    path : Path
        Layer of lines, or of areas whose outlines are meant.
    plan : CRS
        What to bring them to.
    window : Polygon
        Where the district may lie.

    Returns
    -------
    list of Edge

    Raises
    ------
    GeometryError
        If the layer holds neither.
    """
    frame = _read_frame(path, plan, ("edge", "line", "rail", "road"))
    shapes = frame.geometry.to_numpy()
    areas, row_of_area = _of_dimension(shapes, 2)
    outlines, area = shapely.get_parts(shapely.boundary(areas), return_index=True)
    lines, row_of_line = _of_dimension(shapes, 1)
    both = np.concatenate([lines, outlines])
    rows = np.concatenate([row_of_line, row_of_area[area]])
    if not len(both):
        message = f"a layer of edges must hold lines, {path.name} has none"
        raise GeometryError(message)
    names = _edge_names(frame)
    near = shapely.intersects(both, window)
    return [
        Edge(line, names[row], path.name)
        for line, row in zip(both[near], rows[near], strict=True)
    ]


def _edge_names(frame: gpd.GeoDataFrame) -> list[str]:
    """Name of every row by the first column that has one, "" if none does."""
    names = [""] * len(frame)
    for column in find_columns(frame, EDGE_NAMES):
        told = as_text(frame[column])
        names = [name or other for name, other in zip(names, told, strict=True)]
    return names


def _of_dimension(shapes: Shapes, dimension: int) -> tuple[Shapes, Rows]:
    """Single areas (2) or lines (1) out of geometries, each with its row."""
    areas = shapely.get_dimensions(shapes) == 2
    flat = shapely.force_2d(shapes)
    flat[areas] = shapely.make_valid(flat[areas], method="structure")
    # Twice: a collection may hold parts that have several parts themselves.
    members, row = shapely.get_parts(flat, return_index=True)
    parts, member = shapely.get_parts(members, return_index=True)
    kinds = {1: (1, 2), 2: (3,)}[dimension]
    fits = np.isin(shapely.get_type_id(parts), kinds)
    return parts[fits], row[member][fits]
