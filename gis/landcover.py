"""Divide the ground into classes such as water, paved and grass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, find_columns
from gis.crs import PLAN, to_plan
from gis.errors import GeometryError, TableError
from gis.faults import count_things, name_some
from gis.landcover_tags import (
    class_of_lantmateriet,
    class_of_osm,
    class_of_word,
    width_of_osm,
)
from gis.sources.vector import read_layer

COVER_LAYERS = ("marktacke", "marktäcke", "mark", "land", "cover", "multipolygons")
CLASS_COLUMNS = ("class", "klass", "landcover", "land_cover", "marktacke", "marktäcke")
LANTMATERIET_COLUMNS = ("detaljtyp", "objekttyp")
OSM_COLUMNS = (
    "landuse",
    "natural",
    "leisure",
    "surface",
    "highway",
    "railway",
    "waterway",
    "water",
    "amenity",
    "building",
    "aeroway",
    "man_made",
    "place",
)

SMALLEST = 1e-6
"""Pieces below this are rounding of the overlay [m2]."""

_OKE = (
    "Oke, Boundary Layer Climates, 1987, and Taha, 1997, "
    "doi:10.1016/S0378-7788(96)00999-1: middle of the range"
)
_PVLIB = "pvlib.albedo.SURFACE_ALBEDOS"


@dataclass(frozen=True)
class Ground:
    """What is known of a class of ground.

    Attributes
    ----------
    albedo : float
        Share of sunlight that it reflects, without snow.
    source : str
        Where the number comes from; begins with "assumed" where nobody gives it for just
        this class.
    """

    albedo: float
    source: str


CLASSES: Mapping[str, Ground] = {
    "building": Ground(0.22, f"{_OKE} of tile roofs, 0.10-0.35"),
    "water": Ground(0.06, f"{_PVLIB}, sea"),
    "rail": Ground(0.09, f"{_OKE}, gravel"),
    "paved": Ground(0.12, f"{_PVLIB}, asphalt"),
    "trees": Ground(0.14, f"{_OKE} of forests, 0.10-0.18"),
    "grass": Ground(0.20, f"{_PVLIB}, grass"),
    "crops": Ground(0.20, f"{_OKE} of crops, 0.15-0.24"),
    "sand": Ground(0.40, f"{_PVLIB}, sand"),
    "soil": Ground(0.17, f"{_PVLIB}, soil"),
    "wetland": Ground(0.16, "assumed: between water and grass, nearer to grass"),
    "open": Ground(0.20, "assumed: open land is mostly grass"),
    "built": Ground(0.18, f"{_PVLIB}, urban"),
    "unknown": Ground(0.20, "assumed: the usual value of unknown ground"),
}
"""Classes in order of precedence: where two overlap, the first is what lies on top or was
drawn more closely. ``built`` is a block of houses, yards and streets as coarse maps draw
it; ``open`` is open land of unknown cover."""

Texts = npt.NDArray[np.object_]

COVER_COLUMNS = ("class", "source", "albedo", "albedo_source")


def read_landcover(
    path: Path, *, column: str | None = None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read classes of ground from a vector file.

    Parameters
    ----------
    path : Path
        OpenStreetMap (any format with tags as columns), Lantmäteriet's land cover
        (``objekttyp``, or ``DETALJTYP`` of older deliveries), or any layer with a column
        of class names.
    column : str, optional
        Column that names the class; found by itself if not given.

    Returns
    -------
    cover : GeoDataFrame
        See `classify_ground`.
    notes : tuple of str
        What was left out or not understood, with counts.

    Raises
    ------
    SourceError, CrsError, TableError, GeometryError
        If the file cannot be read, is nowhere, or tells no classes.
    """
    frame, notes = read_layer(Path(path), prefer=COVER_LAYERS)
    cover, told = classify_ground(frame, column=column, source=Path(path).name)
    return cover, (*notes, *told)


