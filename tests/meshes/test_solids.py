"""LoD1 solids are closed, oriented and of the right volume."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.polygons import make_polygons
from meshes.solids import Kind, Solids, closure_defects, local_origin, lod1_solids

COURT = shapely.Polygon(
    shapely.box(0, 0, 30, 20).exterior, [shapely.box(10, 5, 18, 12).exterior.coords[::-1]]
)


def raised_one_by_one(buildings: gpd.GeoDataFrame) -> Solids:
    """Return the same solids by the dumbest loop over parts, rings and corners."""
    origin = local_origin(buildings)
    faces, kinds, parts = [], [], []
    for number, (_, row) in enumerate(buildings.iterrows()):
        top, base = row["top"] - origin[2], row["base"] - origin[2]
        shape = row["geometry"]
        rings = [
            [(x - origin[0], y - origin[1]) for x, y, *_ in ring.coords[:-1]]
            for ring in (shape.exterior, *shape.interiors)
        ]
        walls = [
            [np.array([(*p, base), (*q, base), (*q, top), (*p, top)])]
            for ring in rings
            for p, q in zip(ring, ring[1:] + ring[:1], strict=True)
        ]
        roof = [np.array([(*p, top) for p in ring]) for ring in rings]
        ground = [np.array([(*p, base) for p in reversed(ring)]) for ring in rings]
        faces += [roof, *walls, ground]
        kinds += [Kind.ROOF, *[Kind.WALL] * len(walls), Kind.GROUND]
        parts += [number] * (len(walls) + 2)
    return Solids(
        make_polygons(faces),
        np.array(kinds, np.int8),
        np.array(parts, np.int32),
        tuple(map(str, buildings.index)),
        origin,
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 6),
    east=st.sampled_from([0.0, 99_700.123, 6_213_500.321]),
)
def test_all_at_once_is_one_by_one_bit_by_bit(seed, count, east, random_blocks):
    table = random_blocks(seed, count)
    table = table.set_geometry(table.translate(east, -0.5 * east))
    fast, slow = lod1_solids(table), raised_one_by_one(table)
    for name in ("vertices", "ring_start", "polygon_start", "normal", "area"):
        one, other = getattr(fast.faces, name), getattr(slow.faces, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name
    for name in ("kind", "part", "origin"):
        one, other = getattr(fast, name), getattr(slow, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name
    assert fast.parts == slow.parts


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (shapely.MultiPolygon([COURT]), "must be one polygon, got 1 other"),
        (None, "must be one polygon, got 1 other"),
        (shapely.Polygon(), "must be one polygon, got 1 other"),
        (shapely.Polygon([(0, 0), (4, 4), (8, 8)]), "no area"),
        (shapely.Polygon([(0, 0), (4, 4), (0, 0)]), "no area"),
    ],
)
def test_what_is_no_polygon_is_refused(shape, words):
    table = gpd.GeoDataFrame(
        {"base": [0.0, 0.0], "top": [5.0, 5.0]}, geometry=[COURT, shape], crs=3008
    )
    with pytest.raises(GeometryError, match=words):
        lod1_solids(table)


def test_no_buildings_are_no_solids(blocks):
    none = lod1_solids(blocks([COURT], [0], [5]).iloc[:0], origin=np.zeros(3))
    assert (len(none.faces), none.parts, none.volume().size) == (0, (), 0)
    assert closure_defects(none).size == 0
    assert none.faces.triangles()[0].shape == (0, 3)


def test_a_flat_body_and_an_unknown_height_are_refused(blocks):
    for top in (3.0, np.nan):
        with pytest.raises(GeometryError, match="no area"):
            lod1_solids(blocks([COURT], [3], [top]))


def test_open_parts_are_told_as_by_counting_edges(random_blocks):
    solids = lod1_solids(random_blocks(3, 6))
    rng = np.random.default_rng(1)
    kept = np.sort(rng.permutation(len(solids.faces))[: len(solids.faces) - 3])
    holed = replace(
        solids,
        faces=solids.faces.take(kept),
        kind=solids.kind[kept],
        part=solids.part[kept],
    )
    edges = set()
    for face in range(len(holed.faces)):
        for ring in holed.faces.rings(face):
            corners = [(int(holed.part[face]), *corner) for corner in ring.tolist()]
            edges |= set(zip(corners, corners[1:] + corners[:1], strict=True))
    unmet = {one[0] for one, other in edges if (other, one) not in edges}
    assert closure_defects(holed).tolist() == sorted(unmet)
    assert len(unmet) > 0


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
