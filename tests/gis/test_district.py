"""The embedded district is clean, says what it is, and agrees with what is published."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from gis.crs import from_wgs84
from gis.district import District
from gis.errors import CrsError, GeometryError, TableError
from gis.heidi import heidi_district

SHEET_STEP = 0.5  # heights and grounds are given in half metres
SLOPE = 0.85  # most that rounded folds may part from the level of a block on the slope [m]


@pytest.fixture(scope="module")
def heidi() -> District:
    return heidi_district()


@pytest.fixture
def parts(heidi) -> pd.DataFrame:
    return heidi.buildings


def test_footprints_share_no_ground(parts):
    together = shapely.union_all(parts.geometry.to_numpy())
    assert together.area == pytest.approx(parts.geometry.area.sum(), abs=1e-3)


def test_footprints_are_single_valid_counter_clockwise_polygons(parts):
    shapes = parts.geometry.to_numpy()
    assert (parts.geom_type == "Polygon").all()
    assert shapely.is_valid(shapes).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(shapes)).all()


def test_ids_are_unique_and_cover_the_sheet(parts):
    assert parts.index.is_unique
    assert parts.index.name == "part"
    expected = {f"heidi-{n:03d}" for n in range(1, 190)}
    assert set(parts["building"]) == expected
    assert all(part.startswith(b) for part, b in parts["building"].items())


def test_every_call_gives_the_same_district_in_tables_of_its_own(heidi):
    again = heidi_district()
    assert again.buildings.equals(heidi.buildings)
    assert again.trees.equals(heidi.trees)
    assert again.boundary.equals(heidi.boundary)
    again.buildings["height"] = 0.0
    assert (heidi_district().buildings["height"] > 0).all()


@pytest.mark.parametrize(
    ("part", "height"),
    [
        pytest.param("heidi-104-tower", 40.0, id="Prisma: 9 floors, 40 m"),
        pytest.param("heidi-104-podium", 28.0, id="Prisma: 5 floors, 28 m"),
        pytest.param("heidi-103-tower", 50.0, id="WTC: 13 floors, 50 m"),
        pytest.param("heidi-127-tower", 47.0, id="Tura: 15 floors"),
    ],
)
def test_published_heights_are_kept_with_their_source(parts, part, height):
    row = parts.loc[part]
    assert row["height"] == height
    assert row["height_source"].startswith("published")
    assert row["top"] == pytest.approx(3.5 + height)


@pytest.mark.parametrize(
    ("building", "floors", "floor_area"),
    [
        pytest.param("heidi-104", {"tower": 9, "podium": 5}, 13_000, id="Prisma"),
        pytest.param("heidi-103", {"tower": 13, "base": 6}, 14_700, id="WTC"),
    ],
)
def test_towers_and_podiums_hold_the_published_floor_area(
    parts, building, floors, floor_area
):
    area = sum(parts.geometry[f"{building}-{p}"].area * n for p, n in floors.items())
    assert area == pytest.approx(floor_area, rel=0.02)


def test_every_height_has_a_source_that_says_how_it_is_known(parts):
    known = parts["height_source"].str.match(r"measured|published|assumed")
    assert known.all()
    assert (parts["height"] >= 3.0).all()
    assert np.allclose(parts["height"] / SHEET_STEP % 1, 0)


def test_unknown_is_blank_and_not_invented(parts):
    """The sheet names the use of 30 of its 189 blocks and the year of 21."""
    assert (parts.groupby("building")["use"].first() != "").sum() == 30
    assert parts.groupby("building")["year"].first().notna().sum() == 21
    assert parts["name"].map(type).eq(str).all()


def test_digesters_are_round(parts):
    round_ones = parts[parts["name"] == "Öresundsverket digester"]
    assert len(round_ones) == 2
    roundness = 4 * math.pi * round_ones.geometry.area / round_ones.geometry.length**2
    assert (roundness > 0.99).all()  # a square has 0.79


def test_recolab_bends_around_both_digesters(parts):
    """From either digester the bar is met to the north, the north-east and the east."""
    bar = parts.geometry["heidi-179"]
    for digester in ("heidi-180", "heidi-183"):
        assert bar.distance(parts.geometry[digester]) > 2.0
        for bearing in (20, 45, 80):
            assert _look(parts.geometry[digester].centroid, bearing, 60).intersects(bar)
    assert bar.area < 2 / 3 * bar.convex_hull.area


def _look(place, bearing, distance):
    """Draw a line of sight from a place."""
    a = math.radians(bearing)
    far = (place.x + distance * math.sin(a), place.y + distance * math.cos(a))
    return shapely.LineString([(place.x, place.y), far])


@pytest.mark.parametrize(
    "part", ["heidi-110", "heidi-122", "heidi-126", "heidi-134", "heidi-141"]
)
def test_courtyard_blocks_leave_a_court_open(parts, part):
    shape = parts.geometry[part]
    assert shape.area < 0.8 * shape.minimum_rotated_rectangle.area
    if part == "heidi-126":
        assert len(shape.interiors) == 1


def test_campus_encloses_its_square(heidi, parts):
    """From within the square a wall is met to both sides and to the south-south-east."""
    campus = parts[parts["name"].str.startswith("Campus Helsingborg")]
    assert len(campus) == 8
    square = heidi.landmarks.geometry["universitetsplatsen"]
    within = shapely.Point(_look(square, 157, 45).coords[-1])
    assert not campus.intersects(_look(square, 157, 45)).any()
    for bearing in (67, 247, 157):
        assert campus.intersects(_look(within, bearing, 60)).any()
    # 11,815 m2 of footprints are known; walls of seven blocks touch.
    assert campus.geometry.area.sum() == pytest.approx(11_815, rel=0.02)
    assert shapely.get_num_geometries(campus.geometry.buffer(0.01).union_all()) == 2


def test_hubs_lie_inside_the_boundary(heidi):
    hubs = heidi.landmarks[heidi.landmarks["kind"] == "hub"]
    assert len(hubs) == 5
    assert hubs.within(heidi.boundary).all()
    assert heidi.landmarks.geometry["helsingborg-c"].within(heidi.boundary)
    assert (heidi.landmarks["accuracy"] > 0).all()
    assert (heidi.landmarks["basis"] != "").all()


def test_boundary_is_one_piece_of_about_half_a_square_kilometre(heidi):
    assert isinstance(heidi.boundary, shapely.Polygon)
    assert 0.4e6 < heidi.boundary.area < 0.6e6
    assert heidi.boundary.intersection(heidi.water).area == pytest.approx(0, abs=1e-3)


def test_boundary_cuts_no_building(heidi, parts):
    inside = parts.intersection(heidi.boundary).area / parts.geometry.area
    assert ((inside < 1e-6) | (inside > 1 - 1e-6)).all()


def test_buildings_stand_on_land_within_the_terrain(heidi, parts):
    assert parts.intersection(heidi.water).area.max() == 0.0
    assert parts.within(shapely.box(*heidi.terrain.grid.bounds)).all()
    assert (parts["base"] > heidi.water_level + 1.0).all()


def test_prisms_reach_down_to_the_lowest_ground_and_up_by_their_height(heidi, parts):
    corners, owner = shapely.get_coordinates(parts.geometry.to_numpy(), return_index=True)
    under = heidi.terrain.sample(corners[:, 0], corners[:, 1])
    assert (parts["base"].to_numpy()[owner] <= under + 1e-9).all()
    centre = parts.geometry.representative_point()
    above = parts["top"] - heidi.terrain.sample(centre.x, centre.y)
    assert np.abs(above - parts["height"]).max() < 2 * SLOPE
    assert np.abs(above - parts["height"]).median() < SHEET_STEP / 2


@pytest.mark.parametrize(
    ("place", "level"),
    [
        pytest.param((99575, 6213615), 3.5, id="Oceanpiren, northern tip"),
        pytest.param((99475, 6213568), 3.5, id="Oceanpiren, north-western corner"),
        pytest.param((99570, 6213432), 3.5, id="Oceanpiren, south-western quay"),
        pytest.param((99640, 6213690), 2.0, id="quay of the station"),
        pytest.param((99742, 6213580), 2.0, id="eastern side of the basin"),
        pytest.param((99600, 6213340), 2.0, id="quay south of Oceanpiren"),
        pytest.param((99450, 6213350), 2.0, id="Oslopiren"),
    ],
)
def test_quays_have_their_levels(heidi, place, level):
    assert heidi.terrain.sample(*place) == pytest.approx(level, abs=0.15)


def test_ground_rises_from_the_quays_to_the_east(heidi):
    """Mean of columns of land over 200 m, the noise of single blocks aside."""
    terrain = heidi.terrain
    north = slice(20, 80)  # N 6213650-6213950, in front of Landborgen
    profile = terrain.z[north, 110:].mean(axis=0)
    steps = profile[::40]
    assert (np.diff(steps) > 0).all()
    assert steps[0] == pytest.approx(2.2, abs=0.4)
    assert profile[-1] > 10.0


def test_bed_lies_under_the_water_and_land_above_it(heidi):
    grid, z = heidi.terrain.grid, heidi.terrain.z
    x, y = np.meshgrid(grid.x, grid.y)
    deep = shapely.contains_xy(heidi.water.buffer(-grid.cell), x, y)
    dry = ~shapely.contains_xy(heidi.water.buffer(grid.cell), x, y)
    assert (z[deep] < heidi.water_level).all()
    assert (z[dry] > heidi.water_level + 1.0).all()


def test_terrain_has_no_overshoot(heidi):
    assert heidi.terrain.z.min() == pytest.approx(-2.0)
    assert heidi.terrain.z.max() <= 22.0


def test_trees_are_street_trees_clear_of_walls_and_water(heidi, parts):
    trees = heidi.trees
    assert len(trees) > 50
    assert trees["height"].between(6, 12).all()
    assert trees["crown_radius"].between(2, 4).all()
    assert trees["source"].str.contains("schematic").all()
    crowns = trees.geometry.buffer(trees["crown_radius"])
    assert crowns.disjoint(parts.union_all()).all()
    assert crowns.disjoint(heidi.water).all()
    assert trees.within(heidi.boundary).all()


def test_district_says_that_it_is_schematic_and_whom_to_credit(heidi):
    assert heidi.schematic
    assert "not survey data" in heidi.terrain.source
    told = " ".join((*heidi.credits, *heidi.notes))
    for word in ("Helsingborg", "Lantmäteriet", "DTCC", "not survey data", "not official"):
        assert word in told


def test_place_on_earth_is_between_the_station_and_recolab(heidi):
    place = from_wgs84(np.array([heidi.longitude, heidi.latitude]))
    centre = heidi.boundary.centroid
    assert place == pytest.approx([centre.x, centre.y], abs=1e-3)
    assert 56.0373 < heidi.latitude < 56.0444


def _with_geometry(parts, part, shape):
    """Exchange one footprint."""
    shapes = parts.geometry.copy()
    shapes[part] = shape
    return parts.set_geometry(shapes)


def test_overlapping_parts_are_refused(heidi, parts):
    grown = shapely.orient_polygons(parts.geometry["heidi-104-podium"].buffer(1.0))
    with pytest.raises(GeometryError, match=r"heidi-104-tower.* share"):
        replace(heidi, buildings=_with_geometry(parts, "heidi-104-podium", grown))


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        pytest.param(
            lambda p: p.drop(columns="top"), TableError, "'top'.* missing", id="no tops"
        ),
        pytest.param(
            lambda p: p.assign(top=p["base"]), TableError, "192 faults", id="no height"
        ),
        pytest.param(
            lambda p: pd.concat([p, p.iloc[:1]]), TableError, "more than once", id="same id"
        ),
        pytest.param(lambda p: p.rename_axis("id"), TableError, "not 'part'", id="index"),
        pytest.param(lambda p: p.to_crs(3006), CrsError, "EPSG:3008", id="other plan"),
        pytest.param(
            lambda p: p.set_geometry(p.geometry.reverse()),
            TableError,
            "clockwise",
            id="turned rings",
        ),
        pytest.param(
            lambda p: p.set_geometry(p.geometry.boundary), TableError, "polygon", id="lines"
        ),
    ],
)
def test_unclean_tables_are_refused(heidi, parts, spoil, error, message):
    with pytest.raises(error, match=message):
        replace(heidi, buildings=spoil(parts))


def test_boundary_without_area_is_refused(heidi):
    with pytest.raises(GeometryError, match="boundary must be"):
        replace(heidi, boundary=shapely.Polygon())
