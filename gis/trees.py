"""Read trees from tables as points with a height and a crown."""

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.attributes import as_text, feature_names, find_columns, parse_number, read_numbers
from gis.crs import PLAN, WGS84, features_in_area_of_use, to_plan
from gis.district import TREE_COLUMNS
from gis.errors import CrsError, SourceError, TableError
from gis.faults import count_things, name_some
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options
from gis.sources.pointers import OFFLINE, refuse_pointer
from gis.tree_species import read_species

HEIGHT_COLUMNS = (
    "height",
    "height_m",
    "hojd",
    "höjd",
    "tradhojd",
    "trädhöjd",
    "est_height",
)
RADIUS_COLUMNS = ("crown_radius", "kronradie")
WIDTH_COLUMNS = (
    "diameter_crown",
    "crown_diameter",
    "crown_width",
    "krondiameter",
    "kronbredd",
)
EAST_COLUMNS = ("x", "e", "east", "easting", "ost", "öst", "sweref_x")
NORTH_COLUMNS = ("y", "n", "north", "northing", "nord", "sweref_y")
LONGITUDE_COLUMNS = ("lon", "longitude", "lng", "longitud")
LATITUDE_COLUMNS = ("lat", "latitude", "latitud")
"""Columns that are understood, in order of trust; lower case or not."""

LOWEST, HIGHEST = 0.5, 60.0
"""Plausible heights of trees [m]."""

NARROWEST, WIDEST = 0.2, 20.0
"""Plausible radii of crowns [m]."""

ASSUMED_HEIGHT = 8.0
"""Height of trees where none is known at all [m]; a street tree in its middle years."""

CROWN_BY_HEIGHT = 0.3
"""Crown radius as a share of the height where it is not told; an assumption."""

SPECIES = ("species", "leaf_cycle")
"""Columns that tables of trees may have besides those of a district: text, "" unknown."""

MOST_BYTES = 500_000_000
"""Largest table of trees that is read."""

FloatArray = npt.NDArray[np.float64]


