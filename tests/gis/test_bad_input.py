"""Prove that bad files are mended and told of, or refused in one clear line."""

import json
import math
import os
import sqlite3
import struct
from contextlib import closing

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from gis.assemble import read_district
from gis.crs import PLAN, from_wgs84
from gis.errors import HeidiError

WEST, SOUTH, SIDE = 12.69, 56.04, 2e-4
"""A place in Helsingborg and the side of a block there [degrees]."""


SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]


def ring(column=0, row=0, *, dx=0.0, dy=0.0):
    """Block of some 12 m by 22 m on a lattice of free-standing blocks."""
    x, y = WEST + 2 * SIDE * column + dx, SOUTH + 2 * SIDE * row + dy
    return [[x, y], [x + SIDE, y], [x + SIDE, y + SIDE], [x, y + SIDE], [x, y]]


def polygon(*rings, **properties):
    geometry = {"type": "Polygon", "coordinates": list(rings)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write(path, *features, **members):
    text = json.dumps(
        {"type": "FeatureCollection", "features": list(features), **members},
        ensure_ascii=False,
    )
    path.write_text(text, encoding="utf-8")
    return path


def notes_of(path):
    return "\n".join(read_district(path).notes)


def is_one_clear_line(error):
    text = str(error.value)
    return "\n" not in text and 20 < len(text) < 600 and "Traceback" not in text


# --- refused ---------------------------------------------------------------------------


def absent(folder):
    return folder / "absent.gpkg"


def a_folder(folder):
    return folder


def nothing(folder):
    (folder / "b.geojson").write_bytes(b"")
    return folder / "b.geojson"


def prose(folder):
    (folder / "b.txt").write_text("Here are the buildings of Helsingborg.")
    return folder / "b.txt"


def noise(folder):
    (folder / "b.gpkg").write_bytes(np.random.default_rng(5).bytes(4096))
    return folder / "b.gpkg"


def a_header_only(folder):
    (folder / "b.gpkg").write_bytes(b"SQLite format 3\0" + bytes(2000))
    return folder / "b.gpkg"


def a_database_of_no_maps(folder):
    with sqlite3.connect(folder / "b.gpkg") as base:
        base.execute("create table buildings (id integer, height real)")
    base.close()
    return folder / "b.gpkg"


def cut_off(folder):
    path = write(folder / "b.geojson", polygon(ring(), height=9))
    path.write_text(path.read_text()[:-40])
    return path


def utf_16(folder):
    path = write(folder / "b.geojson", polygon(ring(), name="Källan"))
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-16")
    return path


def a_table(folder):
    (folder / "b.csv").write_text("id,height\n1,9\n")
    return folder / "b.csv"


def a_shape_without_its_index(folder):
    table = gpd.GeoDataFrame(geometry=[shapely.box(99_700, 6_213_400, 99_720, 6_213_410)])
    table.set_crs(PLAN).to_file(folder / "b.shp")
    (folder / "b.shx").unlink()
    return folder / "b.shp"


def no_features(folder):
    return write(folder / "b.geojson")


def points_only(folder):
    geometry = {"type": "Point", "coordinates": [WEST, SOUTH]}
    return write(
        folder / "b.geojson", {"type": "Feature", "properties": {}, "geometry": geometry}
    )


def missing_geometries(folder):
    return write(
        folder / "b.geojson", {"type": "Feature", "properties": {}, "geometry": None}
    )


def slivers_only(folder):
    thin = [[WEST, SOUTH], [WEST + SIDE, SOUTH], [WEST + SIDE, SOUTH + 1e-9], [WEST, SOUTH]]
    return write(folder / "b.geojson", polygon(thin))


def latitude_first(folder):
    return write(folder / "b.geojson", polygon([xy[::-1] for xy in ring()]))


def metres_as_degrees(folder):
    metres = from_wgs84(np.array(ring())).tolist()
    return write(folder / "b.geojson", polygon(metres))


def another_country(folder):
    return write(folder / "b.geojson", polygon(ring(dx=-80.0, dy=-15.0)))


def no_system(folder):
    path = folder / "b.shp"
    table = gpd.GeoDataFrame(geometry=[shapely.box(99_700, 6_213_400, 99_720, 6_213_410)])
    table.set_crs(PLAN).to_file(path)
    (folder / "b.prj").unlink()
    return path


def a_nonsense_system(folder):
    path = no_system(folder)
    (folder / "b.prj").write_text('PROJCS["nonsense",GEOGCS["')
    return path


def a_site_system(folder):
    path = no_system(folder)
    (folder / "b.prj").write_text('LOCAL_CS["site",UNIT["metre",1]]')
    return path


def two_equal_layers(folder):
    table = gpd.GeoDataFrame(geometry=[shapely.box(99_700, 6_213_400, 99_720, 6_213_410)])
    for layer in ("east", "west"):
        table.set_crs(PLAN).to_file(folder / "b.gpkg", layer=layer)
    return folder / "b.gpkg"


def no_buildings(folder):
    return write(folder / "b.geojson", polygon(ring(), building="no"))


def not_finite(folder):
    bad = [[math.nan, math.nan], *ring()[1:]]
    return write(folder / "b.geojson", polygon(bad))


def a_picture(folder):
    path = folder / "b.tif"
    with rasterio.open(path, "w", driver="GTiff", width=4, height=3, count=1, dtype="uint8",
                       transform=Affine(1, 0, 5, 0, -1, 9)) as target:  # fmt: skip
        target.write(np.zeros((1, 3, 4), np.uint8))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (absent, "must exist"),
        (a_folder, "readable vector file"),
        (nothing, "readable vector file"),
        (prose, "readable vector file"),
        (noise, "readable vector file"),
        (a_header_only, "readable vector file"),
        (a_database_of_no_maps, "geometry|readable|layer"),
        (cut_off, "must be whole JSON"),
        (utf_16, "readable vector file"),
        (a_table, "geometry"),
        (a_picture, "readable vector file"),
        (a_shape_without_its_index, "readable vector file"),
        (no_features, "is empty"),
        (points_only, "must hold polygons"),
        (missing_geometries, "must hold polygons"),
        (slivers_only, "must hold polygons"),
        (not_finite, "must hold polygons"),
        (latitude_first, "axes are swapped"),
        (metres_as_degrees, "must be degrees"),
        (another_country, "elsewhere"),
        (no_system, "has none"),
        (a_nonsense_system, "must be readable"),
        (a_site_system, "projected or geographic"),
        (two_equal_layers, "east, west"),
        (no_buildings, "must be buildings"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, make, words):
    with pytest.raises(HeidiError, match=words) as error:
        read_district(make(tmp_path))
    assert is_one_clear_line(error)


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="the superuser may read all"
)
def test_a_file_without_permission_is_refused(tmp_path):
    path = write(tmp_path / "b.geojson", polygon(ring()))
    path.chmod(0)
    with pytest.raises(HeidiError) as error:
        read_district(path)
    assert is_one_clear_line(error)


