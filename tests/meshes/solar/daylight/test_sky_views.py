"""Views of the sky equal closed forms under even and overcast skies."""

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

from meshes.facets import make_facets
from meshes.mesh_facets import point_facets
from meshes.polygons import make_polygons
from meshes.solar.daylight.rules import FREE_VERTICAL, VERTICAL_SKY
from meshes.solar.daylight.sky_views import sky_views
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.sky import reinhart_patches
from meshes.solids import lod1_solids

NEAR = 0.003
"""One ray for each of 2,305 patches: 0.3 % of the light of free ground."""

NEAR_EVEN = 0.004
"""The same under an even sky, which has more of its light low down."""

FAR = 4000.0
UP, NORTH = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)
NOTHING = open_occluders(make_polygons([]))


def sensors(points, normal):
    return point_facets(np.array(points, float), np.tile(normal, (len(points), 1)))


def screen(distance: float, top: float):
    """Return an endless wall in the north, from deep below to its top."""
    ring = [(-FAR, distance, -50), (FAR, distance, -50), (FAR, distance, top)]
    return open_occluders(
        make_polygons([[np.array([*ring, (-FAR, distance, top)], float)]])
    )


def behind_obstruction(angle: float) -> float:
    """Sky component of a wall that faces an endless wall under an angle [degrees].

    Across the wall let p be the angle above level and a the angle out of that plane: then
    L ~ 1 + 2 cos a sin p, the cosine to the wall is cos a cos p and a solid angle
    cos a da dp. Over a from -90 to 90 and p from the obstruction to 90 degrees this is
    pi/2 (1 - sin p) + 4/3 cos(p)^2, and free level ground has 7 pi / 3.
    """
    p = np.radians(angle)
    return 3 / 14 * (1 - np.sin(p)) + 4 / (7 * np.pi) * np.cos(p) ** 2


def test_free_planes():
    facets = point_facets(np.zeros((3, 3)), np.array([UP, NORTH, (0.6, 0.0, 0.8)]))
    found = sky_views(facets, NOTHING)
    tilted = (1 + 0.8) / 2
    np.testing.assert_allclose(found.cosine, [1, 0.5, tilted], atol=1e-4)
    share = 1 - np.arccos(0.8) / np.pi  # a lune of the sky lies behind the plane
    np.testing.assert_allclose(found.solid, [1, 0.5, share], atol=1e-3)
    np.testing.assert_allclose(found.overcast[:2], [1, FREE_VERTICAL], atol=1e-3)
    assert pytest.approx(0.396, abs=5e-4) == FREE_VERTICAL


@pytest.mark.parametrize("angle", [5.0, 15.0, 25.0, 33.3, 45.0, 60.0, 75.0])
def test_a_wall_that_faces_an_endless_obstruction(angle):
    obstruction = screen(10.0, 10 * np.tan(np.radians(angle)))
    # Several places along it, for one ray stands for a patch.
    wall = sensors([(x, 0, 0) for x in np.linspace(-30, 30, 7)], NORTH)
    found = sky_views(wall, obstruction)
    assert found.overcast.mean() == pytest.approx(behind_obstruction(angle), abs=NEAR)
    p = np.radians(angle)
    assert found.cosine.mean() == pytest.approx((1 - np.sin(p)) / 2, abs=NEAR_EVEN)
    assert found.solid.mean() == pytest.approx((np.pi / 2 - p) / np.pi, abs=NEAR_EVEN)


def test_twenty_five_degrees_leave_what_bre_asks_for():
    assert behind_obstruction(25.0) == pytest.approx(VERTICAL_SKY, abs=0.005)
    assert behind_obstruction(0.0) == pytest.approx(FREE_VERTICAL)


@pytest.mark.parametrize(("height", "width"), [(20, 20), (20, 10), (10, 30)])
def test_the_floor_of_an_endless_street(height, width, blocks):
    half = width / 2
    table = blocks(
        [shapely.box(-FAR, half, FAR, half + 9), shapely.box(-FAR, -half - 9, FAR, -half)],
        [0, 0],
        [height, height],
    )
    street = solid_occluders(lod1_solids(table, origin=np.zeros(3)))
    places = np.array([0.0, width / 4, -0.4 * width])
    found = sky_views(sensors([(0, y, 0) for y in places], UP), street)
    angles = np.arctan2(height, np.stack([half - places, half + places]))
    np.testing.assert_allclose(found.cosine, np.cos(angles).sum(axis=0) / 2, atol=0.006)
    np.testing.assert_allclose(found.solid, 1 - angles.sum(axis=0) / np.pi, atol=0.006)


