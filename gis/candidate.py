"""Read a building that somebody would like to add to a district."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from shapely.errors import ShapelyError
from shapely.geometry import shape as to_shape

from gis.crs import PLAN_EPSG, horizontal, to_plan, to_wgs84
from gis.district import District, complete_buildings
from gis.errors import CrsError, GeometryError, HeidiError, SourceError, TableError
from gis.faults import MOST_NAMED
from gis.heights import ground_under, stand_on_terrain

LARGEST_FILE = 5_000_000
"""A candidate is a sketch of a few blocks, not a city [bytes]."""

LEAST_AREA, GREATEST_AREA = 4.0, 250_000.0
"""Footprints that can be a building [m2]: a shed, and the largest halls of the region."""

LOWEST, HIGHEST = 2.0, 400.0
"""Heights that can be a building [m]."""

LEVELS = (-10.0, 200.0)
"""Ground floors that are plausible in the region [m RH2000]."""

STOREYS = (0.5, 120.0)
"""Storeys that a building can have."""

GROSS_AREAS = (1.0, 1e6)
"""Gross areas (BTA) that a block can have [m2]."""

LONGEST_NAME = 80
"""Letters of a name or use that are kept."""

FINEST_CORNERS = 0.05
"""Corners that an outline can spare without moving farther are left out [m]: a circle of
a drawing program has thousands, and light does not see them."""

RAISED_FLOOR = 5.0
"""Floor above the ground from which on one should look again [m]."""

FAR_OFF = 10_000.0
"""Distance at which one rather doubts the reference system than the place [m]."""

SLACK = 0.5
"""How far a footprint may reach over the district's boundary [m]."""

CRS84 = "OGC:CRS84"

ID = "candidate"

EXAMPLE = (
    '{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [...]}, '
    '"properties": {"height_m": 18, "use": "residential"}}'
)


@dataclass(frozen=True)
class Candidate:
    """A building that does not stand yet.

    Attributes
    ----------
    parts : GeoDataFrame
        Its blocks as rows of a district's buildings table, all of the building
        "candidate" (or another id where the district has one of that name); beside it
        ``storeys`` and ``gross_area`` [m2], NaN where they are not told.
    floor : float
        Level of its ground floor [m RH2000].
    floor_source : str
        How the level is known.
    notes : tuple of str
        What was assumed or is odd, in sentences.
    """

    parts: gpd.GeoDataFrame
    floor: float
    floor_source: str
    notes: tuple[str, ...]

    @property
    def building(self) -> str:
        """Id of the building."""
        return str(self.parts["building"].iloc[0])

    @property
    def outline(self) -> shapely.Geometry:
        """Ground that it covers, EPSG:3008 [m]."""
        return shapely.union_all(self.parts.geometry.to_numpy())


def read_candidate(path: Path, district: District) -> Candidate:
    """Read a candidate from GeoJSON and set it on a district's ground.

    Parameters
    ----------
    path : Path
        A Feature or FeatureCollection: polygons with ``height_m`` [m above ground] and,
        if known, ``use``, ``name``, ``base_m_rh2000``, the level of the ground floor
        [m RH2000], ``storeys`` and ``gross_area_m2`` (all floors, BTA [m2]).
        Several features are the blocks of one building project. Coordinates are
        longitude and latitude (CRS84) as RFC 7946 has it, unless a member ``crs`` names
        another system.
    district : District
        Where it shall stand.

    Returns
    -------
    Candidate

    Raises
    ------
    SourceError
        If the file is missing, too large or no GeoJSON.
    CrsError
        If the reference system is missing or unknown, or the axes are swapped.
    GeometryError
        If an outline crosses itself, is too small, or lies outside the district.
    TableError
        If a height is missing, no number or out of range, or there is no feature.
    """
    path = Path(path)
    features, crs = _read_features(path)
    rows = _read_rows(features, path)
    shapes = [row.pop("geometry") for row in rows]
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs=crs or CRS84)
    if crs is None:
        _check_degrees(frame, path)
    try:
        plan = to_plan(frame)
    except CrsError as error:
        message = f"{path.name}: {error}"
        raise CrsError(message) from error
    outlines = [
        _check_outline(number, outline, path)
        for number, outline in enumerate(plan.geometry, 1)
    ]
    plan = plan.set_geometry(gpd.GeoSeries(outlines, index=plan.index, crs=plan.crs))
    plan = plan.assign(feature=range(len(plan))).explode(ignore_index=True)
    _check_place(plan, district, path)
    return _stand(plan, district)


