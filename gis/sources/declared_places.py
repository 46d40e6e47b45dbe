"""Read the places that declared values are meant for."""

import math
import re
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas.array import GeometryArray
from pyproj import CRS

from gis.crs import PLAN_EPSG, features_in_area_of_use, horizontal, to_plan
from gis.errors import CrsError, TableError
from gis.sources.geojson import MOST_COORDINATE
from gis.sources.weather_hours import brief
from gis.trees import EAST_COLUMNS, LATITUDE_COLUMNS, LONGITUDE_COLUMNS, NORTH_COLUMNS

PLACE_COLUMNS: dict[str, tuple[str, ...]] = {
    "longitude": LONGITUDE_COLUMNS,
    "latitude": LATITUDE_COLUMNS,
    "east": EAST_COLUMNS,
    "north": NORTH_COLUMNS,
    "system": ("epsg", "crs", "srid", "referenssystem", "koordinatsystem"),
}
"""Columns of tables without geometry that tell a place, in lower case."""

PAIRS = (("longitude", "latitude"), ("east", "north"))
"""Which of them belong together."""

LARGEST_OUTLINE = 250_000.0
"""Areas that can be meant as one building [m2]: the largest halls of the region."""

MOST_SYSTEMS = 10
"""Reference systems in one table."""

_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_EPSG = re.compile(r"(?:epsg:{1,2}|urn:ogc:def:crs:epsg:[\d.]*:)?(\d{4,6})", re.IGNORECASE)
_SWEREF = re.compile(r"sweref\s?99\s?(tm|\d\d\s?\d\d)", re.IGNORECASE)
_MERIDIANS = (1200, 1330, 1500, 1630, 1800, 1415, 1545, 1715, 1845, 2015, 2145, 2315)
_SWEREF_CODES = {"TM": 3006} | {str(m): 3007 + n for n, m in enumerate(_MERIDIANS)}
"""EPSG codes of the Swedish plans by the meridian in their name; compared with the names
that the EPSG register gives them in tests/gis/test_declared_heights.py."""

Shapes = npt.NDArray[np.object_]


def read_count(text: str) -> float:
    """Read a number without unit.

    Parameters
    ----------
    text : str
        With point or comma, perhaps with blanks between thousands.

    Returns
    -------
    float
        NaN for anything else.

    Examples
    --------
    >>> read_count("6 213 572,5"), read_count("5 storeys")
    (6213572.5, nan)
    """
    bare = "".join(text.split())
    found = _PLAIN_NUMBER.fullmatch(bare)
    return float(bare.replace(",", ".")) if found else math.nan


def places_by_coordinates(
    texts: pd.DataFrame, labels: Sequence[str], faults: list[str]
) -> Shapes:
    """Read points from columns of coordinates.

    Parameters
    ----------
    texts : DataFrame
        Text in any of the columns ``longitude`` and ``latitude`` (WGS84 unless ``system``
        says otherwise), or ``east``, ``north`` and ``system``.
    labels : sequence of str
        What to call the rows.
    faults : list of str
        Gets a clause for each row that cannot be meant.

    Returns
    -------
    (n,) object
        Points in EPSG:3008, None where no place is told.

    Raises
    ------
    CrsError
        If a reference system is not known, or most places lie elsewhere.
    TableError
        If there are more than `MOST_SYSTEMS` reference systems.
    """
    points = np.full(len(texts), None, dtype=object)
    pair = next((pair for pair in PAIRS if pair[0] in texts), None)
    if pair is None:
        return points
    systems: dict[str, list[int]] = {}
    for i, (label, cells) in enumerate(zip(labels, texts.to_dict("records"), strict=True)):
        east, north = (cells[key] for key in pair)
        system = cells.get("system", "")
        if not east and not north:
            continue
        x, y = read_count(east), read_count(north)
        if not (math.isfinite(x) and math.isfinite(y)):
            faults.append(
                f"{label} must have its place as two numbers, got "
                f"{brief(east, length=20)}, {brief(north, length=20)}"
            )
        elif not system and pair[0] == "east":
            faults.append(f"{label} must have a reference system, got none")
        else:
            points[i] = shapely.Point(x, y)
            systems.setdefault(system, []).append(i)
    if len(systems) > MOST_SYSTEMS:
        message = (
            f"places must be in at most {MOST_SYSTEMS} reference systems, got "
            f"{len(systems):,}; bring them to EPSG:{PLAN_EPSG}"
        )
        raise TableError(message)
    for system, rows in systems.items():
        some = gpd.GeoSeries(points[rows], crs=_system(system, labels[rows[0]]))
        points[rows] = places_by_geometry(some.array, [labels[i] for i in rows], faults)
    return points


