"""After edits below trees, and of trees, a scene is what a new run of all of it finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.crown_leaves import TreeKind
from meshes.crowns import Crowns, make_crowns
from meshes.solar.changed_words import SparseBits
from meshes.solar.edits import Standing, add, stand
from meshes.solar.irradiance import Irradiation
from meshes.solar.lit_crowns import unpack_crowns
from meshes.solar.lit_scene import light_scene
from meshes.solar.newcomer import shade
from meshes.solar.tree_edits import change_trees, fell, plant

ROUNDING = 3e-3
"""What sums of sensors over a year may differ by after some edits, float32 [kWh/m2]."""

MEAN_ROUNDING = 1e-5
"""The same for the means of facets, by month: float32 views times the sky's radiance."""

ORIGIN = np.array([40.0, 40.0, 0.0])


def grove(seed: int, count: int, kinds=tuple(TreeKind)) -> Crowns:
    """Return trees of some kinds among the blocks; crowns overlap, and reach into walls."""
    rng = np.random.default_rng(seed)
    foot = np.c_[rng.uniform(0, 90, (count, 2)) - ORIGIN[:2], rng.uniform(-1, 1, count)]
    return make_crowns(
        foot,
        rng.uniform(6, 22, count),
        rng.uniform(1.5, 6, count),
        kind=rng.choice([int(kind) for kind in kinds], count),
    )


def dense(bits: SparseBits, facet: int) -> list[tuple[int, int]]:
    """Return place and words of one facet's bits."""
    own = np.flatnonzero(bits.key >> 40 == facet)
    return list(zip(bits.key[own] % (1 << 40), bits.bits[own], strict=True))


def equal(standing: Standing, whole: Irradiation, same_bits) -> None:
    found, compass = standing.light, standing.scene.compass
    order = same_bits(standing, whole)
    assert (found.crowns is None) == (whole.crowns is None)
    views = [(found.patch_view[order], whole.patch_view)]
    suns = [(found.sun_share[order], whole.sun_share)]
    if whole.crowns is not None:
        trees = unpack_crowns(whole.crowns.bits, whole.facets, compass.number)
        own = standing.scene.crowns
        np.testing.assert_array_equal(own.transmittance, trees.transmittance)
        for mine, other in zip(own.layers, trees.layers, strict=True):
            assert len(mine) == len(other)
            for f, same in enumerate(order.tolist()):
                assert dense(mine, same) == dense(other, f), whole.facets.ids[f]
        np.testing.assert_array_equal(
            found.crowns.transmittance, whole.crowns.transmittance
        )
        one, two = spread(found.take(order)), spread(whole)
        views.append((one[0], two[0]))
        suns.append((one[1], two[1]))
    for mine, other in views:
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9)
    for mine, other in suns:
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_allclose(
        found.facet_parts[order], whole.facet_parts, rtol=0, atol=MEAN_ROUNDING
    )
    one = found.take(order)
    for name in ("sensor_parts", "sensor_sky_view"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(whole, name), rtol=0, atol=ROUNDING
        )


def spread(light: Irradiation) -> tuple[np.ndarray, np.ndarray]:
    """Return what all facets see through crowns: of the sky, and of the sun."""
    shade = light.crowns
    both = []
    for rows in (shade.patch_view, shade.sun_share):
        whole = np.zeros((len(rows), len(light.facets), rows.shape[2]), np.float32)
        whole[:, shade.facets] = rows
        both.append(whole)
    return both[0], both[1]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "change", "plant", "fell", "regrow"]),
        st.integers(0, 999),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), trees=st.integers(0, 9), steps=STEPS)
def test_random_edits_equal_a_new_run(
    seed, trees, steps, random_blocks, town_of, coarse_sky, same_bits
):
    """Kinds of leaves come and go with the trees, and layers with them."""
    town = town_of(random_blocks(seed, 12), 6)
    crowns = grove(seed, trees, [TreeKind(seed % 2 + 1)])
    light, occluders = town.lit(coarse_sky, crowns)
    standing = stand(light, occluders, crowns)
    for what, number in steps:
        count = len(standing.crowns)
        if what == "plant":
            standing = plant(standing, grove(number, number % 3 + 1))
        elif what == "fell" and count:
            standing = fell(standing, np.arange(count)[number % count :: 2])
        elif what == "regrow" and count:
            standing = change_trees(standing, np.array([number % count]), grove(number, 1))
        else:
            standing = town.edit(standing, what, number)
    equal(standing, town.lit(coarse_sky, standing.crowns)[0], same_bits)


@pytest.fixture(scope="module")
def town(random_blocks, town_of):
    return town_of(random_blocks(7, 6), 6)


