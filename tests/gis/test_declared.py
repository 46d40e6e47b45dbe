"""Prove that declared heights reach the buildings they are meant for, and no others."""

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gis.declared
from gis.built import set_built
from gis.crs import PLAN, to_wgs84
from gis.declared import MOSTLY, NEAR, match_declared, with_height
from gis.errors import CrsError, TableError
from gis.footprints import repair_footprints
from gis.heidi import heidi_district
from gis.height_candidates import (
    attribute_candidates,
    declared_candidates,
    measured_candidates,
    storey_candidates,
)
from gis.height_fusion import fuse_heights
from gis.heights import STOREY, fill_heights, read_heights
from gis.sources.declared_heights import DeclaredHeights, read_declared
from gis.sources.origin import Origin

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "declared_heights.csv"

EAST, NORTH = 99_500.0, 6_213_400.0
"""South-western corner of the first house [m]."""


def at(x, y):
    return shapely.Point(EAST + x, NORTH + y)


def box(west, south, east, north):
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def houses():
    """Give a row: a house, one of tower and podium, two of one name with a lane between."""
    rows = [
        ("a", "a", "Prisma", "reg-1", box(0, 0, 20, 30)),
        ("b-1", "b", "Tura", "reg-2", box(40, 0, 52, 12)),
        ("b-2", "b", "Tura", "reg-2", box(52, 0, 75, 12)),
        ("c", "c", "Magasinet", "reg-3", box(100, 0, 112, 9)),
        ("d", "d", "MAGASINET", "reg-3", box(115, 0, 130, 9)),
    ]
    columns = ["part", "building", "name", "id", "geometry"]
    frame = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=PLAN)
    return frame.set_index("part")


def declared(*rows):
    """Rows as `read_declared` gives them."""
    empty = {
        "part": "", "building": "", "id": "", "name": "", "height": np.nan,
        "storeys": np.nan, "source": "builder", "year": np.nan, "uncertainty": np.nan,
        "built": np.nan,
        "geometry": None,
    }  # fmt: skip
    frame = gpd.GeoDataFrame(
        [empty | row for row in rows], geometry="geometry", columns=list(empty), crs=PLAN
    )
    labels = [f"row {number}" for number in range(2, len(rows) + 2)]
    origin = Origin("several", "declared heights", "not stated", "")
    return DeclaredHeights(frame.set_axis(labels), (), origin)


def found(*rows):
    """Heights by part."""
    return match_declared(houses(), declared(*rows))[0]["height"].to_dict()


def notes(*rows):
    return match_declared(houses(), declared(*rows))[1]


# --- who is meant ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({"part": "b-2"}, ["b-2"]),
        ({"building": "b"}, ["b-1", "b-2"]),
        ({"building": "reg-2"}, ["b-1", "b-2"]),
        ({"id": "b"}, ["b-1", "b-2"]),
        ({"id": "reg-2"}, ["b-1", "b-2"]),
        ({"id": "b-1"}, ["b-1"]),
        ({"name": "Tura"}, ["b-1", "b-2"]),
        ({"name": "  pRISMA "}, ["a"]),
        ({"geometry": at(60, 6)}, ["b-2"]),
        ({"geometry": at(-4.9, 9)}, ["a"]),
        ({"geometry": box(30, -10, 80, 20)}, ["b-1", "b-2"]),
        ({"geometry": box(-3, -3, 22, 18)}, ["a"]),
        ({"geometry": box(42, 2, 46, 6)}, ["b-1"]),
        ({"geometry": box(-9, 5, -2, 15)}, ["a"]),
    ],
    ids=["part id", "building id", "provider's id as building", "building as id",
         "provider's id", "part as id", "name", "name in other letters", "point inside",
         "point at the kerb", "polygon around both parts", "polygon over half",
         "polygon within a part", "polygon beside"],
)  # fmt: skip
def test_a_row_reaches_what_it_names(row, parts):
    assert found(row | {"height": 40.0}) == dict.fromkeys(parts, 40.0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"part": "b"}, "row 2: no such part"),
        ({"building": "x"}, "row 2: no such building"),
        ({"name": "Prisma 2"}, "row 2: no such name"),
        ({"name": "magasinet"}, "row 2: name of 2 buildings"),
        ({"id": "reg-3"}, "row 2: id of 2 buildings"),
        ({"geometry": at(-5.1, 9)}, "row 2: no footprint within 5 m"),
        ({"geometry": at(52, 6)}, "row 2: as near to b-1 as to b-2"),
        ({"geometry": at(113.5, 4)}, "row 2: as near to c as to d"),
        ({"part": "x", "name": "Y"}, "row 2: no such part and no such name"),
        ({"name": "Y", "geometry": at(-90, 0)},
         "row 2: no such name and no footprint within 5 m"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_told_and_not_guessed(row, why):
    told = notes(row | {"height": 40.0}, {"name": "Prisma", "height": 9.0})
    assert told == (
        "1 of 2 declared values found, for 1 part (1 by name)",
        f"1 declared value meant for no building, not used ({why})",
    )
    assert found(row | {"height": 40.0}) == {}


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ({"name": "magasinet", "geometry": at(105, 4)},
         "found by place only (row 2: name of 2 buildings)"),
        ({"part": "old", "building": "a"},
         "found by building id only (row 2: no such part)"),
        ({"geometry": at(-2.25, 9)},
         "beside a footprint, the nearest taken (row 2: 2.2 m)"),
        ({"geometry": box(2, 0, 5, 30)},
         "covering less than half of the footprint it is meant for (row 2: 15% of a)"),
        ({"name": "Prisma", "geometry": at(105, 4)},
         "found, but more than 5 m off the place that it states (row 2: 85 m)"),
        ({"building": "b"}, "given to all parts of a building (row 2: 2)"),
        ({"geometry": at(60, 6)},
         "meant for some parts only of a building (row 2: 1 of 2)"),
    ],
)  # fmt: skip
def test_what_is_less_than_certain_is_told(row, note):
    assert f"1 declared value {note}" in notes(row | {"height": 40.0})


