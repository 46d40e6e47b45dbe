"""Prove the plan against geodesy and its guard against wrong labels."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod
from scipy.integrate import quad

from gis.crs import (
    LATITUDES,
    LONGITUDES,
    PLAN,
    features_in_area_of_use,
    from_wgs84,
    horizontal,
    same_plane,
    to_plan,
    to_wgs84,
    vertical,
)
from gis.errors import CrsError

KNUTPUNKTEN = (12.69361, 56.04403)
"""A place in Helsingborg: longitude, latitude [degrees]."""

MILLIMETRE = 1e-3


def frame(*points, crs):
    return gpd.GeoDataFrame(
        {"n": range(len(points))}, geometry=shapely.points(np.array(points, float)), crs=crs
    )


def meridian_arc(latitude):
    """Length of the GRS80 meridian from the equator [m], by integration."""
    a, f = 6378137.0, 1 / 298.257222101
    e2 = f * (2 - f)
    return quad(
        lambda phi: a * (1 - e2) / (1 - e2 * np.sin(phi) ** 2) ** 1.5,
        0.0,
        np.radians(latitude),
        epsabs=1e-6,
    )[0]


@pytest.mark.parametrize("latitude", [55.3, 56.04, 62.2])
def test_northing_on_the_central_meridian_is_the_arc_of_the_ellipsoid(latitude):
    x, y = from_wgs84(np.array([13.5, latitude]))
    assert x == pytest.approx(150_000.0, abs=MILLIMETRE)
    assert y == pytest.approx(meridian_arc(latitude), abs=MILLIMETRE)


def test_there_and_back_is_the_same_place():
    places = np.array([[12.69361, 56.04403], [11.97, 57.71], [14.1, 55.6]])
    assert to_wgs84(from_wgs84(places)) == pytest.approx(places, abs=1e-9)


def test_east_is_x_and_north_is_y():
    here = from_wgs84(np.array(KNUTPUNKTEN))
    east, north = from_wgs84(np.array(KNUTPUNKTEN) + np.array([[0.01, 0], [0, 0.01]]))
    assert east[0] - here[0] > 600
    assert abs(east[1] - here[1]) < 10
    assert north[1] - here[1] > 1000


@pytest.mark.parametrize("longitude", LONGITUDES)
@pytest.mark.parametrize("latitude", LATITUDES)
def test_lengths_hold_to_the_stated_share_in_the_corners_of_the_accepted_area(
    longitude, latitude
):
    geod = Geod(ellps="GRS80")
    places = np.array([[longitude, latitude], [longitude, latitude + 1e-3]])
    true = geod.inv(*places[0], *places[1])[2]
    drawn = np.hypot(*np.diff(from_wgs84(places), axis=0)[0])
    assert abs(drawn / true - 1) < 1 / 1500


@pytest.mark.parametrize("epsg", [4326, 3006, 25832, 3008, 3857, 5845])
def test_every_system_leads_to_the_same_place(epsg):
    there = frame(KNUTPUNKTEN, crs=4326).to_crs(epsg)
    plan = to_plan(there)
    xy = shapely.get_coordinates(plan.geometry.to_numpy())[0]
    assert xy == pytest.approx(from_wgs84(np.array(KNUTPUNKTEN)), abs=MILLIMETRE)
    assert same_plane(plan.crs, PLAN)
    assert plan["n"].tolist() == [0]


def test_the_table_handed_in_stays_as_it_was():
    given = frame(KNUTPUNKTEN, crs=4326)
    copy = given.copy()
    to_plan(given)
    assert given.crs == copy.crs
    assert given.geometry.geom_equals(copy.geometry).all()


def test_elevations_and_missing_geometries_pass_unchanged():
    given = gpd.GeoDataFrame(
        geometry=[shapely.Point(*KNUTPUNKTEN, 17.0), None, shapely.Polygon()], crs=4326
    )
    plan = to_plan(given)
    assert plan.geometry.iloc[0].z == 17.0
    assert plan.geometry.isna().tolist() == [False, True, False]
    assert features_in_area_of_use(plan).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("points", "crs", "words"),
    [
        pytest.param([KNUTPUNKTEN], None, "this layer has none", id="no system"),
        pytest.param([KNUTPUNKTEN[::-1]], 4326, "axes are swapped", id="lat first"),
        pytest.param([(6213759, 99745)], 3008, "axes are swapped", id="north first"),
        pytest.param([(99745, 6213759)], 4326, "must be degrees", id="metres as degrees"),
        pytest.param([KNUTPUNKTEN], 3008, "mislabelled", id="degrees as metres"),
        pytest.param([(99745, 6213759)], 3006, "mislabelled", id="3008 labelled 3006"),
        pytest.param([(13.4, 52.5)], 4326, "elsewhere", id="Berlin"),
        pytest.param([(np.inf, np.inf)], 3008, "mislabelled", id="infinite"),
    ],
)
def test_wrong_labels_are_refused_with_the_reason(points, crs, words):
    with pytest.raises(CrsError, match=words):
        to_plan(frame(*points, crs=crs))


@pytest.mark.parametrize("epsg", [4326, 3008])
def test_absurd_coordinates_are_told_in_few_digits(epsg):
    with pytest.raises(CrsError, match=r"1e\+300") as error:
        to_plan(frame((1e300, 1e300), crs=epsg))
    assert len(str(error.value)) < 300


def test_metres_that_are_labelled_as_degrees_are_told_in_full():
    with pytest.raises(CrsError, match=r"got 99745, 6213759;"):
        to_plan(frame((99_745.0, 6_213_759.0), crs=4326))


def test_a_single_stray_feature_does_not_condemn_the_rest():
    plan = to_plan(frame(KNUTPUNKTEN, (12.7, 56.05), (0.0, 0.0), crs=4326))
    assert features_in_area_of_use(plan).tolist() == [True, True, False]


def test_systems_that_are_no_map_are_refused():
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(CrsError, match="projected or geographic"):
        horizontal(local)
    with pytest.raises(CrsError, match="must be known"):
        horizontal("EPSG:0")


def test_a_compound_system_splits_into_plane_and_height():
    assert horizontal(5845).to_epsg() == 3006
    height = vertical(5845)
    assert height is not None
    assert height.to_epsg() == 5613
    assert vertical(3008) is None
