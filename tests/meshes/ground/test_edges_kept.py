"""Lines become edges of a triangulation, and the rectangle stays filled once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from gis.errors import GeometryError
from meshes.ground.edges_kept import keep_edges
from meshes.ground.units import UNIT, codes, is_whole, to_units, turns

SIDE = 100
RIM = [(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)]
TWICE = 2 * SIDE * SIDE
HALVES = np.array([(0, 1, 2), (0, 2, 3)])


def edges_of(triangles):
    return {frozenset(pair) for t in triangles.tolist() for pair in (t[:2], t[1:], t[::2])}


def test_a_line_across_a_diagonal_turns_it():
    triangles = keep_edges(np.array(RIM), HALVES, np.array([(1, 3)]), area=TWICE)
    assert len(triangles) == 2
    assert frozenset((1, 3)) in edges_of(triangles)
    assert frozenset((0, 2)) not in edges_of(triangles)


@pytest.mark.parametrize(
    ("spot", "count"), [((60, 30), 4), ((50, 50), 4)], ids=["inside", "on an edge"]
)
def test_corners_without_triangles_are_put_in(spot, count):
    places = np.array([*RIM, spot])
    none = np.empty((0, 2), np.int64)
    triangles = keep_edges(places, HALVES, none, area=TWICE)
    assert len(triangles) == count
    assert 4 in triangles


def test_an_outline_within_a_triangle_is_cut_out():
    ring = [(60, 10), (80, 10), (80, 30), (60, 30)]
    places = np.array([*RIM, *ring])
    lines = np.array([(4, 5), (5, 6), (6, 7), (7, 4)])
    triangles = keep_edges(places, HALVES, lines, area=TWICE)
    assert {frozenset(line) for line in lines.tolist()} <= edges_of(triangles)
    # Euler: 2 n - 2 - h triangles of n corners, h of them on the hull.
    assert len(triangles) == 2 * 8 - 2 - 4


def test_flat_triangles_leave_no_corner_on_an_edge():
    places = np.array([*RIM, (50, 50)])
    flat = np.array([(0, 1, 2), (0, 4, 2), (0, 2, 3)])
    triangles = keep_edges(places, flat, np.empty((0, 2), np.int64), area=TWICE)
    assert len(triangles) == 4


@pytest.mark.parametrize(
    "lines", [[(0, 2), (1, 3)], [(0, 2)]], ids=["they cross", "a corner lies on it"]
)
def test_lines_that_meet_elsewhere_are_refused(lines):
    places = np.array(RIM) if len(lines) == 2 else np.array([*RIM, (50, 50)])
    with pytest.raises(GeometryError, match="meet at their ends only"):
        keep_edges(places, HALVES, np.array(lines), area=TWICE)


@settings(max_examples=80, deadline=None)
@given(
    spots=st.sets(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=3),
    wish=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=25),
)
def test_any_lines_are_kept(spots, wish):
    """Lines are drawn as long as they cross no other and pass through no corner."""
    places = np.array([*RIM, *sorted(spots)])
    lines = []
    for a, b in wish:
        if a == b or max(a, b) >= len(places):
            continue
        p, q = places[a], places[b]
        turn = turns(p, q, places)
        on = (turn == 0) & (((places - p) * (places - q)).sum(axis=1) < 0)
        if on.any() or any(crosses(p, q, *places[list(line)]) for line in lines):
            continue
        lines.append((a, b))
    inner = [line for line in lines if not on_side(*places[list(line)])]
    given_lines = np.array(inner, np.int64).reshape(-1, 2)
    start = Delaunay(places).simplices.astype(np.int64)
    triangles = keep_edges(places, start, given_lines, area=TWICE)
    assert is_whole(places, triangles, TWICE)
    assert {frozenset(line) for line in inner} <= edges_of(triangles)
    assert set(triangles.ravel()) == set(range(len(places)))


def crosses(p, q, a, b) -> bool:
    """Whether two lines cross within both."""
    across = turns(p, q, a) * turns(p, q, b) < 0
    return bool(across and turns(a, b, p) * turns(a, b, q) < 0)


def on_side(p, q) -> bool:
    return bool(((p == q) & ((p == 0) | (p == SIDE))).any())


def test_places_are_numbered_one_to_one():
    steps = np.array([-(2**30), -7, -1, 0, 1, 12, 2**30])
    places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    assert len(np.unique(codes(places))) == len(places)


def test_units_round_to_the_nearest_place():
    places = np.array([(12.34561, -0.00004), (5e4, -5e4)])
    assert np.abs(to_units(places) * UNIT - places).max() <= UNIT / 2 + 1e-9


def test_a_triangulation_is_whole_or_not():
    places = np.array(RIM)
    assert is_whole(places, HALVES, TWICE)
    assert not is_whole(places, HALVES[:1], TWICE), "half of it is missing"
    assert not is_whole(places, HALVES[:, ::-1], TWICE), "it looks down"
    twice = np.array([(0, 1, 2), (0, 1, 2)])
    assert not is_whole(places, twice, TWICE), "one lies on the other"
