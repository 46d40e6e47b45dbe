"""Light obeys closed forms, symmetry and the order of refinement."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gis.typical_year import typical_year
from meshes.mesh_facets import point_facets
from meshes.polygons import make_polygons
from meshes.solar.facing import facing_weights
from meshes.solar.irradiance import irradiate, irradiate_from
from meshes.solar.light import year_of_light
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.surfaces import Ground, reflecting_surfaces
from meshes.solar.reflection.tiles import make_tiles
from meshes.solar.reflector import make_reflector
from meshes.solar.shadow import make_caster
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solar.sun import sun_path
from meshes.solids import Kind, Solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
NOTHING = open_occluders(make_polygons([]))
LONG = 1500.0
"""Half the length of a street that stands for an endless one [m]."""

SIDES = ((4, 5, 7, 6), (0, 2, 3, 1), (0, 1, 5, 4), (3, 2, 6, 7), (1, 3, 7, 5), (2, 0, 4, 6))


def boxes(*corners, change=lambda points: points, flip=False) -> Occluders:
    """Return closed boxes from (x0, y0, z0, x1, y1, z1), after a change of their points."""
    faces = []
    for x0, y0, z0, x1, y1, z1 in corners:
        points = np.array([(x, y, z) for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)])
        rings = [change(points)[list(side)] for side in SIDES]
        faces += [[ring[::-1] if flip else ring] for ring in rings]
    kinds = [Kind.ROOF, Kind.GROUND] + [Kind.WALL] * 4
    count = len(corners)
    return solid_occluders(
        Solids(
            make_polygons(faces),
            np.array(kinds * count, np.int8),
            np.repeat(np.arange(count, dtype=np.int32), 6),
            tuple(f"box-{k}" for k in range(count)),
            np.zeros(3),
        )
    )


def blocked(points, normals, directions, occluders) -> np.ndarray:
    """Return which points cannot be reached from which directions, (n, d)."""
    caster = make_caster(point_facets(points, normals), occluders)
    bits = np.empty((len(directions), caster.words), np.uint64)
    for direction, row in zip(directions, bits, strict=True):
        caster.cast(direction, row)
    return (bits & np.uint64(1)).astype(bool).T


def sky_view(points, normals, occluders, multiplier) -> np.ndarray:
    """Return the share of the sky that points see, weighted by the cosine."""
    points, normals = np.broadcast_arrays(np.atleast_2d(points), np.atleast_2d(normals))
    patches = reinhart_patches(multiplier)
    free = ~blocked(points, normals, patches.direction, occluders)
    return (facing_weights(normals, patches) * free).sum(axis=1) / np.pi


def street(height, width):
    """Return an endless street along x, its floor between y = -width / 2 and width / 2."""
    w = width / 2
    return boxes((-LONG, w, 0, LONG, w + 9, height), (-LONG, -w - 9, 0, LONG, -w, height))


def ring_of_walls(radius, height, count=90):
    """Return a round courtyard of many walls, their middles at the radius."""
    angle = 2 * np.pi * (np.arange(count + 1) - 0.5) / count
    edge = radius / np.cos(np.pi / count) * np.c_[np.cos(angle), np.sin(angle)]
    return open_occluders(
        make_polygons(
            [
                [np.array([[*a, 0.0], [*b, 0.0], [*b, height], [*a, height]])]
                for a, b in pairwise(edge)
            ]
        )
    )


@pytest.mark.parametrize(
    ("height", "width"), [(20, 20), (20, 10), (10, 30)], ids=["1:1", "2:1", "1:3"]
)
def test_sky_views_in_a_street_are_the_closed_forms(height, width):
    """Floor: (cos a + cos b) / 2 with the heights of both eaves; wall: (1 - sin a) / 2."""
    occluders = street(height, width)
    x = np.linspace(0, 0.45 * width, 10)
    floor = np.c_[np.zeros((10, 1)), x, np.full((10, 1), 0.001)]
    a, b = (np.arctan2(height, width / 2 + side * x) for side in (-1, 1))
    seen = sky_view(floor, (0, 0, 1), occluders, 4)
    assert seen == pytest.approx((np.cos(a) + np.cos(b)) / 2, abs=0.01)
    z = np.linspace(0.02, 0.98, 10) * height
    wall = np.c_[np.zeros((10, 1)), np.full((10, 1), width / 2), z]
    rise = np.arctan((height - z) / width)
    seen = sky_view(wall, (0, -1, 0), occluders, 4)
    assert seen == pytest.approx((1 - np.sin(rise)) / 2, abs=0.01)
    assert seen.mean() == pytest.approx(((1 - np.sin(rise)) / 2).mean(), abs=0.004)


@pytest.mark.parametrize(("radius", "height"), [(10, 20), (10, 5)])
def test_the_middle_of_a_round_courtyard_sees_the_square_of_a_sine(radius, height):
    """R^2 / (R^2 + H^2): the cosine-weighted sky above one horizon all around."""
    seen = sky_view((0.0, 0.0, 0.0), (0, 0, 1), ring_of_walls(radius, height), 4)
    assert seen == pytest.approx(radius**2 / (radius**2 + height**2), abs=0.01)


def test_the_error_falls_as_patches_are_refined():
    """145, 577, 2,305 patches, over many points of three streets."""
    errors = []
    for multiplier in (1, 2, 4):
        found = []
        for height, width in ((20, 20), (20, 10), (10, 30)):
            x = np.linspace(-0.45, 0.45, 37) * width
            floor = np.c_[x * 0, x, x * 0]
            a, b = (np.arctan2(height, width / 2 + side * x) for side in (-1, 1))
            seen = sky_view(floor, (0, 0, 1), street(height, width), multiplier)
            found.append(seen - (np.cos(a) + np.cos(b)) / 2)
        errors.append(np.sqrt(np.mean(np.square(found))))
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.6 * errors[1]
    assert errors[2] < 0.005


def test_facing_slabs_see_each_other_as_howell_says():
    """Two 40 x 20 m faces 20 m apart, C-11: 0.28588."""
    pair = boxes((-20, 10, 0, 20, 20, 20), (-20, -20, 0, 20, -10, 20))
    scene = Scene(make_tiles(reflecting_surfaces(pair, reflectance=0.5)))
    tiles = scene.tiles
    x, z = np.meshgrid((np.arange(40) + 0.5) - 20, np.arange(20) + 0.5)
    points = np.c_[x.ravel(), np.full(x.size, 10.0), z.ravel()]
    normals = np.tile((0.0, -1.0, 0.0), (len(points), 1))
    view = form_factors(scene, points, normals, rays=256)[:, : len(tiles)]
    opposite = (np.abs(tiles.position[:, 1] + 10) < 1e-6) & (tiles.normal[:, 1] > 0.9)
    a, b = 40 / 20, 20 / 20
    p, q = np.sqrt(1 + a * a), np.sqrt(1 + b * b)
    logarithm = np.log(p * q / np.sqrt(1 + a * a + b * b))
    turns = a * q * np.arctan(a / q) + b * p * np.arctan(b / p)
    flat = a * np.arctan(a) + b * np.arctan(b)
    expected = 2 / (np.pi * a * b) * (logarithm + turns - flat)
    assert expected == pytest.approx(0.28588, abs=1e-5)
    assert view[:, np.flatnonzero(opposite)].sum() / len(points) == pytest.approx(
        expected, abs=0.002
    )


@pytest.mark.parametrize("azimuth", [140, 180, 205])
@pytest.mark.parametrize("elevation", [15, 30, 40])
def test_shade_on_a_facade_ends_where_the_profile_angle_says(azimuth, elevation):
    """H - W tan(e) / cos(azimuth from the street's axis)."""
    height, width = 20.0, 20.0
    occluders = street(height, width)
    z = np.arange(0.005, height, 0.01)
    points = np.c_[0 * z, 0 * z + width / 2, z]
    normals = np.tile((0.0, -1.0, 0.0), (len(z), 1))
    towards = unit_vectors(np.radians(azimuth), np.radians(elevation))
    dark = blocked(points, normals, towards[None], occluders)[:, 0]
    profile = np.tan(np.radians(elevation)) / np.cos(np.radians(azimuth - 180))
    assert dark.sum() * 0.01 == pytest.approx(max(height - width * profile, 0), abs=0.011)
    assert (np.diff(dark.astype(int)) <= 0).all(), "shade lies below"


def test_free_planes_get_the_sky_and_the_sun_as_they_are():
    """The sky's part is that of the dome, the sun's the sum of beam times cosine."""
    weather = typical_year()
    rng = np.random.default_rng(5)
    normals = rng.normal(size=(30, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    facets = point_facets(rng.uniform(0, 90, (30, 3)), normals)
    light = irradiate(
        facets, NOTHING, weather, **PLACE, albedo=0, facade_albedo=0, bin_degrees=0.0
    )
    sky = light.light.dome.on_planes(normals).sum(axis=1, dtype=float) / 1000
    assert light.sensor_parts[:, 1] == pytest.approx(sky, rel=0.004)
    path = light.path
    cosine = np.maximum(normals @ path.direction.T, 0)
    beam = cosine @ (light.light.beam[path.hour] * path.share) / 1000
    assert light.sensor_parts[:, 0] == pytest.approx(beam, rel=1e-5)


TOWN = (
    (0, 0, 0, 14, 9, 12),
    (22, -4, 0, 31, 17, 25),
    (3, 18, 0, 17, 30, 8),
    (-19, -7, 0, -8, 21, 16),
)


def turn(degrees):
    """Return the matrix of a turn clockwise about the vertical."""
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


MIRROR = np.diag([-1.0, 1.0, 1.0])
SAME = np.eye(3)


@pytest.fixture(scope="module")
def sun_and_sky():
    weather, patches = typical_year(), reinhart_patches(2)
    light = year_of_light(weather, patches, **PLACE)
    return light, sun_path(weather.sun_times, light.beam, **PLACE), patches


def moved(sun_and_sky, matrix):
    """Return sun and sky after a turn or a mirror."""
    light, path, patches = sun_and_sky
    direction = [path.direction @ matrix.T, path.bin_direction @ matrix.T]
    north = np.degrees(np.arctan2(matrix[0, 1], matrix[1, 1]))
    first, last, low, high = patches.bounds.T
    if np.linalg.det(matrix) < 0:
        first, last = -last, -first
    sky = replace(
        patches,
        direction=patches.direction @ matrix.T,
        flux=patches.flux @ matrix.T,
        bounds=np.stack([first + north, last + north, low, high], axis=-1),
    )
    dome = replace(light.dome, patches=sky)
    return (
        replace(light, dome=dome),
        replace(path, direction=direction[0], bin_direction=direction[1]),
        sky,
    )


def lit_town(sun_and_sky, matrix=SAME, shift=(0, 0, 0), order=None, reflectance=0.0):
    """Light points of a small town after a movement of everything."""
    light, path, sky = moved(sun_and_sky, matrix)
    shift = np.asarray(shift, float)
    occluders = boxes(
        *TOWN, change=lambda p: p @ matrix.T + shift, flip=np.linalg.det(matrix) < 0
    )
    if order is not None:
        occluders = occluders.take(order)
    rng = np.random.default_rng(2)
    points = rng.uniform([-25, -15, 0.1], [35, 35, 6], (60, 3))
    normals = rng.normal(size=(60, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    facets = point_facets(points @ matrix.T + shift, normals @ matrix.T)
    reflector = None
    if reflectance:
        reflector = make_reflector(
            occluders,
            light,
            sky,
            path,
            ground=Ground(z=float(shift[2])),
            albedo=0.2,
            reflectance=reflectance,
            receivers=facets.sensor_positions(),
        )
    caster = make_caster(facets, occluders)
    return irradiate_from(facets, caster, light, path, sky, reflector=reflector)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"matrix": MIRROR}, id="mirror"),
        pytest.param({"matrix": turn(90)}, id="quarter turn"),
        pytest.param({"matrix": turn(-37.3)}, id="turn"),
        pytest.param({"shift": (1234.5, -777.7, 61.2)}, id="shift"),
        pytest.param({"order": np.arange(24)[::-1]}, id="renumbering"),
    ],
)
def test_moving_town_sun_and_sky_together_changes_nothing(sun_and_sky, change):
    here, there = lit_town(sun_and_sky), lit_town(sun_and_sky, **change)
    assert there.sensor_parts == pytest.approx(here.sensor_parts, rel=1e-5, abs=1e-3)
    assert here.sensor_annual.min() < 50 < 600 < here.sensor_annual.max()


@pytest.fixture(scope="module")
def reflecting_town(sun_and_sky):
    return lit_town(sun_and_sky, reflectance=0.4)


@pytest.mark.parametrize(
    "matrix", [pytest.param(MIRROR, id="mirror"), pytest.param(turn(-37.3), id="turn")]
)
def test_reflections_follow_within_the_noise_of_their_rays(
    sun_and_sky, reflecting_town, matrix
):
    """Tiles of the ground lie along the axes, and rays are few: a fiftieth at most."""
    here = reflecting_town
    there = lit_town(sun_and_sky, matrix, reflectance=0.4)
    parts = [light.sensor_parts[:, 2:].astype(float) for light in (here, there)]
    scale = here.sensor_annual.mean()
    error = (parts[0] - parts[1]).sum(axis=1)
    assert np.abs(error).max() < 0.02 * scale
    assert abs(error.mean()) < 0.002 * scale
    assert parts[0].sum(axis=1).mean() > 0.1 * scale


def test_a_further_body_takes_from_sun_and_sky_only(sun_and_sky):
    """Without reflections, point by point and month by month."""
    light, path, sky = sun_and_sky
    rng = np.random.default_rng(8)
    points, normals = rng.uniform(-30, 60, (80, 3)), rng.normal(size=(80, 3))
    facets = point_facets(np.abs(points), normals)
    sums = [NOTHING, *(boxes(*TOWN[:count]) for count in (1, 2, 3, 4))]
    found = [
        irradiate_from(facets, make_caster(facets, some), light, path, sky).facet_parts
        for some in sums
    ]
    for fewer, more in pairwise(found):
        assert (more <= fewer + 1e-4).all()
        assert more.sum() < fewer.sum()
