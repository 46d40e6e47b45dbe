"""The GeoJSON of a siting answer holds every number, where and how RFC 7946 wants it."""

import json
from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.candidate import read_candidate
from gis.errors import OutputError
from gis.typical_year import typical_year
from twin.build import build
from twin.siting import Evaluation, Site, evaluate, prepare_site
from twin.siting_files import degrees_geometry, write_geojson
from twin.siting_record import NEIGHBOUR_UNITS, OWN_UNITS, plain

MADE = date(2026, 3, 20)
CENTIMETRES = 0.02
"""Seven decimals of a degree are 1.1 cm of latitude [m]."""


def candidate_text(west: float, south: float) -> str:
    """Return a block of 25 x 8 m, 18 m high, drawn clockwise."""
    outline = shapely.box(west, south, west + 25, south + 8, ccw=False)
    return json.dumps(
        {
            "type": "Feature",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3008"}},
            "properties": {"height_m": 18, "use": "office", "name": "Nya <kvarteret> Åsö"},
            "geometry": shapely.geometry.mapping(outline),
        }
    )


@pytest.fixture(scope="module")
def answer(lit, tmp_path_factory) -> tuple[Site, Evaluation]:
    """Two of the three blocks are one building; the candidate stands south of them."""
    buildings = lit.district.buildings.assign(building=["b1", "b1", "b3"])
    district = replace(lit.district, buildings=buildings)
    west, south = buildings.total_bounds[:2]
    path = tmp_path_factory.mktemp("asked") / "candidate.geojson"
    path.write_text(candidate_text(west + 20, south - 14), encoding="utf-8")
    site = prepare_site(build(district, typical_year(), spacing=2.5))
    return site, evaluate(site, read_candidate(path, district))


@pytest.fixture(scope="module")
def written(answer, tmp_path_factory):
    path = tmp_path_factory.mktemp("answer") / "evaluation.geojson"
    write_geojson(path, *answer, made=MADE)
    return path


@pytest.fixture(scope="module")
def document(written) -> dict:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    return json.loads(written.read_text(encoding="utf-8"), parse_constant=refuse)


def test_other_tools_read_every_building(answer, written):
    _, evaluation = answer
    frame = gpd.read_file(written)
    assert frame.crs.to_epsg() == 4326
    assert frame.is_valid.all()
    assert frame["kind"].tolist() == ["candidate"] + ["neighbour"] * len(frame.iloc[1:])
    assert frame["building"].tolist() == ["candidate", *evaluation.neighbours.index]
    assert frame["name"].iloc[0] == "Nya <kvarteret> Åsö"


def test_coordinates_come_back_to_the_plan(answer, written):
    site, evaluation = answer
    frame = gpd.read_file(written).to_crs(3008).set_index("building")
    own = frame.geometry["candidate"]
    assert own.hausdorff_distance(evaluation.candidate.outline) < CENTIMETRES
    for name, parts in site.built.district.buildings.groupby("building"):
        whole = shapely.union_all(parts.geometry.to_numpy())
        assert frame.geometry[name].hausdorff_distance(whole) < CENTIMETRES