def terrain_elsewhere(folder):
    return raster(folder / "t.tif", west=200_000.0)


def terrain_of_another_system(folder):
    return raster(folder / "t.tif", crs="EPSG:3006")


def terrain_without_place(folder):
    return raster(folder / "t.tif", transform=Affine.identity())


def terrain_without_system(folder):
    return raster(folder / "t.tif", crs=None)


def terrain_of_gaps(folder):
    return raster(folder / "t.tif", fill=-9999.0)


def terrain_that_is_a_vector(folder):
    return write(folder / "t.geojson", polygon(ring()))


def terrain_cut_off(folder):
    path = raster(folder / "t.tif")
    path.write_bytes(path.read_bytes()[:3000])
    return path


def raster(path, *, west=99_300.0, crs="EPSG:3008", fill=3.0, transform=None):
    with rasterio.open(
        path, "w", driver="GTiff", width=300, height=300, count=1, dtype="float32", crs=crs,
        transform=transform or Affine(3, 0, west, 0, -3, 6_213_800), nodata=-9999.0,
    ) as target:  # fmt: skip
        target.write(np.full((1, 300, 300), fill, np.float32))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (absent, "existing file"),
        (a_folder, "existing file"),
        (prose, "readable GeoTIFF"),
        (terrain_that_is_a_vector, "readable GeoTIFF"),
        (terrain_cut_off, "readable GeoTIFF"),
        (terrain_elsewhere, "must overlap the buildings"),
        (terrain_of_another_system, "must overlap|must lie"),
        (terrain_without_place, "no georeference"),
        (terrain_without_system, "has none"),
        (terrain_of_gaps, "lacks 100%"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_terrain_that_cannot_be_used_is_refused_in_one_line(tmp_path, make, words):
    buildings = write(tmp_path / "b.geojson", polygon(ring(), height=9))
    with pytest.raises(HeidiError, match=words) as error:
        read_district(buildings, make(tmp_path))
    assert is_one_clear_line(error)


def test_a_sound_terrain_is_taken(tmp_path):
    """Shows that the refusals above are not of the raster itself."""
    buildings = write(tmp_path / "b.geojson", polygon(ring(), height=9))
    district = read_district(buildings, raster(tmp_path / "t.tif"))
    assert district.buildings["base"].tolist() == [3.0]


# --- mended ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "told"),
    [
        pytest.param(
            [polygon(ring(), height="12,5 m")],
            "1 height from attribute height",
            id="12,5 m",
        ),
        pytest.param(
            [polygon(ring(), height="abc", id="b1")],
            "1 value of height not readable as numbers, taken as missing (b1: 'abc')",
            id="text for a number",
        ),
        pytest.param(
            [polygon(ring(), height=-4)], "outside 2..200 m", id="negative height"
        ),
        pytest.param(
            [polygon(ring(), height=1e300)], "outside 2..200 m", id="absurd height"
        ),
        pytest.param(
            [polygon(ring(), height=math.nan)], "1 missing height", id="NaN height"
        ),
        pytest.param([polygon(ring(), height=None)], "1 missing height", id="null height"),
        pytest.param([polygon(ring())], "1 missing height", id="no heights at all"),
        pytest.param(
            [polygon(ring(), height={"value": 9})],
            "not readable as numbers",
            id="nested value",
        ),
        pytest.param([polygon(ring(), height=[9])], "not readable as numbers", id="list"),
        pytest.param(
            [polygon(ring(), height=9), polygon(ring(1), height="hög")],
            "not readable as numbers",
            id="numbers and text",
        ),
        pytest.param([polygon(ring()[:-1])], "1 ring not closed", id="open ring"),
        pytest.param(
            [polygon([ring()[i] for i in (0, 2, 1, 3, 0)])], "self-crossing", id="bow tie"
        ),
        pytest.param([polygon(ring()), polygon(ring())], "1 duplicate", id="duplicate"),
        pytest.param(
            [polygon(ring()), polygon(ring(dx=SIDE / 2))],
            "1 footprint trimmed",
            id="overlap",
        ),
        pytest.param(
            [polygon([[*xy, 12.0] for xy in ring()])], "elevations in the outline", id="z"
        ),
        pytest.param(
            [polygon(ring()), {"type": "Feature", "properties": {}, "geometry": None}],
            "1 feature without usable geometry",
            id="one geometry missing",
        ),
        pytest.param(
            [
                polygon(ring()),
                polygon([[math.nan, 56.0], *ring(1)[1:-1], [math.nan, 56.0]]),
            ],
            "1 feature without usable geometry",
            id="one vertex is no number",
        ),
        pytest.param(
            [polygon([[WEST + 0.01 * x, SOUTH + 0.01 * y] for x, y in SQUARE])],
            "is it all buildings?",
            id="land for buildings",
        ),
        pytest.param(
            [polygon(ring(), id="x"), polygon(ring(5))],
            "1 footprint without identity, named by place",
            id="ids of some",
        ),
    ],
)
def test_what_can_be_mended_is_mended_and_told(tmp_path, features, told):
    path = write(tmp_path / "b.geojson", *features)
    assert told in notes_of(path)


