"""Prove that snapped walls are shared: against GEOS, in closed form, by what must stay."""

import itertools
import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis.corners import corners_of, polygons_of
from gis.footprints import repair_footprints
from gis.snapping import SNAP, snap_walls

EAST, NORTH = 99_700.0, 6_213_400.0

EXACT = 1e-6
"""Rounding of national coordinates [m], and of areas of some hundred metres [m2]."""


def at_home(*shapes):
    return np.array([affinity.translate(s, EAST, NORTH) for s in shapes], dtype=object)


def box(west, south, width, height):
    return shapely.box(west, south, west + width, south + height)


def corners(polygon):
    return [
        tuple(c) for c in (shapely.get_coordinates(polygon)[:-1] - [EAST, NORTH]).round(6)
    ]


def is_shared(polygons, gap):
    """Ask GEOS whether all walls match and no gap between them is narrower."""
    return shapely.coverage_is_valid(polygons, gap_width=gap)


@st.composite
def town_of_bricks(draw):
    """Rows of houses, each row shifted, and every corner drawn with an error of its own."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    error = draw(st.floats(0.0, 0.05))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    turn = draw(st.floats(0.0, math.pi))
    houses = []
    for row in range(rows):
        walls = np.cumsum(rng.uniform(4.0, 9.0, columns + 1)) + rng.uniform(0.0, 3.0)
        for west, east in itertools.pairwise(walls):
            south, to = 10 * row, 10 * row + 10
            ring = np.array([(west, south), (east, south), (east, to), (west, to)])
            # Within a square of that half side: two errors part a corner by 0.15 m at most.
            ring = ring + rng.uniform(-error, error, ring.shape)
            houses.append(shapely.Polygon(ring))
    return [affinity.rotate(h, turn, origin=(0, 0), use_radians=True) for h in houses]


@settings(max_examples=60, deadline=None)
@given(town_of_bricks())
def test_a_town_drawn_with_errors_gets_the_walls_it_has(houses):
    before = at_home(*houses)
    snapped = snap_walls(before)
    assert is_shared(snapped.polygons, 0.0)
    assert not snapped.left.any()
    assert (shapely.hausdorff_distance(before, snapped.polygons) <= SNAP + EXACT).all()
    change = np.abs(shapely.area(snapped.polygons) - shapely.area(before))
    assert (change <= SNAP * shapely.length(before)).all()


@settings(max_examples=40, deadline=None)
@given(town_of_bricks(), st.randoms(use_true_random=False))
def test_order_has_no_say_and_a_second_time_changes_nothing(houses, random):
    before = at_home(*houses)
    once = snap_walls(before).polygons
    assert shapely.equals_identical(snap_walls(once).polygons, once).all()
    order = list(range(len(before)))
    random.shuffle(order)
    assert shapely.equals_identical(snap_walls(before[order]).polygons, once[order]).all()


@pytest.mark.parametrize(
    "gap", [-0.1, -1e-3, 1e-7, 1e-3, 0.1], ids=lambda g: f"gap {g:g} m"
)
def test_two_houses_share_one_wall_across_a_gap_or_overlap(gap):
    snapped = snap_walls(at_home(box(0, 0, 10, 8), box(10 + gap, 0, 7, 8)))
    assert is_shared(snapped.polygons, 0.0)
    wall = snapped.polygons[0].intersection(snapped.polygons[1])
    assert wall.length == pytest.approx(8.0, abs=abs(gap))
    # The larger stays; the other comes, and gains or loses what lay between.
    assert corners(snapped.polygons[0]) == corners(at_home(box(0, 0, 10, 8))[0])
    assert snapped.polygons[1].area == pytest.approx(7 * 8 + gap * 8, abs=EXACT)
    assert snapped.way[1] == pytest.approx(abs(gap), abs=EXACT)


def test_a_gap_wider_than_the_tolerance_stays_to_the_bit():
    before = at_home(box(0, 0, 10, 8), box(10 + SNAP + 0.01, 0, 7, 8))
    snapped = snap_walls(before)
    assert shapely.equals_identical(snapped.polygons, before).all()
    assert not snapped.left.any()


def test_the_tolerance_can_be_chosen():
    before = at_home(box(0, 0, 10, 8), box(10.05, 0, 7, 8))
    assert snap_walls(before, tolerance=0.04).way.max() == 0.0
    assert snap_walls(before, tolerance=0.06).way.max() == pytest.approx(0.05, abs=EXACT)


def test_a_wall_gets_a_corner_where_that_of_a_neighbour_meets_it():
    snapped = snap_walls(at_home(box(0, 0, 20, 8), box(5, 8, 6, 7)))
    assert set(corners(snapped.polygons[0])) == {
        (0, 0), (20, 0), (20, 8), (11, 8), (5, 8), (0, 8)
    }  # fmt: skip
    assert corners(snapped.polygons[1]) == corners(at_home(box(5, 8, 6, 7))[0])
    assert snapped.way.tolist() == pytest.approx([0.0, 0.0], abs=EXACT)


def test_a_step_in_a_front_stays():
    """The fronts of two joined houses lie 0.1 m apart, as they were built."""
    houses = at_home(
        shapely.Polygon([(0, 0), (10, 0), (10, 8), (0, 8)]),
        shapely.Polygon([(10, 0), (17, 0), (17, 8.1), (10, 8.1), (10, 8)]),
    )
    assert shapely.equals_identical(snap_walls(houses).polygons, houses).all()


def test_holes_are_kept_and_meet_what_stands_in_them():
    court = box(0, 0, 20, 15) - box(4, 4, 9, 6)
    snapped = snap_walls(at_home(court, box(4.06, 4.06, 8.88, 5.88)))
    assert is_shared(snapped.polygons, 0.0)
    assert len(snapped.polygons[0].interiors) == 1
    assert snapped.polygons[1].area == pytest.approx(54.0, abs=EXACT)


def test_a_row_of_houses_does_not_drift():
    """Forty gaps of 0.1 m are closed one by one; nobody is pulled along."""
    before = at_home(*(box(6.1 * n, 0, 6, 9) for n in range(41)))
    snapped = snap_walls(before)
    assert is_shared(snapped.polygons, 0.0)
    assert shapely.hausdorff_distance(before, snapped.polygons).max() <= 0.1 + EXACT
    assert shapely.area(snapped.polygons).sum() == pytest.approx(
        41 * 54 + 40 * 0.9, abs=EXACT
    )


@pytest.mark.parametrize("width", [0.1, 0.14, 0.2, 0.29])
def test_no_small_or_narrow_outline_is_lost(width):
    wall = box(0, 8, 12, width)
    snapped = snap_walls(at_home(box(0, 0, 12, 7.95), wall, box(0, 8.05 + width, 12, 6)))
    assert shapely.is_valid(snapped.polygons).all()
    assert (shapely.area(snapped.polygons) > 0.5 * 12 * width).all()
    one, other = snapped.polygons[[0, 0, 1]], snapped.polygons[[1, 2, 2]]
    assert shapely.area(shapely.intersection(one, other)).max() < EXACT


def test_what_touches_keeps_touching():
    """A corner shared by two goes with both to the wall of a third."""
    pair = [box(0, 0, 6, 8), box(6, 0, 6, 8)]
    snapped = snap_walls(at_home(*pair, box(-3, 8.1, 30, 10)))
    assert is_shared(snapped.polygons, 0.0)
    shared = set(corners(snapped.polygons[0])) & set(corners(snapped.polygons[1]))
    assert shared == {(6, 0), (6, 8.1)}
    assert shared & set(corners(snapped.polygons[2])) == {(6, 8.1)}


def test_a_tail_that_a_cut_left_folds_away():
    """Beside its own wall a house has a strip of 2 cm that leads along its neighbour."""
    tail = shapely.Polygon([(0, 0), (10, 0), (10, 8), (9.98, 8), (9.98, 5), (0, 5)])
    houses = at_home(tail, box(0, 5, 9.98, 3), box(10, 0, 6, 8))
    snapped = snap_walls(houses, slim=np.array([True, False, False]))
    assert is_shared(snapped.polygons, 0.0)
    assert snapped.polygons[0].area == pytest.approx(50.0, abs=0.1)
    assert not any(y > 5.0 for _, y in corners(snapped.polygons[0]))


def test_neighbours_far_apart_do_not_know_of_each_other():
    """A town is the sum of its blocks: what happens in one has no say in another."""
    rng = np.random.default_rng(7)
    blocks = []
    for n in range(6):
        west = 40.0 * n
        ring = np.array([(west, 0), (west + 9, 0), (west + 9, 8), (west, 8)])
        blocks.append([
            shapely.Polygon(ring + rng.uniform(-0.05, 0.05, ring.shape)),
            shapely.Polygon(ring + np.array([9, 0]) + rng.uniform(-0.05, 0.05, ring.shape)),
        ])  # fmt: skip
    town = snap_walls(at_home(*(house for block in blocks for house in block))).polygons
    alone = np.concatenate([snap_walls(at_home(*block)).polygons for block in blocks])
    assert shapely.equals_identical(town, alone).all()


def test_corners_give_the_polygons_they_came_from():
    shapes = at_home(box(0, 0, 9, 7) - box(2, 2, 3, 1) - box(6, 2, 1, 4), box(20, 0, 3, 4))
    back, numbers = polygons_of(corners_of(shapes))
    assert numbers.tolist() == [0, 1]
    assert shapely.equals_identical(back, shapes).all()


def test_nothing_to_snap_is_no_fault():
    assert len(snap_walls(np.empty(0, dtype=object)).polygons) == 0
    alone = at_home(box(0, 0, 5, 4))
    assert shapely.equals_identical(snap_walls(alone).polygons, alone).all()


@pytest.mark.real
def test_the_harbour_gets_its_walls(shared_data):
    """GEOS finds gaps at half of the outlines before, at a few after."""
    path = shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg"
    apart = repair_footprints(gpd.read_file(path), snap=0.0)[0].geometry.to_numpy()
    result, notes = repair_footprints(gpd.read_file(path))
    snapped = result.geometry.to_numpy()
    assert len(snapped) == len(apart) == 1273
    gaps = [
        int((~shapely.is_empty(shapely.coverage_invalid_edges(town, gap_width=SNAP))).sum())
        for town in (apart, snapped)
    ]
    assert gaps[0] > 600
    assert gaps[1] < 10
    assert shapely.area(snapped).sum() == pytest.approx(shapely.area(apart).sum(), rel=2e-4)
    again, told = repair_footprints(result.reset_index())
    assert shapely.equals_identical(again.geometry.to_numpy(), snapped).all()
    assert told == tuple(note for note in notes if "left as they are" in note)
