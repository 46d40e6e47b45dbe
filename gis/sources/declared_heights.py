"""Read heights and years of buildings that somebody answers for."""

import math
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.attributes import ID_COLUMNS, as_text, parse_number
from gis.crs import PLAN, PLAN_EPSG
from gis.errors import CrsError, SourceError, TableError
from gis.faults import MOST_NAMED, count_things, name_some
from gis.height_fusion import LEAST_STOREY
from gis.heights import HEIGHT_COLUMNS, HIGHEST, LOWEST, STOREY, STOREY_COLUMNS
from gis.sources.archive import is_archive
from gis.sources.declared_places import (
    PLACE_COLUMNS,
    places_by_coordinates,
    places_by_geometry,
    read_count,
)
from gis.sources.delimited import MOST_BYTES, MOST_ROWS, read_delimited
from gis.sources.origin import Origin
from gis.sources.vector import BUILDING_LAYERS, read_layer
from gis.sources.weather_hours import brief

COLUMNS: dict[str, tuple[str, ...]] = {
    "part": ("part", "del", "byggnadsdel"),
    "building": ("building", "byggnad"),
    "id": ("building_id", "byggnadsid", "byggnads_id", *ID_COLUMNS[1:]),
    "name": ("name", "namn", "byggnadsnamn"),
    "height": (*HEIGHT_COLUMNS, "hojd_m", "höjd_m"),
    "storeys": STOREY_COLUMNS,
    "source": ("source", "källa", "kalla"),
    "year": ("year", "år", "ar"),
    "built": (
        "built",
        "year_built",
        "construction_year",
        "byggår",
        "byggar",
        "byggnadsår",
        "byggnadsar",
    ),
    "uncertainty": (
        "uncertainty_m",
        "uncertainty",
        "osäkerhet_m",
        "osakerhet_m",
        "osäkerhet",
        "osakerhet",
    ),
}
"""Columns that are understood in every file. Small or capital letters, a unit ``[m]`` or
``(m)`` behind, and blanks for underscores make no difference."""

KEYS = ("part", "building", "id", "name")
"""Columns that say which building is meant, in order of trust; a place comes last."""

VALUES = ("height", "storeys", "built")
"""Columns of which a row must fill one."""

LAYERS = ("declared", "height", "hojd", "höjd", *BUILDING_LAYERS)
"""Words that tell the wanted layer of a vector file."""

TABLE_SUFFIXES = (".csv", ".txt", ".tsv")

OLDEST, NEWEST = 1000, 2100
"""Years that can be meant."""

LARGEST_UNCERTAINTY = 100.0
"""Above this a value says nothing [m]."""

LONGEST = 200
"""Letters of a source, a name or an id."""

_BLANK = {"", "-", "–", "nan", "null", "none", "na", "n/a", "<na>"}
_LABEL = 30  # letters of a name that are repeated in messages
_CREDIT = 160
_UNIT = re.compile(r"\s*[\[(]\s*m\s*[\])]$")


@dataclass(frozen=True)
class DeclaredHeights:
    """Heights as they were declared.

    Attributes
    ----------
    table : GeoDataFrame
        A row for each value. Index ``row``: what to call it in messages ("row 3 (Prisma)").
        Columns ``part``, ``building``, ``id``, ``name`` (text, "" where not stated),
        ``height`` [m above ground], ``storeys`` (NaN where not stated), ``source`` (who
        answers for it), ``year`` (that the value is of), ``uncertainty`` [m], ``built``
        (year in which the building was finished; NaN where not stated); geometry: points
        or polygons, EPSG:3008 [m], None where no place is stated. A row states a height,
        storeys or when the building was built, or several of them.
    notes : tuple of str
        What was passed over or assumed, in sentences with counts.
    origin : Origin
        Whose data it is.
    """

    table: gpd.GeoDataFrame
    notes: tuple[str, ...]
    origin: Origin