def test_latin_1_where_utf_8_was_promised(tmp_path):
    path = tmp_path / "b.geojson"
    write(path, polygon(ring(), name="Järnvägsgatan"))
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    district = read_district(path)
    assert district.buildings["name"].tolist() == ["Järnvägsgatan"]
    assert "read as Latin-1" in "\n".join(district.notes)


def test_curves_come_as_chords(tmp_path):
    """A full circle of radius 10 m: the chords lose less than 1 % of its area."""
    path = tmp_path / "b.gpkg"
    box = shapely.box(99700, 6213390, 99720, 6213410)
    frame = gpd.GeoDataFrame({"id": ["b"]}, geometry=[box], crs=PLAN)
    frame.to_file(path, layer="b", geometry_type="Unknown", SPATIAL_INDEX="NO")
    circle = struct.pack(
        "<BII BII 6d", 1, 10, 1, 1, 8, 3, *(99700, 6213400, 99720, 6213400, 99700, 6213400)
    )  # a polygon of curves (10) of one ring, an arc (8) that ends where it starts
    with closing(sqlite3.connect(path)) as file, file:
        (system,) = file.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchone()
        blob = b"GP\0\1" + struct.pack("<i", system) + circle
        file.execute("UPDATE b SET geom = ?", (blob,))
    district = read_district(path)
    assert district.buildings.area.iloc[0] == pytest.approx(math.pi * 100, rel=0.01)


def test_openstreetmap_xml_with_its_packed_tags(tmp_path):
    nodes = "".join(
        f'<node id="{i}" lon="{x}" lat="{y}" version="1"/>'
        for i, (x, y) in enumerate(ring()[:4], start=1)
    )
    members = "".join(f'<nd ref="{i}"/>' for i in (1, 2, 3, 4, 1))
    tags = '<tag k="building" v="house"/><tag k="building:levels" v="3"/>'
    (tmp_path / "b.osm").write_text(
        f'<osm version="0.6">{nodes}<way id="77" version="1">{members}{tags}</way></osm>'
    )
    buildings = read_district(tmp_path / "b.osm").buildings
    assert buildings.index.tolist() == ["way/77"]
    assert buildings["height"].tolist() == [9.0]
    assert buildings["height_source"].tolist() == ["storeys x 3 m: building:levels"]
    assert buildings["use"].tolist() == ["residential"]


def test_many_faults_are_named_by_the_first_five_and_the_count(tmp_path):
    features = [polygon(ring(i), height="hög", id=f"b{i}") for i in range(9)]
    told = notes_of(write(tmp_path / "b.geojson", *features))
    assert "9 values of height" in told
    assert "b4: 'hög' and 4 more" in told
    assert "b5:" not in told
