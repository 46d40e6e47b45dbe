"""Blocks over any footprint are closed, sound and hold area times height, exactly."""

import itertools
from dataclasses import replace
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.assemble import read_district
from gis.heidi import heidi_district
from meshes.polygons import make_polygons
from meshes.predicates import Code, examine, invalid_parts
from meshes.solids import closure_defects, lod1_solids

EXACT = 1e-9
"""Relative error allowed of a volume: the issue's, far above rounding."""

NEARLY = 1e-3
"""Walls that come this near to each other may be taken for touching [m]; repaired outlines
keep a centimetre."""

EAST, NORTH = 99_700.0, 6_213_500.0


@st.composite
def footprints(draw):
    """Draw a valid polygon at national coordinates: star-shaped, spiky, holed, kinked."""
    seed = draw(st.integers(0, 2**32 - 1))
    corners = draw(st.integers(3, 24))
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(*draw(st.sampled_from([(9, 10), (2, 40), (0.05, 200)])), corners)
    ring = np.c_[radius * np.cos(angle), radius * np.sin(angle)]
    for _ in range(draw(st.integers(0, 4))):
        # A corner that is nearly, or exactly, on an edge.
        at = int(rng.integers(len(ring)))
        here, there = ring[at], ring[(at + 1) % len(ring)]
        off = draw(st.sampled_from([0.0, 1e-9, 1e-6, 1e-4, 1e-2])) * rng.normal(size=2)
        ring = np.insert(ring, at + 1, here + rng.uniform() * (there - here) + off, axis=0)
    if draw(st.booleans()):
        # A spike: out and nearly the same way back.
        at = int(rng.integers(len(ring)))
        width = draw(st.sampled_from([1e-4, 1e-2, 0.5]))
        tip = ring[at] * rng.uniform(1.5, 6.0)
        back = ring[at] + width * rng.normal(size=2)
        ring = np.insert(ring, at + 1, [tip, back], axis=0)
    shape = shapely.Polygon(ring)
    assume(shape.is_valid and shape.area > 1e-6)
    holes = []
    for _ in range(draw(st.integers(0, 3))):
        middle = shape.representative_point()
        west, south, east, north = shape.bounds
        spot = (
            middle
            if not holes
            else shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
        )
        size = 0.4 * shapely.distance(spot, shape.exterior) * rng.uniform(0.2, 1.0)
        around = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        hole = shapely.Polygon(
            np.c_[spot.x + size * np.cos(around), spot.y + size * np.sin(around)]
        )
        apart = all(not hole.intersects(other) for other in holes)
        if hole.is_valid and hole.area > 1e-6 and apart and shape.contains(hole):
            holes.append(hole)
    shape = shapely.Polygon(ring, [hole.exterior.coords for hole in holes])
    moved = shapely.transform(shape, lambda xy: xy + np.array([EAST, NORTH]))
    assume(moved.is_valid and moved.area > 1e-6)
    return shapely.orient_polygons(moved)


def exact_area(shape):
    """Return the area by the shoelace formula in fractions."""
    total = Fraction(0)
    for ring in (shape.exterior, *shape.interiors):
        corners = [(Fraction(x), Fraction(y)) for x, y in ring.coords]
        for (x0, y0), (x1, y1) in itertools.pairwise(corners):
            total += x0 * y1 - x1 * y0
    return total / 2


def table(shapes, base, top):
    return gpd.GeoDataFrame(
        {"base": base, "top": top},
        geometry=list(shapes),
        index=[f"b{k}" for k in range(len(shapes))],
        crs=3008,
    )


@settings(max_examples=150, deadline=None)
@given(shape=footprints(), base=st.floats(-5, 90), height=st.floats(1, 190))
def test_any_footprint_makes_a_closed_block_of_the_right_volume(shape, base, height):
    top = base + height
    solids = lod1_solids(table([shape], base, top))
    assert closure_defects(solids).size == 0
    expected = float(exact_area(shape) * (Fraction(top) - Fraction(base)))
    assert solids.volume()[0] == pytest.approx(expected, rel=EXACT)
    found = examine(solids)
    if shapely.minimum_clearance(shape) > NEARLY:
        assert found.valid.all(), found.table.to_string()
    else:
        # Walls that nearly touch may be called a contact, and nothing else.
        assert set(found.counts()) <= {Code.SHELL_SELF_INTERSECTION}


