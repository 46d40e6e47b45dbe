"""The plan's north and true north differ by the convergence."""

import numpy as np
import pytest
from pyproj import Geod

from gis.crs import from_wgs84
from gis.grid_north import grid_convergence


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(12.696, 56.041), (13.5, 56.0), (14.7, 60.3), (12.2, 55.4)]
)
@pytest.mark.parametrize("azimuth", [0.0, 77.0, 200.0])
def test_a_walk_on_the_ellipsoid_shows_in_the_plan_turned_by_it(
    longitude, latitude, azimuth
):
    """Walk 1 km by true azimuth; its azimuth in the plan is less by the convergence."""
    end = Geod(ellps="GRS80").fwd(longitude, latitude, azimuth, 1000.0)[:2]
    east, north = from_wgs84(np.array(end)) - from_wgs84(np.array([longitude, latitude]))
    seen = np.degrees(np.arctan2(east, north))
    turn = (azimuth - seen + 180) % 360 - 180
    # Lines bend in the plan: over 1 km by less than 0.005 degrees.
    assert turn == pytest.approx(grid_convergence(latitude, longitude), abs=0.006)


def test_west_of_the_central_meridian_the_plan_s_north_leans_west():
    assert grid_convergence(56.041, 12.696) == pytest.approx(-0.667, abs=0.001)
    assert grid_convergence(56.041, 14.304) == pytest.approx(0.667, abs=0.001)