def test_a_plain_match_needs_no_more_words():
    row = {"name": "Prisma", "geometry": at(3, 3), "height": 40.0}
    assert notes(row) == ("1 of 1 declared value found, for 1 part (1 by name)",)


def test_keys_are_believed_in_their_order():
    row = {"part": "b-1", "building": "a", "name": "Magasinet", "geometry": at(105, 4)}
    for key, parts in (("", ["b-1"]), ("part", ["a"]), ("building", ["c"])):
        row |= {key: ""} if key else {}
        assert list(found(row | {"height": 9.0})) == parts


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(-10, 140), st.floats(-10, 40)).map(lambda p: at(*p)),
        min_size=1,
        max_size=12,
    )
)
def test_places_are_found_as_a_search_through_all_footprints_finds_them(points):
    frame = houses()
    for point in points:
        gaps = shapely.distance(frame.geometry.to_numpy(), point)
        nearest = frame.index[gaps == gaps.min()]
        expected = nearest.tolist() if gaps.min() <= NEAR and len(nearest) == 1 else []
        row = {"geometry": point, "height": 9.0}
        assert list(found(row)) == expected


@settings(deadline=None, max_examples=60)
@given(st.floats(-10, 130), st.floats(-10, 25), st.floats(1, 90), st.floats(1, 40))
def test_polygons_take_the_footprints_that_mostly_lie_in_them(x, y, width, depth):
    frame = houses()
    shape = box(x, y, x + width, y + depth)
    common = frame.intersection(shape).area
    expected = set(frame.index[common / frame.area > MOSTLY])
    if not expected and common.max() > 0.0:
        expected = {common.idxmax()}
    if expected:
        assert set(found({"geometry": shape, "height": 9.0})) == expected


# --- several rows for one part ---------------------------------------------------------


def test_a_part_keeps_its_own_value_besides_that_of_its_building():
    rows = ({"building": "b", "height": 28.0}, {"part": "b-1", "height": 40.0})
    for some in (rows, rows[::-1]):
        assert found(*some) == {"b-1": 40.0, "b-2": 28.0}
    told = "1 part with a value of its own besides that of the building, its own kept (b-1)"
    assert told in notes(*rows)


def test_rows_that_contradict_each_other_are_refused_in_one_line():
    rows = (
        {"part": "a", "height": 40.0},
        {"part": "c", "height": 9.0},
        {"geometry": at(3, 3), "height": 28.0, "storeys": 5.0},
    )
    told = r"1 row contradict.*\(a: row 2 says 40 m, row 4 says 28 m with 5 storeys\)"
    with pytest.raises(TableError, match=told) as error:
        found(*rows)
    assert "\n" not in str(error.value)


