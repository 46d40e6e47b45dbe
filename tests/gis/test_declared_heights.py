"""Prove that declared heights are read as they were meant, or refused in one clear line."""

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.crs import PLAN, from_wgs84
from gis.errors import HeidiError, TableError
from gis.sources import declared_heights, declared_places, delimited
from gis.sources.declared_heights import read_declared

EAST, NORTH = 99_586.0, 6_213_572.0
"""A place in Helsingborg, EPSG:3008 [m]."""

LONGITUDE, LATITUDE = 12.69109, 56.04234
"""Very nearly the same place [degrees]."""


def write(folder, text, *, name="d.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


# --- tables of text --------------------------------------------------------------------

PLAIN = "name,height_m,source,year\nPrisma,40.5,builder,2020\nGrönhuset,28,permit,\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
def test_spreadsheets_may_export_as_they_like(tmp_path, delimiter, encoding, ends):
    text = PLAIN.replace(",", delimiter).replace("\n", ends)
    read = read_declared(write(tmp_path, text, encoding=encoding))
    assert read.table.index.tolist() == ["row 2 (Prisma)", "row 3 (Grönhuset)"]
    assert read.table["height"].tolist() == [40.5, 28.0]
    assert read.table["year"].tolist() == pytest.approx([2020, math.nan], nan_ok=True)
    assert read.table["storeys"].isna().all()
    assert read.table.geometry.isna().all()
    mended = "text of d.csv is not UTF-8, read as Windows-1252"
    assert (mended in read.notes) == (encoding == "cp1252")


def test_a_swedish_export_is_understood(tmp_path):
    """Semicolons, decimal commas, Windows-1252 with a dash that Latin-1 does not have."""
    text = (
        "sep=;\r\n"
        "Namn;Koordinatsystem;Öst;Nord;Höjd (m);Våningar;Källa;År;Osäkerhet [m]\r\n"
        "Trävågen;SWEREF99 13 30;99 586,5;6 213 572,25;40,5;9;Bygglov 2019 – ritning;"
        "2020;0,5\r\n"
        "\r\n"
        "Öbacken;EPSG:3006;356334;6213379;;5;Fastighetsägaren;;\r\n"
    )
    table = read_declared(write(tmp_path, text, encoding="cp1252")).table
    first, second = table.iloc[0], table.iloc[1]
    assert (first["name"], first["height"], first["storeys"]) == ("Trävågen", 40.5, 9.0)
    assert first["source"] == "Bygglov 2019 – ritning"
    assert (first["year"], first["uncertainty"]) == (2020.0, 0.5)
    assert (first.geometry.x, first.geometry.y) == (99_586.5, 6_213_572.25)
    # As Excel numbers its rows: the line "sep=;" is not shown, the blank one is.
    assert table.index.tolist() == ["row 2 (Trävågen)", "row 4 (Öbacken)"]
    assert (math.isnan(second["height"]), second["storeys"]) == (True, 5.0)
    # The facts sheet gives both coordinates for Knutpunkten, in whole metres.
    assert second.geometry.distance(shapely.Point(99_745, 6_213_759)) < 1.0


@pytest.mark.parametrize("text", ["3008", "EPSG:3008", "SWEREF99 13 30", "sweref 99 1330"])
def test_the_plan_of_the_city_has_many_names(tmp_path, text):
    rows = f"easting,northing,crs,height_m,source\n{EAST},{NORTH},{text},9,x\n"
    place = read_declared(write(tmp_path, rows)).table.geometry.iloc[0]
    assert place.equals(shapely.Point(EAST, NORTH))


def test_swedish_plans_have_the_codes_of_the_register():
    for zone, code in declared_places._SWEREF_CODES.items():
        named = zone if zone == "TM" else f"{zone[:2]} {zone[2:]}"
        assert CRS.from_epsg(code).name.replace("SWEREF99", "").strip() == named


def test_longitude_and_latitude_come_to_the_plan(tmp_path):
    rows = f"Lat;Lon;height;source\n{LATITUDE};{LONGITUDE};9;x\n".replace(".", ",")
    place = read_declared(write(tmp_path, rows)).table.geometry.iloc[0]
    expected = from_wgs84(np.array([LONGITUDE, LATITUDE]))
    assert (place.x, place.y) == pytest.approx(tuple(expected), abs=1e-6)


def test_rows_without_value_and_source_are_passed_over_and_told(tmp_path):
    rows = "id,height_m,storeys,source,colour\n1,,,,red\n2,9,,x,\n3,-,NaN,,\n"
    read = read_declared(write(tmp_path, rows))
    assert read.table["id"].tolist() == ["2"]
    assert read.notes == (
        "1 declared height read",
        "2 rows without height, storeys and source passed over",
        "1 column not understood, passed over ('colour')",
    )


@pytest.mark.parametrize(
    "column", ["built", "Year built", "BYGGÅR", "Byggnadsår", "byggar", "Bygga\u030ar"]
)
def test_a_row_may_tell_only_when_a_house_was_built(tmp_path, column):
    """``year`` stays that of the statement."""
    rows = f"name,{column},year,height_m,source\nPrisma,2020,2023,,x\nTura,,2021,45,y\n"
    read = read_declared(write(tmp_path, rows))
    assert read.table["built"].tolist() == pytest.approx([2020, math.nan], nan_ok=True)
    assert read.table["year"].tolist() == [2023, 2021]
    assert np.isnan(read.table["height"].iloc[0])
    assert read.notes == ("1 declared height read", "1 declared year of building read")


def test_a_table_of_years_alone_is_understood(tmp_path):
    read = read_declared(write(tmp_path, "name;byggår;källa\nPrisma;2020;x\n"))
    assert read.notes == ("1 declared year of building read",)
    assert read.table[["height", "storeys"]].isna().all(axis=None)


def test_years_of_a_register_without_source_are_no_statements(tmp_path):
    """A register tells of every house when it was built; one has a declared height."""
    rows = "id,byggår,height_m,source\n1,1930,,\n2,2020,40,builder\n3,0,,\n"
    read = read_declared(write(tmp_path, rows))
    assert read.table["built"].tolist() == [2020.0]
    assert "2 rows without height, storeys and source passed over" in read.notes


def test_an_uncertainty_without_a_height_is_not_used_silently(tmp_path):
    rows = "id,built,source,uncertainty_m\n7,2020,x,2\n"
    note = "1 uncertainty without a height not used (row 2 (7))"
    assert read_declared(write(tmp_path, rows)).notes[-1] == note


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("20,x", "must have built as a number of 1000..2100, got '20'"),
        ("2020-05,x", "got '2020-05'"),
        ("2400,x", "got '2400'"),
        (",x", "must have a height, storeys or built, got none"),
    ],
)
def test_an_impossible_year_of_building_is_named_in_one_line(tmp_path, cells, told):
    with pytest.raises(TableError) as error:
        read_declared(write(tmp_path, f"name,built,source\nTura,{cells}\nPrisma,2020,y\n"))
    assert is_one_clear_line(error)
    assert told in str(error.value)