def classify_ground(
    frame: gpd.GeoDataFrame, *, source: str, column: str | None = None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Give each feature its class of ground.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons, or lines of roads and tracks that become strips; any reference system.
    source : str
        What to name as the source of the classes.
    column : str, optional
        Column that names the class. Without it the first of these is used that the table
        has: `CLASS_COLUMNS`, `LANTMATERIET_COLUMNS`, tags of OpenStreetMap.

    Returns
    -------
    cover : GeoDataFrame
        Valid polygons in EPSG:3008 in the order of the table, with `COVER_COLUMNS`; they
        may still overlap, see `divide_ground`.
    notes : tuple of str
        What was left out or not understood, with counts.

    Raises
    ------
    CrsError, TableError, GeometryError
        If the table has no reference system, tells no classes, or holds no areas.
    """
    classes, how = _classify(frame, column)
    plan = to_plan(frame)
    notes: list[str] = []
    shapes = plan.geometry.to_numpy().copy()
    lines = shapely.get_dimensions(shapes) == 1
    if lines.any():
        widths = np.array(
            [
                width_of_osm(row)
                for _, row in plan.drop(columns="geometry")[lines].iterrows()
            ]
        )
        shapes[lines] = shapely.buffer(shapes[lines], widths / 2, cap_style="flat")
        drawn = int((widths > 0.0).sum())
        if drawn:
            count = count_things(drawn, "line")
            notes.append(
                f"{count} of roads and tracks drawn as strips, widths in part assumed"
            )
    shapes = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    area = shapely.area(shapes)
    known = classes != ""
    for bad, what in (
        (known & ~(area > 0.0), "without area"),
        (~known & (area > 0.0), "of no class of ground"),
    ):
        if bad.any():
            told = pd.Series(how[bad]).value_counts().index
            some = (
                f" ({name_some(t or 'untagged' for t in told)})" if how[bad].any() else ""
            )
            notes.append(
                f"{count_things(int(bad.sum()), 'feature')} {what}, left out{some}"
            )
    kept = known & (area > 0.0)
    if not kept.any():
        message = (
            f"a layer of ground must hold areas with a known class, {source} has none; "
            f"known classes are {', '.join(CLASSES)}"
        )
        raise GeometryError(message)
    return _table(classes[kept], np.full(kept.sum(), source), shapes[kept]), tuple(notes)


def divide_ground(
    covers: gpd.GeoDataFrame, window: shapely.Geometry
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Divide a window among the classes, each spot belonging to one.

    Parameters
    ----------
    covers : GeoDataFrame
        As `classify_ground` has it; several tables one after the other, the more trusted
        first.
    window : Polygon or MultiPolygon
        EPSG:3008.

    Returns
    -------
    ground : GeoDataFrame
        Polygons with `COVER_COLUMNS` that do not overlap and fill the window; touching
        ones of a class and source are joined. Where classes overlap, the order of
        `CLASSES` decides, then the order of the rows' sources; ground under no polygon is
        "unknown".
    notes : tuple of str
        Areas of overlap and of unknown ground.

    Raises
    ------
    GeometryError
        If the window has no area.

    Notes
    -----
    The areas sum to that of the window (tests/gis/test_landcover.py, up to rounding).
    """
    if not window.area > 0.0:
        message = "a window of ground must have an area, got none"
        raise GeometryError(message)
    rank = {name: place for place, name in enumerate(CLASSES)}
    sources = {name: place for place, name in enumerate(dict.fromkeys(covers["source"]))}
    shapes = shapely.intersection(covers.geometry.to_numpy(), window)
    inside = shapely.area(shapes) > SMALLEST
    total = float(shapely.area(shapes[inside]).sum())
    groups: dict[tuple[int, int], list[shapely.Geometry]] = {}
    keys = zip(covers["class"], covers["source"], strict=True)
    for (name, source), shape, keep in zip(keys, shapes, inside, strict=True):
        if keep:
            groups.setdefault((rank[name], sources[source]), []).append(shape)
    names, texts = list(CLASSES), list(sources)
    free = window
    pieces: list[tuple[str, str, shapely.Geometry]] = []
    for place, source in sorted(groups):
        claimed = _areas(shapely.union_all(groups[place, source]))
        own = _areas(shapely.intersection(claimed, free))
        free = _areas(shapely.difference(free, claimed))
        pieces.append((names[place], texts[source], own))
    unknown = float(free.area)
    pieces.append(("unknown", "no layer covers it", free))
    rows = [
        (name, source, part)
        for name, source, shape in pieces
        for part in shapely.get_parts(shape)
        if part.area > SMALLEST
    ]
    ground = _table(
        np.array([row[0] for row in rows], dtype=object),
        np.array([row[1] for row in rows], dtype=object),
        np.array([row[2] for row in rows], dtype=object),
    )
    notes = []
    doubled = total - (float(window.area) - unknown)
    if doubled > 1.0:
        notes.append(f"{doubled:,.0f} m2 were covered more than once, decided by class")
    if unknown > 1.0:
        share = unknown / float(window.area)
        notes.append(f"{unknown:,.0f} m2 ({share:.1%}) of the window are unknown ground")
    return ground, tuple(notes)


def mean_albedo(ground: gpd.GeoDataFrame) -> float:
    """Mean albedo of divided ground without its buildings, weighted by area.

    Parameters
    ----------
    ground : GeoDataFrame
        As `divide_ground` has it.

    Returns
    -------
    float
        0..1; NaN if there is nothing but buildings.
    """
    free = ground[ground["class"] != "building"]
    area = free.area.to_numpy(dtype=np.float64)
    if not area.sum() > 0.0:
        return float("nan")
    return float(np.average(free["albedo"].to_numpy(dtype=np.float64), weights=area))


def _classify(frame: gpd.GeoDataFrame, column: str | None) -> tuple[Texts, Texts]:
    """Class of each row ("" for none), and the text it was taken from."""
    if column is not None:
        found = find_columns(frame, [column.lower()])
        if not found:
            names = name_some(c for c in frame.columns if c != "geometry")
            message = f"the layer must have the column {column}, it has {names}"
            raise TableError(message)
        text = as_text(frame[found[0]]).to_numpy(dtype=object)
        known = {t: class_of_word(t) or class_of_lantmateriet(t) for t in set(text)}
        return np.array([known[t] for t in text], dtype=object), text
    for columns, read in (
        (CLASS_COLUMNS, class_of_word),
        (LANTMATERIET_COLUMNS, class_of_lantmateriet),
    ):
        for name in find_columns(frame, columns):
            text = as_text(frame[name]).to_numpy(dtype=object)
            known = {t: read(t) for t in set(text)}
            if any(known.values()):
                return np.array([known[t] for t in text], dtype=object), text
    tags = find_columns(frame, OSM_COLUMNS)
    if not tags:
        message = (
            "a layer of ground must tell its classes in one of the columns "
            f"{name_some(CLASS_COLUMNS + LANTMATERIET_COLUMNS)}, or have tags of "
            "OpenStreetMap; name the column"
        )
        raise TableError(message)
    values = {name.lower(): as_text(frame[name]).str.lower() for name in tags}
    more = find_columns(frame, ("layer", "tunnel", "location", "area", "bridge"))
    values |= {name.lower(): as_text(frame[name]).str.lower() for name in more}
    table = pd.DataFrame(values)
    is_area = shapely.get_dimensions(frame.geometry.to_numpy()) == 2
    records = [
        {str(key): str(value) for key, value in record.items()}
        for record in table.to_dict("records")
    ]
    classes = [
        class_of_osm(r, is_area=bool(a)) for r, a in zip(records, is_area, strict=True)
    ]
    told = [
        " ".join(f"{key}={value}" for key, value in record.items() if value)
        for record in records
    ]
    return np.array(classes, dtype=object), np.array(told, dtype=object)


def _table(classes: Texts, sources: Texts, shapes: Texts) -> gpd.GeoDataFrame:
    """Table of ground with the albedo of each class."""
    return gpd.GeoDataFrame(
        {
            "class": classes,
            "source": sources,
            "albedo": [CLASSES[name].albedo for name in classes],
            "albedo_source": [CLASSES[name].source for name in classes],
        },
        geometry=shapes,
        crs=PLAN,
    )


def _areas(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Polygons of a geometry; overlays also leave lines where areas touch."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    kept = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return shapely.MultiPolygon(list(kept))
