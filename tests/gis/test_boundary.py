"""Boundaries have the areas of their closed forms and hold their anchors, in any city."""

import math

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, translate

from gis.boundary import district_boundary
from gis.errors import GeometryError

REACH = 100.0
ROUND_CORNER = 0.002  # relative: circles are drawn with 64 corners, 0.16 % short of area

SQUARE = [shapely.Point(p) for p in [(0, 0), (900, 0), (900, 400), (0, 400)]]


@pytest.mark.parametrize(
    ("anchors", "is_closed", "area"),
    [
        pytest.param(SQUARE[:1], True, math.pi * REACH**2, id="one anchor: a disc"),
        pytest.param(
            SQUARE[:2], False, 900 * 2 * REACH + math.pi * REACH**2, id="two: a capsule"
        ),
        pytest.param(
            SQUARE,
            True,
            900 * 400 + 2 * 1300 * REACH + math.pi * REACH**2,
            id="closed walk: Steiner's formula for a parallel body",
        ),
        pytest.param(
            [shapely.box(0, 0, 300, 200)],
            True,
            300 * 200 + 1000 * REACH + math.pi * REACH**2,
            id="a footprint: Steiner's formula again",
        ),
    ],
)
def test_free_region_has_the_area_of_the_parallel_body(anchors, is_closed, area):
    boundary = district_boundary(anchors, reach=REACH, is_closed=is_closed)
    assert boundary.area == pytest.approx(area, rel=ROUND_CORNER)
    assert boundary.exterior.is_ccw


@pytest.mark.parametrize("offset", [-30.0, 20.0, 60.0])
def test_edge_cuts_the_circular_segment_off(offset):
    edge = shapely.LineString([(offset, -500), (offset, 500)])
    boundary = district_boundary([shapely.Point(0, 0)], reach=REACH, edges=[edge])
    d = abs(offset)
    segment = REACH**2 * math.acos(d / REACH) - d * math.sqrt(REACH**2 - d**2)
    area = math.pi * REACH**2 - segment
    assert boundary.area == pytest.approx(area, rel=ROUND_CORNER)
    assert boundary.covers(shapely.Point(0, 0))


def test_edge_that_ends_inside_cuts_nothing():
    anchor = [shapely.Point(0, 0)]
    dangling = shapely.LineString([(50, -500), (50, 20)])
    free = district_boundary(anchor, reach=REACH)
    cut = district_boundary(anchor, reach=REACH, edges=[dangling])
    assert cut.symmetric_difference(free).area == pytest.approx(0.0, abs=1e-6)


def test_two_edges_that_overrun_each_other_cut_as_one():
    edges = [
        shapely.LineString([(40, -500), (40, 90)]),
        shapely.LineString([(90, 40), (-500, 40)]),
    ]
    boundary = district_boundary([shapely.Point(0, 0)], reach=REACH, edges=edges)
    assert boundary.bounds[2:] == pytest.approx((40, 40))


def test_water_takes_exactly_its_own_area():
    water = shapely.box(300, -500, 380, 60)
    free = district_boundary(SQUARE, reach=REACH, narrowest=0)
    shore = district_boundary(SQUARE, reach=REACH, narrowest=0, water=water)
    assert shore.area == pytest.approx(free.area - free.intersection(water).area)
    assert shore.intersection(water).area == pytest.approx(0.0, abs=1e-6)


def test_water_between_anchors_gives_two_pieces_with_one_each():
    river = shapely.box(400, -5000, 500, 5000)
    boundary = district_boundary(SQUARE, reach=REACH, water=river)
    assert len(boundary.geoms) == 2
    for bank in boundary.geoms:
        assert sum(bank.covers(anchor) for anchor in SQUARE) == 2


def test_islands_without_anchor_are_left_out():
    island = shapely.box(420, -60, 480, 60)
    river = shapely.box(400, -5000, 500, 5000).difference(island)
    boundary = district_boundary(SQUARE, reach=REACH, water=river)
    assert not boundary.intersects(island.buffer(-1))
    held = district_boundary([*SQUARE, island], reach=REACH, water=river)
    assert held.covers(island)


def test_spikes_narrower_than_the_limit_go_and_wider_necks_stay():
    """Two strips of ground between basins, 4 m and 12 m wide, lead to the reach's edge."""
    basins = shapely.union_all(
        [
            shapely.box(30, -200, 200, 40),
            shapely.box(30, 44, 200, 60),
            shapely.box(30, 72, 200, 200),
        ]
    )
    boundary = district_boundary([shapely.Point(0, 0)], reach=REACH, water=basins)
    assert not boundary.intersects(shapely.Point(50, 42))
    assert boundary.covers(shapely.Point(50, 66))


