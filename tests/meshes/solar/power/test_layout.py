"""Modules lie on usable areas, apart from each other, as many as fit."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from meshes.solar.power.layout import (
    Facing,
    Layout,
    Mounting,
    PvModule,
    lay_modules,
    winter_distance,
)
from meshes.solar.power.usable import SurfaceRules, Usable, UsableRules, find_usable

PLAIN = UsableRules(
    roof=SurfaceRules(setback=0.5, taken=0.0, least_light=0.0, least_area=0.0),
    facade=SurfaceRules(setback=0.5, taken=0.0, least_light=500.0, least_area=0.0),
)
MODULE = PvModule()


@pytest.fixture(scope="module")
def light(random_blocks, lit):
    from meshes.facets import make_facets
    from meshes.solids import lod1_solids

    return lit(make_facets(lod1_solids(random_blocks(11, 5))))


def flat_corners(layout: Layout) -> np.ndarray:
    """Corners along the axes of their facets, (m, 4, 2)."""
    facets, of = layout.facets, layout.facet
    offset = layout.corners - facets.corner[of][:, None]
    return np.stack(
        [np.einsum("mcx,mx->mc", offset, axis[of]) for axis in (facets.e1, facets.e2)],
        axis=-1,
    )


def check(layout: Layout, usable: Usable) -> None:
    """No module leaves its area, meets another or is bent."""
    outlines = shapely.polygons(flat_corners(layout))
    for facet in np.unique(layout.facet):
        mine = outlines[layout.facet == facet]
        sticking = shapely.area(shapely.difference(mine, usable.shapes[facet]))
        assert sticking.max() < 1e-5
        joined = shapely.union_all(mine).area
        assert joined == pytest.approx(shapely.area(mine).sum(), abs=1e-5)
    sides = np.diff(np.concatenate([layout.corners, layout.corners[:, :1]], axis=1), axis=1)
    length = np.sort(np.linalg.norm(sides, axis=2), axis=1)
    assert length[:, :2] == pytest.approx(MODULE.width)
    assert length[:, 2:] == pytest.approx(MODULE.length)
    assert (
        np.einsum("mx,mx->m", layout.normal, layout.facets.normal[layout.facet]) > 0.8
    ).all()


@pytest.mark.parametrize(
    "mounting",
    [
        pytest.param(Mounting(), id="south"),
        pytest.param(Mounting(along_edges=False), id="straight south"),
        pytest.param(Mounting(facing=Facing.EAST_WEST, tilt=10.0), id="tents"),
        pytest.param(Mounting(ground_cover=0.7), id="dense"),
    ],
)
def test_layouts_keep_the_laws(light, mounting):
    usable = find_usable(light, rules=PLAIN)
    layout = lay_modules(light.facets, usable, latitude=56.0, mounting=mounting)
    assert len(layout) > 100
    assert layout.power == pytest.approx(len(layout) * 0.44)
    check(layout, usable)
    again = lay_modules(light.facets, usable, latitude=56.0, mounting=mounting)
    assert np.array_equal(layout.corners, again.corners)
    # Strings: of one facet and side, at most as long as allowed, of about equal length.
    length = np.bincount(layout.string)
    assert length.min() >= 1
    assert length.max() <= mounting.string
    for name in np.unique(layout.string):
        mine = layout.string == name
        assert len(np.unique(layout.facet[mine])) == len(np.unique(layout.side[mine])) == 1
    assert np.isinf(layout.ahead[~layout.tilted]).all()


def rectangle(built, lit, a, b):
    light = lit(built([shapely.box(0, 0, a, b)], [8.0]))
    usable = find_usable(light, rules=PLAIN)
    roof = light.facets.ids.index("b0-roof")
    area = np.where(np.arange(len(light.facets)) == roof, usable.area, 0.0)
    return light.facets, replace(usable, area=area)


def test_a_flat_rectangle_holds_what_the_formula_says(built, lit):
    facets, usable = rectangle(built, lit, 31.0, 21.0)
    layout = lay_modules(facets, usable, latitude=56.0)
    tilt = np.radians(15.0)
    run, rise = MODULE.width * np.cos(tilt), MODULE.width * np.sin(tilt)
    pitch = run + winter_distance(rise, latitude=56.0)
    columns = np.floor(30.02 / (MODULE.length + 0.02))
    rows = np.floor((20.0 + pitch - run) / pitch)
    assert len(layout) == columns * rows
    # They look south, and all but the first row have one in front.
    assert layout.normal == pytest.approx(
        np.tile([0, -np.sin(tilt), np.cos(tilt)], (len(layout), 1))
    )
    assert np.isinf(layout.ahead).sum() == columns
    front = layout.corners[np.isinf(layout.ahead)]
    assert front[..., 1].max() < layout.corners[np.isfinite(layout.ahead)][..., 1].min()


def test_tents_look_east_and_west_in_equal_numbers(built, lit):
    facets, usable = rectangle(built, lit, 31.0, 21.0)
    mounting = Mounting(facing=Facing.EAST_WEST, tilt=10.0)
    layout = lay_modules(facets, usable, latitude=56.0, mounting=mounting)
    east = layout.normal[:, 0] > 0
    assert east.sum() * 2 == len(layout)
    run = MODULE.width * np.cos(np.radians(10.0))
    tents = np.floor((30.0 + 0.3) / (2 * run + 0.02 + 0.3))
    assert len(layout) == 2 * tents * np.floor(20.02 / (MODULE.length + 0.02))


def test_a_taken_share_leaves_modules_out(built, lit):
    facets, usable = rectangle(built, lit, 31.0, 21.0)
    counts = [
        len(lay_modules(facets, replace(usable, taken=usable.taken + share), latitude=56.0))
        for share in (0.0, 0.25, 0.5)
    ]
    assert counts[1] == np.floor(counts[0] * 0.75)
    assert counts[2] == np.floor(counts[0] * 0.5)


def test_steeper_or_denser_rows(built, lit):
    facets, usable = rectangle(built, lit, 31.0, 21.0)

    def count(**how):
        return len(lay_modules(facets, usable, latitude=56.0, mounting=Mounting(**how)))

    assert count(tilt=30.0) < count(tilt=10.0)
    assert count(ground_cover=0.4) < count(ground_cover=0.8)


def test_a_pitched_roof_is_covered_flush(free_planes, lit):
    from meshes.polygons import make_polygons
    from meshes.solar.occluders import open_occluders

    facets = free_planes([(35, 200)])
    light = lit(facets, open_occluders(make_polygons([])))
    rules = UsableRules(roof=replace(PLAIN.roof, setback=0.0))
    layout = lay_modules(facets, find_usable(light, rules=rules), latitude=56.0)
    assert len(layout) == 1  # on 2 x 2 m
    assert layout.normal[0] == pytest.approx(facets.normal[0])
    above = (layout.corners[0] - facets.corner[0]) @ facets.normal[0]
    assert above == pytest.approx(0.1)
    assert not layout.tilted[0]


def test_what_cannot_be_built_is_refused(built, lit):
    facets, usable = rectangle(built, lit, 31.0, 21.0)
    with pytest.raises(GeometryError, match="overlap"):
        lay_modules(facets, usable, latitude=56.0, mounting=Mounting(ground_cover=1.2))
    with pytest.raises(GeometryError, match="midwinter"):
        lay_modules(facets, usable, latitude=68.0)
    with pytest.raises(GeometryError, match="width"):
        PvModule(width=2.0)
    with pytest.raises(GeometryError, match="tilt"):
        Mounting(tilt=0.0)