def as_trimesh(solids):
    """Return the first part as a mesh that knows nothing of ours."""
    corners, _ = solids.faces.triangles()
    return trimesh.Trimesh(solids.faces.vertices, corners, process=True)


@settings(max_examples=40, deadline=None)
@given(shape=footprints(), fate=st.sampled_from(["sound", "lost", "turned"]), at=st.data())
def test_trimesh_thinks_the_same(shape, fate, at):
    assume(shapely.minimum_clearance(shape) > 1e-4)  # trimesh merges corners at 1e-8
    whole = lod1_solids(table([shape], 2.0, 9.5))
    count = len(whole.faces)
    faces = [whole.faces.rings(k) for k in range(count)]
    which = at.draw(st.integers(0, count - 1))
    kept = np.array([k for k in range(count) if fate != "lost" or k != which])
    if fate == "turned":
        faces[which] = [ring[::-1] for ring in faces[which]]
    solids = replace(
        whole,
        faces=make_polygons([faces[k] for k in kept]),
        kind=whole.kind[kept],
        part=whole.part[kept],
    )
    mesh, codes = as_trimesh(solids), set(examine(solids).counts())
    assert mesh.is_watertight == (Code.SHELL_NOT_CLOSED not in codes)
    if mesh.is_watertight:
        assert mesh.is_winding_consistent == (Code.POLYGON_WRONG_ORIENTATION not in codes)
    if fate == "sound":
        assert not codes
        # trimesh sums over the local origin, which costs it digits of small blocks.
        assert solids.volume()[0] == pytest.approx(mesh.volume, rel=1e-6)
    else:
        wanted = {"lost": "SHELL_NOT_CLOSED", "turned": "POLYGON_WRONG_ORIENTATION"}[fate]
        assert codes == {Code[wanted]}


@settings(max_examples=25, deadline=None)
@given(shapes=st.lists(footprints(), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_the_verdict_is_the_same_in_any_company_and_order(shapes, seed):
    solids = lod1_solids(table(shapes, 1.0, 8.0))
    rng = np.random.default_rng(seed)
    lost = rng.random(len(solids.faces)) < 0.05
    kept = rng.permutation(np.flatnonzero(~lost))
    mixed = replace(
        solids,
        faces=solids.faces.take(kept),
        kind=solids.kind[kept],
        part=solids.part[kept],
    )
    together = examine(mixed).valid
    for part, shape in enumerate(shapes):
        alone = lod1_solids(table([shape], 1.0, 8.0), origin=solids.origin)
        mine = np.flatnonzero(~lost[solids.part == part])
        alone = replace(
            alone,
            faces=alone.faces.take(mine),
            kind=alone.kind[mine],
            part=alone.part[mine],
        )
        assert examine(alone).valid[0] == together[part]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_parts_overlap_where_their_plans_and_heights_do(seed, random_blocks):
    blocks = random_blocks(seed, 6)
    blocks[["base", "top"]] = blocks[["base", "top"]].round(seed % 2)  # some as high
    found = examine(lod1_solids(blocks), between_parts=True).table
    assert set(found["code"]) <= {Code.BUILDINGPARTS_OVERLAP}
    told = {
        (row.number, int(row.words.split("part b")[1][0])) for row in found.itertuples()
    }
    for one, other in itertools.combinations(range(len(blocks)), 2):
        a, b = blocks.iloc[one], blocks.iloc[other]
        high = min(a.top, b.top) - max(a.base, b.base)
        common = a.geometry.intersection(b.geometry)
        if high > 0.1 and not common.buffer(-0.1).is_empty:
            assert (one, other) in told
        if high <= 0 or common.area == 0:
            assert (one, other) not in told


def test_the_embedded_district_is_sound():
    buildings = heidi_district().buildings
    found = examine(lod1_solids(buildings), between_parts=True)
    assert found.notes == (f"{len(buildings)} parts examined, all sound",)


@pytest.mark.real
def test_the_harbour_is_sound(shared_data):
    place = shared_data / "helsingborg"
    district = read_district(
        place / "harbour_buildings_epsg3008.gpkg", place / "harbour_dtm_1m_epsg3008.tif"
    )
    solids = lod1_solids(district.buildings)
    assert len(solids.parts) > 1200
    assert invalid_parts(solids).size == 0
