"""Read a layer of features from any vector file."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import CRSError as LayerCrsError
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError as ProjCrsError
from shapely.errors import ShapelyError

from gis.errors import CrsError, SourceError, TableError
from gis.faults import count_things, name_some
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options
from gis.sources.pointers import OFFLINE, refuse_pointer

BUILDING_LAYERS = ("building", "byggnad", "footprint", "multipolygons")
WATER_LAYERS = ("water", "vatten")

LONGEST_REASON = 160
"""Letters of a library's message that are repeated."""

_UNCLOSED = "Non closed ring"
_MOST_WARNINGS = 3
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')


def read_layer(
    path: Path, *, prefer: Sequence[str] = BUILDING_LAYERS
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read the layer of areas of a vector file.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON, Shapefile, FlatGeobuf, OpenStreetMap or any other OGR format
        that holds its data itself: virtual layers and descriptions of services are refused.
    prefer : sequence of str
        Words that tell the wanted layer by its name if the file has several with areas.

    Returns
    -------
    frame : GeoDataFrame
        All features with their attributes, in the file's own reference system (perhaps
        none). Curves come as chords, rings that were left open come closed, geometries
        that cannot be read come as None.
    notes : tuple of str
        What had to be mended while reading.

    Raises
    ------
    SourceError
        If the file is missing, damaged, of an unknown format, without geometry, or only
        points at others.
    CrsError
        If its reference system cannot be understood.
    TableError
        If it has several layers with areas and none is told by its name, or the layer
        has no features.
    """
    if not path.exists():
        message = f"a vector file must exist, got {path}; check the path"
        raise SourceError(message)
    refuse_pointer(path)
    notes: list[str] = []
    options = NO_SIDE_FILES | OFFLINE
    with warnings.catch_warnings(record=True) as caught, gdal_options(options):
        warnings.simplefilter("always")
        try:
            layer = _choose_layer(path, prefer)
            try:
                frame = _read(path, layer, encoding=None)
            except UnicodeDecodeError:
                frame = _read(path, layer, encoding="ISO-8859-1")
                notes.append(
                    f"text of {path.name} is not in its stated encoding, read as Latin-1"
                )
        except (LayerCrsError, ProjCrsError) as error:
            message = (
                f"the reference system of {path} must be readable: "
                f"{_one_line(error, path)}; assign it anew, for example with "
                "ogr2ogr -a_srs EPSG:3008"
            )
            raise CrsError(message) from error
        except (DataSourceError, DataLayerError, UnicodeError, OSError) as error:
            message = (
                f"a readable vector file is needed, got {path}: {_one_line(error, path)}"
            )
            raise SourceError(message) from error
        except ShapelyError as error:
            message = f"the geometries of {path} must be readable: {_one_line(error, path)}"
            raise SourceError(message) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        message = f"a layer with geometry is needed, {path} holds a table only"
        raise SourceError(message)
    if frame.empty:
        message = f"a layer with features is needed, {path} (layer {layer}) is empty"
        raise TableError(message)
    notes.extend(_retell(caught))
    return _unfold_tags(frame), tuple(notes)


def _read(path: Path, layer: str, *, encoding: str | None) -> pd.DataFrame:
    """Read one layer, closing open rings."""
    frame: pd.DataFrame = pyogrio.read_dataframe(
        path, layer=layer, encoding=encoding, on_invalid="fix", datetime_as_string=True
    )
    return frame


def _choose_layer(path: Path, prefer: Sequence[str]) -> str:
    """Name of the layer to read: the only one with areas, or the one told by its name."""
    listed = pyogrio.list_layers(path)
    names = [str(name) for name, _ in listed]
    if not names:
        message = f"a layer with features is needed, {path} has no layers"
        raise TableError(message)
    spatial = [str(n) for n, kind in listed if isinstance(kind, str) and kind]
    areas = [
        str(n) for n, kind in listed if isinstance(kind, str) and _may_hold_areas(kind)
    ]
    candidates = areas or spatial or names
    if len(candidates) == 1:
        return candidates[0]
    for word in prefer:
        told = [name for name in candidates if word in name.lower()]
        if len(told) == 1:
            return told[0]
    message = (
        f"the layer to read must be clear, {path} has {name_some(candidates)}; "
        "export the wanted one to a file of its own"
    )
    raise TableError(message)


def _may_hold_areas(kind: str) -> bool:
    """Whether a layer of this geometry type can hold polygons."""
    return not any(word in kind for word in ("Point", "LineString", "MultiCurve"))


def _retell(caught: list[warnings.WarningMessage]) -> list[str]:
    """Turn what the library warned of into notes."""
    runtime = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    unclosed = sum(text.startswith(_UNCLOSED) for text in runtime)
    notes = []
    if unclosed:
        notes.append(
            f"{count_things(unclosed, 'ring')} not closed, closed by the first vertex"
        )
    other = {
        " ".join(text.split()): None
        for text in runtime
        # numpy's remark on NaN coordinates; these geometries are counted later.
        if not text.startswith((_UNCLOSED, "invalid value encountered"))
    }
    notes.extend(f"while reading: {text}" for text in list(other)[:_MOST_WARNINGS])
    if len(other) > _MOST_WARNINGS:
        notes.append(f"while reading: {len(other) - _MOST_WARNINGS} more remarks")
    return notes


def _unfold_tags(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give OpenStreetMap tags that are packed in one text a column each."""
    if "other_tags" not in frame.columns:
        return frame
    wanted = ("height", "building:levels", "start_date", "building:height")
    packed = frame["other_tags"].fillna("").astype(str)
    tags = [dict(_TAG.findall(text)) for text in packed]
    columns = {
        key: pd.Series([t.get(key, np.nan) for t in tags], index=frame.index, dtype=object)
        for key in wanted
        if key not in frame.columns and any(key in t for t in tags)
    }
    return frame.assign(**columns)


def _one_line(error: Exception, path: Path) -> str:
    """First sentence of a library's message, without the path that we name ourselves."""
    text = " ".join(str(error).split()).replace(str(path), path.name)
    return text.split("; It might help", maxsplit=1)[0][:LONGEST_REASON]