def read_trees(
    path: Path, *, system: CRS | str | None = None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read trees from a CSV file or any vector file.

    Parameters
    ----------
    path : Path
        CSV with columns of coordinates, or GeoJSON, GeoPackage, OpenStreetMap and the like.
    system : CRS or str, optional
        Of the coordinates of a CSV file; not needed for columns of longitude and latitude.

    Returns
    -------
    trees : GeoDataFrame
        As `trees_from_table` gives.
    notes : tuple of str
        What was left out or assumed.

    Raises
    ------
    SourceError, CrsError, TableError
        If the file cannot be read or holds no tree.
    """
    path = Path(path)
    if not path.is_file():
        message = f"the table of trees must be an existing file, got {path}; check the path"
        raise SourceError(message)
    if path.stat().st_size > MOST_BYTES:
        message = f"a table of trees must be below {MOST_BYTES:,} bytes, {path.name} is not"
        raise SourceError(message)
    notes: tuple[str, ...] = ()
    if path.suffix.lower() in {".csv", ".txt", ".tsv"}:
        frame, notes = _read_csv(path, system)
    else:
        frame = _read_vector(path)
    trees, told = trees_from_table(frame, source=path.name)
    return trees, (*notes, *told)


def trees_from_table(
    frame: gpd.GeoDataFrame, *, source: str
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Take trees from a table of features.

    Where a column ``natural`` exists (OpenStreetMap), the rows with "tree" are taken. Of
    features that are no points the centre is taken.

    Parameters
    ----------
    frame : GeoDataFrame
        Any reference system.
    source : str
        Where the table comes from.

    Returns
    -------
    trees : GeoDataFrame
        Points in EPSG:3008, index ``tree``; ``height`` [m], ``crown_radius`` [m] and
        ``source``, which says what was assumed. Missing heights take the median of at
        least five known ones, else `ASSUMED_HEIGHT`; missing radii `CROWN_BY_HEIGHT` of
        the height. ``species`` as told and ``leaf_cycle`` ("deciduous", "evergreen"), ""
        unknown.
    notes : tuple of str
        What was left out or assumed, with counts.

    Raises
    ------
    CrsError, TableError
        If the table cannot be brought to the plan, or holds no tree.
    """
    notes: list[str] = []
    natural = find_columns(frame, ("natural",))
    if natural:
        is_tree = (as_text(frame[natural[0]]).str.lower() == "tree").to_numpy()
        frame = frame[is_tree]
    usable = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    finite = (
        np.isfinite(shapely.bounds(frame.geometry.to_numpy())).reshape(-1, 4).all(axis=1)
    )
    usable &= finite
    if not usable.all():
        count = count_things(int((~usable).sum()), "tree")
        notes.append(f"{count} without a usable place left out")
    frame = frame[usable]
    if frame.empty:
        message = f"a table of trees must hold trees, {source} has none"
        raise TableError(message)
    plan = to_plan(frame)
    near = features_in_area_of_use(plan)
    if not near.all():
        count = count_things(int((~near).sum()), "tree")
        notes.append(f"{count} far off the plan left out")
    plan = plan[near]
    names = feature_names(plan)
    height = _plausible(
        read_numbers(plan, HEIGHT_COLUMNS, names, notes)[0],
        LOWEST, HIGHEST, "height", names, notes,
    )  # fmt: skip
    radius = read_numbers(plan, RADIUS_COLUMNS, names, notes)[0]
    width = read_numbers(plan, WIDTH_COLUMNS, names, notes)[0]
    radius = _plausible(
        np.where(np.isnan(radius), width / 2, radius),
        NARROWEST, WIDEST, "crown radius", names, notes,
    )  # fmt: skip
    told = np.full(len(plan), source, dtype=object)
    height, radius, told = _assume(height, radius, told, notes)
    points = shapely.centroid(plan.geometry.to_numpy())
    species, cycle = read_species(plan)
    trees = gpd.GeoDataFrame(
        {
            "height": height,
            "crown_radius": radius,
            "source": told,
            "species": species,
            "leaf_cycle": cycle.astype(str).astype(object),
        },
        geometry=shapely.force_2d(points),
        crs=PLAN,
    )
    twins = pd.Series(shapely.to_wkb(shapely.set_precision(points, 0.1))).duplicated()
    if twins.any():
        count = count_things(int(twins.sum()), "tree")
        notes.append(f"{count} in the place of another left out")
        trees = trees[~twins.to_numpy()]
    nameless = trees["leaf_cycle"] == ""
    if not nameless.all() and nameless.any():
        count = count_things(int(nameless.sum()), "tree")
        notes.append(f"{count} without a known species")
    notes.append(f"{count_things(len(trees), 'tree')} from {source}")
    return name_trees(trees), tuple(notes)


def merge_trees(
    first: gpd.GeoDataFrame, second: gpd.GeoDataFrame, *, reach: float = 2.0
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Join two tables of trees, keeping those of the first where both have one.

    Parameters
    ----------
    first, second : GeoDataFrame
        As `trees_from_table` or `gis.crowns.trees_from_points` give.
    reach : float
        Trees closer than this are the same [m].

    Returns
    -------
    trees : GeoDataFrame
        With the columns of a `gis.district.District`, and `SPECIES` where either has them.
    notes : tuple of str
        How many are the same.
    """
    told = [name for name in SPECIES if name in first.columns or name in second.columns]
    columns = [*TREE_COLUMNS, *told, "geometry"]
    first, second = (
        table.assign(**{name: "" for name in told if name not in table.columns})
        for table in (first, second)
    )
    if not len(first) or not len(second):
        return (first if len(first) else second)[columns], ()
    _, near = shapely.STRtree(first.geometry.to_numpy()).query(
        second.geometry.to_numpy(), predicate="dwithin", distance=reach
    )[::-1]
    own = np.ones(len(second), dtype=np.bool_)
    own[near] = False
    joined = pd.concat([first[columns], second[own][columns]])
    count = count_things(int((~own).sum()), "tree")
    return name_trees(joined), (f"{count} known from two sources, counted once",)


def name_trees(trees: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Name trees by their place to the decimetre, in order of their names.

    Parameters
    ----------
    trees : GeoDataFrame
        Points in EPSG:3008.

    Returns
    -------
    GeoDataFrame
        Index ``tree``: unique, and the same however the rows were ordered.
    """
    xy = shapely.get_coordinates(trees.geometry.to_numpy())
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    xy = xy[order]
    names = pd.Series([f"tree-e{x:.1f}n{y:.1f}" for x, y in xy], dtype=object)
    number = names.groupby(names).cumcount()
    names = names.where(number == 0, names + "-" + (number + 1).astype(str))
    return trees.iloc[order].set_axis(pd.Index(names, name="tree", dtype=object))


def _read_vector(path: Path) -> gpd.GeoDataFrame:
    """Layer of points of a vector file, or its only layer."""
    refuse_pointer(path)
    try:
        with gdal_options(NO_SIDE_FILES | OFFLINE):
            layers = [(str(n), str(kind)) for n, kind in pyogrio.list_layers(path)]
            points = [n for n, kind in layers if "Point" in kind]
            told = [n for n in points if "tree" in n.lower() or "trad" in n.lower()]
            wanted = (told or points or [n for n, _ in layers])[:1]
            if not wanted:
                message = f"a table of trees must hold a layer, {path.name} has none"
                raise TableError(message)
            frame = pyogrio.read_dataframe(path, layer=wanted[0], on_invalid="ignore")
    except (DataSourceError, DataLayerError, UnicodeError, OSError) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        message = f"a readable table of trees is needed, got {path.name}: {reason}"
        raise SourceError(message) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        message = f"a table of trees must have places, {path.name} has none"
        raise TableError(message)
    packed = find_columns(frame, ("other_tags",))
    if packed and "natural" not in frame.columns:
        tags = frame[packed[0]].fillna("").astype(str)
        natural = tags.str.extract(r'"natural"=>"([^"]*)"', expand=False)
        wanted_tags = (
            *("height", "diameter_crown"),
            *("species", "genus", "leaf_cycle", "leaf_type"),
        )
        values = {
            tag: tags.str.extract(rf'"{tag}"=>"([^"]*)"', expand=False)
            for tag in wanted_tags
        }
        frame = frame.assign(natural=natural.fillna(""), **values)
    return frame


def _read_csv(
    path: Path, system: CRS | str | None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Table of text with two columns of coordinates."""
    notes: tuple[str, ...] = ()
    raw = path.read_bytes()
    if b"\x00" in raw[:4096]:
        message = f"a table of trees must be text, {path.name} is not; export it as UTF-8"
        raise SourceError(message)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
        notes = (f"text of {path.name} is not UTF-8, read as Latin-1",)
    lines = text.splitlines()
    header = lines[0] if lines else ""
    delimiter = max(";\t,", key=header.count)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    if len(rows) < 2 or len(rows[0]) < 2:
        message = f"a table of trees must have a header and rows, {path.name} has none"
        raise TableError(message)
    width = len(rows[0])
    ragged = sum(len(row) != width for row in rows)
    if ragged:
        notes += (
            f"{count_things(ragged, 'row')} of {path.name} of another length left out",
        )
    table = pd.DataFrame(
        [row for row in rows[1:] if len(row) == width],
        columns=[name.strip() for name in rows[0]],
        dtype=object,
    )
    east, north, system = _place_columns(table, system, path)
    x, y = (
        np.array([parse_number(str(v)) for v in table[c]], dtype=np.float64)
        for c in (east, north)
    )
    return gpd.GeoDataFrame(table, geometry=shapely.points(x, y), crs=system), notes


def _place_columns(
    table: pd.DataFrame, system: CRS | str | None, path: Path
) -> tuple[str, str, CRS]:
    """Names of the columns of coordinates, and their reference system."""
    pairs = (
        (LONGITUDE_COLUMNS, LATITUDE_COLUMNS, True),
        (EAST_COLUMNS, NORTH_COLUMNS, False),
    )
    for easts, norths, in_degrees in pairs:
        east, north = find_columns(table, easts), find_columns(table, norths)
        if not (east and north):
            continue
        if system is None and in_degrees:
            return east[0], north[0], WGS84
        if system is None:
            message = (
                f"coordinates must come with a reference system, {path.name} has the "
                f"columns {east[0]} and {north[0]} without one; name it, for example "
                "EPSG:3008"
            )
            raise CrsError(message)
        try:
            return east[0], north[0], CRS.from_user_input(system)
        except CRSError as error:
            message = f"the reference system must be known, got {str(system)[:80]!r}"
            raise CrsError(message) from error
    message = (
        f"a table of trees must have columns lon and lat, or x and y, {path.name} has "
        f"{name_some(table.columns)}"
    )
    raise TableError(message)


def _plausible(
    value: FloatArray,
    least: float,
    most: float,
    what: str,
    names: npt.NDArray[np.object_],
    notes: list[str],
) -> FloatArray:
    """Values within limits, NaN for others."""
    absurd = ~np.isnan(value) & ~((value >= least) & (value <= most))
    if absurd.any():
        some = [f"{n}: {v:g} m" for n, v in zip(names[absurd], value[absurd], strict=True)]
        notes.append(
            f"{count_things(len(some), 'value')} of {what} outside {least:g}..{most:g} m, "
            f"taken as missing ({name_some(some)})"
        )
    return np.where(absurd, np.nan, value)


_FEWEST_KNOWN = 5


def _assume(
    height: FloatArray,
    radius: FloatArray,
    source: npt.NDArray[np.object_],
    notes: list[str],
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.object_]]:
    """Fill heights and radii that are not told, and say so beside each."""
    unknown, thin = np.isnan(height), np.isnan(radius)
    known = height[~unknown]
    value, reason = ASSUMED_HEIGHT, "too few are known"
    if len(known) >= _FEWEST_KNOWN:
        value, reason = round(float(np.median(known)), 1), f"median of {len(known)}"
    height = np.where(unknown, value, height)
    radius = np.where(thin, (CROWN_BY_HEIGHT * height).round(2), radius)
    source = np.where(unknown, source + ", height assumed", source)
    source = np.where(thin, source + ", crown assumed", source)
    if unknown.any():
        count = count_things(int(unknown.sum()), "height of a tree", "heights of trees")
        notes.append(f"{count} assumed: {value:g} m, {reason}")
    if thin.any():
        count = count_things(int(thin.sum()), "crown")
        notes.append(f"{count} assumed: radius {CROWN_BY_HEIGHT:g} of the height")
    return height, radius, source