def test_rows_that_repeat_each_other_count_once():
    rows = ({"name": "Prisma", "height": 40.0}, {"building": "a", "height": 40.0})
    assert found(*rows) == {"a": 40.0}
    assert "1 value declared twice alike, the first kept (a: row 3)" in notes(*rows)


# --- years of building -----------------------------------------------------------------


def test_heights_and_years_of_building_are_found_apart():
    """The permit of the block tells when, the plan of the tower how high."""
    rows = (
        {"geometry": at(46, 6), "storeys": 15.0, "source": "plan", "year": 2019.0},
        {"building": "b", "built": 2021.0, "source": "permit"},
        {"name": "Prisma", "height": 40.0, "built": 2020.0},
    )
    for some in (rows, rows[::-1]):
        table, told = match_declared(houses(), declared(*some))
        assert table["built"].to_dict() == {"a": 2020.0, "b-1": 2021.0, "b-2": 2021.0}
        assert table["built_source"].to_dict() == {
            "a": "builder", "b-1": "permit", "b-2": "permit",
        }  # fmt: skip
        assert table["source"].to_dict() == {"a": "builder", "b-1": "plan", "b-2": ""}
        high = with_height(table)
        assert high.index.tolist() == ["a", "b-1"]
        assert high.loc["b-1", "year"] == 2019.0
        declared_candidates(high)
        assert told[0].startswith("3 of 3 declared values found, for 3 parts")


def test_a_year_alone_leaves_no_height():
    table, _ = match_declared(houses(), declared({"name": "Prisma", "built": 2020.0}))
    assert with_height(table).empty
    assert [len(c.table) for c in declared_candidates(with_height(table))] == [0, 0]


def test_a_part_keeps_its_own_year_besides_that_of_its_building():
    rows = ({"building": "b", "built": 1990.0}, {"part": "b-1", "built": 2019.0})
    for some in (rows, rows[::-1]):
        table, told = match_declared(houses(), declared(*some))
        assert table["built"].to_dict() == {"b-1": 2019.0, "b-2": 1990.0}
        assert any("1 part with a year of building of its own" in note for note in told)


def test_years_that_contradict_each_other_are_refused_and_equal_ones_count_once():
    rows = [{"part": "a", "height": 40.0, "built": 2020.0}, {"part": "a", "built": 2021.0}]
    told = r"years of building.*\(a: row 2 says built 2020, row 3 says built 2021\)"
    with pytest.raises(TableError, match=told):
        found(*rows)
    rows[1]["built"] = 2020.0
    assert found(*rows) == {"a": 40.0}
    assert "1 year of building declared twice alike, the first kept (a: row 3)" in notes(
        *rows
    )


def test_a_declared_year_is_set_and_a_disagreement_told():
    frame = houses().assign(year=[np.nan, 2018.0, 2021.0, 1950.0, np.nan])
    rows = (
        {"name": "Prisma", "built": 2020.0},
        {"building": "b", "built": 2021.0, "source": "permit"},
    )
    table, _ = match_declared(frame, declared(*rows))
    dated, told = set_built(frame, table)
    assert dated["year"].tolist() == pytest.approx(
        [2020, 2021, 2021, 1950, math.nan], nan_ok=True
    )
    assert told == (
        "1 year of building unknown, taken as declared",
        "1 year of building other than stated, the declared taken "
        "(b-1: 2021 by permit, not 2018)",
    )
    assert np.isnan(frame["year"].iloc[0]), "what was handed in is left alone"
    again, silent = set_built(dated, table)
    assert again["year"].equals(dated["year"])
    assert silent == ()


def test_buildings_without_years_get_those_that_are_declared():
    table, _ = match_declared(houses(), declared({"part": "c", "built": 1890.0}))
    dated, _ = set_built(houses(), table)
    assert dated["year"].dropna().to_dict() == {"c": 1890.0}


def test_the_order_of_buildings_has_no_say():
    rows = declared(
        {"name": "Tura", "storeys": 15.0}, {"geometry": at(118, 4), "height": 7.0}
    )
    frame = houses()
    table, told = match_declared(frame, rows)
    again, told_again = match_declared(frame.iloc[::-1], rows)
    pd.testing.assert_frame_equal(again.loc[table.index], table)
    assert told_again == told
    assert table.index.tolist() == ["b-1", "b-2", "d"]
    assert frame.equals(houses())


