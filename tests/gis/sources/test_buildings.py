"""Prove that files are known by their content, and that no file does harm."""

import json
import shutil
import sqlite3
import time
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.errors import HeidiError
from gis.sources.buildings import read_buildings
from gis.sources.vector import read_layer

EAST, NORTH = 356_000.0, 6_213_000.0


def square(east, north, side):
    return [[east, north], [east + side, north], [east + side, north + side],
            [east, north + side], [east, north]]  # fmt: skip


def collection(*features, **more):
    listed = [
        {"type": "Feature", "id": identity, "properties": own,
         "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for identity, own, ring in features
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": listed, **more})


def overpass():
    corners = [{"lon": x, "lat": y} for x, y in square(12.69, 56.04, 2e-4)]
    way = {"type": "way", "id": 5, "geometry": corners, "nodes": [1, 2, 3, 4, 1],
           "tags": {"building": "office", "height": "12 m", "name": "Källan"}}  # fmt: skip
    return json.dumps({"version": 0.6, "elements": [way]})


def osm_xml():
    corners = enumerate(square(12.69, 56.04, 2e-4)[:4], 1)
    nodes = "".join(f'<node id="{n}" lon="{x}" lat="{y}"/>' for n, (x, y) in corners)
    refs = "".join(f'<nd ref="{n}"/>' for n in (1, 2, 3, 4, 1))
    return f'<osm>{nodes}<way id="5">{refs}<tag k="building" v="yes"/></way></osm>'


def osm_geojson():
    return collection(("way/5", {"building": "yes"}, square(12.69, 56.04, 2e-4)))


def overture():
    own = {"theme": "buildings", "type": "building", "height": 9.0,
           "sources": [{"property": "", "dataset": "OpenStreetMap"}]}  # fmt: skip
    return collection(("08b2-1", own, square(12.69, 56.04, 2e-4)))


def base_map():
    own = {"geodb_subtype_name": "Bostad", "PURPOSE": 10, "UUID": "a-1"}
    return collection((None, own, square(99_600.0, 6_213_500.0, 10.0)))


def city_json():
    points = [[x, y, z] for z in (0.0, 9.0) for x, y in square(99_600, 6_213_500, 10)[:4]]
    faces = [[[3, 2, 1, 0]], [[4, 5, 6, 7]],
             *([[k, (k + 1) % 4, 4 + (k + 1) % 4, 4 + k]] for k in range(4))]  # fmt: skip
    solid = {"type": "Solid", "lod": "1", "boundaries": [faces]}
    system = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/3008"}
    return json.dumps({"type": "CityJSON", "version": "2.0", "metadata": system,
                       "CityObjects": {"a": {"type": "Building", "geometry": [solid]}},
                       "vertices": points})  # fmt: skip


def plain_geojson():
    return collection((None, {"id": "a", "height": 9.0}, square(12.69, 56.04, 2e-4)))


def register(path):
    columns = {"objektidentitet": ["a", "a"], "objekttyp": ["Bostad"] * 2,
               "andamal1": ["Bostad;Flerfamiljshus"] * 2}  # fmt: skip
    shapes = [shapely.box(EAST + n, NORTH, EAST + n + 9, NORTH + 9) for n in (0, 9)]
    gpd.GeoDataFrame(columns, geometry=shapes, crs=3006).to_file(path, layer="byggnad")
    return path


def text(content):
    def write(path):
        path.write_text(content, encoding="utf-8")
        return path

    return write


def packed(name, content):
    def write(path):
        inner = path.with_name("inner")
        content(inner.with_suffix(".gpkg") if name.endswith("gpkg") else inner)
        inner = inner.with_suffix(".gpkg") if name.endswith("gpkg") else inner
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(inner, name)
        return path

    return write


def overture_parquet(path):
    sources = [[{"property": "", "dataset": "OpenStreetMap"}]] * 2
    shapes = [
        shapely.box(12.69, 56.04, 12.6902, 56.0402),
        shapely.box(12.7, 56.04, 12.71, 56.05),
    ]
    frame = gpd.GeoDataFrame({"id": ["a", "b"], "height": [9.0, None], "sources": sources},
                             geometry=shapes, crs=4326)  # fmt: skip
    frame.to_parquet(path)
    return path


def plain_package(path):
    shape = shapely.box(99_600, 6_213_500, 99_610, 6_213_510)
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[shape], crs=3008).to_file(path, driver="GPKG")
    return path


KINDS = {
    "Overpass": (text(overpass()), "a reply of Overpass", "OpenStreetMap"),
    "XML": (text(osm_xml()), "an OpenStreetMap file", "OpenStreetMap"),
    "OSM GeoJSON": (text(osm_geojson()), "GeoJSON of OpenStreetMap", "OpenStreetMap"),
    "Overture JSON": (text(overture()), "buildings of Overture Maps",
                      "Overture Maps Foundation"),
    "Overture Parquet": (overture_parquet, "buildings of Overture Maps",
                         "Overture Maps Foundation"),
    "base map": (text(base_map()), "the base map of Helsingborg", "City of Helsingborg"),
    "base map zip": (packed("Bebyggelse.MAPBUILDING.geojson", text(base_map())),
                     "the base map of Helsingborg", "City of Helsingborg"),
    "register": (register, "the building register of Lantmäteriet", "Lantmäteriet"),
    "register zip": (packed("byggnad_kn1283.gpkg", register),
                     "the building register of Lantmäteriet", "Lantmäteriet"),
    "CityJSON": (text(city_json()), "CityJSON", "not stated"),
    "GeoJSON": (text(plain_geojson()), "a vector layer of no known provider", "not stated"),
    "GeoPackage": (plain_package, "a vector layer of no known provider", "not stated"),
}  # fmt: skip


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    suffix = {"register": ".gpkg", "GeoPackage": ".gpkg", "GeoJSON": ".geojson"}
    return {kind: write(folder / f"file{n}{suffix.get(kind, '')}")
            for n, (kind, (write, _, _)) in enumerate(KINDS.items())}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_known_by_its_content(samples, kind):
    _, taken, provider = KINDS[kind]
    table = read_buildings(samples[kind])
    assert table.notes[0] == f"read as {taken}"
    assert table.origin.provider == provider
    assert len(table.frame) >= 1
    assert table.frame.geometry.is_valid.all()
    assert table.frame.crs is not None
    if "part" in table.frame:
        assert table.frame["part"].is_unique


@pytest.mark.parametrize("kind", ["Overpass", "XML", "OSM GeoJSON", "Overture JSON",
                                  "base map", "CityJSON"])  # fmt: skip
@pytest.mark.parametrize("suffix", [".json", ".txt", ".gpkg", ""])
def test_suffixes_do_not_mislead(samples, tmp_path, kind, suffix):
    path = shutil.copy(samples[kind], tmp_path / f"any{suffix}")
    assert read_buildings(path).notes[0] == f"read as {KINDS[kind][1]}"


def harmless(path):
    """Read a file; return whether it was refused, in one short line."""
    began = time.process_time()
    try:
        read_buildings(path)
    except HeidiError as error:
        refused = str(error)
        assert "\n" not in refused, refused
        assert 20 < len(refused) < 700, refused
        return True
    finally:
        assert time.process_time() - began < 20.0
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_refused(samples, tmp_path, kind):
    whole = samples[kind].read_bytes()
    path = tmp_path / f"cut{samples[kind].suffix}"
    lengths = np.unique(np.linspace(0, len(whole) - 2, 60).astype(int))
    for length in lengths:
        path.write_bytes(whole[:length])
        # A database may lose its last pages without loss of what is asked for.
        assert harmless(path) or samples[kind].suffix == ".gpkg", length


quiet = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("kind", KINDS)
@quiet
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_do_no_harm(samples, tmp_path, kind, changes):
    content = bytearray(samples[kind].read_bytes())
    for share, value in changes:
        content[min(int(share * len(content)), len(content) - 1)] = value
    path = tmp_path / f"changed{samples[kind].suffix}"
    path.write_bytes(content)
    harmless(path)


BEGINNINGS = [b"", b"{", b"PK\x03\x04", b"PAR1", b"SQLite format 3\0", b"<osm>",
              b'{"type":"CityJSON"', b"\xff\xfe"]  # fmt: skip


@quiet
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=300))
def test_random_bytes_are_refused(tmp_path, start, rest):
    path = tmp_path / "noise"
    path.write_bytes(start + rest)
    assert harmless(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(
        ["type", "features", "elements", "id", "tags", "nodes", "geometry", "coordinates",
         "members", "properties", "building", "CityObjects", "vertices", "boundaries"]),
        inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


def replaced(document, path, value):
    """Put a value in the place of some part of a document."""
    for number in path:
        keys = list(document) if isinstance(document, dict) else range(len(document))
        if not len(keys):
            return
        key = list(keys)[number % len(keys)]
        if not isinstance(document[key], dict | list) or number % 5 == 0:
            document[key] = value
            return
        document = document[key]


@pytest.mark.parametrize("kind", ["Overpass", "OSM GeoJSON", "Overture JSON", "base map",
                                  "CityJSON"])  # fmt: skip
@quiet
@given(st.lists(st.integers(0, 20), min_size=1, max_size=9), JSON)
def test_any_value_in_any_place_does_no_harm(samples, tmp_path, kind, place, value):
    document = json.loads(samples[kind].read_text())
    replaced(document, place, value)
    path = tmp_path / "strange.json"
    path.write_text(json.dumps(document))
    harmless(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "cp1252"])