def check_candidate_file(path: Path) -> None:
    """Say early, before a district is opened, whether a file can hold a candidate.

    Raises
    ------
    SourceError, CrsError, TableError
        As `read_candidate`, as far as the file alone tells.
    """
    path = Path(path)
    features, _ = _read_features(path)
    _read_rows(features, path)


def _read_rows(features: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Return the features' outlines and properties, or tell all that is wrong."""
    faults: list[str] = []
    rows = [_read_row(number, one, faults) for number, one in enumerate(features, 1)]
    if faults:
        more = f" and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
        message = f"{path.name}: {'; '.join(faults[:MOST_NAMED])}{more}"
        raise TableError(message)
    return rows


def _read_features(path: Path) -> tuple[list[dict[str, Any]], CRS | None]:
    """Return the features and the reference system of a GeoJSON file."""
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if size <= LARGEST_FILE else ""
    except OSError as error:
        message = f"a candidate file must be readable, got {path}: {error.strerror}"
        raise SourceError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path.name} must be GeoJSON in UTF-8, got other bytes: {error.reason}"
        raise SourceError(message) from error
    if size > LARGEST_FILE:
        message = (
            f"a candidate must be a few outlines, got {path.name} with {size:,} bytes; "
            f"give at most {LARGEST_FILE:,}"
        )
        raise SourceError(message)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{path.name} must be GeoJSON, but is no JSON: {error}; write {EXAMPLE}"
        raise SourceError(message) from error
    features: object = None
    if isinstance(content, dict):
        if content.get("type") == "FeatureCollection":
            features = content.get("features")
        elif content.get("type") == "Feature":
            features = [content]
    if not isinstance(features, list) or not all(isinstance(f, dict) for f in features):
        message = (
            f"{path.name} must be a GeoJSON Feature or FeatureCollection; write {EXAMPLE}"
        )
        raise SourceError(message)
    if not features:
        message = f"{path.name} must hold at least one feature, got none; write {EXAMPLE}"
        raise TableError(message)
    return features, _declared_system(content, path)


def _declared_system(content: dict[str, Any], path: Path) -> CRS | None:
    """Return the reference system that a GeoJSON names, None where it names none."""
    if "crs" not in content:
        return None
    declared = content["crs"]
    try:
        return horizontal(declared["properties"]["name"])
    except (TypeError, KeyError, HeidiError) as error:
        message = (
            f"the reference system of {path.name} must be known, got "
            f"{json.dumps(declared)[:80]}; leave out 'crs' for longitude and latitude, or "
            'write "crs": {"type": "name", "properties": {"name": '
            f'"urn:ogc:def:crs:EPSG::{PLAN_EPSG}"}}}}'
        )
        raise CrsError(message) from error


