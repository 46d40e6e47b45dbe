"""Prove that Overture's buildings read alike from Parquet and JSON, with their licences."""

import json

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis.errors import SourceError, TableError
from gis.sources.overture import read_overture


def box(west, width=4):
    x, y, d = 12.69 + west * 1e-4, 56.04, 1e-4
    return shapely.box(x, y, x + width * d, y + 4 * d)


def source(dataset, prop="", **more):
    return {"property": prop, "dataset": dataset, "record_id": "w1@2", "update_time": None,
            "confidence": None, **more}  # fmt: skip


BUILDINGS = [
    {"id": "08b2-1", "geometry": box(0, 8), "class": "office", "subtype": "commercial",
     "height": 40.0, "num_floors": 9, "names": {"primary": "Källan"}, "roof_shape": "flat",
     "sources": [source("OpenStreetMap")], "has_parts": True, "is_underground": None},
    {"id": "08b2-2", "geometry": box(10), "class": None, "subtype": "medical",
     "height": 7.5, "sources": [source("Microsoft ML Buildings"),
                 source("USGS Lidar", "/properties/height")]},
    {"id": "08b2-3", "geometry": box(20), "class": "garage",
     "sources": [source("Town survey", license="CC0-1.0")]},
    {"id": "08b2-4", "geometry": box(30), "is_underground": True,
     "sources": [source("OpenStreetMap")]},
]  # fmt: skip
PARTS = [
    {"id": "08b2-5", "building_id": "08b2-1", "geometry": box(0), "height": 40.0,
     "min_height": 3.0, "sources": [source("OpenStreetMap")]},
    {"id": "08b2-6", "building_id": "08b2-1", "geometry": box(4), "num_floors": 4,
     "sources": [source("OpenStreetMap")]},
]  # fmt: skip
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("geometry", pa.binary()),
        ("bbox", pa.struct([("xmin", pa.float32()), ("ymin", pa.float32())])),
        ("version", pa.int32()),
        ("sources", pa.list_(pa.struct([(k, pa.string()) for k in
                                        ("property", "dataset", "license", "record_id")]))),
        ("subtype", pa.string()),
        ("class", pa.string()),
        ("names", pa.struct([("primary", pa.string()),
                             ("common", pa.map_(pa.string(), pa.string()))])),
        ("has_parts", pa.bool_()),
        ("is_underground", pa.bool_()),
        ("height", pa.float64()),
        ("num_floors", pa.int32()),
        ("min_height", pa.float64()),
        ("roof_shape", pa.string()),
        ("roof_height", pa.float64()),
    ]
)  # fmt: skip


def parquet(path, rows, *, part=False):
    schema = SCHEMA.append(pa.field("building_id", pa.string())) if part else SCHEMA
    keys = ("property", "dataset", "license", "record_id")
    listed = [
        {**row, "geometry": row["geometry"].wkb,
         "sources": [{k: s.get(k) for k in keys} for s in row["sources"]]} for row in rows
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(listed, schema=schema), path, row_group_size=2)
    return path


def feature(row, kind):
    own = {k: v for k, v in row.items() if k not in ("id", "geometry")}
    shape = shapely.geometry.mapping(row["geometry"])
    return {"type": "Feature", "id": row["id"], "geometry": shape,
            "properties": {"theme": "buildings", "type": kind, **own}}  # fmt: skip


def features():
    return [feature(r, "building") for r in BUILDINGS] + [
        feature(r, "building_part") for r in PARTS
    ]


def collection(path):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features()}))
    return path


def lines(path):
    path.write_text("".join(json.dumps(f) + "\n" for f in features()))
    return path


@pytest.mark.parametrize("packed", ["parquet", "collection", "lines"])
def test_buildings_and_parts_read_alike(tmp_path, packed):
    if packed == "parquet":
        path = parquet(tmp_path / "building.parquet", BUILDINGS)
        table = read_overture(path, parquet(tmp_path / "part.parquet", PARTS, part=True))
    else:
        table = read_overture(
            {"collection": collection, "lines": lines}[packed](tmp_path / "o")
        )
    frame = table.frame.set_index("part")
    assert frame.index.tolist() == ["08b2-2", "08b2-3", "08b2-5", "08b2-6"]
    assert frame["building"].tolist() == ["08b2-2", "08b2-3", "08b2-1", "08b2-1"]
    assert frame["use"].tolist() == ["health", "garage", "office", "office"]
    assert frame["name"].tolist() == ["", "", "Källan", "Källan"]
    nan = np.nan
    assert frame["height"].tolist() == pytest.approx([7.5, nan, 40, nan], nan_ok=True)
    assert frame["min_height"].tolist() == pytest.approx([nan, nan, 3, nan], nan_ok=True)
    assert frame["building:levels"].tolist() == pytest.approx(
        [nan, nan, nan, 4], nan_ok=True
    )
    assert frame["height_source"].tolist() == ["Overture: USGS Lidar", "", "", ""]
    assert frame["licence"].tolist() == ["ODbL 1.0", "CC0-1.0", "ODbL 1.0", "ODbL 1.0"]
    assert frame["dataset"].tolist()[:2] == ["Microsoft ML Buildings", "Town survey"]
    assert "1 building below the ground, left out" in table.notes
    assert table.origin.credit == "© OpenStreetMap contributors, Overture Maps Foundation"
    assert table.frame.crs.to_epsg() == 4326


def test_without_parts_the_outline_stands(tmp_path):
    frame = read_overture(parquet(tmp_path / "b.parquet", BUILDINGS)).frame.set_index(
        "part"
    )
    assert frame.loc["08b2-1", "height"] == 40.0
    assert frame.loc["08b2-1", "roof:shape"] == "flat"


def test_wrong_shapes_are_left_out(tmp_path):
    rows = [BUILDINGS[1],
            {**BUILDINGS[1], "id": "x", "geometry": shapely.Point(1, 2)},
            {**BUILDINGS[1], "id": "y", "geometry": box(1e8)}]  # fmt: skip
    table = read_overture(parquet(tmp_path / "b.parquet", rows))
    assert table.frame["part"].tolist() == ["08b2-2"]
    assert "1 building without usable outline, left out" in table.notes
    assert "1 building with coordinates that are no degrees, left out" in table.notes


def test_other_parquet_files_are_refused(tmp_path):
    path = tmp_path / "b.parquet"
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[box(0)], crs=4326).to_parquet(path)
    with pytest.raises(TableError, match="must have the columns id, geometry and sources"):
        read_overture(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match="whole Parquet file"):
        read_overture(path)
    with pytest.raises(TableError, match="is empty"):
        read_overture(parquet(path, []))


@pytest.mark.real
def test_the_published_example_reads(shared_data):
    table = read_overture(shared_data / "vector" / "overture_empire-state-building.json")
    (row,) = table.frame.to_dict("records")
    assert row["building"] == "08b2a100d2d4bfff02006354283c153f"
    assert (row["name"], row["use"], row["licence"]) == (
        "Empire State Building", "office", "ODbL 1.0")  # fmt: skip
    assert (row["height"], row["building:levels"]) == (443.2, 102)
    # The building covers some 129 m by 57 m; its outline must be of that order.
    area = table.frame.to_crs(table.frame.estimate_utm_crs()).area.iloc[0]
    assert 6_000 < area < 9_000