@pytest.mark.parametrize("kind", ["Overpass", "OSM GeoJSON", "CityJSON", "base map"])
def test_other_encodings_read_or_are_refused(samples, tmp_path, kind, encoding):
    path = tmp_path / "other.json"
    path.write_bytes(samples[kind].read_text(encoding="utf-8").encode(encoding))
    assert not harmless(path)


def test_places_that_cannot_be_read_are_refused(tmp_path):
    assert harmless(tmp_path / "none.gpkg")
    assert harmless(tmp_path)
    with sqlite3.connect(tmp_path / "b.gpkg") as base:
        base.execute("create table buildings (id integer)")
    base.close()
    assert harmless(tmp_path / "b.gpkg")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    assert harmless(tmp_path / "z.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Bebyggelse.MAPBUILDING.geojson", b"0" * 50_000_000)
    assert harmless(tmp_path / "bomb.zip")


def test_half_letters_become_question_marks(samples, tmp_path):
    path = tmp_path / "half.json"
    content = samples["Overpass"].read_text(encoding="utf-8")
    path.write_text(content.replace("K\\u00e4llan", "K\\ud83dllan \\ud83c\\udfe0"))
    assert read_buildings(path).frame["name"].tolist() == ["K?llan \N{HOUSE BUILDING}"]