def places_by_geometry(
    places: GeometryArray, labels: Sequence[str], faults: list[str]
) -> Shapes:
    """Bring points and polygons to the plan.

    Parameters
    ----------
    places : GeometryArray
        Any geometries; missing and empty ones are none.
    labels : sequence of str
        What to call them.
    faults : list of str
        Gets a clause for each that cannot be meant.

    Returns
    -------
    (n,) object
        Points and valid areas in EPSG:3008, None where there is none to use.

    Raises
    ------
    CrsError
        If the reference system is not known, or most places lie elsewhere.
    """
    names = np.asarray(labels, dtype=object)
    shapes = shapely.force_2d(np.asarray(places, dtype=object))
    shapes[shapely.is_empty(shapes)] = None
    kinds = np.array([s.geom_type if s is not None else "" for s in shapes], dtype=object)
    single = (kinds == "MultiPoint") & (shapely.get_num_geometries(shapes) == 1)
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    present = kinds != ""
    fit = single | np.isin(kinds.astype(str), ("Point", "Polygon", "MultiPolygon"))
    # Also false for NaN and infinite ones.
    sane = (np.abs(shapely.bounds(shapes).reshape(-1, 4)) <= MOST_COORDINATE).all(axis=1)
    for name, kind in zip(names[present & ~fit], kinds[present & ~fit], strict=True):
        faults.append(f"{name} must have a point or polygon, got a {kind}")
    faults.extend(
        f"{name} must have its place on Earth, got absurd coordinates"
        for name in names[present & fit & ~sane]
    )
    found = np.full(len(shapes), None, dtype=object)
    usable = np.flatnonzero(present & fit & sane)
    if not len(usable):
        return found
    plan = to_plan(gpd.GeoDataFrame(geometry=shapes[usable], crs=places.crs))
    near = features_in_area_of_use(plan)
    given = shapely.get_coordinates(shapely.centroid(shapes[usable]))
    for name, (x, y) in zip(names[usable[~near]], given[~near], strict=True):
        faults.append(
            f"{name} must have its place where EPSG:{PLAN_EPSG} holds, got {x:.6g}, {y:.6g}"
        )
    usable = usable[near]
    found[usable] = _mend(plan.geometry.to_numpy()[near], names[usable], faults)
    return found


def _system(text: str, label: str) -> CRS:
    """Find a reference system by its code or Swedish name; "" is longitude, latitude."""
    code, zone = _EPSG.fullmatch(text), _SWEREF.fullmatch(text)
    number = 0 if text else 4326
    if code:
        number = int(code.group(1))
    elif zone:
        number = _SWEREF_CODES.get("".join(zone.group(1).split()).upper(), 0)
    try:
        return horizontal(number)
    except CrsError as error:
        message = (
            f"{label} must have a reference system such as {PLAN_EPSG} or SWEREF99 13 30, "
            f"got {brief(text)}"
        )
        raise CrsError(message) from error


def _mend(shapes: Shapes, names: Shapes, faults: list[str]) -> Shapes:
    """Make areas valid; list those that are no outline of one building."""
    is_area = shapely.get_dimensions(shapes) == 2
    crossed = is_area & ~shapely.is_valid(shapes)
    mended = shapes.copy()
    mended[crossed] = shapely.make_valid(
        shapes[crossed], method="structure", keep_collapsed=False
    )
    area = shapely.area(mended)
    wrong = is_area & ~((area > 0.0) & (area <= LARGEST_OUTLINE))
    for name, size in zip(names[wrong], area[wrong], strict=True):
        faults.append(
            f"{name} must outline a building of at most {LARGEST_OUTLINE:,.0f} m2, got "
            f"{size:,.0f} m2"
        )
    return mended