@pytest.mark.parametrize("height", [5.0, 20.0])
def test_the_middle_of_a_round_court(height, blocks):
    """Under an even horizon at height h: cos(h)^2, 1 - sin h, 1 - (3 s^2 + 4 s^3) / 7."""
    ring = shapely.Point(0, 0).buffer(30, 90) - shapely.Point(0, 0).buffer(10, 90)
    court = solid_occluders(lod1_solids(blocks([ring], [0], [height]), origin=np.zeros(3)))
    found = sky_views(sensors([(0, 0, 0)], UP), court)
    sine = height / np.hypot(height, 10)
    assert found.cosine[0] == pytest.approx(1 - sine**2, abs=0.006)
    assert found.solid[0] == pytest.approx(1 - sine, abs=0.006)
    overcast = 1 - (3 * sine**2 + 4 * sine**3) / 7
    assert found.overcast[0] == pytest.approx(overcast, abs=0.006)


def test_the_middle_of_a_square_court(blocks):
    """A level element and a rectangle above its corner: Howell's factor B-3, four times."""
    wall = shapely.box(-20, -20, 20, 20) - shapely.box(-10, -10, 10, 10)
    court = solid_occluders(lod1_solids(blocks([wall], [0], [15.0]), origin=np.zeros(3)))
    a = 10 / 15
    root = np.sqrt(1 + a * a)
    wanted = 4 / (2 * np.pi) * 2 * a / root * np.arctan(a / root)
    found = sky_views(sensors([(0, 0, 0)], UP), court)
    assert found.cosine[0] == pytest.approx(wanted, abs=0.005)


def test_more_patches_come_nearer():
    obstruction = screen(10.0, 6.3)
    wall = sensors([(x, 0, 0) for x in np.linspace(-7, 7, 40)], NORTH)
    wanted = behind_obstruction(np.degrees(np.arctan(0.63)))
    errors = [
        np.abs(
            sky_views(wall, obstruction, sky=reinhart_patches(m)).overcast - wanted
        ).mean()
        for m in (1, 2, 4)
    ]
    assert errors[2] < errors[0]
    assert errors[2] < NEAR


def test_obstructions_only_take_and_a_mirrored_scene_is_mirrored(random_blocks):
    table = random_blocks(11, 7)
    solids = lod1_solids(table, origin=np.zeros(3))
    facets = make_facets(solids, spacing=3.0)
    few = sky_views(facets, solid_occluders(solids), sky=reinhart_patches(2))
    wall = screen(120.0, 60.0)
    more = sky_views(facets, solid_occluders(solids) + wall, sky=reinhart_patches(2))
    for name in ("solid", "cosine", "overcast"):
        before, after = getattr(few, name), getattr(more, name)
        assert (after <= before + 1e-5).all()
        assert (after < before - 1e-3).any()
    mirrored = table.assign(
        geometry=shapely.orient_polygons(
            table.geometry.scale(-1, 1, origin=(0, 0)).to_numpy()
        )
    )
    spots = np.array([(x, y, 31.0) for x in (5.0, 33.0, 70.0) for y in (4.0, 41.0)])
    spots[:, 2] = 0.1
    here = sky_views(sensors(spots, UP), solid_occluders(solids))
    there = sky_views(
        sensors(spots * (-1, 1, 1), UP),
        solid_occluders(lod1_solids(mirrored, origin=np.zeros(3))),
    )
    # The rays within the patches are not mirrored with the scene.
    np.testing.assert_allclose(here.cosine, there.cosine, atol=0.015)
    np.testing.assert_allclose(here.solid, there.solid, atol=0.015)


def test_the_result_does_not_depend_on_threads(random_blocks):
    solids = lod1_solids(random_blocks(3, 5))
    facets = make_facets(solids, spacing=2.0)
    one, three = (
        sky_views(facets, solid_occluders(solids), sky=reinhart_patches(1), threads=n)
        for n in (1, 3)
    )
    assert (one.overcast == three.overcast).all()
    assert (one.solid == three.solid).all()


@pytest.mark.real
@pytest.mark.parametrize("scene", ["canyon_EW", "court_sq", "slabs", "open"])
def test_radiance_sees_the_same_sky(shared_data, scene):
    """Radiance's view factors come from many random rays: both scatter."""
    truth = shared_data.parent / "truth"
    table = pd.read_csv(truth / f"{scene}_radiance.csv")
    points, faces = [], []
    for line in (truth / f"{scene}.obj").read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append([float(value) for value in rest])
        if kind == "f":
            faces.append([int(value.split("/")[0]) - 1 for value in rest])
    corners = np.array(points)
    blockers = open_occluders(make_polygons([[corners[face]] for face in faces]))
    found = sky_views(
        point_facets(
            table[["x", "y", "z"]].to_numpy(), table[["nx", "ny", "nz"]].to_numpy()
        ),
        blockers,
    )
    off = found.cosine - table["svf_cos"].to_numpy()
    assert abs(off.mean()) < 0.002
    assert np.sqrt((off**2).mean()) < 0.006
