"""A plan is judged beside the rules of the city, and nothing else changes by it."""

import json
from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.candidate import Candidate, read_candidate
from gis.plan_rules import PlanRules, make_plan_rules
from gis.typical_year import typical_year
from twin.build import build
from twin.siting import Site, evaluate, prepare_site
from twin.siting_files import write_geojson
from twin.siting_plan import ask_plan, candidate_blocks
from twin.siting_record import evaluation_record
from twin.siting_words import verdict_words

MADE = date(2026, 3, 20)
LENGTH, WIDTH = 25.0, 8.0
GROUND, FLOOR, HEIGHT = 2.0, 4.0, 18.0
"""Of the ground, the stated ground floor [m RH2000], and the roof above that floor [m]."""


@pytest.fixture(scope="module")
def corner(lit) -> tuple[float, float]:
    """South-west corner of the candidate, EPSG:3008 [m]: south of two blocks."""
    west, south = lit.district.buildings.total_bounds[:2]
    return west + 20, south - 14


@pytest.fixture(scope="module")
def read(lit, corner, tmp_path_factory):
    """Read a candidate of blocks: offset east [m] and properties."""

    def reading(*blocks: tuple[float, dict]) -> Candidate:
        features = []
        for east, told in blocks:
            x, y = corner[0] + east, corner[1]
            given = {"height_m": HEIGHT, "base_m_rh2000": FLOOR, "use": "office"} | told
            outline = shapely.box(x, y, x + LENGTH, y + WIDTH)
            features.append(
                {
                    "type": "Feature",
                    "properties": given,
                    "geometry": shapely.geometry.mapping(outline),
                }
            )
        content = {
            "type": "FeatureCollection",
            "features": features,
            "crs": {"type": "name", "properties": {"name": "EPSG:3008"}},
        }
        path = tmp_path_factory.mktemp("asked") / "candidate.geojson"
        path.write_text(json.dumps(content), encoding="utf-8")
        return read_candidate(path, lit.district)

    return reading


@pytest.fixture(scope="module")
def candidate(read) -> Candidate:
    return read((0.0, {}))


@pytest.fixture(scope="module")
def site(lit) -> Site:
    return prepare_site(build(lit.district, typical_year(), spacing=4.0))


@pytest.fixture(scope="module")
def make_plan(corner):
    """Make a plan of rows; their zones reach 5 m around the candidate, or as told."""

    def making(*rows: dict, source: str = "dp <1283K>") -> PlanRules:
        x, y = corner
        around = shapely.box(x - 5, y - 5, x + LENGTH + 5, y + WIDTH + 5)
        frame = gpd.GeoDataFrame(
            [{k: v for k, v in row.items() if k != "zone_shape"} for row in rows],
            geometry=[row.get("zone_shape", around) for row in rows],
            crs=3008,
        )
        return make_plan_rules(frame, source=source, version="2024")

    return making


ZONE_AREA = 35.0 * 18.0
AREA = LENGTH * WIDTH


@pytest.mark.parametrize(
    ("row", "rule", "value"),
    [
        ({"anvandning": "K"}, "use", 0.0),
        ({"totalhojd": 20.0}, "total height", 20.0),
        ({"plushojd": 22.0}, "total height", 22.0),
        ({"vaningar": 5}, "storeys", 5.0),
        ({"bta": 5 * AREA}, "gross area", 5 * AREA),
        ({"e_tal": 5 * AREA / ZONE_AREA}, "e-tal", 5 * AREA / ZONE_AREA),
        ({"bya": AREA}, "building area", AREA),
        ({"avstand": 5.0}, "setback", 5.0),
        ({"golvniva": 4.0}, "floor level", 4.0),
        ({"korsmark": "ja", "use": "shed"}, "outbuildings only", 0.0),
    ],
)
def test_a_rule_is_kept_at_its_limit(lit, read, make_plan, row, rule, value):
    asked = read((0.0, {"use": row.pop("use", "office")}))
    asked = replace(asked, parts=asked.parts.assign(storeys=5.0))
    answer = ask_plan(asked, lit.district, make_plan(row))
    (finding,) = [f for f in answer.findings if f.rule == rule]
    assert finding.passed
    assert finding.value == pytest.approx(value)
    assert (finding.zone, finding.source) == ("zone-1", "dp <1283K>, version 2024")
    assert answer.open_rules == ()


