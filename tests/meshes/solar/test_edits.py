"""After any edits a lit scene is what a new run of the whole scene finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.edits import Standing, add, change, remove, stand
from meshes.solar.irradiance import Irradiation
from meshes.solar.occluders import Occluders, solid_occluders
from meshes.solids import lod1_solids

ROUNDING = 2e-3
"""What sums of sensors over a year may differ by after some edits, float32 [kWh/m2]."""

ORIGIN = np.array([40.0, 40.0, 0.0])


def crown(name: str, seed: int) -> Occluders:
    """Return a tree: five open triangles in the air."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform([0, 0, 6], [80, 80, 12], 3) - ORIGIN
    triangles = middle + rng.uniform(-4, 4, (5, 3, 3))
    polygons = make_polygons([[t] for t in triangles])
    return Occluders(polygons, np.zeros(5, np.int8), np.zeros(5, np.int64), (name,))


def equal(standing: Standing, whole: Irradiation, same_bits) -> None:
    one = standing.light.take(same_bits(standing, whole))
    np.testing.assert_array_equal(one.sun_share, whole.sun_share)
    np.testing.assert_allclose(one.patch_view, whole.patch_view, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.facet_parts, whole.facet_parts, rtol=1e-6, atol=1e-6)
    for name in ("sensor_parts", "sensor_sky_view"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(whole, name), rtol=0, atol=ROUNDING
        )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "change", "plant", "fell"]), st.integers(0, 999)
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), steps=STEPS)
def test_random_edits_equal_a_new_run(
    seed, steps, random_blocks, town_of, coarse_sky, same_bits
):
    town = town_of(random_blocks(seed, 12), 6)
    trees = {"t0": crown("t0", seed)}
    light, occluders = town.lit(coarse_sky, bodies=trees.values())
    standing = stand(light, occluders)
    for step, (what, number) in enumerate(steps):
        if what == "plant":
            trees[f"t{step + 1}"] = crown(f"t{step + 1}", number)
            standing = add(standing, trees[f"t{step + 1}"])
        elif what == "fell" and trees:
            name = sorted(trees)[number % len(trees)]
            del trees[name]
            standing = remove(standing, [name])
        else:
            standing = town.edit(standing, what, number)
    equal(standing, town.lit(coarse_sky, bodies=trees.values())[0], same_bits)


@pytest.fixture(scope="module")
def standing(random_blocks, town_of, coarse_sky) -> Standing:
    town = town_of(random_blocks(7, 6), 6)
    return stand(*town.lit(coarse_sky, bodies=[crown("t0", 7)]))


@pytest.fixture(scope="module")
def newcomers(random_blocks, town_of):
    return town_of(random_blocks(8, 2).rename(index="new-{}".format), 0)


def test_taking_away_what_was_added_gives_the_scene_back(standing, newcomers):
    there = add(standing, *newcomers.raised("new-b0"))
    back = remove(there, ["new-b0"])
    assert back.light.facets.ids == standing.light.facets.ids
    for f in range(len(back.scene.facets)):
        np.testing.assert_array_equal(back.scene.bits.of(f), standing.scene.bits.of(f))
    np.testing.assert_array_equal(back.light.sun_share, standing.light.sun_share)
    np.testing.assert_array_equal(back.light.patch_view, standing.light.patch_view)
    np.testing.assert_allclose(
        back.light.sensor_parts, standing.light.sensor_parts, rtol=0, atol=ROUNDING
    )
    assert (there.light.sun_share[: len(back.scene.facets)] <= back.light.sun_share).all()


def test_several_at_once_equal_one_by_one(standing):
    names = standing.light.facets.solids.parts[1:4]
    together = remove(standing, names)
    apart = standing
    for name in names:
        apart = remove(apart, [name])
    assert together.light.facets.ids == apart.light.facets.ids
    for f in range(len(apart.scene.facets)):
        np.testing.assert_array_equal(together.scene.bits.of(f), apart.scene.bits.of(f))


def test_the_scene_itself_is_not_changed_by_edits(standing, newcomers):
    def print_of(one: Standing) -> tuple[bytes, bytes]:
        return one.light.sensor_parts.tobytes(), one.scene.bits.pieces[0].tobytes()

    before = print_of(standing)
    change(standing, ["b2", "t0"], *newcomers.raised("new-b0"), threads=1)
    assert print_of(standing) == before


def test_unknown_and_taken_names_are_told(standing, random_blocks, town_of):
    with pytest.raises(GeometryError, match="'nowhere'"):
        remove(standing, ["nowhere"])
    with pytest.raises(GeometryError, match="'b0'"):
        add(standing, *town_of(random_blocks(8, 2), 0).raised("b0"))


def test_facets_of_another_frame_are_refused(standing, random_blocks):
    solids = lod1_solids(random_blocks(8, 1).rename(index="x-{}".format), origin=np.ones(3))
    with pytest.raises(GeometryError, match="origin"):
        add(standing, solid_occluders(solids), make_facets(solids, spacing=2.5))
