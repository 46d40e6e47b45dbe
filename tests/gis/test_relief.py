"""Ground follows its levels without overshoot; zones are level and ramps straight."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TerrainError
from gis.relief import set_level, signed_distance, spread_levels
from gis.terrain import Grid

GRID = Grid(west=99300.0, north=6213100.0, cell=5.0, rows=40, columns=56)


def _corners(height):
    """Levels at the corners of a box that holds the grid, from a function of place."""
    box = [(99200, 6212800), (99700, 6212800), (99700, 6213200), (99200, 6213200)]
    return np.array([(x, y, height(x, y)) for x, y in box], dtype=float)


def test_plane_stays_a_plane_away_from_the_border():
    def plane(x, y):
        return 3.0 + 0.02 * (x - 99300) - 0.007 * (y - 6213000)

    ground = spread_levels(GRID, _corners(plane), smoothing=8.0)
    x, y = np.meshgrid(GRID.x, GRID.y)
    inner = np.s_[8:-8, 8:-8]  # a Gaussian is cut at four standard deviations
    assert ground[inner] == pytest.approx(plane(x, y)[inner], abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 280), st.integers(0, 200), st.floats(-5, 40)),
        min_size=1,
        max_size=12,
    )
)
def test_ground_never_leaves_the_range_of_its_levels(inside):
    more = [(99300 + x, 6212900 + y, z) for x, y, z in inside]
    levels = np.concatenate([_corners(lambda *_: 2.0), np.array(more)])
    ground = spread_levels(GRID, levels, smoothing=8.0)
    assert ground.min() >= levels[:, 2].min() - 1e-9
    assert ground.max() <= levels[:, 2].max() + 1e-9


def test_smoothing_converges_to_the_levels():
    peak = (99437.5, 6213002.5)  # a cell centre
    levels = np.concatenate([_corners(lambda *_: 2.0), [[*peak, 8.0]]])
    row = int(np.flatnonzero(GRID.y == peak[1])[0])
    column = int(np.flatnonzero(GRID.x == peak[0])[0])
    errors = np.array(
        [
            8.0 - spread_levels(GRID, levels, smoothing=s)[row, column]
            for s in (20, 10, 5, 1)
        ]
    )
    assert (errors[1:] < errors[:-1]).all()
    assert errors[-1] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param(np.zeros((2, 3)), id="two levels span no ground"),
        pytest.param(np.array([[0, 0, 1], [9, 0, 2], [0, 9, np.nan]]), id="unknown level"),
    ],
)
def test_levels_that_span_no_ground_are_refused(levels):
    with pytest.raises(TerrainError, match="must be"):
        spread_levels(GRID, levels, smoothing=5.0)


ZONE = shapely.Polygon(
    [(99350, 6212950), (99470, 6212940), (99450, 6213060), (99380, 6213030)],
    [[(99400, 6212980), (99420, 6212980), (99410, 6213010)]],
)


def test_signed_distance_equals_the_dumb_loop():
    fast = signed_distance(GRID, ZONE, within=30.0)
    for row in range(0, GRID.rows, 3):
        for column in range(0, GRID.columns, 3):
            centre = shapely.Point(GRID.x[column], GRID.y[row])
            true = centre.distance(ZONE.boundary) * (-1 if ZONE.contains(centre) else 1)
            if abs(true) < 30.0:
                assert fast[row, column] == pytest.approx(true, abs=1e-9)
            else:
                assert fast[row, column] * np.sign(true) >= 30.0


def test_zone_is_level_and_ground_beyond_the_ramp_untouched():
    ground = np.full((GRID.rows, GRID.columns), 2.0)
    raised = set_level(ground, GRID, ZONE, level=3.5, ramp=20.0)
    distance = signed_distance(GRID, ZONE, within=30.0)
    assert (raised[distance <= 0] == 3.5).all()
    assert (raised[distance >= 20] == 2.0).all()
    on_ramp = (distance > 0) & (distance < 20)
    assert raised[on_ramp] == pytest.approx(3.5 - 1.5 * distance[on_ramp] / 20)
    assert (ground == 2.0).all()  # what was handed in is as it was


def test_quay_wall_is_centred_on_the_waters_edge():
    """Half of the ramp lies under water: on the edge the ground is halfway down."""
    edge = 99400.0 + GRID.cell / 2  # through cell centres
    water = shapely.box(99200, 6212800, edge, 6213300)
    ground = set_level(
        np.full((GRID.rows, GRID.columns), 2.0),
        GRID,
        water,
        level=-2.0,
        ramp=5.0,
        inward=2.5,
    )
    profile = ground[20]
    assert profile[edge == GRID.x] == pytest.approx(0.0)
    assert (profile[edge - 2.5 >= GRID.x] == -2.0).all()
    assert (profile[edge + 2.5 <= GRID.x] == 2.0).all()