@pytest.mark.parametrize(
    ("row", "rule", "value"),
    [
        ({"anvandning": "B"}, "use", AREA),
        ({"totalhojd": 19.9}, "total height", 20.0),
        ({"plushojd": 21.9}, "total height", 22.0),
        ({"vaningar": 4}, "storeys", 5.0),
        ({"bta": 5 * AREA - 1}, "gross area", 5 * AREA),
        ({"e_tal": 1.5}, "e-tal", 5 * AREA / ZONE_AREA),
        ({"bya": AREA - 1}, "building area", AREA),
        ({"exploateringsgrad": "30 %"}, "share of building area", AREA / ZONE_AREA),
        ({"avstand": 5.1}, "setback", 5.0),
        ({"prickmark": "ja"}, "no building", AREA),
        ({"korsmark": "ja"}, "outbuildings only", AREA),
        ({"anvandning": "PARK"}, "public ground", AREA),
        ({"golvniva": 4.1}, "floor level", 4.0),
    ],
)
def test_a_rule_is_broken_beyond_its_limit(lit, candidate, make_plan, row, rule, value):
    asked = replace(candidate, parts=candidate.parts.assign(storeys=5.0))
    answer = ask_plan(asked, lit.district, make_plan(row))
    (finding,) = [f for f in answer.findings if f.rule == rule]
    assert not finding.passed
    assert finding.value == pytest.approx(value)


def test_heights_are_counted_from_the_ground_and_not_from_a_raised_floor(lit, read):
    raised, plain = read((0.0, {})), read((0.0, {"base_m_rh2000": None}))
    (block,) = candidate_blocks(raised, lit.district)
    assert (block.height, block.roof, block.floor) == (20.0, 22.0, 4.0)
    (block,) = candidate_blocks(plain, lit.district)
    assert (block.height, block.roof, block.floor) == (18.0, 20.0, 2.0)


def test_each_block_is_judged_where_it_stands(lit, read, corner, make_plan):
    x, y = corner
    split = x + LENGTH + 1
    rows = (
        {"totalhojd": 40.0, "zone_shape": shapely.box(x - 5, y - 5, split, y + 20)},
        {"totalhojd": 12.0, "zone_shape": shapely.box(split, y - 5, split + 40, y + 20)},
    )
    asked = read((0.0, {"height_m": 30}), (LENGTH + 2, {"height_m": 8}))
    answer = ask_plan(asked, lit.district, make_plan(*rows))
    assert [(f.zone, f.value, f.passed) for f in answer.findings] == [
        ("zone-1", 32.0, True),
        ("zone-2", 10.0, True),
    ]


def test_standing_buildings_use_up_the_plot(lit, candidate, corner, make_plan):
    x, y = corner
    whole = shapely.box(x - 40, y - 5, x + 90, y + 100)
    plan = make_plan({"bya": 400.0, "bta": 9999.0, "zone_shape": whole})
    asked = replace(candidate, parts=candidate.parts.assign(storeys=5.0))
    answer = ask_plan(asked, lit.district, plan)
    (finding,) = answer.findings
    near = lit.district.buildings.geometry.intersection(whole).area.sum()
    assert near > 200
    assert finding.rule == "building area"
    assert finding.value == pytest.approx(AREA + near)
    (told,) = answer.open_rules
    assert "floors of 2 standing buildings in the zone are not known" in told.words


def test_without_a_plan_nothing_changes(site, candidate, make_plan):
    plain = evaluate(site, candidate)
    planned = evaluate(site, candidate, plan=make_plan({"totalhojd": 5.0}))
    assert (plain.plan, plain.open_rules) == (None, ())
    assert [f.rule for f in plain.findings] == ["flood level", "overlap"]
    assert planned.findings[:2] == plain.findings
    pd.testing.assert_frame_equal(planned.neighbours, plain.neighbours, check_exact=True)
    pd.testing.assert_series_equal(planned.own, plain.own, check_exact=True)
    record = evaluation_record(site, plain, made=MADE)
    assert not {"plan", "open_rules"} & set(record)
    assert all("zone" not in rule for rule in record["rules"])
    assert not any(credit.startswith("Plan") for credit in record["heidi"]["credits"])