# --- tables that cannot be used --------------------------------------------------------


def test_buildings_must_be_repaired_and_in_the_plan():
    row = declared({"name": "Prisma", "height": 40.0})
    with pytest.raises(TableError, match="column building"):
        match_declared(houses().drop(columns="building"), row)
    twice = pd.concat([houses(), houses()])
    with pytest.raises(TableError, match="unique index"):
        match_declared(twice, row)
    for frame in (houses().to_crs(3006), houses().set_crs(None, allow_override=True)):
        with pytest.raises(CrsError, match="EPSG:3008"):
            match_declared(frame, row)


def test_polygons_over_whole_quarters_cannot_pile_up(monkeypatch):
    """Four polygons over four footprints meet them 16 times."""
    monkeypatch.setattr(gis.declared, "MOST_MEETINGS", 15)
    rows = [{"geometry": box(30, -10, 140, 20), "height": 9.0}] * 4
    with pytest.raises(TableError, match="meet 16 footprints"):
        found(*rows)
    assert len(found(*rows[:3])) == 4


def test_places_are_looked_up_in_pieces_without_a_seam(monkeypatch):
    """The last polygon holds two parts; none of them would be found as the nearest."""
    rows = [
        {"geometry": box(-1, -1, 21, 31), "height": 9.0},
        {"geometry": box(99, -1, 113, 10), "height": 10.0},
        {"geometry": box(39, -1, 76, 13), "height": 11.0},
    ]
    monkeypatch.setattr(gis.declared, "_CHUNK", 2)
    assert found(*rows) == {"a": 9.0, "c": 10.0, "b-1": 11.0, "b-2": 11.0}


def test_buildings_need_neither_names_nor_ids_of_a_provider():
    frame = houses()[["building", "geometry"]]
    rows = declared({"name": "Prisma", "id": "a", "height": 40.0})
    assert match_declared(frame, rows)[0]["height"].to_dict() == {"a": 40.0}


def test_values_that_reach_nothing_make_an_empty_table_that_fuses():
    table, told = match_declared(houses(), declared({"name": "X", "height": 40.0}))
    assert told[0] == "none of 1 declared value found"
    fused = fuse_heights(houses(), list(declared_candidates(table)))
    assert fused.frame["height"].isna().all()


# --- from the file to the height -------------------------------------------------------


def test_a_house_that_a_scan_does_not_show_gets_its_declared_height(tmp_path):
    """Built 2020, flat in a scan of 2018; a Swedish spreadsheet knows its height."""
    longitude, latitude = to_wgs84(np.array([EAST + 45, NORTH + 5]))
    path = tmp_path / "höjder.csv"
    path.write_text(
        "Namn;Lon;Lat;Höjd (m);Våningar;Källa;År\n"
        "PRISMA;;;40,5;9;Byggherren;2020\n"
        f";{longitude:.7f};{latitude:.7f};;15;Bygglov – ritning;2021\n".replace(".", ","),
        encoding="cp1252",
    )
    frame = houses().assign(year=[2020.0, 2021.0, np.nan, 1950.0, 1950.0])
    roofs = pd.DataFrame(
        {"height": [3.1, np.nan, 12.0, 9.0, 9.5], "uncertainty": 0.2, "ground": 2.0,
         "status": ["measured", "bare ground", *["measured"] * 3]},
        index=frame.index,
    )  # fmt: skip
    scan = measured_candidates(roofs, kind="points", source="scan", year=2018)
    table, told = match_declared(frame, read_declared(path))
    assert told[0] == "2 of 2 declared values found, for 2 parts (1 by name, 1 by place)"
    fused = fuse_heights(frame, [scan, *declared_candidates(table)])
    assert fused.frame["height"].to_dict() == {
        "a": 40.5, "b-1": 15 * STOREY, "b-2": 12.0, "c": 9.0, "d": 9.5,
    }  # fmt: skip
    assert fused.frame.loc["a", "height_source"] == "declared: Byggherren"
    assert fused.frame.loc["b-1", "height_source"] == "storeys x 3 m: Bygglov – ritning"
    assert fused.frame.loc["a", "height_year"] == 2020.0
    assert fused.conflicts.loc["a", "why"] == "survey of 2018, built 2020"


