"""Write a boundary with what it was built from as a layer for maps."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from gis.boundary import TracedBoundary
from gis.boundary_account import boundary_record, follow, to_degrees
from gis.boundary_anchors import anchor_table
from gis.errors import OutputError
from gis.files import atomic_path
from gis.layers import WRITTEN_AT
from gis.sources.gdal_options import gdal_options

GEOJSON, GEOPACKAGE = (".geojson", ".json"), (".gpkg",)
"""Endings of the files that can be written."""

DECIMALS = 7
"""Decimals of degrees, a centimetre; RFC 7946 finds six enough for a map."""


def check_target(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse a file that cannot be written or that holds what the result is made of.

    Parameters
    ----------
    path : Path
        Where a result shall go.
    inputs : iterable of Path
        The recipe and the files that it names.

    Raises
    ------
    OutputError
        If the folder is missing, the path is a folder, or the result would replace an
        input.
    """
    if not path.parent.is_dir():
        message = f"the folder of a result must exist, got {path}; make {path.parent}"
        raise OutputError(message)
    if path.is_dir():
        message = f"a result must be a file, {path} is a folder; give a name in it"
        raise OutputError(message)
    if path.resolve() in {one.resolve() for one in inputs}:
        message = f"a result must not replace what it is made of, got {path}; change it"
        raise OutputError(message)


def write_boundary(path: Path, traced: TracedBoundary) -> None:
    """Write a boundary in the format that the end of the file name tells.

    Parameters
    ----------
    path : Path
        Ends in ``.geojson`` or ``.json`` (longitude and latitude, RFC 7946) or in
        ``.gpkg`` (plan of the recipe); its folder must exist.
    traced : TracedBoundary
        A boundary with what it was built from.

    Raises
    ------
    OutputError
        If the ending is another one, or the file cannot be written.

    Notes
    -----
    GeoJSON holds one feature, the boundary, and all that `boundary_record` tells in the
    foreign member ``heidi``. A GeoPackage holds the layers boundary, anchors and outline:
    the boundary as lines by what they follow. Equal input gives equal bytes.
    """
    check_ending(path)
    if path.suffix.lower() in GEOPACKAGE:
        _write_geopackage(path, traced)
    else:
        _write_geojson(path, traced)


def check_ending(path: Path) -> None:
    """Refuse a file whose name does not tell a known format.

    Parameters
    ----------
    path : Path
        Where a boundary shall go.

    Raises
    ------
    OutputError
        If it ends in none of the known endings.
    """
    endings = (*GEOJSON, *GEOPACKAGE)
    if path.suffix.lower() not in endings:
        message = (
            f"a boundary must be written as {' or '.join(endings)}, got {path.name}; "
            "change the end of the name"
        )
        raise OutputError(message)


def _properties(record: dict[str, Any]) -> dict[str, Any]:
    """Plain columns of the boundary."""
    edges = [one for one in record["follows"] if one["kind"] == "edge"]
    return {
        "name": record["name"],
        "kind": "boundary",
        "area_m2": record["area_m2"],
        "anchors": "; ".join(str(one["name"]) for one in record["anchors"]),
        "edges": "; ".join(dict.fromkeys(one["name"] or one["source"] for one in edges)),
        "water": "; ".join(
            one["source"] for one in record["follows"] if one["kind"] == "water"
        ),
        "credits": "; ".join(record["credits"]),
    }


def _write_geojson(path: Path, traced: TracedBoundary) -> None:
    """Write the boundary in degrees."""
    record = boundary_record(traced)
    document = {
        "type": "FeatureCollection",
        "heidi": record,
        "features": [
            {
                "type": "Feature",
                "properties": _properties(record),
                "geometry": _geometry(to_degrees(traced.shape, traced.parts.plan)),
            }
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _geometry(shape: shapely.Geometry) -> dict[str, Any]:
    """Return a MultiPolygon of RFC 7946."""
    # Rounded onto the grid of the written decimals, not merely cut: outlines stay valid.
    snapped = shapely.set_precision(shape, 10.0**-DECIMALS)
    parts = shapely.get_parts(shapely.orient_polygons(snapped))
    rings = [
        [
            np.round(shapely.get_coordinates(ring), DECIMALS).tolist()
            for ring in (part.exterior, *part.interiors)
        ]
        for part in parts
        if part.geom_type == "Polygon"
    ]
    return {"type": "MultiPolygon", "coordinates": rings}


def _write_geopackage(path: Path, traced: TracedBoundary) -> None:
    """Write boundary, anchors and outline in the plan."""
    record = boundary_record(traced)
    parts, plan = traced.parts, traced.parts.plan
    stretches = follow(traced)
    anchors = anchor_table(traced.recipe, parts.anchors, parts.sources, within=traced.shape)
    layers = {
        "boundary": gpd.GeoDataFrame([_properties(record)], geometry=[traced.shape]),
        "anchors": anchors.reset_index(),
        "outline": gpd.GeoDataFrame(
            {
                "kind": [one.kind for one in stretches],
                "name": [one.name for one in stretches],
                "source": [one.source for one in stretches],
                "length_m": [round(one.line.length, 1) for one in stretches],
            },
            geometry=[_as_multi(one.line) for one in stretches],
        ),
    }
    about = json.dumps(record, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary, gdal_options({"OGR_CURRENT_DATE": WRITTEN_AT}):
        temporary.unlink(missing_ok=True)
        for name, layer in layers.items():
            try:
                pyogrio.write_dataframe(
                    layer.set_crs(plan),
                    temporary,
                    layer=name,
                    driver="GPKG",
                    append=temporary.exists(),
                    dataset_metadata={"heidi": about},
                )
            except (
                pyogrio.errors.DataSourceError,
                pyogrio.errors.DataLayerError,
            ) as error:
                # GDAL's errors are no OSErrors; as such atomic_path names the remedy.
                raise OSError(str(error)) from error


def _as_multi(line: shapely.Geometry) -> shapely.MultiLineString:
    """One kind of geometry for the whole layer."""
    return shapely.MultiLineString(list(shapely.get_parts(line)))
