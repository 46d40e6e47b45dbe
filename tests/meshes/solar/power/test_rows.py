"""Rectangles fill outlines as geometry allows."""

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.solar.power.rows import pack_rows

SIZES = {"width": 1.7, "depth": 1.1, "gap": 0.02}


def boxes(packed, width, depth):
    return shapely.box(packed.u, packed.v, packed.u + width, packed.v + depth)


@pytest.mark.parametrize(
    ("a", "b", "pitch"),
    [
        pytest.param(10.0, 6.0, 1.12, id="dense"),
        pytest.param(10.0, 6.0, 2.6, id="spaced rows"),
        pytest.param(1.7, 1.1, 1.12, id="just one"),
        pytest.param(1.69, 6.0, 1.12, id="too narrow"),
        pytest.param(3.42, 2.22, 1.12, id="just two by two"),
    ],
)
def test_a_rectangle_holds_what_the_formula_says(a, b, pitch):
    packed = pack_rows(shapely.box(3, -2, 3 + a, -2 + b), pitch=pitch, **SIZES)
    columns = np.floor((a + 0.02) / 1.72 + 1e-9)
    rows = np.floor((b + pitch - 1.1) / pitch + 1e-9)
    assert len(packed) == columns * rows


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_nothing_sticks_out_or_overlaps(seed):
    rng = np.random.default_rng(seed)
    shape = shapely.box(0, 0, *rng.uniform(3, 25, 2))
    for _ in range(rng.integers(0, 4)):
        x, y = rng.uniform(-2, 20, 2)
        hole = shapely.affinity.rotate(
            shapely.box(x, y, x + rng.uniform(0.5, 8), y + rng.uniform(0.5, 8)),
            rng.uniform(0, 90),
        )
        shape = shape.difference(hole)
    pitch = 1.1 + rng.uniform(0.0, 2.0)
    packed = pack_rows(shape, pitch=pitch, **SIZES)
    rectangles = boxes(packed, 1.7, 1.1)
    assert shapely.area(shapely.difference(rectangles, shape)).max(initial=0) < 1e-5
    union = shapely.union_all(rectangles).area
    assert union == pytest.approx(len(packed) * 1.7 * 1.1, abs=1e-6)
    assert (np.diff(packed.row) >= 0).all()


def test_a_slit_across_a_row_keeps_modules_apart():
    shape = shapely.box(0, 0, 10, 1.1).difference(shapely.box(4.9, 0.5, 5.1, 0.6))
    packed = pack_rows(shape, pitch=1.12, **SIZES)
    assert len(packed) == 4  # two on each side instead of five
    assert not ((packed.u < 5.1) & (packed.u + 1.7 > 4.9)).any()


def test_a_short_slit_above_a_long_one_hides_nothing():
    long, short = shapely.box(2, 0.1, 8, 0.2), shapely.box(3, 0.8, 3.2, 0.9)
    shape = shapely.box(0, 0, 10, 1.1).difference(long).difference(short)
    packed = pack_rows(shape, pitch=1.12, **SIZES)
    assert packed.u.tolist() == pytest.approx([0, 8])


def test_an_empty_outline_holds_nothing():
    assert len(pack_rows(shapely.Polygon(), pitch=2.0, **SIZES)) == 0
