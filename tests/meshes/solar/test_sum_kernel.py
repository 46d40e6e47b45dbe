"""Sums of light by words are those sensor by sensor, direction by direction."""

import itertools

import numpy as np
import pytest

from meshes.facets import Facets, make_facets
from meshes.solar.sum_kernel import (
    AHEAD,
    MONTHS,
    add_beam,
    add_beam_hours,
    add_patches,
)
from meshes.solids import lod1_solids

DIRECTIONS = 20


@pytest.fixture
def facets(random_blocks) -> Facets:
    """Return facets that together have several times `AHEAD` words."""
    found = make_facets(lod1_solids(random_blocks(5, 12)), spacing=0.4)
    assert len(found.mask) > 2 * AHEAD
    return found


def some_blocked(facets: Facets, rng: np.random.Generator) -> np.ndarray:
    """Return bits by which facets are free, hidden or hidden in part."""
    bits = rng.integers(0, 2**63, (DIRECTIONS, len(facets.mask)), np.uint64)
    word = rng.integers(0, 3, bits.shape)
    bits[word == 0], bits[word == 1] = 0, ~np.uint64(0)
    whole = np.repeat(
        rng.integers(0, 4, (DIRECTIONS, len(facets))), facets.words_per_facet, axis=1
    )
    bits[whole == 0], bits[whole == 1] = 0, ~np.uint64(0)
    return bits & facets.mask


def seen(facets: Facets, blocked: np.ndarray) -> np.ndarray:
    """Return which sensors each direction reaches, (directions, n)."""
    flags = np.unpackbits(blocked.view(np.uint8), axis=1, bitorder="little")
    return flags[:, facets.sensor_bit] == 0


def means(facets: Facets, values: np.ndarray) -> np.ndarray:
    """Return the mean of each facet's sensors."""
    return np.add.reduceat(values, facets.sensor_start[:-1]) / facets.sensors_per_facet


def runs(facets: Facets, pieces: int) -> list[tuple[int, int]]:
    cuts = np.linspace(0, len(facets), pieces + 1).astype(int).tolist()
    return list(itertools.pairwise(cuts))


def of_patches(facets, blocked, number, weights, energy, pieces):
    diffuse, sky = np.zeros((2, len(facets.mask) * 64), np.float32)
    view = np.zeros((len(facets), number.max() + 1), np.float32)
    for first, stop in runs(facets, pieces):
        add_patches(
            blocked, facets.mask, facets.bit_start, facets.shape,
            facets.sensors_per_facet, number, weights, energy, first, stop,
            diffuse, sky, view,
        )  # fmt: skip
    return diffuse, sky, view


def of_beam(facets, blocked, number, course, pieces):
    direct = np.zeros(len(facets.mask) * 64, np.float32)
    total = np.zeros((len(facets), MONTHS))
    share = np.zeros((len(facets), number.max() + 1), np.float32)
    for first, stop in runs(facets, pieces):
        add_beam(
            blocked, facets.mask, facets.bit_start, facets.shape,
            facets.sensors_per_facet, facets.normal, number, *course, first, stop,
            direct, total, share,
        )  # fmt: skip
    return direct, total, share


def suns(rng: np.random.Generator, bins: int):
    """Return positions of the sun around some bins' middles, on both sides of planes."""
    start = np.r_[0, np.cumsum(rng.integers(1, 9, bins))]
    middle = rng.normal(size=(bins, 3))
    towards = np.repeat(middle, np.diff(start), axis=0)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    towards += rng.normal(scale=0.05, size=towards.shape)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    return (
        start,
        towards,
        rng.uniform(0, 2, len(towards)),
        rng.integers(0, 12, len(towards)),
    )


