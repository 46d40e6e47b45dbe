"""Argue that gaps are spanned without steps and without overshoot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gis.errors import TerrainError
from gis.voids import MOST_RIM, fill_nearest, fill_voids

ROW, COLUMN = np.mgrid[0:30, 0:44]
PLANE = 5.0 + 0.3 * ROW - 0.11 * COLUMN

grids = hnp.arrays(
    float, (6, 9), elements=st.one_of(st.just(np.nan), st.floats(-9, 9, width=16))
).filter(lambda z: not np.isnan(z).all())


def with_gap(z, gap):
    return np.where(gap, np.nan, z)


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param((np.abs(ROW - 14) < 9) & (np.abs(COLUMN - 20) < 14), id="large hole"),
        pytest.param(np.hypot(ROW - 14, COLUMN - 20) < 11, id="round hole"),
        pytest.param(
            (np.hypot(ROW - 14, COLUMN - 20) < 11) & (np.hypot(ROW - 14, COLUMN - 20) > 3),
            id="hole around an island",
        ),
        pytest.param((ROW + COLUMN) % 7 == 0, id="slanting lines"),
    ],
)
def test_a_plane_is_kept_in_holes(gap):
    gap = gap & (ROW > 0) & (ROW < 29) & (COLUMN > 0) & (COLUMN < 43)
    assert fill_voids(with_gap(PLANE, gap)) == pytest.approx(PLANE, abs=1e-9)


def test_the_nearest_cell_would_leave_a_step():
    gap = (np.abs(ROW - 14) < 9) & (np.abs(COLUMN - 20) < 14)
    z = with_gap(PLANE, gap)
    assert np.abs(np.diff(fill_nearest(z), axis=0)).max() > 10 * 0.3
    assert np.abs(np.diff(fill_voids(z), axis=0)).max() < 0.31


@settings(deadline=None, max_examples=50)
@given(grids)
def test_known_cells_stay_and_nothing_overshoots(z):
    filled = fill_voids(z)
    known = ~np.isnan(z)
    assert (filled[known] == z[known]).all()
    assert not np.isnan(filled).any()
    assert np.nanmin(z) <= filled.min()
    assert filled.max() <= np.nanmax(z)
    assert (fill_voids(filled) == filled).all()


def test_a_gap_at_the_border_is_filled_from_its_side():
    z = with_gap(PLANE, COLUMN >= 30)
    filled = fill_voids(z)
    assert (filled[:, 30:] == PLANE[:, 29:30]).all()


@pytest.mark.parametrize(
    "known",
    [
        pytest.param((ROW == 3), id="one row"),
        pytest.param((COLUMN == 3), id="one column"),
        pytest.param((ROW == COLUMN), id="one slanting line"),
        pytest.param((ROW == 3) & (COLUMN == 5), id="one cell"),
    ],
)
def test_what_spans_no_triangle_takes_the_nearest(known):
    z = with_gap(PLANE, ~known)
    assert (fill_voids(z) == fill_nearest(z)).all()


def test_noise_of_many_gaps_stays_quick():
    rng = np.random.default_rng(3)
    z = np.where(rng.random((800, 900)) < 0.4, np.nan, 7.0)
    assert (~np.isnan(z)).sum() > MOST_RIM
    assert (fill_voids(z) == 7.0).all()


def test_nothing_known_is_refused():
    with pytest.raises(TerrainError, match="all cells are missing"):
        fill_voids(np.full((3, 4), np.nan))