def read_declared(path: Path) -> DeclaredHeights:
    """Read declared heights from a CSV file or any vector file.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon or tab; UTF-8 or Windows-1252; decimal point or comma), or
        GeoPackage, GeoJSON and the like with points or polygons. A row says which
        building is meant (``part``, ``building``, ``id``, ``name``, or a place: ``lon``
        and ``lat``; ``easting`` and ``northing`` with ``epsg``; the geometry), its
        ``height_m`` above ground, its ``storeys`` or the year when it was ``built``, and
        the ``source``; also ``year`` (of the statement) and ``uncertainty_m`` where known.
        Swedish names of columns are understood, see `COLUMNS`. Rows with neither value
        nor source are passed over, and so are years of building without a source.

    Returns
    -------
    DeclaredHeights

    Raises
    ------
    SourceError
        If the file is missing, damaged, too large or of an unknown format.
    CrsError
        If places come without a known reference system, or lie elsewhere.
    TableError
        If columns are missing, or rows lack a value, a source or a building, or hold
        impossible ones; the first five are named.
    """
    path = Path(path)
    _check_file(path)
    frame: pd.DataFrame
    if path.suffix.lower() in TABLE_SUFFIXES:
        frame, notes = read_delimited(path)
        given = _find(frame, COLUMNS | PLACE_COLUMNS, path)
        word = "row"
    else:
        frame, notes = _read_vector(path)
        given = _find(frame.drop(columns=frame.geometry.name), COLUMNS, path)
        word = "feature"
    _check_columns(frame, given, path)
    cells = {key: as_text(frame[column]) for key, column in given.items()}
    texts = pd.DataFrame(cells, index=frame.index).map(_plain)
    texts.index = pd.Index([f"{word} {number}" for number in frame.index], name="row")
    empty = _is_empty(texts)
    faults: list[str] = []
    table = _read_values(texts[~empty], given, faults)
    labels = table.index.to_list()
    try:
        if isinstance(frame, gpd.GeoDataFrame):
            shapes = frame.geometry.array[~empty.to_numpy()]
            places = places_by_geometry(shapes, labels, faults)
        else:
            places = places_by_coordinates(texts[~empty], labels, faults)
    except (CrsError, TableError) as error:
        message = f"{path.name}: {error}"
        raise type(error)(message) from error
    table = table.set_geometry(places, crs=PLAN)
    _check_meant(table, faults)
    _refuse(faults, path)
    if table.empty:
        message = (
            f"declared heights must have values, {path.name} has none in "
            f"{count_things(len(frame), 'row')}; fill height_m, "
            "storeys or built, and source"
        )
        raise TableError(message)
    notes = (*notes, *_tell(frame, table, given, empty))
    return DeclaredHeights(table, notes, _origin(table, path))


def _check_file(path: Path) -> None:
    """Refuse what is no single file of a sensible size."""
    if not path.is_file():
        message = f"declared heights must be an existing file, got {path}; check the path"
        raise SourceError(message)
    beside = path.with_suffix(".dbf")  # the attributes of a Shapefile
    both = (path, beside) if path.suffix.lower() == ".shp" and beside.is_file() else (path,)
    size = sum(file.stat().st_size for file in both)
    if size > MOST_BYTES:
        message = (
            f"declared heights must have at most {MOST_BYTES:,} bytes, {path.name} has "
            f"{size:,}; cut it"
        )
        raise SourceError(message)
    if is_archive(path):
        # Workbooks are archives, too.
        message = (
            f"declared heights must be CSV or a vector layer, {path.name} is an archive "
            "or a workbook; unpack it, or save the sheet as CSV UTF-8"
        )
        raise SourceError(message)