@pytest.fixture(scope="module")
def standing(town, coarse_sky) -> Standing:
    crowns = grove(7, 8)
    return stand(*town.lit(coarse_sky, crowns), crowns)


def test_a_newcomer_takes_what_crowns_let_through(
    standing, town, random_blocks, town_of, coarse_sky
):
    """`shade` tells the neighbours' light as `add` does, and as a new run."""
    light, _ = town.lit(coarse_sky, standing.crowns)
    newcomers = town_of(random_blocks(9, 5).rename(index="new-{}".format), 0)
    bodies, _ = newcomers.raised("new-b3")
    shaded = shade(light_scene(light), bodies)
    there = add(standing, bodies).light.take(shaded.facets)
    np.testing.assert_array_equal(shaded.after.sensor_parts, there.sensor_parts)
    behind, _ = shaded.before.crowns.rows(np.arange(len(shaded.facets)))
    assert len(behind) > 0, "some of its neighbours look through crowns"
    lost = shaded.before.facet_parts - shaded.after.facet_parts
    assert (lost > -MEAN_ROUNDING).all()
    free = shade(light_scene(town.lit(coarse_sky)[0]), bodies)
    open_lost = free.before.facet_parts - free.after.facet_parts
    assert (lost <= open_lost + MEAN_ROUNDING).all(), "of light that trees have taken less"
    assert (lost < open_lost - 1).any()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 3))
def test_an_added_tree_never_adds_light_of_sun_and_sky(seed, count, standing):
    """Sensor by sensor, and month by month; felling it never takes any."""
    light, trees = standing.light, len(standing.crowns)
    there = plant(standing, grove(seed, count))
    after = there.light
    assert (after.sensor_parts - light.sensor_parts).max() < ROUNDING
    assert (after.facet_parts - light.facet_parts).max() < MEAN_ROUNDING
    assert after.sensor_parts.sum() <= light.sensor_parts.sum()
    np.testing.assert_array_equal(after.sensor_sky_view, light.sensor_sky_view)
    without = fell(there, np.array([seed % trees])).light
    assert (without.sensor_parts - after.sensor_parts).min() > -ROUNDING


def test_felling_what_was_planted_gives_the_scene_back(standing):
    count = len(standing.crowns)
    there = plant(standing, grove(3, 4))
    back = fell(there, np.arange(count, count + 4))
    for mine, other in zip(
        back.scene.crowns.layers, standing.scene.crowns.layers, strict=True
    ):
        np.testing.assert_array_equal(mine.key, other.key)
        np.testing.assert_array_equal(mine.bits, other.bits)
    shade, known = back.light.crowns, standing.light.crowns
    np.testing.assert_array_equal(shade.facets, known.facets)
    np.testing.assert_array_equal(shade.sun_share, known.sun_share)
    np.testing.assert_allclose(shade.patch_view, known.patch_view, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        back.light.sensor_parts, standing.light.sensor_parts, rtol=0, atol=ROUNDING
    )


def test_felling_all_trees_leaves_the_light_of_a_scene_without(
    standing, town, coarse_sky, same_bits
):
    bare = fell(standing, np.arange(len(standing.crowns)))
    assert bare.scene.crowns is None
    equal(bare, town.lit(coarse_sky)[0], same_bits)


def test_the_first_trees_of_a_scene_are_planted(standing, town, coarse_sky, same_bits):
    light, occluders = town.lit(coarse_sky)
    planted = plant(stand(light, occluders), standing.crowns)
    equal(planted, town.lit(coarse_sky, standing.crowns)[0], same_bits)


def test_the_scene_itself_is_not_changed_and_threads_change_nothing(standing):
    def print_of(one: Standing) -> tuple[bytes, ...]:
        shade, layers = one.light.crowns, one.scene.crowns.layers
        arrays = (one.light.sensor_parts, shade.sun_share, shade.patch_view)
        return tuple(a.tobytes() for a in (*arrays, *(layer.bits for layer in layers)))

    before = print_of(standing)
    one, three = (
        change_trees(standing, np.array([2]), grove(4, 2), threads=n) for n in (1, 3)
    )
    assert print_of(standing) == before
    assert print_of(one) == print_of(three) != before


def test_trees_that_do_not_stand_there_are_told(standing, town, coarse_sky):
    with pytest.raises(GeometryError, match=r"numbered 0\.\.7 .* got \[8\]"):
        fell(standing, np.array([1, 8]))
    light, occluders = town.lit(coarse_sky)
    with pytest.raises(GeometryError, match="no tree stands"):
        fell(stand(light, occluders), np.array([0]))


def test_a_scene_lit_with_trees_needs_its_trees(town, coarse_sky):
    light, occluders = town.lit(coarse_sky, grove(2, 3))
    with pytest.raises(GeometryError, match="give its crowns"):
        stand(light, occluders)
