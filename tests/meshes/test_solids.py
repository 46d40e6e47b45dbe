"""LoD1 solids are closed, oriented and of the right volume."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.polygons import make_polygons
from meshes.solids import Kind, closure_defects, lod1_solids

COURT = shapely.Polygon(
    shapely.box(0, 0, 30, 20).exterior, [shapely.box(10, 5, 18, 12).exterior.coords[::-1]]
)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 6))
def test_random_solids_are_closed_and_hold_area_times_height(seed, count, random_blocks):
    table = random_blocks(seed, count)
    solids = lod1_solids(table)
    expected = table.area * (table.top - table.base)
    assert closure_defects(solids).size == 0
    assert solids.volume() == pytest.approx(expected.to_numpy(), rel=1e-12)


def test_closure_is_lost_with_any_one_face(blocks):
    solids = lod1_solids(blocks([COURT], [1], [9]))
    for lost in range(len(solids.faces)):
        kept = [k for k in range(len(solids.faces)) if k != lost]
        holed = replace(
            solids,
            faces=make_polygons([solids.faces.rings(k) for k in kept]),
            kind=solids.kind[kept],
            part=solids.part[kept],
        )
        assert closure_defects(holed).tolist() == [0]


def test_walls_face_away_from_the_building_also_in_the_courtyard(blocks):
    solids = lod1_solids(blocks([COURT], [1], [9]))
    for face in np.flatnonzero(solids.kind == Kind.WALL):
        corners = solids.faces.rings(face)[0] + solids.origin
        ahead = corners[:2].mean(axis=0) + 0.1 * solids.faces.normal[face]
        assert not COURT.contains(shapely.Point(ahead[:2]))
    roof = solids.kind == Kind.ROOF
    assert solids.faces.normal[roof, 2] == pytest.approx(1)
    assert solids.faces.area[roof] == pytest.approx(30 * 20 - 8 * 7)


def test_faces_carry_their_part_in_order(blocks):
    solids = lod1_solids(blocks([COURT, shapely.box(50, 0, 60, 9)], [1, 2], [9, 5]))
    assert solids.parts == ("b0", "b1")
    assert np.bincount(solids.part).tolist() == [1 + 8 + 1, 1 + 4 + 1]
