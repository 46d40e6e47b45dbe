"""Argue that Swedish plans are read as they are meant."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import CrsError, GeometryError, SourceError, TableError
from gis.plan_rules import PlanRules, make_plan_rules, read_plan_rules
from gis.plan_texts import LIMITS, letters_of, read_sentence

WEST, SOUTH = 99_700.0, 6_213_600.0
PLOT = shapely.box(WEST, SOUTH, WEST + 40, SOUTH + 30)


def table_of(**columns):
    count = len(next(iter(columns.values())))
    shapes = columns.pop("geometry", [PLOT] * count)
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=3008)


def only(rules):
    """Limits of the single zone that are not missing."""
    row = rules.zones.iloc[0]
    return {name: row[name] for name in LIMITS if not np.isnan(row[name])}


@pytest.mark.parametrize(
    ("column", "text", "wanted"),
    [
        ("nockhöjd", "12,5", {"ridge_height": 12.5}),
        ("Högsta nockhöjd", 9.0, {"ridge_height": 9.0}),
        ("NOCKHOJD", "+45,0", {"ridge_level": 45.0}),
        ("totalhöjd", "18 m", {"total_height": 18.0}),
        ("plushöjd", "52", {"total_level": 52.0}),
        ("Byggnadshöjd", "7", {"building_height": 7.0}),
        ("våningar", "IV", {"storeys": 4.0}),
        ("våningar", "XII", {"storeys": 12.0}),
        ("antal_vaningar", 6, {"storeys": 6.0}),
        ("BTA", "13 000 m2", {"gross_area": 13000.0}),
        ("e-tal", "1,8", {"floor_ratio": 1.8}),
        ("Exploateringsgrad", "25 %", {"building_share": 0.25}),
        ("exploateringsgrad", 25.0, {"building_share": 0.25}),
        ("exploateringsgrad", 0.25, {"building_share": 0.25}),
        ("byggnadsarea", "450 m²", {"building_area": 450.0}),
        ("minsta avstånd", "4,5", {"setback": 4.5}),
        ("lägsta golvnivå", "+3,5", {"flood_level": 3.5}),
    ],
)
def test_columns_are_understood(column, text, wanted):
    assert only(make_plan_rules(table_of(**{column: [text]}), source="made")) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Högsta nockhöjd är 12,0 meter", {"ridge_height": 12.0}),
        ("Högsta byggnadshöjd är 7 meter över medelmarknivå", {"building_height": 7.0}),
        ("Högsta totalhöjd är +45,0 meter över angivet nollplan", {"total_level": 45.0}),
        ("Högsta nockhöjd är 38 meter över nollplanet RH2000", {"ridge_level": 38.0}),
        ("Högsta antal våningar är 5", {"storeys": 5.0}),
        ("Största bruttoarea är 13 000 m²", {"gross_area": 13000.0}),
        ("Största byggnadsarea är 30 % av fastighetsarean", {"building_share": 0.3}),
        ("Största byggnadsarea är 450 m² inom egenskapsområdet", {"building_area": 450.0}),
        ("Byggnad ska placeras minst 4,5 meter från fastighetsgräns", {"setback": 4.5}),
        ("Färdigt golv ska ligga på lägst +3,5 meter", {"flood_level": 3.5}),
        ("Högsta totalhöjd är +40 meter över nollplanet RH70", {}),
        ("Fasad ska vara av tegel", {}),
    ],
)
def test_sentences_of_the_catalogue_are_understood(text, wanted):
    assert read_sentence(text).limits == wanted


@pytest.mark.parametrize(
    ("text", "no_building", "sheds_only"),
    [
        ("Marken får inte förses med byggnad", True, False),
        ("Marken får endast förses med komplementbyggnad", False, True),
        ("Prickmark", True, False),
        ("Högsta nockhöjd är 12 meter", False, False),
    ],
)
def test_dotted_and_crossed_ground(text, no_building, sheds_only):
    told = read_sentence(text)
    assert (told.no_building, told.sheds_only) == (no_building, sheds_only)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("BCK1", "BCK"),
        ("B1C2", "BC"),
        ("B, C", "BC"),
        ("Bostäder och kontor", "BK"),
        ("GATA", ""),
        ("PARK", ""),
        ("GC-VÄG", ""),
        ("LOKALGATA1", ""),
        ("Parkering", "P"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_letters_of_use(text, letters):
    assert "".join(letters_of(text)) == letters


def test_marks_uses_and_origin_stand_beside_the_limits():
    rules = make_plan_rules(
        table_of(
            id=["a", "b", "c"],
            användning=["BC", "GATA", "K"],
            prickmark=["nej", "", "ja"],
            korsmark=[False, True, False],
            plan=["1283K-1", "", "1283K-2"],
            lagakraft=["2019-05-01", "", ""],
        ),
        source="plans.gpkg",
        version="2024",
    )
    zones = rules.zones
    assert zones.index.to_list() == ["a", "b", "c"]
    assert zones["letters"].to_list() == ["BC", "", "K"]
    assert zones["public"].to_list() == [False, True, False]
    assert zones["no_building"].to_list() == [False, False, True]
    assert zones["sheds_only"].to_list() == [False, True, False]
    assert zones["source"].to_list() == ["1283K-1", "plans.gpkg", "1283K-2"]
    assert zones["version"].to_list() == ["2019-05-01", "2024", "2024"]
    assert rules.notes == ()


def test_bad_numbers_are_told_and_rule_nothing():
    rules = make_plan_rules(
        table_of(
            id=["a", "b", "c", "d"],
            nockhojd=["hög", "12", "-3", "5000"],
            bta=["1e99", "nan", "", "100"],
            geometry=[PLOT] * 4,
        ),
        source="made",
    )
    assert rules.zones["ridge_height"].to_list()[1] == 12.0
    assert rules.zones["ridge_height"].notna().sum() == 1
    assert rules.zones["gross_area"].notna().sum() == 1
    assert any(
        "1 value of nockhojd not readable" in n and "a: 'hög'" in n for n in rules.notes
    )
    assert any("2 values of ridge_height outside 1..400 m" in n for n in rules.notes)
    assert any("1 value of gross_area outside" in n for n in rules.notes)


def test_levels_above_another_zero_are_left_out():
    rules = make_plan_rules(
        table_of(
            totalhojd=["+45", "+46", "12"],
            höjdsystem=["RH70", "RH 2000", "RH70"],
            geometry=[PLOT] * 3,
        ),
        source="made",
    )
    assert rules.zones["total_level"].notna().to_list() == [False, True, False]
    assert rules.zones["total_height"].to_list()[2] == 12.0
    assert any("levels of 1 zone are in RH70" in note for note in rules.notes)


def test_what_only_people_understand_is_kept_with_its_zone():
    rules = make_plan_rules(
        table_of(
            id=["a", "b", "c", "d", "e"],
            nockhojd=["hög", "5000", "12", "", "9"],
            formulering=[
                "",
                "Högsta totalhöjd är 15 meter. Fasad ska vara av tegel.\nBalkong förbjuds",
                "Högsta totalhöjd är +40 meter över nollplanet RH70",
                "Högsta totalhöjd är 14 meter. Höjden räknas över angivet nollplan",
                "Lokaler ska finnas i bottenvåningen",
            ],
            användning=["B", "B", "B", "blandat", "B"],
        ),
        source="made",
    )
    assert rules.zones["unread"].map(str.splitlines).to_list() == [
        ["nockhojd hög"],
        ["Fasad ska vara av tegel.", "Balkong förbjuds", "ridge height 5000"],
        ["Högsta totalhöjd är +40 meter över nollplanet RH70"],
        ["use blandat"],
        ["Lokaler ska finnas i bottenvåningen"],
    ]
    assert rules.zones["total_height"].to_list()[1] == 15.0
    assert any("4 sentences not understood" in note for note in rules.notes)
    assert any("1 rule above another zero" in note for note in rules.notes)


def test_texts_are_made_printable():
    """A plan is shown on terminals and pages; it must not write there what it likes."""
    rules = make_plan_rules(
        table_of(
            id=["a\x1b[2J\nb"],
            användning=["B\u202e"],
            plan=["x" * 5000],
            formulering=["Fasad\x07 ska vara röd"],
        ),
        source="made",
    )
    row = rules.zones.iloc[0]
    assert rules.zones.index[0] == "a [2J b"
    assert (row["use"], row["letters"]) == ("B", "B")
    assert len(row["source"]) == 200
    assert row["unread"] == "Fasad ska vara röd"


def test_sentences_do_not_overrule_columns():
    rules = make_plan_rules(
        table_of(nockhojd=["10"], bestammelseformulering=["Högsta nockhöjd är 12 meter"]),
        source="made",
    )
    assert only(rules) == {"ridge_height": 10.0}


@settings(deadline=None, max_examples=60)
@given(
    text=st.text(max_size=60),
    number=st.one_of(st.floats(allow_nan=True), st.text(max_size=12)),
)
def test_whatever_stands_there_a_limit_is_a_number_or_none(text, number):
    rules = make_plan_rules(
        table_of(nockhojd=[str(number)], formulering=[text], prickmark=["ja"]),
        source="made",
    )
    value = rules.zones["ridge_height"].iloc[0]
    assert np.isnan(value) or 1.0 <= value <= 400.0


def test_files_of_any_kind_are_read(tmp_path):
    frame = table_of(nockhojd=["12,5"], anvandning=["B"]).to_crs(3006)
    for name in ("plan.gpkg", "plan.shp", "plan.geojson"):
        path = tmp_path / name
        (frame.to_crs(4326) if name.endswith("json") else frame).to_file(path)
        rules = read_plan_rules(path, version="2026")
        assert only(rules) == {"ridge_height": 12.5}
        assert rules.zones["source"].iloc[0] == name
        assert rules.zones["version"].iloc[0] == "2026"
        assert rules.zones.area.iloc[0] == pytest.approx(PLOT.area, rel=1e-5)


def test_rows_without_area_and_repeated_names():
    rules = make_plan_rules(
        table_of(
            id=["same", "same", "other"],
            bta=["100", "200", "300"],
            geometry=[PLOT, PLOT, shapely.Point(WEST, SOUTH)],
        ),
        source="made",
    )
    assert rules.zones.index.to_list() == ["zone-1", "zone-2"]
    assert any("1 row without an area" in note for note in rules.notes)


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (table_of(colour=["red"]), TableError, "must hold rules"),
        (
            table_of(bta=["9"], geometry=[shapely.Point(WEST, SOUTH)]),
            GeometryError,
            "no polygon",
        ),
        (
            table_of(bta=["9"]).set_crs(None, allow_override=True),
            CrsError,
            "reference system",
        ),
    ],
    ids=["no rules", "no areas", "nowhere"],
)
def test_what_is_no_plan_is_refused(frame, error, words):
    with pytest.raises(error, match=words):
        make_plan_rules(frame, source="made")


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("plan.gpkg", b"SQLite format 3\0 and no more", SourceError),
        ("plan.geojson", b'{"type": "FeatureCollection", "features": [', SourceError),
        ("plan.txt", b"Plan, A1, 12 m", SourceError),
        ("plan.gpkg", None, SourceError),
    ],
    ids=["truncated", "half a JSON", "text", "missing"],
)
def test_a_file_that_is_no_plan_is_one_line(tmp_path, name, content, error):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        read_plan_rules(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_of_nowhere_is_told_with_its_file(tmp_path):
    path = tmp_path / "plan.shp"
    table_of(bta=["900"]).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(CrsError, match=r"plan\.shp: .* reference system"):
        read_plan_rules(path)


def test_the_value_checks_its_table():
    zones = make_plan_rules(table_of(bta=["9"]), source="made").zones
    with pytest.raises(TableError, match="missing"):
        PlanRules(zones.drop(columns="setback"))
    with pytest.raises(CrsError, match="EPSG:3008"):
        PlanRules(zones.to_crs(3006))
    with pytest.raises(TableError, match="names of their own"):
        PlanRules(gpd.GeoDataFrame(zones.iloc[[0, 0]], crs=3008))