def _read_row(number: int, feature: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return outline, height, use, name and level of a feature; list what is wrong."""
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        properties = {}
    height = _number(properties.get("height_m"))
    if height is None or not LOWEST <= height <= HIGHEST:
        faults.append(
            f"feature {number} must have height_m as a number of {LOWEST:g}.."
            f"{HIGHEST:g} m, got {_show(properties, 'height_m')}"
        )
    floor = math.nan
    if properties.get("base_m_rh2000") is not None:
        level = _number(properties["base_m_rh2000"])
        if level is None or not LEVELS[0] <= level <= LEVELS[1]:
            faults.append(
                f"feature {number} must have base_m_rh2000 as a number of "
                f"{LEVELS[0]:g}..{LEVELS[1]:g} m, got {_show(properties, 'base_m_rh2000')}"
            )
        else:
            floor = level
    floors = {}
    for name, told, unit, (least, most) in (
        ("storeys", "storeys", "", STOREYS),
        ("gross_area", "gross_area_m2", " m2", GROSS_AREAS),
    ):
        floors[name] = math.nan
        if properties.get(told) is not None:
            value = _number(properties[told])
            if value is None or not least <= value <= most:
                faults.append(
                    f"feature {number} must have {told} as a number of {least:g}.."
                    f"{most:g}{unit}, got {_show(properties, told)}"
                )
            else:
                floors[name] = value
    texts = {}
    for name in ("use", "name"):
        value = properties.get(name)
        if value is not None and not isinstance(value, str):
            faults.append(
                f"feature {number} must have {name} as text, got {_show(properties, name)}"
            )
        texts[name] = _plain(value) if isinstance(value, str) else ""
    return {
        "geometry": _read_outline(number, feature.get("geometry"), faults),
        "height": height if height is not None else math.nan,
        "floor": floor,
        **floors,
        **texts,
    }


def _plain(text: str) -> str:
    """Return a text in one short line without control characters."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:LONGEST_NAME]


def _number(value: object) -> float | None:
    """Return a finite JSON number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON knows whole numbers of any length
        return None
    return number if math.isfinite(number) else None


def _show(properties: dict[str, Any], name: str) -> str:
    """Show a property as it stands in the file, shortened."""
    return json.dumps(properties[name])[:40] if name in properties else "nothing"


def _read_outline(number: int, geometry: object, faults: list[str]) -> shapely.Geometry:
    """Return the polygon of a feature without heights; list what is wrong."""
    wanted = f"feature {number} must be a Polygon or MultiPolygon"
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        faults.append(f"{wanted}, got {json.dumps(kind)}")
        return shapely.Polygon()
    try:
        outline = shapely.force_2d(to_shape(geometry))
        finite = np.isfinite(shapely.get_coordinates(outline)).all()
    except (
        *(ValueError, TypeError, IndexError, KeyError, AttributeError),
        *(OverflowError, RecursionError, ShapelyError),
    ):
        faults.append(f"{wanted} with rings of at least three corners, pairs of numbers")
        return shapely.Polygon()
    if outline.is_empty or not finite:
        faults.append(f"{wanted} with corners, got none or infinite ones")
    return outline


def _check_degrees(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse metres where no reference system is declared."""
    west, south, east, north = frame.total_bounds
    if max(-west, east, -south, north) > 360.0:
        message = (
            f"{path.name} names no reference system, so its coordinates must be degrees, "
            f'got {west:.1f}, {south:.1f}; declare the true one: "crs": {{"type": "name", '
            f'"properties": {{"name": "urn:ogc:def:crs:EPSG::{PLAN_EPSG}"}}}}'
        )
        raise CrsError(message)


def _where(reason: str) -> tuple[str, str]:
    """Split GEOS's reason into what is wrong and where, in metres and degrees."""
    found = re.fullmatch(r"(.*)\[(\S+) (\S+)\]", reason)
    if found is None:
        return reason.lower(), ""
    x, y = float(found[2]), float(found[3])
    longitude, latitude = to_wgs84(np.array([x, y]))
    where = f" at {longitude:.6f}, {latitude:.6f} (E {x:.1f}, N {y:.1f} m)"
    return found[1].lower(), where


def _check_outline(number: int, outline: shapely.Geometry, path: Path) -> shapely.Geometry:
    """Return an outline counter-clockwise; refuse those that enclose no building."""
    if not shapely.is_valid(outline):
        reason, place = _where(shapely.is_valid_reason(outline))
        message = (
            f"{path.name}: the outline of feature {number} must not cross or touch itself, "
            f"got {reason}{place}; draw its corners in order"
        )
        raise GeometryError(message)
    outline = shapely.simplify(outline, FINEST_CORNERS)
    area = outline.area
    if not LEAST_AREA <= area <= GREATEST_AREA:
        message = (
            f"{path.name}: the outline of feature {number} must cover "
            f"{LEAST_AREA:g}..{GREATEST_AREA:,.0f} m2, got {area:,.1f} m2; check the "
            "corners"
        )
        raise GeometryError(message)
    return shapely.orient_polygons(outline)


def _check_place(plan: gpd.GeoDataFrame, district: District, path: Path) -> None:
    """Refuse outlines that overlap each other or lie outside the district."""
    shapes = plan.geometry.to_numpy()
    whole = shapely.union_all(shapes)
    shared = float(shapely.area(shapes).sum() - whole.area)
    if shared > SLACK:
        message = (
            f"{path.name}: the blocks of a candidate must not overlap each other, they "
            f"share {shared:,.1f} m2; cut them apart"
        )
        raise GeometryError(message)
    outside = shapely.difference(whole, shapely.buffer(district.boundary, SLACK))
    if outside.is_empty:
        return
    distance = shapely.distance(whole, district.boundary)
    where = f"all of it, {distance:,.0f} m away" if distance > 0 else "part of it"
    advice = (
        "is the declared reference system the true one?"
        if distance > FAR_OFF
        else "move it, or build a twin that reaches farther"
    )
    message = (
        f"{path.name}: a candidate must lie inside the district {district.name!r}, got "
        f"{outside.area:,.0f} of {whole.area:,.0f} m2 outside ({where}); {advice}"
    )
    raise GeometryError(message)


def _stand(plan: gpd.GeoDataFrame, district: District) -> Candidate:
    """Set the blocks on the terrain, or on the level that is told."""
    taken = set(district.buildings["building"]) | set(district.buildings.index)
    building = next(
        name
        for name in (ID, *(f"{ID}-{n}" for n in range(2, len(taken) + 3)))
        if name not in taken
    )
    many = len(plan) > 1
    index = [f"{building}-{k}" if many else building for k in range(1, len(plan) + 1)]
    names = [name for name in plan["name"] if name]
    table = plan.assign(
        part=index,
        building=building,
        name=names[0] if names else "Candidate",
        year=math.nan,
        height_source="stated by the candidate",
    ).set_index("part")
    standing, notes = stand_on_terrain(table, district.terrain)
    lowest, _ = ground_under(standing.geometry.to_numpy(), district.terrain)
    told = standing["floor"].notna()
    level = standing["floor"].where(told, lowest)
    # A raised ground floor lifts the roof; the walls still begin at the ground.
    top = standing["top"].where(~told, standing["floor"] + standing["height"])
    sunk = top <= standing["base"]
    if sunk.any():
        roof, ground = top[sunk].iloc[0], standing["base"][sunk].iloc[0]
        message = (
            f"the roof of the candidate must be above its ground, got {roof:.1f} m on "
            f"ground of {ground:.1f} m RH2000; raise base_m_rh2000 or height_m"
        )
        raise GeometryError(message)
    source = standing["base_source"].where(~told, "terrain, floor stated by the candidate")
    parts = standing.assign(top=top, base_source=source)
    lift = float((level - parts["base"]).max())
    if lift > RAISED_FLOOR:
        notes = (
            *notes,
            f"the ground floor lies {lift:.0f} m above the ground: the walls reach up to "
            f"{float((parts['top'] - parts['base']).max()):.0f} m above it",
        )
    # A gross area is told for a feature, which may be several polygons.
    area, feature = parts.area.to_numpy(), parts["feature"].to_numpy()
    share = area / np.bincount(feature, area)[feature]
    floors = {"storeys": parts["storeys"], "gross_area": parts["gross_area"] * share}
    lowest_part = int(np.argmin(level.to_numpy()))
    wet = shapely.area(
        shapely.intersection(shapely.union_all(parts.geometry), district.water)
    )
    if wet > SLACK:
        notes = (*notes, f"{wet:,.0f} m2 of the footprint lie in the water")
    return Candidate(
        parts=complete_buildings(parts).assign(**floors),
        floor=float(level.iloc[lowest_part]),
        floor_source="stated as base_m_rh2000"
        if told.iloc[lowest_part]
        else "lowest ground under the footprint",
        notes=notes,
    )