def test_an_uncertainty_of_storeys_is_not_used_silently(tmp_path):
    rows = "id,storeys,source,uncertainty_m\n7,5,x,2\n"
    assert read_declared(write(tmp_path, rows)).notes[-1] == (
        "1 uncertainty of values by storeys not used: theirs is assumed (row 2 (7))"
    )


def test_who_answers_is_credited(tmp_path):
    rows = "id,height_m,source,year\n1,9,city,2019\n2,9,owner,2021\n3,9,city,2020\n"
    origin = read_declared(write(tmp_path, rows)).origin
    assert origin.credit == "Declared heights: city; owner"
    assert origin.year == 2021
    many = "id,height_m,source\n" + "".join(f"{i},9,{'s' * 30}{i}\n" for i in range(9))
    credit = read_declared(write(tmp_path, many)).origin.credit
    assert credit == "Declared heights: 9 sources named in d.csv"


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.floats(2.0, 200.0).map(lambda h: round(h, 2)),
            st.text(
                st.characters(codec="cp1252", categories=["L", "N", "P"]), min_size=1
            ).filter(
                lambda t: t.lower() not in {"-", "–", "nan", "null", "none", "na", "n/a"}
            ),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_is_written_is_read(tmp_path_factory, rows, delimiter):
    """A table goes out by another writer and comes back, whatever stands in its cells."""
    path = tmp_path_factory.mktemp("written") / "d.csv"
    names = [f"house {i}" for i in range(len(rows))]
    heights, sources = zip(*rows, strict=True)
    table = pd.DataFrame({"name": names, "height_m": heights, "source": sources})
    table.to_csv(path, sep=delimiter, index=False, encoding="utf-8")
    read = read_declared(path).table
    assert read["height"].tolist() == list(heights)
    assert read["name"].tolist() == names