@pytest.mark.parametrize("tip", [4.0, 20.0, 90.0], ids=lambda w: f"wedge of {w:g} m")
def test_cleaning_never_adds_ground(tip):
    """Sharp inlets and sharp points between them are where an opening could overshoot."""
    wedges = [
        shapely.Polygon([(20, y), (300, y + tip / 2), (300, y - tip / 2)])
        for y in (-60, -15, 40)
    ]
    water = shapely.union_all(wedges)
    anchors = [shapely.Point(0, 0), shapely.Point(10, 80)]
    raw = district_boundary(anchors, reach=REACH, water=water, narrowest=0)
    clean = district_boundary(anchors, reach=REACH, water=water, narrowest=9.0)
    assert clean.difference(raw).area == pytest.approx(0.0, abs=1e-6)
    assert clean.intersection(water).area == pytest.approx(0.0, abs=1e-6)


def test_footprint_whose_wall_is_the_edge_holds_one_side_only():
    station = shapely.box(0, 0, 160, 30)
    track = shapely.LineString([(-500, 0), (500, 0)])
    boundary = district_boundary([station], reach=REACH, edges=[track])
    assert boundary.bounds[1] == pytest.approx(0.0, abs=1e-9)


def test_walk_that_crosses_itself_encloses_both_loops():
    eight = [shapely.Point(p) for p in [(0, 0), (900, 700), (900, 0), (0, 700)]]
    boundary = district_boundary(eight, reach=20.0)
    assert boundary.covers(shapely.Point(150, 350))
    assert boundary.covers(shapely.Point(750, 350))
    assert not boundary.covers(shapely.Point(450, 650))


@settings(deadline=None)
@given(st.floats(-180, 180), st.integers(-(10**5), 10**5), st.integers(0, 7 * 10**6))
def test_boundary_moves_with_its_city(angle, east, north):
    river = shapely.LineString([(300, -900), (500, 900)]).buffer(25)
    rail = shapely.LineString([(-900, 430), (1900, 470)])

    def move(shape):
        return translate(rotate(shape, angle, origin=(0, 0)), east, north)

    here = district_boundary(SQUARE, reach=REACH, water=river, edges=[rail])
    there = district_boundary(
        [move(a) for a in SQUARE], reach=REACH, water=move(river), edges=[move(rail)]
    )
    # Circles are drawn from fixed bearings, so a turned one differs by its facets.
    assert there.area == pytest.approx(here.area, rel=ROUND_CORNER)
    assert move(here).symmetric_difference(there).area < 2 * ROUND_CORNER * here.area


def grid(step, *, start=-635.0, size=2000.0):
    """Draw streets ``step`` apart in both directions; none of them through an anchor."""
    offsets = [start + n * step for n in range(int(size / step))]
    end = start + size
    return [
        *(shapely.LineString([(x, start), (x, end)]) for x in offsets),
        *(shapely.LineString([(start, y), (end, y)]) for y in offsets),
    ]


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "open"])
def test_streets_of_a_whole_town_leave_no_holes_and_cut_no_block(is_closed):
    """A piece of the region between streets is in or out; the walk is one piece."""
    options = {"reach": REACH, "is_closed": is_closed}
    streets = grid(70.0)
    free = district_boundary(SQUARE, **options)
    town = district_boundary(SQUARE, edges=streets, narrowest=0.0, **options)
    assert isinstance(town, shapely.Polygon)
    assert not town.interiors
    assert all(town.covers(anchor) for anchor in SQUARE)
    lines = shapely.union_all([free.boundary, *streets])
    blocks = shapely.get_parts(shapely.polygonize([lines]))
    share = shapely.area(shapely.intersection(blocks, town)) / shapely.area(blocks)
    assert ((share < 1e-9) | (share > 1 - 1e-9)).all()


def test_of_streets_what_the_walk_encloses_is_kept():
    town = district_boundary(SQUARE, reach=REACH, edges=grid(70.0))
    enclosed = shapely.box(0, 0, 900, 400)
    # A block that the walk's outline cuts off by more than half is out.
    assert town.covers(enclosed.buffer(-35.0, join_style="mitre"))
    assert enclosed.buffer(35.0, join_style="mitre").covers(
        town.difference(shapely.union_all([anchor.buffer(75.0) for anchor in SQUARE]))
    )


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "open"])
def test_ground_between_two_roads_across_the_walk_does_not_part_it(is_closed):
    roads = [shapely.LineString([(x, -500), (x + 9, 500)]) for x in (430, 455)]
    options = {"reach": REACH, "is_closed": is_closed}
    boundary = district_boundary(SQUARE[:2], edges=roads, **options)
    free = district_boundary(SQUARE[:2], **options)
    assert boundary.symmetric_difference(free).area == pytest.approx(0.0, abs=1e-6)


