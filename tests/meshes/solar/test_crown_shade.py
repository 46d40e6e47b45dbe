"""Crowns hold back what rays through their bodies lose."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from gis.errors import GeometryError
from gis.typical_year import typical_year
from meshes.crown_leaves import TreeKind
from meshes.crown_light import ray_transmittance
from meshes.crowns import make_crowns
from meshes.facets import make_facets
from meshes.solar.canopy import Canopy, make_canopy
from meshes.solar.crown_shade import cast_canopy, crown_classes, split_words
from meshes.solar.facing import TURNED
from meshes.solar.hourly import facet_hours, part_hours
from meshes.solar.irradiance import irradiate, irradiate_from
from meshes.solar.light import year_of_light
from meshes.solar.occluders import solid_occluders
from meshes.solar.shadow import EPSILON, make_caster
from meshes.solar.sky import reinhart_patches
from meshes.solar.sun import sun_path
from meshes.solar.visibility import unpack_bits
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
BLACK = {**PLACE, "albedo": 0.0, "facade_albedo": 0.0}
RAYS = 40_000


def random_trees(seed, count=14, **options):
    """Return trees of both kinds among random blocks; some of their crowns overlap."""
    rng = np.random.default_rng(seed)
    foot = np.c_[rng.uniform(-5, 95, (count, 2)), rng.uniform(-1, 1, count)]
    kind = np.where(np.arange(count) % 3 == 0, TreeKind.EVERGREEN, TreeKind.DECIDUOUS)
    return make_crowns(
        foot, rng.uniform(6, 22, count), rng.uniform(1.5, 5, count), kind=kind, **options
    )


def scene(random_blocks, seed=5):
    facets = make_facets(lod1_solids(random_blocks(seed, 7), origin=np.zeros(3)), spacing=2)
    return facets, solid_occluders(facets.solids)


def meets_bodies(bodies, starts, towards, cosine):
    """Count the convex bodies that rays meet, by cutting them with their planes.

    They must leave it before the facet, more than the engine's tolerance above its plane.
    Returns how many bodies each ray meets.
    """
    polygons = bodies.polygons
    corner = polygons.vertices[polygons.vertex_start[:-1]]
    offset = np.einsum("px,px->p", polygons.normal, corner)
    met = np.zeros(len(starts), int)
    for body in range(len(bodies.parts)):
        mine = bodies.part == body
        height = starts @ polygons.normal[mine].T - offset[mine]
        along = towards @ polygons.normal[mine].T
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = -height / along
        enter = np.where(along < 0, cut, -np.inf).max(axis=1)
        leave = np.where(along > 0, cut, np.inf).min(axis=1)
        inside = ((along != 0) | (height <= 0)).all(axis=1)
        met += inside & (leave > enter) & (leave * cosine > EPSILON)
    return met * (cosine > TURNED)


def cast(facets, canopy, path, sky):
    with ThreadPoolExecutor(2) as pool:
        return cast_canopy(facets, canopy, sky, path, pool=pool)


def sample(facets, bits, sky, seed):
    """Return random rays from sensors near trees, and the layers that bits tell of."""
    rng = np.random.default_rng(seed)
    near = facets.take(bits.facets)
    sensor = rng.integers(0, near.sensor_count, RAYS)
    patch = rng.integers(0, len(sky.direction), RAYS)
    owner = near.sensor_facet[sensor]
    towards = sky.direction[patch]
    cosine = np.einsum("nx,nx->n", near.normal[owner], towards)
    bit = near.sensor_bit[sensor]
    told = []
    for layer in bits.layers:
        rows = np.stack([unpack_bits(text, layer.words) for text in layer.sky])
        told.append(rows[patch, bit // 64] >> (bit % 64).astype(np.uint64) & np.uint64(1))
    return near.sensor_positions()[sensor], towards, cosine, np.array(told, bool)


@pytest.fixture(scope="module")
def lit_path():
    weather = typical_year()
    light = year_of_light(weather, reinhart_patches(), **PLACE)
    return sun_path(weather.sun_times, light.beam, **PLACE, bin_degrees=8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bits_of_layers_are_those_of_rays_through_their_bodies(
    seed, random_blocks, lit_path
):
    """No ray of 40,000 differs; a crown behind the sensor's plane is not before it.

    The layers of a kind tell how many of its crowns stand before a sensor.
    """
    facets, _ = scene(random_blocks, seed)
    canopy, sky = make_canopy(random_trees(seed)), reinhart_patches()
    bits = cast(facets, canopy, lit_path, sky)
    starts, towards, cosine, told = sample(facets, bits, sky, seed)
    assert [grove.most for grove in canopy.groves] == [1, 2, 2]
    layers = iter(told)
    for grove in canopy.groves:
        met = meets_bodies(grove.bodies, starts, towards, cosine)
        for count in range(1, grove.most + 1):
            assert (met >= count).any()
            assert (next(layers) == (met >= count)).all()


def test_light_through_layers_is_that_through_round_crowns(random_blocks, lit_path):
    """In the mean: bodies of 26 faces stand for ellipsoids, layers count two of a kind."""
    facets, _ = scene(random_blocks)
    trees, sky = random_trees(8, 30), reinhart_patches()
    bits = cast(facets, make_canopy(trees), lit_path, sky)
    starts, towards, cosine, told = sample(facets, bits, sky, 4)
    faces = cosine > TURNED
    for month in (1, 7):
        share = np.where(told.T, bits.transmittance[:, month - 1], 1.0).prod(axis=1)[faces]
        exact = ray_transmittance(trees, starts[faces], towards[faces], month)
        assert 1 - exact.mean() > 0.03
        assert 1 - share.mean() == pytest.approx(1 - exact.mean(), rel=0.04)


def test_facets_that_are_left_out_meet_no_tree(random_blocks, lit_path):
    facets, _ = scene(random_blocks)
    canopy, sky = make_canopy(random_trees(3, 3)), reinhart_patches()
    others = np.setdiff1d(
        np.arange(len(facets)), cast(facets, canopy, lit_path, sky).facets
    )
    assert len(others) > 3
    far = facets.take(others)
    towards = sky.direction[np.arange(far.sensor_count) * 7 % len(sky.direction)]
    cosine = np.einsum("nx,nx->n", far.normal[far.sensor_facet], towards)
    for bodies in canopy.layers:
        assert not meets_bodies(bodies, far.sensor_positions(), towards, cosine).any()


def test_classes_are_products_of_layers_and_split_the_cells():
    rng = np.random.default_rng(2)
    layers = rng.integers(0, 2**63, (3, 5), dtype=np.uint64)
    visible = rng.integers(0, 2**63, 5, dtype=np.uint64)
    passed = np.array([0.0, 0.5, 0.5])[:, None] * np.ones(12)
    shares, number = crown_classes(passed)
    assert shares[:, 0].tolist() == [0.0, 0.25, 0.5]
    assert number.tolist() == [-1, 0, 2, 0, 2, 0, 1, 0]
    cells = ~split_words(visible, layers, number, classes=3)
    trunk, one, two = layers
    assert (cells[0] == visible & trunk).all()
    assert (cells[1] == visible & ~trunk & one & two).all()
    assert (cells[2] == visible & ~trunk & (one ^ two)).all()


def test_the_order_of_trees_does_not_matter(random_blocks, lit_path):
    facets, _ = scene(random_blocks)
    trees, sky = random_trees(2), reinhart_patches()
    some, other = (
        cast(facets, make_canopy(each), lit_path, sky)
        for each in (trees, trees.take(np.arange(len(trees))[::-1]))
    )
    assert some.layers == other.layers


def test_too_many_kinds_of_leaves_are_refused():
    trees = make_crowns(np.arange(12.0).reshape(4, 3) * 9, [9.0] * 4, [2.0] * 4)
    odd = replace(trees, transmittance=np.linspace(0.1, 0.4, 4)[:, None] * np.ones(12))
    with pytest.raises(GeometryError, match="at most 3 kinds of transmittance, got 4"):
        make_canopy(odd)


def shares(value):
    return {kind: np.full(12, value) for kind in TreeKind}


def test_crowns_that_let_all_light_pass_change_nothing(random_blocks):
    facets, occluders = scene(random_blocks)
    whole = make_canopy(random_trees(4, transmittance=shares(1.0)))
    no_trunks = Canopy(whole.groves[1:])
    free = irradiate(facets, occluders, typical_year(), **BLACK)
    lit = irradiate_from(
        facets, make_caster(facets, occluders), free.light, free.path, free.sky,
        canopy=no_trunks,
    )  # fmt: skip
    assert lit.crowns.patch_view.any()
    assert (lit.sensor_parts == free.sensor_parts).all()
    assert (lit.facet_parts == free.facet_parts).all()
    assert (facet_hours(lit, np.arange(9)) == facet_hours(free, np.arange(9))).all()


def test_crowns_that_let_no_light_pass_are_opaque_bodies(random_blocks):
    facets, occluders = scene(random_blocks)
    trees = random_trees(4, transmittance=shares(0.0))
    solid = occluders
    for layer in make_canopy(trees).layers:
        solid = solid + layer
    lit = irradiate(facets, occluders, typical_year(), **BLACK, crowns=trees)
    dark = irradiate(facets, solid, typical_year(), **BLACK)
    assert lit.sensor_parts == pytest.approx(dark.sensor_parts, abs=0.01)
    assert lit.facet_parts == pytest.approx(dark.facet_parts, abs=1e-4)
    every = np.arange(len(facets))
    assert facet_hours(lit, every) == pytest.approx(facet_hours(dark, every), abs=0.01)


def test_more_leaves_never_give_more_light_and_months_lie_between(random_blocks):
    """Months of a year with seasons lie between those always in leaf and always bare."""
    facets, occluders = scene(random_blocks)
    leaf, bare = shares(0.15), shares(0.55)
    season = shares(0.15) | {
        kind: np.where(np.arange(12) % 11 < 4, 0.55, 0.15) for kind in TreeKind
    }
    full, less, none = (
        irradiate(
            facets, occluders, typical_year(), **BLACK,
            crowns=random_trees(6, transmittance=each),
        )
        for each in (leaf, season, bare)
    )  # fmt: skip
    assert (full.sensor_annual <= none.sensor_annual + 0.01).all()
    assert (full.facet_parts <= less.facet_parts + 1e-6).all()
    assert (less.facet_parts <= none.facet_parts + 1e-6).all()
    dark = np.arange(12) % 11 < 4
    assert less.facet_parts[..., dark] == pytest.approx(
        none.facet_parts[..., dark], abs=1e-5
    )
    assert less.facet_parts[..., ~dark] == pytest.approx(
        full.facet_parts[..., ~dark], abs=1e-5
    )


def test_hours_means_and_parts_agree_below_trees(random_blocks):
    facets, occluders = scene(random_blocks)
    lit = irradiate(facets, occluders, typical_year(), **PLACE, crowns=random_trees(7))
    every = np.arange(len(facets))
    hours = facet_hours(lit, every)
    assert hours.sum(axis=1, dtype=float) / 1000 == pytest.approx(
        lit.facet_annual, rel=1e-4, abs=0.01
    )
    mean = np.bincount(facets.sensor_facet, lit.sensor_annual) / facets.sensors_per_facet
    assert mean == pytest.approx(lit.facet_annual, abs=0.05)
    some = every[::-2]
    part = lit.take(some)
    rows = np.arange(len(some))
    assert (facet_hours(part, rows) == facet_hours(lit, some)).all()
    direct, diffuse, reflected = part_hours(part, rows)
    assert (direct > -0.01).all()
    assert direct + diffuse + reflected == pytest.approx(hours[some], abs=0.01)


def test_threads_do_not_change_the_shade_of_trees(random_blocks):
    facets, occluders = scene(random_blocks)
    one, three = (
        irradiate(
            facets, occluders, typical_year(), **BLACK, crowns=random_trees(9), threads=n
        )
        for n in (1, 3)
    )
    assert (one.sensor_parts == three.sensor_parts).all()
    assert (one.crowns.sun_share == three.crowns.sun_share).all()