# --- vector files ----------------------------------------------------------------------


def layer(**columns):
    shapes = [shapely.Point(EAST, NORTH), shapely.box(EAST, NORTH, EAST + 20, NORTH + 9)]
    return gpd.GeoDataFrame(
        {"source": ["builder", "permit"]} | columns, geometry=shapes, crs=PLAN
    )


@pytest.mark.parametrize("name", ["d.gpkg", "d.geojson", "d.fgb"])
def test_any_vector_file_gives_points_and_areas(tmp_path, name):
    path = tmp_path / name
    frame = layer(Namn=["Prisma", "Tura"], HÖJD=[40.5, np.nan], Våningar=[None, 15])
    if name.endswith("geojson"):
        frame = frame.to_crs(4326)
    frame.to_file(path)
    read = read_declared(path)
    # FlatGeobuf keeps its features in an order of its own.
    table = read.table.sort_values("name")
    assert set(table.index.str[:9]) == {"feature 1", "feature 2"}
    assert table["name"].tolist() == ["Prisma", "Tura"]
    assert table["height"].tolist() == pytest.approx([40.5, np.nan], nan_ok=True)
    assert table["storeys"].tolist() == pytest.approx([np.nan, 15], nan_ok=True)
    assert table.crs == PLAN
    point, area = table.geometry
    assert point.distance(shapely.Point(EAST, NORTH)) < 1e-3
    assert area.area == pytest.approx(180.0, abs=0.05)


def test_a_layer_of_the_city_may_be_filled_in_part(tmp_path):
    """Hundreds of buildings are exported, two get a height."""
    frame = gpd.GeoDataFrame(
        {"uuid": [f"u{i}" for i in range(300)], "height_m": np.nan, "source": ""},
        geometry=[shapely.box(EAST + 9 * i, NORTH, EAST + 9 * i + 5, NORTH + 5)
                  for i in range(300)],
        crs=PLAN,
    )  # fmt: skip
    frame.loc[[7, 90], ["height_m", "source"]] = [[40.0, "builder"], [9.0, "owner"]]
    frame.to_file(tmp_path / "d.gpkg")
    read = read_declared(tmp_path / "d.gpkg")
    assert read.table["id"].tolist() == ["u7", "u90"]
    assert "298 rows without height, storeys and source passed over" in read.notes


def test_a_crossed_outline_is_mended(tmp_path):
    """Two triangles of 10 m by 5 m; the corners in a row cross."""
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    shape = shapely.transform(bow, lambda xy: xy + np.array([EAST, NORTH]))
    gpd.GeoDataFrame(
        {"height_m": [9.0], "source": ["x"]}, geometry=[shape], crs=PLAN
    ).to_file(tmp_path / "d.gpkg")
    place = read_declared(tmp_path / "d.gpkg").table.geometry.iloc[0]
    assert shapely.is_valid(place)
    assert place.area == pytest.approx(50.0)


# --- refused ---------------------------------------------------------------------------

HEAD = "name,height_m,storeys,year,uncertainty_m,source\n"
GOOD = "Prisma,40,9,2020,1,builder\n"