def _read_vector(path: Path) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read a layer of points or areas, numbered from 1."""
    frame, notes = read_layer(path, prefer=LAYERS)
    if len(frame) > MOST_ROWS:
        message = (
            f"declared heights must be at most {MOST_ROWS:,} features, {path.name} has "
            f"{len(frame):,}; cut it"
        )
        raise TableError(message)
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1)), notes


def _plain_name(column: object) -> str:
    """Name of a column without capitals, blanks and the unit of metres."""
    text = unicodedata.normalize("NFC", str(column)).strip().lower()
    return re.sub(r"[\s-]+", "_", _UNIT.sub("", text))


def _find(
    frame: pd.DataFrame, wanted: dict[str, tuple[str, ...]], path: Path
) -> dict[str, str]:
    """Find which column tells what; two for one thing are refused."""
    plain = {str(column): _plain_name(column) for column in frame.columns}
    given = {}
    for key, names in wanted.items():
        found = [column for column, name in plain.items() if name in names]
        if key == "id":  # providers give several; the first in order of trust counts
            found = sorted(found, key=lambda column: names.index(plain[column]))[:1]
        if len(found) > 1:
            message = (
                f"{path.name} must have one column for {key}, got {name_some(found)}; "
                "leave out the others"
            )
            raise TableError(message)
        if found:
            given[key] = found[0]
    if "longitude" in given and "east" in given:
        message = (
            f"{path.name} must state a place once, got {given['longitude']} and "
            f"{given['east']}; leave out one pair"
        )
        raise TableError(message)
    return given


def _check_columns(frame: pd.DataFrame, given: dict[str, str], path: Path) -> None:
    """Refuse tables that cannot say what is wanted."""
    shown = name_some(brief(column, length=24) for column in frame.columns)
    is_placed = isinstance(frame, gpd.GeoDataFrame)
    pairs = (("longitude", "latitude"), ("east", "north"))
    for one, other in pairs:
        if (one in given) != (other in given):
            message = f"{path.name} must have {one} and {other}, one is missing in {shown}"
            raise TableError(message)
        is_placed |= one in given
    if not set(VALUES) & set(given):
        message = (
            "declared heights must have a column height_m [m above ground], storeys or "
            f"built, {path.name} has {shown}; name it so"
        )
        raise TableError(message)
    if "source" not in given:
        message = (
            f"declared heights must have a column source that says who answers for each, "
            f"{path.name} has {shown}; add it"
        )
        raise TableError(message)
    if not (is_placed or set(KEYS) & set(given)):
        message = (
            f"declared heights must say which building is meant (part, building, id, name, "
            f"or lon and lat), {path.name} has {shown}; add one"
        )
        raise TableError(message)
    if "east" in given and "system" not in given:
        message = (
            f"coordinates must come with a reference system, {path.name} has "
            f"{given['east']} and {given['north']} without one; add a column epsg, such "
            f"as {PLAN_EPSG}"
        )
        raise CrsError(message)


def _plain(text: str) -> str:
    """One line without control characters; "" for words that say nothing."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(unicodedata.normalize("NFC", printable).split())
    return "" if line.lower() in _BLANK else line


def _is_empty(texts: pd.DataFrame) -> "pd.Series[bool]":
    """Whether rows say neither a height nor who answers for anything."""
    # Registers tell of every house when it was built: without a source that is no
    # statement, and no reason to refuse the few that are.
    told = [key for key in ("height", "storeys", "source") if key in texts]
    return (texts[told] == "").all(axis=1)


def _read_values(
    texts: pd.DataFrame, given: dict[str, str], faults: list[str]
) -> gpd.GeoDataFrame:
    """Read all but the place; list what is wrong."""
    rows: list[dict[str, Any]] = []
    labels = []
    for number, cells in zip(texts.index, texts.to_dict("records"), strict=True):
        known = next((cells[k] for k in reversed(KEYS) if cells.get(k)), "")
        label = f"{number} ({_brief_name(known)})" if known else str(number)
        labels.append(label)
        row: dict[str, Any] = {key: cells.get(key, "") for key in (*KEYS, "source")}
        for key in (*KEYS, "source"):
            if len(row[key]) > LONGEST:
                faults.append(
                    f"{label} must have {given[key]} of at most {LONGEST} letters, got "
                    f"{len(row[key]):,}"
                )
        if not row["source"]:
            faults.append(f"{label} must have a source, got none")
        for key, (least, most, unit) in _RANGES.items():
            text = cells.get(key, "")
            read = parse_number if unit else read_count
            value = read(text) if text else math.nan
            if text and not least <= value <= most:
                faults.append(
                    f"{label} must have {given[key]} as a number of {least:g}..{most:g}"
                    f"{unit}, got {brief(text, length=24)}"
                )
            row[key] = value
        if not any(cells.get(key) for key in VALUES):
            wanted = ", storeys or built" if "built" in given else " or storeys"
            faults.append(f"{label} must have a height{wanted}, got none")
        if row["storeys"] >= 2.0 and row["height"] < row["storeys"] * LEAST_STOREY:
            faults.append(
                f"{label} cannot have {row['storeys']:g} storeys in {row['height']:g} m"
            )
        rows.append(row)
    columns = [*KEYS, "height", "storeys", "source", "year", "uncertainty", "built"]
    frame = pd.DataFrame(rows, columns=columns, index=pd.Index(labels, name="row"))
    kinds = dict.fromkeys(_RANGES, np.float64)
    return gpd.GeoDataFrame(frame.astype(kinds), geometry=[None] * len(frame), crs=PLAN)


