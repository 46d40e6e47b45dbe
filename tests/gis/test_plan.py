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
        ({"prickmark": "ja"}, "residential", "no building", False),
        ({"korsmark": "ja"}, "residential", "outbuildings", False),
        ({"korsmark": "ja"}, "garage", "outbuildings", True),
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
    assert "at most 5 storeys" in told[0].words
    assert "gross area at most 900.0 m2" in told[1].words
    assert "e-tal at most 0.7" in told[2].words
    assert "'folly' has no letter" in told[3].words
    assert {(rule.zone, rule.source) for rule in told} == {("zone-1", "made, version 2")}
    assert open_rules(HOUSE, rules) == ()
    assert open_rules(replace(unknown, gross_area=700.0, use="B", storeys=3), rules) == ()


def test_rules_for_people_are_repeated_as_they_stand():
    rules = rules_of(
        {"id": "a", "bestammelseformulering": "Fasad ska vara av tegel"},
        {"id": "b", "anvandning": "xyz"},
        {"id": "c", "totalhojd": "+40", "hojdsystem": "RH70"},
        {"id": "d", "bta": 800.0},
        {"id": "far", "formulering": "Plank är förbjudna", "zone": zone(500, 0, 540, 30)},
        {"id": "e"},
    )
    told = {rule.zone: rule.words for rule in open_rules(HOUSE, rules)}
    assert told == {
        "a": "“Fasad ska vara av tegel”",
        "b": "“use xyz”",
        "c": "“total level 40 m in RH70”",
        "e": "the zone tells no rule",
    }
    assert [f.zone for f in judge_plan(HOUSE, rules)] == ["d"]


def test_a_place_outside_every_zone_is_told_and_not_judged():
    rules = rules_of({"id": "A1", "anvandning": "B", "bta": 100.0})
    far = replace(HOUSE, outline=zone(140, 0, 160, 10))
    assert judge_plan(far, rules) == []
    (told,) = open_rules(far, rules)
    assert told.zone == ""
    assert "outside every zone" in told.words
    assert "A1, 100 m away" in told.words
    assert told.source == "made, version 2"


def test_ground_beyond_a_plan_without_uses_is_left_to_people():
    rules = rules_of({"totalhojd": 20.0, "zone": zone(0, 0, 20, 30)})
    (told,) = open_rules(HOUSE, rules)
    assert told.words.startswith("50.0 m2 of the building lie outside every zone")
    assert open_rules(HOUSE, rules_of({"totalhojd": 20.0})) == ()


def test_floors_of_standing_buildings_are_not_guessed():
    """What the new building leaves of the gross area may be used up already."""
    rules = rules_of({"bta": 900.0})
    beside = gpd.GeoDataFrame(geometry=[zone(30, 20, 38, 28)], index=["b7"], crs=3008)
    assert [f.rule for f in judge_plan(HOUSE, rules, standing=beside)] == []
    (told,) = open_rules(HOUSE, rules, standing=beside)
    assert "at most 900.0 m2" in told.words
    assert "800.0 m2, the floors of 1 standing building" in told.words
    # Too much is too much, whoever else stands there.
    over = replace(HOUSE, storeys=5)
    assert not finding_of(over, rules, "gross area", standing=beside).passed
    assert open_rules(over, rules, standing=beside) == ()
    # One that would be replaced takes nothing.
    under = gpd.GeoDataFrame(geometry=[zone(6, 7, 12, 12)], index=["b8"], crs=3008)
    assert finding_of(HOUSE, rules, "gross area", standing=under).passed


def test_blocks_are_judged_where_they_stand():
    """A tower on the one zone and a low wing on the other, one project."""
    rules = rules_of(
        {"id": "high", "totalhojd": 40.0, "anvandning": "K", "zone": zone(0, 0, 20, 30)},
        {"id": "low", "totalhojd": 8.0, "anvandning": "B", "zone": zone(20, 0, 40, 30)},
    )
    tower = Proposal(zone(5, 5, 15, 15), height=38.0, floor=3.6, use="office", storeys=10)
    wing = Proposal(zone(20, 5, 30, 15), height=7.0, floor=3.6, use="residential")
    assert all(f.passed for f in judge_plan([tower, wing], rules))
    turned = [replace(tower, outline=wing.outline), replace(wing, outline=tower.outline)]
    broken = [(f.rule, f.zone) for f in judge_plan(turned, rules) if not f.passed]
    assert broken == [("use", "high"), ("use", "low"), ("total height", "low")]


def test_blocks_share_the_area_of_their_zone():
    rules = rules_of({"bya": 290.0, "bta": 1000.0})
    other = Proposal(zone(26, 6, 36, 16), height=6.0, floor=3.6, use="office", storeys=2)
    found = {f.rule: f for f in judge_plan([HOUSE, other], rules)}
    assert found["building area"].value == pytest.approx(200 + 100)
    assert not found["building area"].passed
    assert found["gross area"].value == pytest.approx(4 * 200 + 2 * 100)
    assert found["gross area"].passed
    # The lowest floor and the highest roof count.
    deep = replace(other, floor=3.0)
    assert finding_of([HOUSE, deep], rules_of({"golvniva": 3.5}), "floor level").value == 3
    assert finding_of([deep, HOUSE], rules_of({"totalhojd": 9}), "total height").value == 12
    # One silent block leaves the sum open.
    silent = [HOUSE, replace(other, storeys=None)]
    assert "gross area" not in {f.rule for f in judge_plan(silent, rules)}
    assert len(open_rules(silent, rules)) == 1


@settings(deadline=None, max_examples=30)
@given(cut=st.floats(6, 24), height=st.floats(2, 60))
def test_a_house_in_two_blocks_is_the_same_house(cut, height):
    whole = replace(HOUSE, height=height)
    halves = [
        replace(whole, outline=zone(5, 6, cut, 16)),
        replace(whole, outline=zone(cut, 6, 25, 16)),
    ]
    rules = rules_of(
        {"totalhojd": 12.0, "bya": 200.0, "bta": 799.0, "avstand": 5.0, "anvandning": "B"},
        {"prickmark": "ja", "zone": zone(0, 0, 9, 30)},
    )
    one, two = judge_plan(whole, rules), judge_plan(halves, rules)
    assert [(f.rule, f.zone, f.passed) for f in one] == [
        (f.rule, f.zone, f.passed) for f in two
    ]
    assert [f.value for f in one] == pytest.approx([f.value for f in two])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"totalhojd": 11.994}, "12.00 m in zone-1, at most 11.99 m"),
        ({"vaningar": "II½"}, "4 in zone-1, at most 2.5"),
        ({"exploateringsgrad": "10 %"}, "16.7 % in zone-1, at most 10.0 %"),
        ({"exploateringsgrad": 0.1666}, "16.6667 % in zone-1, at most 16.66 %"),
        ({"bta": 100.0}, "800.0 m2 in zone-1, at most 100.0 m2"),
    ],
)
def test_what_is_broken_never_reads_as_equal(row, words):
    (finding,) = judge_plan(HOUSE, rules_of(row))
    assert not finding.passed
    assert finding.words == words


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
