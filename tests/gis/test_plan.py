"""Rules of the place are applied by their number."""

from dataclasses import replace

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from gis.plan import (
    FLOOD_LEVEL,
    Proposal,
    judge_flood,
    judge_overlap,
    judge_plan,
    open_rules,
)
from gis.plan_rules import make_plan_rules


@pytest.fixture
def buildings() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": ["Named", ""]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 5)],
        index=["p1", "p2"],
        crs=3008,
    )


@pytest.mark.parametrize(
    ("floor", "passed"), [(3.5, True), (3.499, False), (-1.0, False), (12.0, True)]
)
def test_the_flood_level_itself_is_high_enough(floor, passed):
    finding = judge_flood(floor, floor_source="told")
    assert finding.passed is passed
    assert (finding.value, finding.limit, finding.unit) == (floor, 3.5, "m RH2000")
    assert f"{abs(floor - FLOOD_LEVEL):.2f} m" in finding.words
    assert "Helsingborg" in finding.source


def test_shared_ground_is_measured_and_its_owners_named(buildings):
    finding = judge_overlap(shapely.box(8, 0, 22, 5), buildings)
    assert not finding.passed
    assert finding.value == pytest.approx(2 * 5 + 2 * 5)
    assert "Named, p2" in finding.words


@pytest.mark.parametrize(
    "outline",
    [shapely.box(10, 0, 20, 10), shapely.box(100, 100, 110, 110)],
    ids=["touching both neighbours", "far away"],
)
def test_touching_is_no_overlap(buildings, outline):
    finding = judge_overlap(outline, buildings)
    assert finding.passed
    assert finding.value == 0.0


WEST, SOUTH = 99_700.0, 6_213_600.0


def zone(west=0.0, south=0.0, east=40.0, north=30.0):
    return shapely.box(WEST + west, SOUTH + south, WEST + east, SOUTH + north)


def rules_of(*rows):
    """Rules of rows of columns, each with its zone."""
    frame = gpd.GeoDataFrame(
        [{k: v for k, v in row.items() if k != "zone"} for row in rows],
        geometry=[row.get("zone", zone()) for row in rows],
        crs=3008,
    )
    return make_plan_rules(frame, source="made", version="2")


HOUSE = Proposal(zone(5, 6, 25, 16), height=12.0, floor=3.6, use="residential", storeys=4)
"""20 m x 10 m, four storeys, 4 m or more from every side of the plot."""


def finding_of(proposal, rules, name, **more):
    """Return the single finding of a rule."""
    found = [f for f in judge_plan(proposal, rules, **more) if f.rule == name]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("column", "limit", "name", "value", "unit"),
    [
        ("byggnadshojd", 12.0, "building height", 12.0, "m"),
        ("nockhojd", 12.0, "ridge height", 12.0, "m"),
        ("totalhojd", 12.0, "total height", 12.0, "m"),
        ("plushojd", 15.6, "total height", 15.6, "m RH2000"),
        ("vaningar", 4, "storeys", 4, ""),
        ("bta", 800.0, "gross area", 800.0, "m2"),
        ("e_tal", 800 / 1200, "e-tal", 800 / 1200, ""),
        ("bya", 200.0, "building area", 200.0, "m2"),
        ("exploateringsgrad", 200 / 1200, "share of building area", 200 / 1200, ""),
    ],
)
@pytest.mark.parametrize("over", [True, False])
def test_a_limit_is_kept_up_to_itself(column, limit, name, value, unit, over):
    rules = rules_of({column: limit * (0.99 if over else 1.0)})
    finding = finding_of(HOUSE, rules, name)
    assert finding.passed is not over
    assert finding.value == pytest.approx(value)
    assert finding.limit == pytest.approx(limit * (0.99 if over else 1.0))
    assert finding.unit == unit
    assert finding.source == "made, version 2"


@pytest.mark.parametrize(
    ("column", "limit", "name", "value"),
    [("avstand", 5.0, "setback", 5.0), ("golvniva", 3.6, "floor level", 3.6)],
)
def test_a_least_value_is_kept_from_itself(column, limit, name, value):
    kept = finding_of(HOUSE, rules_of({column: limit}), name)
    assert kept.passed
    assert kept.value == pytest.approx(value)
    assert not finding_of(HOUSE, rules_of({column: limit + 0.1}), name).passed


def test_a_house_over_the_edge_has_no_setback():
    over = replace(HOUSE, outline=zone(-2, 6, 18, 16))
    assert finding_of(over, rules_of({"avstand": 1.0}), "setback").value == 0.0