def is_one_clear_line(error):
    text = str(error.value)
    return "\n" not in text and 20 < len(text) < 700 and "Traceback" not in text


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Tura,tall,,,,x", "row 3 (Tura) must have height_m as a number of 2..200 m"),
        ("Tura,-40,,,,x", "got '-40'"),
        ("Tura,0,,,,x", "got '0'"),
        ("Tura,1e9,,,,x", "got '1e9'"),
        ("Tura,4000 cm,,,,x", "got '4000 cm'"),
        ("Tura,40-45,,,,x", "got '40-45'"),
        ("Tura,inf,,,,x", "got 'inf'"),
        ("Tura,NaN,,,,x", "row 3 (Tura) must have a height or storeys, got none"),
        ("Tura,,,2021,,x", "row 3 (Tura) must have a height or storeys, got none"),
        ("Tura,,0,,,x", "must have storeys as a number of 1..66"),
        ("Tura,,15 m,,,x", "got '15 m'"),
        ("Tura,,400,,,x", "got '400'"),
        ("Tura,9,9,,,x", "row 3 (Tura) cannot have 9 storeys in 9 m"),
        ("Tura,40,,21,,x", "must have year as a number of 1000..2100"),
        ("Tura,40,,,0,x", "must have uncertainty_m as a number"),
        ("Tura,40,,,-1,x", "got '-1'"),
        ("Tura,40,,,,", "row 3 (Tura) must have a source, got none"),
        (",40,,,,x", "row 3 must say which building is meant, got none"),
        (f"{'T' * 201},40,,,,x", "must have name of at most 200 letters, got 201"),
        ("Tura,40,5,,,x,more", "row 3 has 7"),
        ("Tura,40,5,,x", "row 3 has 5"),
        ("Tura,40,5,,,x,,", "row 3 has 8"),
        ('"Tura,40,5,,,x', "row 3 is not readable"),
    ],
)
def test_an_impossible_row_is_named_in_one_line(tmp_path, row, told):
    path = write(tmp_path, HEAD + GOOD + row + "\n")
    with pytest.raises(TableError) as error:
        read_declared(path)
    assert is_one_clear_line(error)
    assert told in str(error.value)
    assert "d.csv" in str(error.value)


def test_many_faults_are_named_by_the_first_five_and_the_count(tmp_path):
    path = write(tmp_path, HEAD + "".join(f"house {i},tall,,,,x\n" for i in range(9)))
    with pytest.raises(TableError, match=r"row 6 \(house 4\).* and 4 more") as error:
        read_declared(path)
    assert "house 5" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (" \n \n", "is empty"),
        ("name,height_m,source\n", "line of column names and rows below"),
        ("Here are the heights.\nPrisma is tall.\n", "line of column names"),
        ("name,height_m\nPrisma,40\n", "column source"),
        ("name,source\nPrisma,x\n", "column height_m"),
        ("name,top_m,source\nPrisma,43,x\n", "above ground"),
        ("height_m,source\n40,x\n", "which building is meant"),
        ("name,height_m,höjd,source\nPrisma,40,41,x\n", "one column for height"),
        ("name,height_m,height_m,source\nPrisma,40,41,x\n", "different names"),
        ("name,Height_m,height_m,source\nPrisma,40,41,x\n", "one column for height"),
        ("name,height_cm,source\nPrisma,4000,x\n", "column height_m"),
        ("name,height_m,source\n,,\nPrisma,,\n", "d.csv has none in 1 row;"),
        ("x,y,height_m,source\n99586,6213572,9,x\n", "without one; add a column epsg"),
        ("x,y,epsg,height_m,source\n99586,6213572,,9,x\n", "row 2 must have a reference"),
        ("x,y,epsg,height_m,source\n99586,6213572,9999999,9,x\n", "such as 3008"),
        ("x,y,epsg,height_m,source\n99586,6213572,+init=x,9,x\n", "such as 3008"),
        ("x,y,epsg,height_m,source\n99586,6213572,5613,9,x\n", "such as 3008"),
        ("x,epsg,height_m,source\n99586,3008,9,x\n", "east and north, one is missing"),
        ("lon,lat,x,y,epsg,height_m,source\n1,2,3,4,5,6,x\n", "a place once"),
        ("lon,lat,height_m,source\n56.04,12.69,9,x\n", "axes are swapped"),
        ("lon,lat,height_m,source\n99586,6213572,9,x\n", "must be degrees"),
        ("lon,lat,height_m,source\n12.69,,9,x\n", "its place as two numbers, got '12.69'"),
        ("lon,lat,height_m,source\nhere,there,9,x\n", "its place as two numbers"),
        ("lon,lat,height_m,source\n1e400,56,9,x\n", "its place as two numbers"),
        ("lon,lat,height_m,source\n12.69,56.04,9,x\n12.69,56.04,9,x\n-70,40,9,x\n",
         "row 4 must have its place where EPSG:3008 holds, got -70, 40"),
        ("lon,lat,height_m,source\n12,69,56,04,9,x\n", "put semicolons"),
        ("x,y,epsg,height_m,source\n" + "".join(
            f"99586,6213572,{3006 + i},9,x\n" for i in range(11)), "at most 10 reference"),
    ],
)  # fmt: skip
def test_an_unusable_table_is_refused_in_one_line(tmp_path, text, told):
    with pytest.raises(HeidiError) as error:
        read_declared(write(tmp_path, text))
    assert is_one_clear_line(error)
    assert told in str(error.value)


