"""Read buildings of the Overture Maps Foundation."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from shapely.errors import ShapelyError

from gis.errors import HeidiError, SourceError, TableError
from gis.faults import count_things, name_some
from gis.sources import json_text
from gis.sources.geojson import Features, features_of, parse_features
from gis.sources.identity import drop_repeats, number_parts
from gis.sources.origin import Origin, SourceTable
from gis.sources.parts import stand_parts
from gis.sources.uses import OVERTURE, osm_use

OSM_CREDIT = "© OpenStreetMap contributors, Overture Maps Foundation"
CREDIT = "Overture Maps Foundation"
LICENCE = "ODbL 1.0"
"""Of the theme as a whole; single rows may be free of it (column ``licence``)."""

LICENCES = {
    "openstreetmap": "ODbL 1.0",
    "microsoft ml buildings": "ODbL 1.0",
    "google open buildings": "CC BY 4.0",
    "esri community maps": "CC BY 4.0",
}
"""Licence by data set where a row does not name one (docs.overturemaps.org/attribution)."""

MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""

MOST_ROWS = 20_000_000
MOST_BYTES = 8_000_000_000
"""Rows and unpacked bytes of a file; Sweden has some five million buildings."""

_NUMBERS = {
    "height": "height",
    "num_floors": "building:levels",
    "min_height": "min_height",
    "min_floor": "min_floor",
    "roof_height": "roof:height",
}
_TEXTS = ("id", "building_id", "class", "subtype", "roof_shape")
_WANTED = (*_TEXTS, *_NUMBERS, "names", "sources", "is_underground", "geometry")

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class _Rows:
    """Columns of one file, however it is packed."""

    columns: dict[str, Texts]
    geometry: Texts
    is_part: npt.NDArray[np.bool_]
    is_closed: npt.NDArray[np.bool_]
    """Whether a ring of it had to be closed."""
    notes: tuple[str, ...]


def read_overture(path: Path, parts: Path | None = None) -> SourceTable:
    """Read buildings of Overture Maps.

    Parameters
    ----------
    path : Path
        GeoParquet of the type ``building``, or GeoJSON of it (also one feature a line).
    parts : Path, optional
        The same for the type ``building_part``; features of both types may also be in one
        GeoJSON file.

    Returns
    -------
    SourceTable
        Longitude and latitude. Columns ``part``, ``building``, ``name``, ``use``,
        ``dataset``, ``licence`` (of each row) and those of ``height``,
        ``building:levels``, ``min_height``, ``min_floor``, ``roof:shape``,
        ``roof:height`` that are told; ``height_source`` where a height comes from another
        data set than the outline.

    Raises
    ------
    SourceError
        If a file is missing, damaged or too large.
    TableError
        If it holds no buildings of Overture.
    """
    rows = [_read(path, is_part=False)]
    if parts is not None:
        rows.append(_read(parts, is_part=True))
    return _table(rows, path.name)


def is_overture(features: Features) -> bool:
    """Tell whether features are buildings of Overture.

    Parameters
    ----------
    features : Features
        Of a GeoJSON document.

    Returns
    -------
    bool
        Whether the first names its theme, or its sources in Overture's way.
    """
    first = features.properties[0] if features.properties else {}
    sources = json_text.sequence(first.get("sources"))
    return first.get("theme") == "buildings" or (
        bool(sources) and "dataset" in json_text.mapping(sources[0])
    )


def has_overture_columns(names: Iterable[str]) -> bool:
    """Tell whether columns of a Parquet file are those of Overture.

    Parameters
    ----------
    names : iterable of str
        Of all columns.

    Returns
    -------
    bool
        Whether there are identities, outlines and sources.
    """
    return {"id", "geometry", "sources"} <= set(names)


def overture_of(
    document: object, name: str, features: Features | None = None
) -> SourceTable:
    """Take buildings out of parsed GeoJSON.

    Parameters
    ----------
    document : object
        Feature or FeatureCollection, of one or both types.
    name : str
        Of the file, for messages.
    features : Features, optional
        Those of the document if they were taken out already.

    Returns
    -------
    SourceTable
        As `read_overture` has it, with its errors.
    """
    return _table([_rows_of(features or features_of(document, name))], name)


@contextmanager
def parquet_errors(name: str) -> Iterator[None]:
    """Turn the faults of the Parquet library into ours.

    Parameters
    ----------
    name : str
        Of the file, for messages.

    Raises
    ------
    SourceError
        In place of the library's error.
    """
    try:
        yield
    except HeidiError:
        raise
    except (pa.ArrowException, OSError, ValueError, ShapelyError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0][:120]
        message = f"a whole Parquet file is needed, got {name}: {told}; get it anew"
        raise SourceError(message) from error


def _read(path: Path, *, is_part: bool) -> _Rows:
    """Read one file, Parquet or JSON."""
    try:
        with path.open("rb") as source:
            packed = source.read(len(MAGIC)) == MAGIC
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if packed:
        rows = _read_parquet(path)
        return replace(rows, is_part=rows.is_part | is_part)
    text, notes = json_text.decode(json_text.read_bytes(path), path.name)
    rows = _rows_of(parse_features(text, path.name))
    return replace(rows, is_part=rows.is_part | is_part, notes=(*notes, *rows.notes))


def _read_parquet(path: Path) -> _Rows:
    """Read the wanted columns of a Parquet file, part by part."""
    with parquet_errors(path.name), pq.ParquetFile(path) as file:
        if not has_overture_columns(file.schema_arrow.names):
            message = (
                f"buildings of Overture must have the columns id, geometry and sources, "
                f"{path.name} has {name_some(file.schema_arrow.names)}"
            )
            raise TableError(message)
        rows, size = file.metadata.num_rows, 0
        if rows > MOST_ROWS:
            message = f"{path.name} must have at most {MOST_ROWS:,} rows, got {rows:,}"
            raise SourceError(message)
        wanted = [name for name in file.schema_arrow.names if name in _WANTED]
        batches = []
        for batch in file.iter_batches(columns=wanted, use_threads=False):
            size += batch.nbytes
            if size > MOST_BYTES:
                message = f"{path.name} must unpack to at most {MOST_BYTES:,} bytes; cut it"
                raise SourceError(message)
            batches.append(batch)
        if not batches:
            message = f"a layer with features is needed, {path.name} is empty"
            raise TableError(message)
        table = pa.Table.from_batches(batches).combine_chunks()
        wkb = table["geometry"].to_numpy()
        geometry = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
        columns = {name: _column(table, name) for name in (*_TEXTS, *_NUMBERS)}
        columns["is_underground"] = _column(table, "is_underground")
        columns["name"] = _field(table, "names", "primary")
        columns |= _parquet_sources(table)
    is_part = np.full(len(geometry), "building_id" in wanted, dtype=np.bool_)
    return _Rows(columns, geometry, is_part, np.zeros_like(is_part), ())


def _column(table: pa.Table, name: str) -> Texts:
    """Values of a column, None where there are none."""
    if name not in table.column_names:
        return np.full(len(table), None, dtype=object)
    values = np.full(len(table), None, dtype=object)
    values[:] = table[name].to_pylist()
    return values


def _field(table: pa.Table, name: str, field: str) -> Texts:
    """Values of one field of a column of structures."""
    if name in table.column_names and pa.types.is_struct(table[name].type):
        kind = table[name].type
        if kind.get_field_index(field) >= 0:
            return _column(pa.table({field: pc.struct_field(table[name], field)}), field)
    return np.full(len(table), None, dtype=object)


def _parquet_sources(table: pa.Table) -> dict[str, Texts]:
    """Take data set and licence of each row, and the data set of its height."""
    column = table["sources"]
    if not pa.types.is_list(column.type) or not pa.types.is_struct(column.type.value_type):
        return _sources([[]] * len(table))
    owner = pc.list_parent_indices(column).to_numpy()
    flat = pa.table({"source": pc.list_flatten(column)})
    told = pd.DataFrame(
        {key: _field(flat, "source", key) for key in ("property", "dataset", "license")}
    )
    return _gather_sources(told, owner, len(table))


def _sources(rows: list[list[object]]) -> dict[str, Texts]:
    """Take data set and licence of each row of sources as JSON has them."""
    flat = [json_text.mapping(source) for row in rows for source in row]
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    keys = ("property", "dataset", "license")
    told = pd.DataFrame({k: [source.get(k) for source in flat] for k in keys})
    return _gather_sources(told, owner, len(rows))


def _gather_sources(
    told: pd.DataFrame, owner: npt.NDArray[np.intp], count: int
) -> dict[str, Texts]:
    """First source of the whole feature, and of its height, for each row."""
    told = told.astype(object).where(told.notna(), "").astype(str).assign(row=owner)
    path = told["property"].str.rsplit("/", n=1).str[-1]
    rows = pd.RangeIndex(count)
    whole = told[path == ""].groupby("row").first().reindex(rows)
    height = told[path == "height"].groupby("row").first().reindex(rows)
    return {
        "dataset": whole["dataset"].fillna("").to_numpy(dtype=object),
        "license": whole["license"].fillna("").to_numpy(dtype=object),
        "height_dataset": height["dataset"].fillna("").to_numpy(dtype=object),
    }


def _rows_of(features: Features) -> _Rows:
    """Columns of GeoJSON features."""
    own = features.properties
    columns: dict[str, Texts] = {}
    for name in (*_TEXTS, *_NUMBERS, "is_underground"):
        columns[name] = _objects([p.get(name) for p in own])
    columns["id"] = _objects(
        [i or p.get("id") for i, p in zip(features.ids, own, strict=True)]
    )
    columns["name"] = _objects(
        [json_text.mapping(p.get("names")).get("primary") for p in own]
    )
    columns |= _sources([json_text.sequence(p.get("sources")) for p in own])
    kinds = [p.get("type") == "building_part" or "building_id" in p for p in own]
    notes: tuple[str, ...] = ()
    if features.closed.any():
        count = count_things(int(features.closed.sum()), "ring")
        notes = (f"{count} not closed, closed by the first vertex",)
    is_part = np.array(kinds, dtype=np.bool_)
    return _Rows(columns, features.geometry, is_part, features.closed > 0, notes)


def _objects(values: list[object]) -> Texts:
    """Array of values of any kind."""
    array = np.full(len(values), None, dtype=object)
    array[:] = values
    return array


def _table(rows: list[_Rows], name: str) -> SourceTable:
    """Describe buildings and parts in the columns of this twin."""
    geometry = np.concatenate([r.geometry for r in rows])
    is_part = np.concatenate([r.is_part for r in rows])
    is_closed = np.concatenate([r.is_closed for r in rows])
    columns = {k: np.concatenate([r.columns[k] for r in rows]) for k in rows[0].columns}
    notes = [note for r in rows for note in r.notes]
    kept = _usable(geometry, columns, notes, name)
    valid = geometry[kept]
    bad = np.flatnonzero(~shapely.is_valid(valid))
    valid[bad] = shapely.make_valid(valid[bad], method="structure", keep_collapsed=False)
    described = gpd.GeoDataFrame(
        _described({key: values[kept] for key, values in columns.items()}, notes),
        geometry=valid,
        crs="EPSG:4326",
    ).assign(_part=is_part[kept])
    ids = described["building"].to_numpy(dtype=object)
    mended = {
        "unclosed ring": dict.fromkeys(ids[is_closed[kept]], 1),
        "self-crossing": dict.fromkeys(ids[bad], 1),
    }
    described, repeats = drop_repeats(described, described["building"].to_numpy())
    if repeats:
        notes.append(f"{count_things(repeats, 'repeated outline')} counted once")
    ids = described["building"].to_numpy(dtype=object)
    numbered = number_parts(ids, described.geometry.to_numpy())
    described.insert(0, "part", np.where(ids == "", "", np.array(numbered, dtype=object)))
    belongs = described.pop("_part").to_numpy()
    owners = described.pop("building_id")
    if belongs.any():
        groups = dict(zip(ids[belongs], owners[belongs], strict=True))
        groups = {part: owner for part, owner in groups.items() if owner}
        described = stand_parts(described, belongs, groups, notes)
    datasets = described["dataset"].value_counts()
    told = (f"{d or 'not told'}: {count:,}" for d, count in datasets.items())
    notes.append(f"outlines by data set: {', '.join(told)}")
    is_osm = "OpenStreetMap" in datasets.index
    empty = [
        column
        for column in described.columns
        if column not in ("part", "building", "name", "use", "geometry")
        and (described[column].isna().all() or (described[column] == "").all())
    ]
    credit = OSM_CREDIT if is_osm else CREDIT
    return SourceTable(
        frame=described.drop(columns=empty),
        notes=tuple(notes),
        origin=Origin("Overture Maps Foundation", "buildings", LICENCE, credit),
        mended=mended,
    )


def _usable(
    geometry: Texts, columns: dict[str, Texts], notes: list[str], name: str
) -> npt.NDArray[np.intp]:
    """Rows with an outline on Earth and above the ground."""
    kind = shapely.get_type_id(geometry)
    areas = (kind == shapely.GeometryType.POLYGON) | (
        kind == shapely.GeometryType.MULTIPOLYGON
    )
    bounds = shapely.bounds(geometry).reshape(-1, 4)
    sane = (np.abs(bounds) <= (180.0, 90.0, 180.0, 90.0)).all(axis=1)
    below = np.array([flag is True for flag in columns["is_underground"]], dtype=np.bool_)
    for fault, what in (
        (~areas, "without usable outline"),
        (areas & ~sane, "with coordinates that are no degrees"),
        (areas & sane & below, "below the ground"),
    ):
        if fault.any():
            notes.append(f"{count_things(int(fault.sum()), 'building')} {what}, left out")
    kept = np.flatnonzero(areas & sane & ~below)
    if not len(kept):
        message = f"a layer of buildings must hold outlines, {name} has none; get it anew"
        raise TableError(message)
    return kept


def _described(columns: dict[str, Texts], notes: list[str]) -> dict[str, Texts]:
    """Columns of this twin for those of Overture."""
    text = {key: _text(columns[key]) for key in (*_TEXTS, "name")}
    use = [
        osm_use(kind) or OVERTURE.get(subtype.lower(), subtype.lower())
        for kind, subtype in zip(text["class"], text["subtype"], strict=True)
    ]
    numbers = {}
    for theirs, ours in _NUMBERS.items():
        values = pd.to_numeric(pd.Series(columns[theirs]), errors="coerce")
        numbers[ours] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        unread = int((values.isna().to_numpy() & (_text(columns[theirs]) != "")).sum())
        if unread:
            notes.append(
                f"{count_things(unread, 'value')} of {theirs} not readable as numbers, "
                "taken as missing"
            )
    dataset = columns["dataset"]
    source = columns["height_dataset"]
    foreign = (source != "") & (source != dataset) & ~np.isnan(numbers["height"])
    told = np.where(foreign, "Overture: " + source, "")
    licence = [
        given or LICENCES.get(str(d).lower(), "not stated")
        for given, d in zip(columns["license"], dataset, strict=True)
    ]
    return {
        "building": text["id"],
        "building_id": text["building_id"],
        "name": text["name"],
        "use": np.array(use, dtype=object),
        "address": np.full(len(use), "", dtype=object),
        "year": np.full(len(use), np.nan),
        **numbers,
        "height_source": told,
        "roof:shape": text["roof_shape"],
        "dataset": dataset,
        "licence": np.array(licence, dtype=object),
    }


def _text(values: Texts) -> Texts:
    """Texts of values, "" where there are none."""
    missing = pd.isna(values)
    return np.array(
        ["" if m else str(v).strip() for v, m in zip(values, missing, strict=True)],
        dtype=object,
    )