@pytest.mark.parametrize("kind", ["Overpass", "CityJSON", "GeoPackage", "Overture JSON"])
def test_a_lone_file_in_a_zip_reads_as_the_file(samples, tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(samples[kind], f"inside/{samples[kind].name}")
    table = read_buildings(tmp_path / "one.zip")
    assert table.notes == read_buildings(samples[kind]).notes
    with zipfile.ZipFile(tmp_path / "two.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "one.zip", "one.zip")
    assert harmless(tmp_path / "two.zip")


def test_a_zipped_shapefile_still_reads(tmp_path):
    plain_package(tmp_path / "b.gpkg")
    gpd.read_file(tmp_path / "b.gpkg").to_file(tmp_path / "b.shp")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for path in tmp_path.glob("b.*"):
            if path.suffix in (".shp", ".shx", ".dbf", ".prj"):
                archive.write(path, path.name)
    table = read_buildings(tmp_path / "b.zip")
    assert table.notes[0] == "read as a vector layer of no known provider"
    assert table.frame["id"].tolist() == ["a"]


def test_lines_of_features_read_as_one_collection(samples, tmp_path):
    document = json.loads(samples["OSM GeoJSON"].read_text())
    features = [{**document["features"][0], "id": f"way/{n}"} for n in range(3)]
    path = tmp_path / "lines.geojsonl"
    path.write_text("".join(json.dumps(feature) + "\n" for feature in features))
    assert read_buildings(path).frame["part"].tolist() == ["way/0", "way/1", "way/2"]


@pytest.mark.real
def test_gdals_areas_of_openstreetmap_are_known(shared_data, tmp_path):
    source = shared_data / "vector" / "osm_sample_planet_10.068_48.135.osm"
    own = read_buildings(source).frame.set_index("part")
    areas, _ = read_layer(source)
    areas.to_file(tmp_path / "areas.gpkg", layer="multipolygons")
    table = read_buildings(tmp_path / "areas.gpkg")
    assert table.notes[0] == "read as areas of OpenStreetMap by GDAL"
    theirs = table.frame.set_index("part")
    assert set(theirs.index) == set(own.index)
    assert theirs["building:levels"].equals(own.loc[theirs.index, "building:levels"])