def test_the_example_means_the_towers_of_the_embedded_district():
    read = read_declared(EXAMPLE)
    table, _ = match_declared(heidi_district().buildings, read)
    towers = ["heidi-103-tower", "heidi-104-tower", "heidi-127-tower"]
    assert sorted(with_height(table).index) == towers
    assert (read.table["source"].str.len() > 20).all()


def test_the_example_dates_the_embedded_district_as_it_is_dated():
    buildings = heidi_district().buildings
    table, told = match_declared(buildings, read_declared(EXAMPLE))
    assert told[0].startswith("10 of 10 declared values found, for 10 parts")
    dated, changed = set_built(buildings, table)
    assert dated["year"].equals(buildings["year"])
    assert changed == ()
    new = buildings.loc[table.index]
    assert (new["use"].isin(["office", "residential"]) & (new["year"] >= 2020)).all()


@pytest.mark.real
def test_the_new_blocks_of_oceanhamnen_get_their_published_heights(shared_data):
    """Their LiDAR shows a pier: 2.5 to 3.1 m, of which one is even marked as reliable."""
    given = gpd.read_file(shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg")
    heights, _ = read_heights(given)
    outlines = given[["uuid", "height_m", "geometry"]].assign(
        height=heights["height"], height_source=heights["height_source"],
        ground=heights["ground"],
    )  # fmt: skip
    frame, _ = repair_footprints(outlines)
    every, told = match_declared(frame, read_declared(EXAMPLE))
    table = with_height(every)
    number = given.assign(uuid=given["uuid"].astype(str)).set_index("uuid")["dtcc_index"]
    assert [int(number[part]) for part in table.index] == [1254, 1260, 1275]
    assert told[0] == "10 of 10 declared values found, for 10 parts (10 by place)"
    assert frame.loc[table.index, "height_m"].between(2.4, 3.2).all()
    surveyed = attribute_candidates(frame[["height", "height_source", "ground"]], year=2018)
    storeys, _ = storey_candidates(frame)
    before = fuse_heights(frame, [surveyed, storeys])
    fused = fuse_heights(frame, [surveyed, storeys, *declared_candidates(table)])
    new = fused.frame.loc[table.index]
    assert new["height"].tolist() == [40.0, 50.0, 15 * STOREY]
    assert new["height_source"].str.contains("floors").all()
    assert new["height_year"].tolist() == [2020, 2022, 2021]
    # The pier stays to be seen as a conflict, and no other building has changed.
    assert (
        fused.conflicts.loc[["C7ADA97A-C20F-448F-9BC2-EEC939781461"], "other"] < 4
    ).all()
    others = frame.index.difference(table.index)
    assert fused.frame.loc[others, "height"].equals(before.frame.loc[others, "height"])


@pytest.mark.real
def test_no_new_block_of_oceanhamnen_stays_as_flat_as_the_pier(shared_data):
    """Five blocks of 2.5 to 3.6 m are marked as reliable; all were built after the scan."""
    given = gpd.read_file(shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg")
    heights, _ = read_heights(given)
    outlines = given[["uuid", "geometry"]].assign(
        height=heights["height"], height_source=heights["height_source"],
        ground=heights["ground"],
    )  # fmt: skip
    frame, _ = repair_footprints(outlines)
    number = given.assign(uuid=given["uuid"].astype(str)).set_index("uuid")["dtcc_index"]
    table, _ = match_declared(frame, read_declared(EXAMPLE))
    blocks = [1230, 1231, 1238, 1254, 1260, 1261, 1262, 1269, 1270, 1275]
    assert sorted(int(number[part]) for part in table.index) == blocks

    def chosen(frame, matched):
        surveyed = attribute_candidates(
            frame[["height", "height_source", "ground"]], year=2018
        )
        return fill_heights(
            fuse_heights(
                frame, [surveyed, *declared_candidates(with_height(matched))]
            ).frame
        )[0]

    before = chosen(frame, table.iloc[:0])
    after = chosen(set_built(frame, table)[0], table)
    assert (before.loc[table.index, "height"] < 4.0).sum() == 5
    new = after.loc[table.index]
    assert new["height_source"].str.startswith(("declared", "storeys", "assumed")).all()
    assert (new["height"] > 10.0).all()
    assert (new["height_uncertainty"] > 0.5).all()
    # What was surveyed of all others still holds.
    others = frame.index.difference(table.index)
    surveyed = others[before.loc[others, "height_source"].str.startswith("attribute")]
    assert after.loc[surveyed, "height"].equals(before.loc[surveyed, "height"])