def test_patches_light_the_sensors_that_they_reach(facets):
    rng = np.random.default_rng(1)
    blocked = some_blocked(facets, rng)
    number = rng.permutation(DIRECTIONS + 5)[:DIRECTIONS]
    weights = rng.uniform(-0.3, 1, (len(facets), DIRECTIONS))
    energy = rng.uniform(0, 50, DIRECTIONS)
    diffuse, sky, view = of_patches(facets, blocked, number, weights, energy, 1)
    lit = seen(facets, blocked)
    part = np.maximum(weights, 0)[facets.sensor_facet].T * lit
    bit = facets.sensor_bit
    assert diffuse[bit] == pytest.approx(energy @ part, rel=3e-6, abs=1e-6)
    assert sky[bit] == pytest.approx(part.sum(axis=0), rel=3e-6, abs=1e-6)
    for k in range(DIRECTIONS):
        assert view[:, number[k]] == pytest.approx(means(facets, part[k]), rel=1e-6)
    empty = np.delete(np.arange(len(diffuse)), bit)
    assert not diffuse[empty].any()


def test_beam_lights_the_sensors_that_it_reaches_position_by_position(facets):
    rng = np.random.default_rng(2)
    blocked = some_blocked(facets, rng)
    number = rng.permutation(DIRECTIONS + 5)[:DIRECTIONS]
    course = suns(rng, DIRECTIONS + 5)
    start, towards, energy, month = course
    direct, total, share = of_beam(facets, blocked, number, course, 1)
    lit = seen(facets, blocked)
    gain = np.maximum(facets.normal @ towards.T, 0) * energy
    expected, by_month = np.zeros(facets.sensor_count), np.zeros_like(total)
    for k, b in enumerate(number):
        of_bin = slice(start[b], start[b + 1])
        expected += gain[:, of_bin].sum(axis=1)[facets.sensor_facet] * lit[k]
        part = means(facets, lit[k].astype(float))
        assert share[:, b] == pytest.approx(part)
        for m in range(MONTHS):
            by_month[:, m] += gain[:, of_bin][:, month[of_bin] == m].sum(axis=1) * part
    assert direct[facets.sensor_bit] == pytest.approx(expected, rel=3e-6, abs=1e-6)
    assert total == pytest.approx(by_month, rel=1e-12, abs=1e-12)


def test_sums_do_not_depend_on_how_facets_are_shared_out(facets):
    rng = np.random.default_rng(3)
    blocked, number = some_blocked(facets, rng), np.arange(DIRECTIONS)
    weights = rng.uniform(0, 1, (len(facets), DIRECTIONS))
    energy, course = rng.uniform(0, 50, DIRECTIONS), suns(rng, DIRECTIONS)
    for one, many in (
        [of_patches(facets, blocked, number, weights, energy, n) for n in (1, 7)],
        [of_beam(facets, blocked, number, course, n) for n in (1, 7)],
    ):
        for a, b in zip(one, many, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("cover", [[1.0, 1.0], [0.0, 0.6, 0.9, 1.0]])
def test_hours_are_the_sums_of_their_positions(cover):
    rng = np.random.default_rng(4)
    hour = np.sort(rng.integers(0, 50, 200))
    normal, towards = rng.normal(size=(9, 3)), rng.normal(size=(200, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    share, bins = rng.random((9, 30)).astype(np.float32), rng.integers(0, 30, 200)
    energy = rng.uniform(0, 900, 200)
    found = np.full((9, 50), 5, np.float32)
    rows, start = np.unique(hour, return_index=True)
    add_beam_hours(
        normal, share, np.ascontiguousarray(towards.T), np.r_[start, 200], rows, bins,
        energy, np.array(cover), 0, 9, found,
    )  # fmt: skip
    cosine = np.maximum(normal @ towards.T, 0)
    passed = np.interp(cosine, np.linspace(0, 1, len(cover)), cover)
    each = cosine * passed * energy * share[:, bins]
    expected = 5 + np.stack([each[:, hour == h].sum(axis=1) for h in range(50)], axis=1)
    assert found == pytest.approx(expected, rel=1e-6)