def absent(folder):
    return folder / "absent.csv"


def a_folder(folder):
    return folder


def noise(folder):
    (folder / "d.csv").write_bytes(np.random.default_rng(5).bytes(4096))
    return folder / "d.csv"


def letters_of_no_alphabet(folder):
    (folder / "d.csv").write_bytes(b"name,height_m,source\nPrisma\x81,40,x\n")
    return folder / "d.csv"


def half_of_utf_16(folder):
    (folder / "d.csv").write_bytes((PLAIN.encode("utf-16"))[:-1])
    return folder / "d.csv"


def a_workbook(folder):
    (folder / "d.xlsx").write_bytes(b"PK\x03\x04" + bytes(200))
    return folder / "d.xlsx"


def a_wide_header(folder):
    return write(folder, "a;" * 600 + "source\n" + "1;" * 600 + "x\n")


def an_endless_cell(folder):
    return write(folder, f"name,height_m,source\nPrisma,40,{'x' * 200_000}\n")


def a_cut_off_layer(folder):
    layer(height=[9.0, 9.0]).to_crs(4326).to_file(folder / "d.geojson")
    text = (folder / "d.geojson").read_text()
    (folder / "d.geojson").write_text(text[:-60])
    return folder / "d.geojson"


def a_layer_of_lines(folder):
    line = shapely.LineString([(EAST, NORTH), (EAST + 9, NORTH)])
    frame = gpd.GeoDataFrame({"height": [9.0], "source": "x"}, geometry=[line], crs=PLAN)
    frame.to_file(folder / "d.gpkg")
    return folder / "d.gpkg"


def a_layer_of_no_system(folder):
    layer(height=[9.0, 9.0]).set_crs(None, allow_override=True).to_file(folder / "d.gpkg")
    return folder / "d.gpkg"


def a_layer_as_large_as_the_harbour(folder):
    shape = shapely.box(EAST, NORTH, EAST + 900, NORTH + 900)
    frame = gpd.GeoDataFrame({"height": [9.0], "source": "x"}, geometry=[shape], crs=PLAN)
    frame.to_file(folder / "d.gpkg")
    return folder / "d.gpkg"


def a_layer_of_flags(folder):
    layer(height=[True, False]).to_file(folder / "d.gpkg")
    return folder / "d.gpkg"


def a_place_nowhere(folder):
    place = {"type": "Point", "coordinates": [1e300, -1e300]}
    feature = {"type": "Feature", "properties": {"height": 9, "source": "x"}}
    text = {"type": "FeatureCollection", "features": [feature | {"geometry": place}]}
    (folder / "d.geojson").write_text(json.dumps(text))
    return folder / "d.geojson"


@pytest.mark.parametrize(
    "make",
    [absent, a_folder, noise, letters_of_no_alphabet, half_of_utf_16, a_workbook,
     a_wide_header, an_endless_cell, a_cut_off_layer, a_layer_of_lines,
     a_layer_of_no_system, a_layer_as_large_as_the_harbour, a_layer_of_flags,
     a_place_nowhere],
    ids=lambda make: make.__name__,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*crs. was not provided")
def test_a_bad_file_is_refused_in_one_line(tmp_path, make):
    with pytest.raises(HeidiError) as error:
        read_declared(make(tmp_path))
    assert is_one_clear_line(error)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = write(tmp_path, HEAD + GOOD * 4)
    monkeypatch.setattr(delimited, "MOST_ROWS", 3)
    with pytest.raises(TableError, match="at most 3 rows"):
        read_declared(path)
    monkeypatch.setattr(declared_heights, "MOST_BYTES", 50)
    with pytest.raises(HeidiError, match="at most 50 bytes"):
        read_declared(path)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_damage_is_survived(tmp_path_factory, noise, at):
    """Bytes put into a good table: it is read, or refused in one line."""
    good = (HEAD + GOOD * 3).encode()
    path = tmp_path_factory.mktemp("damaged") / "d.csv"
    path.write_bytes(good[:at] + noise + good[at:])
    try:
        table = read_declared(path).table
    except HeidiError as error:
        told = str(error)
    else:
        told = ""
        value = table["height"].fillna(table["storeys"] * 3.0)
        assert value.between(2.0, 200.0).all()
        assert (table["source"] != "").all()
    assert len(told.splitlines()) <= 1