def test_a_walk_that_clips_a_bend_of_a_railway_stays_on_its_side():
    bend = shapely.LineString([(-500, 60), (430, 60), (450, -4), (470, 60), (1500, 60)])
    boundary = district_boundary(SQUARE[:2], reach=REACH, is_closed=False, edges=[bend])
    assert not boundary.intersects(shapely.Point(450, 80))
    assert not boundary.intersects(shapely.Point(450, 30))
    assert boundary.covers(shapely.Point(450, -50))


def test_a_block_behind_a_basin_that_the_walk_crosses_is_enclosed():
    basin = shapely.box(300, -500, 600, 20)
    streets = [
        shapely.LineString([(310, -500), (310, 120), (590, 120), (590, -500)]),
    ]
    boundary = district_boundary(SQUARE, reach=REACH, water=basin, edges=streets)
    assert boundary.covers(shapely.box(310, 20, 590, 120))


def test_a_block_amid_the_district_is_no_hole():
    block = shapely.box(400, -80, 460, -40)
    options = {"reach": REACH, "is_closed": False}
    boundary = district_boundary(SQUARE[:2], edges=[block.exterior], **options)
    free = district_boundary(SQUARE[:2], **options)
    assert boundary.symmetric_difference(free).area == pytest.approx(0.0, abs=1e-6)


def test_an_island_amid_streets_stays_out():
    """Water parts for good what streets part only for the walk to join again."""
    island = shapely.box(420, 150, 480, 260)
    lake = shapely.box(380, 110, 520, 300).difference(island)
    boundary = district_boundary(SQUARE, reach=REACH, water=lake, edges=grid(70.0))
    assert not boundary.buffer(-0.01).intersects(island)
    assert boundary.intersection(lake).area == pytest.approx(0.0, abs=1e-6)
    (hole,) = boundary.interiors
    assert shapely.Polygon(hole).area == pytest.approx(140 * 190, rel=1e-6)


def test_direction_of_the_walk_does_not_matter():
    one = district_boundary(SQUARE, reach=REACH)
    other = district_boundary(SQUARE[::-1], reach=REACH)
    assert one.symmetric_difference(other).area == pytest.approx(0.0, abs=1e-6)


def test_other_city_between_river_railway_and_harbour():
    """An invented town: a station, a library and a mill; nothing of Helsingborg."""
    station = shapely.box(318400, 5812900, 318520, 5812960)
    library = shapely.Point(318930, 5813240)
    mill = shapely.Point(318610, 5813610)
    harbour = shapely.Polygon(
        [(318680, 5813300), (319200, 5813420), (319150, 5813900), (318660, 5813700)]
    )
    railway = shapely.LineString([(317900, 5812880), (319400, 5812890)])
    west_road = shapely.LineString([(318330, 5812700), (318500, 5813900)])
    boundary = district_boundary(
        [station, library, mill], reach=150, water=harbour, edges=[railway, west_road]
    )
    assert isinstance(boundary, shapely.Polygon)
    assert all(boundary.covers(a) for a in (station, library, mill))
    assert boundary.bounds[1] >= 5812880
    assert not boundary.buffer(-0.01).intersects(west_road)
    assert boundary.intersection(harbour).area == pytest.approx(0.0, abs=1e-6)
    # The quay itself is the boundary for as long as the harbour faces the town.
    assert boundary.boundary.intersection(harbour.boundary.buffer(0.01)).length > 200


@pytest.mark.parametrize(
    ("anchors", "options", "message"),
    [
        pytest.param([], {}, "at least one anchor", id="nothing to build from"),
        pytest.param(SQUARE, {"reach": 0.0}, "reach must be positive", id="no reach"),
        pytest.param(
            SQUARE, {"water": shapely.box(850, 350, 950, 450)}, "anchor 2", id="in water"
        ),
        pytest.param(
            SQUARE,
            {"water": shapely.box(-900, -900, 2000, 900), "edges": grid(300.0)},
            "4 of 4 do not",
            id="all in water, with streets",
        ),
    ],
)
def test_impossible_districts_are_refused(anchors, options, message):
    with pytest.raises(GeometryError, match=message):
        district_boundary(anchors, **{"reach": REACH, **options})