def test_the_share_of_each_zone_is_judged_apart():
    """18 of 20 m in one zone, 2 m in the other, and 4 storeys in both."""
    rules = rules_of(
        {"id": "west", "bta": 720.0, "zone": zone(0, 0, 23, 30)},
        {"id": "east", "bta": 79.0, "zone": zone(23, 0, 40, 30)},
    )
    findings = judge_plan(HOUSE, rules)
    assert [(f.value, f.passed) for f in findings] == [
        (pytest.approx(720.0), True),
        (pytest.approx(80.0), False),
    ]
    assert "east" in findings[1].words


@pytest.mark.parametrize(
    ("row", "use", "rule", "passed"),
    [
        ({"prickmark": "ja"}, "residential", "prickmark", False),
        ({"korsmark": "ja"}, "residential", "korsmark", False),
        ({"korsmark": "ja"}, "garage", "korsmark", True),
        ({"anvandning": "GATA"}, "residential", "public", False),
        ({"anvandning": "BC"}, "residential", "use", True),
        ({"anvandning": "BC"}, "office", "use", True),
        ({"anvandning": "B"}, "office", "use", False),
        ({"anvandning": "K"}, "BK", "use", False),
        ({"anvandning": "BKH"}, "BK", "use", True),
    ],
)
def test_ground_and_use(row, use, rule, passed):
    found = [
        f for f in judge_plan(replace(HOUSE, use=use), rules_of(row)) if rule in f.rule
    ]
    assert [f.passed for f in found] == [passed]
    assert found[0].value == pytest.approx(0.0 if passed else 200.0)
    assert found[0].unit == "m2"


def test_only_the_taken_part_of_dotted_ground_counts():
    rules = rules_of({"prickmark": "ja", "zone": zone(0, 0, 7, 30)})
    finding = judge_plan(HOUSE, rules)[0]
    assert finding.value == pytest.approx(2 * 10)
    touching = rules_of({"prickmark": "ja", "zone": zone(0, 0, 5, 30)})
    assert judge_plan(HOUSE, touching) == []


def test_ground_outside_every_use_is_told():
    rules = rules_of({"anvandning": "B", "zone": zone(0, 0, 20, 30)})
    outside = finding_of(HOUSE, rules, "inside the plan")
    assert not outside.passed
    assert outside.value == pytest.approx(5 * 10)
    assert finding_of(HOUSE, rules_of({"anvandning": "B"}), "inside the plan").passed


def test_standing_buildings_use_up_the_plot():
    """A neighbour of 100 m2, half of it beyond the plot, and one under the proposal."""
    standing = gpd.GeoDataFrame(
        geometry=[zone(35, 10, 45, 20), zone(5, 6, 10, 16), zone(500, 0, 510, 10)], crs=3008
    )
    finding = finding_of(
        HOUSE, rules_of({"bya": 240.0}), "building area", standing=standing
    )
    assert finding.value == pytest.approx(200 + 50)
    assert not finding.passed


def test_what_cannot_be_judged_is_named():
    rules = rules_of({"vaningar": 5, "bta": 900.0, "e_tal": 0.7, "anvandning": "B"})
    unknown = replace(HOUSE, storeys=None, use="folly")
    names = {f.rule for f in judge_plan(unknown, rules)}
    assert names == {"inside the plan"}
    told = open_rules(unknown, rules)
    assert len(told) == 4
    assert "tell storeys" in told[0]
    assert open_rules(HOUSE, rules) == ()
    assert open_rules(replace(unknown, gross_area=700.0, use="B", storeys=3), rules) == ()


def test_a_stated_top_and_area_go_before_sums():
    rules = rules_of({"plushojd": 20.0, "bta": 500.0})
    told = replace(HOUSE, top=19.0, gross_area=501.0)
    assert [(f.value, f.passed) for f in judge_plan(told, rules)] == [
        (19.0, True),
        (501.0, False),
    ]


@settings(deadline=None, max_examples=50)
@given(
    height=st.floats(2, 100),
    more=st.floats(0.1, 50),
    limit=st.floats(1, 120),
    along=st.floats(-10, 30),
)
def test_a_higher_house_never_does_better(height, more, limit, along):
    rules = rules_of({"totalhojd": limit, "prickmark": "ja"})
    low = Proposal(zone(along, 5, along + 9, 15), height=height, floor=3.0, use="office")
    one, other = (
        judge_plan(low, rules),
        judge_plan(replace(low, height=height + more), rules),
    )
    assert [f.rule for f in one] == [f.rule for f in other]
    assert all(a.passed >= b.passed for a, b in zip(one, other, strict=True))
    assert judge_plan(low, rules) == one


def test_an_outline_without_area_is_refused():
    with pytest.raises(GeometryError, match="valid polygon"):
        judge_plan(replace(HOUSE, outline=shapely.Point(0, 0)), rules_of({"bta": 1.0}))
