"""Argue that a horizon line closes round the compass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import TerrainError
from gis.horizon import HorizonLine

HILL = HorizonLine(
    np.array([10.0, 100.0, 250.0, 350.0]), np.array([2.0, 8.0, -1.0, 4.0]), "made"
)
angles = st.floats(-1000.0, 1000.0)


@pytest.mark.parametrize(
    ("azimuth", "elevation"),
    [
        pytest.param(100.0, 8.0, id="known direction"),
        pytest.param(55.0, 5.0, id="half way"),
        pytest.param(0.0, 3.0, id="half way across north"),
        pytest.param(355.0, 3.5, id="a quarter of the way, before north"),
        pytest.param(175.0, 3.5, id="half way down"),
        pytest.param(-260.0, 8.0, id="counted to the left"),
        pytest.param(820.0, 8.0, id="two turns further"),
    ],
)
def test_straight_lines_join_the_known_directions(azimuth, elevation):
    assert HILL.elevation_at(azimuth) == pytest.approx(elevation)


@given(azimuth=angles)
def test_the_line_lies_between_its_points_and_repeats_each_turn(azimuth):
    here = HILL.elevation_at(azimuth)
    assert -1.0 <= here <= 8.0
    assert HILL.elevation_at(azimuth + 360.0) == pytest.approx(float(here), abs=1e-9)


@given(turn=st.floats(0.0, 359.0), azimuth=angles)
def test_turning_the_compass_turns_the_line(turn, azimuth):
    turned = np.mod(HILL.azimuths + turn, 360.0)
    order = np.argsort(turned)
    if (np.diff(turned[order]) <= 0.0).any():
        return
    other = HorizonLine(turned[order], HILL.elevations[order], "turned")
    assert other.elevation_at(azimuth + turn) == pytest.approx(
        float(HILL.elevation_at(azimuth)), abs=1e-6
    )


def test_many_directions_are_as_one_after_another():
    azimuths = np.linspace(-50.0, 400.0, 91).reshape(7, 13)
    together = HILL.elevation_at(azimuths)
    assert together.shape == azimuths.shape
    assert together.ravel() == pytest.approx(
        [float(HILL.elevation_at(one)) for one in azimuths.ravel()]
    )


def test_one_direction_is_a_level_horizon():
    assert HorizonLine([90.0], [3.0], "made").elevation_at([0.0, 200.0]).tolist() == [3, 3]


def test_the_sun_is_hidden_below_the_line_only():
    assert HILL.hides(100.0, np.array([7.9, 8.0, 8.1])).tolist() == [True, False, False]


def test_a_line_keeps_its_own_numbers():
    azimuths = np.array([0.0, 90.0])
    line = HorizonLine(azimuths, [1.0, 2.0], "made")
    azimuths[1] = 45.0
    assert line.azimuths.tolist() == [0.0, 90.0]
    with pytest.raises(ValueError, match="read-only"):
        line.elevations[0] = 9.0


@pytest.mark.parametrize(
    ("azimuths", "elevations", "words"),
    [
        pytest.param([], [], "one elevation for each", id="nothing"),
        pytest.param([0.0, 1.0], [1.0], "one elevation for each", id="unequal"),
        pytest.param([[0.0]], [[1.0]], "one elevation for each", id="table"),
        pytest.param([0.0, 360.0], [1.0, 1.0], "below 360", id="north twice"),
        pytest.param([90.0, 10.0], [1.0, 1.0], "rise", id="falling"),
        pytest.param([10.0, 10.0], [1.0, 2.0], "rise", id="repeated"),
        pytest.param([-10.0, 10.0], [1.0, 2.0], "got -10 to 10", id="to the left"),
        pytest.param([np.nan], [1.0], "rise", id="no direction"),
        pytest.param([10.0, 20.0], [1.0, np.nan], "got nan at azimuth 20", id="gap"),
        pytest.param([10.0], [90.0], "got 90", id="overhead"),
    ],
)
def test_what_is_no_line_is_refused(azimuths, elevations, words):
    with pytest.raises(TerrainError, match=words) as caught:
        HorizonLine(azimuths, elevations, "made")
    assert "\n" not in str(caught.value)