def test_all_parts_of_a_neighbour_are_one_feature(document):
    (feature,) = [one for one in document["features"] if one["id"] == "b1"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert len(feature["geometry"]["coordinates"]) == 2


def test_longitude_comes_first_with_seven_decimals(document):
    for feature in document["features"]:
        corners = np.array(feature["geometry"]["coordinates"][0][0])
        assert ((corners > [12, 55]) & (corners < [14, 57])).all()
        assert (np.round(corners, 7) == corners).all()
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document, "RFC 7946 has no other system than CRS84"


def test_rings_follow_the_right_hand_rule():
    hole = shapely.box(99_510, 6_213_010, 99_520, 6_213_030)
    shape = shapely.box(99_500, 6_213_000, 99_550, 6_213_040, ccw=False) - hole
    outer, inner = degrees_geometry(shape)["coordinates"][0]
    assert shapely.LinearRing(outer).is_ccw
    assert not shapely.LinearRing(inner).is_ccw
    assert outer[0] == outer[-1]


def test_numbers_are_those_of_the_table(answer, document):
    _, evaluation = answer
    rows = [one["properties"] for one in document["features"][1:]]
    table = pd.DataFrame(rows).set_index("building")
    for column in evaluation.neighbours.columns.difference(["name", "use"]):
        wanted = evaluation.neighbours[column].to_numpy(np.float64)
        np.testing.assert_allclose(table[column], wanted, atol=0.00051, err_msg=column)
    assert set(NEIGHBOUR_UNITS) <= set(table.columns)


def test_lost_is_what_is_missing_after(document):
    for feature in document["features"][1:]:
        row = feature["properties"]
        for name in ("light_kwh", "pv_kwh", "sun_hours", "roof_kwh_m2", "facade_kwh_m2"):
            lost = row[f"{name}_before"] - row[f"{name}_after"]
            assert row[f"{name}_lost"] == pytest.approx(lost, abs=0.0016), name


def test_neighbours_are_found_where_they_are(answer, document):
    site, evaluation = answer
    outline = evaluation.candidate.outline
    shapes = site.built.district.buildings.geometry.groupby(
        site.built.district.buildings["building"]
    )
    for feature in document["features"][1:]:
        row = feature["properties"]
        away = min(outline.distance(s) for s in shapes.get_group(row["building"]))
        assert row["distance_m"] == pytest.approx(away, abs=0.001)
    first = document["features"][1]["properties"]
    assert first["building"] == "b1"
    assert not 90 < first["bearing_deg"] < 270, "the candidate stands south of it"


def test_the_candidate_carries_rules_and_its_own_light(answer, document):
    _, evaluation = answer
    own = document["features"][0]["properties"]
    assert own["flood_level_passed"] is False
    assert own["flood_level_limit"] == 3.5
    assert own["overlap_passed"] is True
    assert own["rules_passed"] is False
    assert own["footprint_m2"] == pytest.approx(25 * 8)
    assert own["height_m"] == 18
    assert own["pv_roof_kwh"] + own["pv_facade_kwh"] == pytest.approx(
        own["pv_kwh"], abs=0.002
    )
    assert own["enough_sun_percent"] == pytest.approx(
        100 * evaluation.own["enough_sun_share"], abs=0.001
    )


def test_the_file_says_on_what_it_rests(document):
    told = document["heidi"]
    assert told["label"] == "schematic, not survey data"
    assert "Made up for a test" in told["credits"]
    assert told["date"] == "2026-03-20"
    assert len(told["inputs"]) == 16
    assert len(told["method"]) == 3
    assert [rule["passed"] for rule in told["rules"]] == [False, True]


@pytest.mark.parametrize(("place", "kind"), [(0, "candidate"), (1, "neighbour")])
def test_every_number_has_a_unit(document, place, kind):
    units = document["heidi"]["units"][kind]
    row = document["features"][place]["properties"]
    numbers = {
        name
        for name, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    rules = {name for name in numbers if name.startswith(("flood_level", "overlap"))}
    assert numbers - rules - {"blocks"} == set(units)


def test_totals_are_the_sums(document):
    totals = document["heidi"]["totals"]
    rows = [one["properties"] for one in document["features"][1:]]
    assert totals["neighbours"] == len(rows)
    for name in ("light_kwh_before", "light_kwh_lost", "pv_kwh_lost", "enough_sun_lost_m2"):
        assert totals[name] == pytest.approx(sum(row[name] for row in rows), abs=0.01)
    share = 100 * totals["light_kwh_lost"] / totals["light_kwh_before"]
    assert totals["light_lost_percent"] == pytest.approx(share, abs=0.001)


def test_the_same_day_gives_the_same_bytes(answer, written, tmp_path):
    again, later = tmp_path / "again.geojson", tmp_path / "later.geojson"
    write_geojson(again, *answer, made=MADE)
    write_geojson(later, *answer, made=date(2026, 3, 21))
    assert again.read_bytes() == written.read_bytes()
    lines = zip(
        written.read_text("utf-8").splitlines(),
        later.read_text("utf-8").splitlines(),
        strict=True,
    )
    differing = [one for one, other in lines if one != other]
    assert [line.strip() for line in differing] == ['"date": "2026-03-20",']


def test_a_file_that_cannot_be_written_is_told(answer, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_geojson(tmp_path / "missing" / "evaluation.geojson", *answer)


def test_numbers_are_plain():
    assert plain(np.float32(0.12345)) == 0.123
    assert str(plain(-0.0001)) == "0.0"
    assert plain(np.int64(3)) == 3
    assert plain(np.bool_(False)) is False
    assert OWN_UNITS["pv_kwp"] == "kW"