_RANGES = {
    "height": (LOWEST, HIGHEST, " m"),
    "storeys": (math.ceil(LOWEST / STOREY), math.floor(HIGHEST / STOREY), ""),
    "year": (OLDEST, NEWEST, ""),
    # Zero would outdo every measurement.
    "uncertainty": (0.01, LARGEST_UNCERTAINTY, " m"),
    "built": (OLDEST, NEWEST, ""),
}


def _brief_name(text: str) -> str:
    """Shorten a name for a message."""
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 3]}..."


def _check_meant(table: gpd.GeoDataFrame, faults: list[str]) -> None:
    """List rows that do not say which building they mean."""
    if faults:
        return  # a place that could not be read is told of already
    nobody = (table[list(KEYS)] == "").all(axis=1) & table.geometry.isna()
    faults.extend(
        f"{label} must say which building is meant, got none"
        for label in table.index[nobody]
    )


def _refuse(faults: list[str], path: Path) -> None:
    """Raise all faults at once, the first five by name."""
    if not faults:
        return
    more = f" and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
    message = f"{path.name}: {'; '.join(faults[:MOST_NAMED])}{more}; correct the file"
    raise TableError(message)


def _tell(
    frame: pd.DataFrame,
    table: gpd.GeoDataFrame,
    given: dict[str, str],
    empty: "pd.Series[bool]",
) -> tuple[str, ...]:
    """Say what was read and what was passed over."""
    is_height = table[["height", "storeys"]].notna().any(axis=1)
    built = int(table["built"].notna().sum())
    notes = []
    if is_height.any() or not built:
        notes.append(f"{count_things(int(is_height.sum()), 'declared height')} read")
    if built:
        notes.append(f"{count_things(built, 'declared year')} of building read")
    if empty.any():
        count = count_things(int(empty.sum()), "row")
        notes.append(f"{count} without height, storeys and source passed over")
    geometry = frame.geometry.name if isinstance(frame, gpd.GeoDataFrame) else None
    idle = [c for c in frame.columns if c not in given.values() and c != geometry]
    if idle:
        count = count_things(len(idle), "column")
        shown = name_some(brief(column, length=24) for column in idle)
        notes.append(f"{count} not understood, passed over ({shown})")
    vague = table["uncertainty"].notna()
    undue = vague & ~is_height
    if undue.any():
        some = name_some(table.index[undue])
        count = count_things(int(undue.sum()), "uncertainty", "uncertainties")
        notes.append(f"{count} without a height not used ({some})")
    by_storeys = vague & table["height"].isna() & is_height
    if by_storeys.any():
        some = name_some(table.index[by_storeys])
        count = count_things(int(by_storeys.sum()), "uncertainty", "uncertainties")
        notes.append(f"{count} of values by storeys not used: theirs is assumed ({some})")
    return tuple(notes)


def _origin(table: gpd.GeoDataFrame, path: Path) -> Origin:
    """Whose data it is."""
    sources = list(dict.fromkeys(table["source"]))
    credit = f"Declared heights: {'; '.join(sources)}"
    if len(credit) > _CREDIT:
        count = count_things(len(sources), "source")
        credit = f"Declared heights: {count} named in {path.name}"
    year = table["year"].max()
    return Origin(
        provider="named with each value",
        dataset=f"declared heights, {path.name}",
        licence="not stated",
        credit=credit,
        year=None if math.isnan(year) else int(year),
    )
