"""Tell the plan's north from true north."""

from pyproj import Proj

from gis.crs import PLAN


def grid_convergence(latitude: float, longitude: float) -> float:
    """Azimuth of the plan's north (EPSG:3008) at a place [degrees].

    Parameters
    ----------
    latitude, longitude : float
        Place [degrees].

    Returns
    -------
    float
        Clockwise from true north; negative west of the central meridian, where the plan's
        north points to the west of true north. An azimuth in the plan is the true azimuth
        less this.

    Notes
    -----
    PROJ's meridian convergence. The sign is proven in tests/gis/test_grid_north.py by a
    point that lies true north.

    Examples
    --------
    >>> round(grid_convergence(56.041, 12.696), 2)
    -0.67
    >>> abs(grid_convergence(56.0, 13.5)) < 1e-6  # the central meridian
    True
    """
    return float(Proj(PLAN).get_factors(longitude, latitude).meridian_convergence)
