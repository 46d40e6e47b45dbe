"""Rays lose in crowns what closed forms say, and all of it in trunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import GeometryError, TableError
from meshes.crown_leaves import TreeKind
from meshes.crown_light import (
    Law,
    crown_chords,
    extinction,
    ray_transmittance,
    shadow_mean,
    trunk_hits,
)
from meshes.crowns import Crowns, make_crowns

MONTHS = np.linspace(0.1, 0.65, 12)
TABLE = {TreeKind.UNKNOWN: MONTHS}
EAST, NORTH, UP = np.eye(3)


def ball(radius: float = 3.0, foot=(0.0, 0.0, 0.0)) -> Crowns:
    """Return a round crown whose middle is 6 m above its foot, on a thin trunk."""
    return make_crowns(
        [foot], [6.0 + radius], [radius], base=[6.0 - radius], trunk_radius=[1e-6],
        transmittance=TABLE,
    )  # fmt: skip


def unit(rng, count: int) -> np.ndarray:
    free = rng.normal(size=(count, 3))
    return free / np.linalg.norm(free, axis=1, keepdims=True)


def test_chords_of_a_sphere_are_those_of_the_circle():
    """Through the middle 2 r, beside it 2 sqrt(r^2 - d^2), from the middle r."""
    rng = np.random.default_rng(3)
    crowns = ball(3.0)
    for way in unit(rng, 20):
        side = np.cross(way, EAST)
        side /= np.linalg.norm(side)
        off = np.array([0.0, 1.0, 2.9, 3.1])
        starts = crowns.middle - 50.0 * way + off[:, None] * side
        chord = crown_chords(crowns, starts, np.tile(way, (4, 1)))[:, 0]
        wanted = 2.0 * np.sqrt(np.maximum(9.0 - off**2, 0.0))
        assert chord == pytest.approx(wanted, abs=1e-6)
        inside = crown_chords(crowns, crowns.middle, way[None])
        assert inside == pytest.approx(3.0)
        behind = crown_chords(crowns, crowns.middle + 50.0 * way, way[None])
        assert behind == pytest.approx(0.0)


def test_chords_of_an_ellipsoid_along_its_axes_and_against_samples():
    crowns = make_crowns([[1.0, 2.0, 3.0]], [12.0], [2.5], base=[4.0])
    middle = crowns.middle[0]
    for way, axis in ((EAST, 2.5), (NORTH, 2.5), (UP, 4.0)):
        found = crown_chords(crowns, (middle - 40 * way)[None], way[None])
        assert found == pytest.approx(2 * axis)
    rng = np.random.default_rng(8)
    ways = unit(rng, 30)
    starts = middle + rng.uniform(-6, 6, (30, 3))
    steps = np.linspace(0, 30, 30_001)
    points = starts[:, None] + steps[:, None] * ways[:, None]
    inside = (((points - middle) / crowns.radii[0]) ** 2).sum(axis=2) < 1.0
    wanted = inside.sum(axis=1) * (steps[1] - steps[0])
    assert crown_chords(crowns, starts, ways)[:, 0] == pytest.approx(wanted, abs=3e-3)


@pytest.mark.parametrize("month", [1, 5, 12])
def test_a_crown_takes_its_share_wherever_it_is_met(month):
    crowns = ball()
    starts = np.array([[-20.0, 0.1, 6.0], [-20.0, 2.99, 6.0], [-20.0, 3.01, 6.0]])
    found = ray_transmittance(crowns, starts, EAST, month)
    share = MONTHS[month - 1]
    assert found.tolist() == [share, share, 1.0]


def test_light_falls_with_the_way_as_beer_and_lambert_say():
    """The logarithm is the way times the extinction; half the way, the square root."""
    crowns = ball()
    lost = extinction(crowns, 3)[0]
    off = np.array([1e-5, 1.0, 2.0, 2.9, 3.5])
    starts = np.c_[np.full(5, -20.0), off, np.full(5, 6.0)]
    found = ray_transmittance(crowns, starts, EAST, 3, law=Law.PATH)
    wanted = np.exp(-lost * 2.0 * np.sqrt(np.maximum(9.0 - off**2, 0.0)))
    assert found == pytest.approx(wanted, rel=1e-9)
    whole = ray_transmittance(crowns, starts[:1], EAST, 3, law=Law.PATH)
    half = ray_transmittance(crowns, crowns.middle + 1e-5 * NORTH, EAST, 3, law=Law.PATH)
    assert half**2 == pytest.approx(whole)


@pytest.mark.parametrize("month", [1, 7, 12])
@pytest.mark.parametrize("height", [5.0, 6.0, 11.0])
def test_both_laws_give_a_shadow_the_same_light_from_the_side(month, height):
    crowns = make_crowns(
        [[0.0, 0.0, 0.0]], [3.0 + height], [3.0], base=[3.0], trunk_radius=[1e-6],
        transmittance=TABLE,
    )  # fmt: skip
    low, high = crowns.base[0], crowns.height[0]
    y, z = np.meshgrid(np.linspace(-3, 3, 401), np.linspace(low, high, 401))
    starts = np.c_[np.full(y.size, -20.0), y.ravel(), z.ravel()]
    chord = crown_chords(crowns, starts, np.tile(EAST, (len(starts), 1)))[:, 0]
    found = ray_transmittance(crowns, starts, EAST, month, law=Law.PATH)
    mean = found[chord > 1e-9].mean()
    assert mean == pytest.approx(MONTHS[month - 1], abs=2e-3)


def test_the_mean_over_a_shadow_has_its_closed_form():
    """By quadrature over a disc, where the way is sqrt(1 - r^2) of the longest."""
    for depth in (0.0, 1e-4, 0.9e-3, 1.1e-3, 0.3, 2.0, 12.0):
        square = (np.arange(200_000) + 0.5) / 200_000
        wanted = np.exp(-depth * np.sqrt(1.0 - square)).mean()
        assert shadow_mean(depth) == pytest.approx(wanted, abs=1e-9, rel=1e-6)


def test_black_and_clear_crowns_are_the_limits():
    feet = np.array([[0.0, 0.0, 0.0]])
    for share, wanted in ((0.0, 0.0), (1.0, 1.0), (1e-9, 0.0)):
        crowns = make_crowns(
            feet, [9.0], [3.0], base=[3.0], trunk_radius=[1e-6],
            transmittance={TreeKind.UNKNOWN: np.full(12, share)},
        )  # fmt: skip
        beside, through = np.array([[-9.0, 5.0, 6.0]]), np.array([[-9.0, 0.5, 6.0]])
        for law in Law:
            assert ray_transmittance(crowns, beside, EAST, 6, law=law) == 1.0
            found = ray_transmittance(crowns, through, EAST, 6, law=law)
            assert found == pytest.approx(wanted, abs=1e-4)


@given(st.integers(0, 2**31), st.sampled_from(list(Law)))
def test_crowns_multiply_in_any_order(seed, law):
    rng = np.random.default_rng(seed)
    count = 5
    crowns = make_crowns(
        rng.uniform(-9, 9, (count, 3)), rng.uniform(4, 12, count), rng.uniform(1, 5, count),
        trunk_radius=np.full(count, 0.1), transmittance=TABLE,
    )  # fmt: skip
    starts, ways = rng.uniform(-12, 12, (40, 3)), unit(rng, 40)
    found = ray_transmittance(crowns, starts, ways, 4, law=law)
    alone = [
        ray_transmittance(crowns.take(np.array([k])), starts, ways, 4, law=law)
        for k in range(count)
    ]
    assert found == pytest.approx(np.prod(alone, axis=0), rel=1e-12)
    turned = crowns.take(rng.permutation(count))
    again = ray_transmittance(turned, starts, ways, 4, law=law)
    assert again == pytest.approx(found, rel=1e-12)
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_leaves_in_the_way_never_help():
    """From month to month with less transmittance, no ray gets more."""
    rng = np.random.default_rng(1)
    crowns = make_crowns(
        rng.uniform(-9, 9, (8, 3)), rng.uniform(4, 12, 8), rng.uniform(1, 5, 8),
        transmittance=TABLE,
    )  # fmt: skip
    starts, ways = rng.uniform(-12, 12, (500, 3)), unit(rng, 500)
    for law in Law:
        by_month = [ray_transmittance(crowns, starts, ways, m, law=law) for m in (1, 6, 12)]
        assert (np.diff(by_month, axis=0) >= -1e-12).all()


def test_trunks_are_opaque_up_to_the_middle_of_the_crown():
    crowns = make_crowns([[2.0, 1.0, 4.0]], [10.0], [3.0], base=[4.0], trunk_radius=[0.5])
    rows = [
        ([-9.0, 1.4, 5.0], EAST, True),  # within the radius
        ([-9.0, 1.6, 5.0], EAST, False),  # beside it
        ([-9.0, 1.0, 3.9], EAST, False),  # under the foot
        ([-9.0, 1.0, 10.9], EAST, True),  # just under its top, 7 m above the foot
        ([-9.0, 1.0, 11.1], EAST, False),  # above its top, in the crown
        ([9.0, 1.0, 5.0], EAST, False),  # behind the start
        ([2.0, 1.0, 0.0], UP, True),  # from below, along the axis
        ([2.0, 1.0, 20.0], -UP, True),  # from above
        ([2.0, 1.0, 20.0], UP, False),  # looking away
        ([2.6, 1.0, 0.0], UP, False),  # a plumb line beside it
    ]
    starts, ways = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    assert trunk_hits(crowns, starts, ways)[:, 0].tolist() == [r[2] for r in rows]
    found = ray_transmittance(crowns, starts, ways, 7)
    assert ((found == 0.0) == np.array([r[2] for r in rows])).all()


def test_trunks_agree_with_samples_along_slanting_rays():
    rng = np.random.default_rng(5)
    crowns = make_crowns([[0.0, 0.0, 0.0]], [10.0], [3.0], base=[4.0], trunk_radius=[1.0])
    starts = rng.uniform(-3, 9, (300, 3))
    ways = rng.uniform([-2, -2, -2], [2, 2, 9], (300, 3)) - starts
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    steps = np.linspace(0, 20, 4001)
    points = starts[:, None] + steps[:, None] * ways[:, None]
    inside = (points[..., 0] ** 2 + points[..., 1] ** 2 < 1.0) & (points[..., 2] > 0.0)
    inside &= points[..., 2] < 7.0
    wanted = inside.sum(axis=1)
    found = trunk_hits(crowns, starts, ways)[:, 0]
    # Short cuts of a corner may fall between two samples.
    sure = (wanted == 0) | (wanted > 3)
    assert found[sure & (wanted > 0)].all()
    assert found[sure & (wanted == 0)].mean() < 0.02
    assert 30 < found.sum() < 200


def test_no_trees_take_nothing_and_many_rays_go_in_pieces(monkeypatch):
    none = make_crowns(np.empty((0, 3)), [], [])
    assert ray_transmittance(none, np.zeros((3, 3)), UP, 1).tolist() == [1, 1, 1]
    rng = np.random.default_rng(2)
    crowns = make_crowns(rng.uniform(-9, 9, (7, 3)), np.full(7, 8.0), np.full(7, 3.0))
    starts, ways = rng.uniform(-12, 12, (50, 3)), unit(rng, 50)
    whole = ray_transmittance(crowns, starts, ways, 8)
    monkeypatch.setattr("meshes.crown_light.PAIRS", 20)
    assert ray_transmittance(crowns, starts, ways, 8).tolist() == whole.tolist()


def test_wrong_months_and_directions_are_refused():
    for month in (0, 13):
        with pytest.raises(TableError, match=r"1\.\.12"):
            ray_transmittance(ball(), np.zeros((1, 3)), UP, month)
    with pytest.raises(GeometryError, match="length 2"):
        ray_transmittance(ball(), np.zeros((1, 3)), 2 * UP, 1)