def test_both_floors_are_judged_each_by_its_source(site, candidate, make_plan):
    """The city wants +3.5 m, this plan more."""
    found = evaluate(site, candidate, plan=make_plan({"golvniva": "+4,5"}))
    city, _, plan = found.findings
    assert (city.rule, city.passed, city.limit) == ("flood level", True, 3.5)
    assert (plan.rule, plan.passed, plan.limit) == ("floor level", False, 4.5)
    assert "City of Helsingborg" in city.source
    assert plan.source == "dp <1283K>, version 2024"
    assert not found.passed


@pytest.fixture(scope="module")
def asked(site, candidate, make_plan):
    """Evaluate by a plan with a rule kept, one broken and two that stay open."""
    plan = make_plan(
        {
            "id": "A1",
            "anvandning": "K",
            "totalhojd": "12",
            "vaningar": "IV",
            "formulering": "Fasad ska vara <av> tegel.",
            "plan": "dp <1283K>",
        },
        {
            "id": "elsewhere",
            "plan": "another",
            "bta": "900",
            "zone_shape": shapely.box(99_000, 6_213_000, 99_010, 6_213_010),
        },
    )
    return evaluate(site, candidate, plan=plan)


def test_the_record_holds_the_plan(site, asked):
    record = evaluation_record(site, asked, made=MADE)
    assert record["passed"] is False
    rules = {rule["rule"]: rule for rule in record["rules"]}
    assert list(rules) == [
        "flood level",
        "overlap",
        "inside the plan",
        "use",
        "total height",
    ]
    assert (rules["use"]["passed"], rules["use"]["zone"]) == (True, "A1")
    assert (rules["total height"]["passed"], rules["total height"]["value"]) == (
        False,
        20.0,
    )
    assert [rule["zone"] for rule in record["open_rules"]] == ["A1", "A1"]
    assert "4 storeys" in record["open_rules"][0]["words"]
    assert "Fasad ska vara <av> tegel" in record["open_rules"][1]["words"]
    assert all(
        rule["source"] == "dp <1283K>, version 2024" for rule in record["open_rules"]
    )
    assert record["plan"]["zones"] == ["A1"]
    assert record["plan"]["sources"] == ["dp <1283K>"], "the other zone rules nothing here"
    assert record["heidi"]["credits"][-1] == "Plan: dp <1283K>"
    assert any("its map and text count" in limit for limit in record["heidi"]["limits"])
    assert record["plan"]["notes"]
    json.dumps(record, allow_nan=False)


def test_the_map_holds_the_plan(site, asked, tmp_path):
    path = tmp_path / "evaluation.geojson"
    write_geojson(path, site, asked, made=MADE)
    own = gpd.read_file(path).iloc[0]
    assert not own["plan_passed"]
    assert own["plan_zones"] == "A1"
    assert own["plan_broken"].startswith("total height: 20.00 m in A1, at most 12.00 m")
    assert "A1: at most 4 storeys" in own["plan_to_be_checked"]
    heidi = json.loads(path.read_text("utf-8"))["heidi"]
    assert len(heidi["open_rules"]) == 2
    assert heidi["plan"]["zones"] == ["A1"]


def test_a_plan_of_elsewhere_is_told_and_breaks_nothing(site, candidate, make_plan, corner):
    x, y = corner
    far = shapely.box(x + 325, y, x + 350, y + 20)
    plan = make_plan({"id": "B7", "anvandning": "B", "totalhojd": 3.0, "zone_shape": far})
    found = evaluate(site, candidate, plan=plan)
    assert found.passed
    assert len(found.findings) == 2
    (told,) = found.open_rules
    assert "outside every zone of the plan" in told.words
    assert "B7, 300 m away" in told.words
    record = evaluation_record(site, found, made=MADE)
    assert verdict_words(record) == (
        "Both rules are kept; the plan does not reach this place"
    )
    assert record["plan"] == {"sources": ["dp <1283K>"], "zones": [], "notes": []}


def test_unknown_storeys_are_told_by_the_candidate_or_left_open(lit, candidate, make_plan):
    plan = make_plan({"vaningar": 5, "bta": 5 * AREA})
    unknown = replace(candidate, parts=candidate.parts.assign(storeys=np.nan))
    for silent in (candidate, unknown):
        answer = ask_plan(silent, lit.district, plan)
        assert answer.findings == ()
        assert len(answer.open_rules) == 2
    told = replace(candidate, parts=candidate.parts.assign(storeys=5.0, gross_area=999.0))
    values = {f.rule: f.value for f in ask_plan(told, lit.district, plan).findings}
    assert values == {"storeys": 5.0, "gross area": 999.0}
