"""A roof behind a rim is sunk by the parapet, and the body stays closed."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.facets import make_facets
from meshes.predicates import invalid_parts
from meshes.roofs.lod2 import lod2_solids
from meshes.solar.occluders import solid_occluders
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import Kind, closure_defects, lod1_solids

BASE, TOP = 1.0, 13.0


@pytest.fixture(scope="module")
def rimmed(blocks):
    """Return a maker of one house with a parapet."""

    def make(shape: shapely.Polygon, height: float, width: float) -> gpd.GeoDataFrame:
        table = blocks([shape], [BASE], [TOP])
        return table.assign(parapet_height=height, parapet_width=width)

    return make


SHAPES = [
    pytest.param(shapely.box(0, 0, 30, 12), (30 - 0.6) * (12 - 0.6), id="box"),
    pytest.param(
        shapely.box(0, 0, 30, 20).difference(shapely.box(10, 6, 20, 14)),
        (30 - 0.6) * (20 - 0.6) - (10 + 0.6) * (8 + 0.6),
        id="court",
    ),
    pytest.param(
        shapely.box(0, 0, 30, 10).union(shapely.box(0, 0, 10, 25)),
        (30 - 0.6) * (10 - 0.6) + (10 - 0.6) * 15,
        id="L",
    ),
]


@pytest.mark.parametrize("turn", [0.0, 33.0])
@pytest.mark.parametrize(("shape", "sunk"), SHAPES)
def test_volume_is_the_block_less_the_sunk_roof(shape, sunk, turn, rimmed):
    turned = shapely.affinity.rotate(shape, turn, origin=(5, 5))
    solids, report = lod2_solids(rimmed(turned, 0.8, 0.3))
    block = shape.area * (TOP - BASE)
    assert solids.volume() == pytest.approx([block - sunk * 0.8])
    assert not len(closure_defects(solids))
    assert not len(invalid_parts(solids))
    assert report.table["lod"].tolist() == ["2.0"]
    roofs = solids.kind == Kind.ROOF
    assert solids.faces.area[roofs].sum() == pytest.approx(shape.area)
    assert solids.faces.area[roofs][0] == pytest.approx(sunk)  # the first is the sunk one
    levels = solids.faces.vertices[solids.faces.vertex_start[:-1][roofs], 2]
    assert levels == pytest.approx([TOP - 0.8, *[TOP] * (roofs.sum() - 1)])
    inner = sum(ring.length for ring in rings_of(shape.buffer(-0.3, join_style="mitre")))
    walls = solids.faces.area[solids.kind == Kind.WALL].sum()
    assert walls == pytest.approx(shape.length * (TOP - BASE) + inner * 0.8)


def rings_of(shape: shapely.Polygon) -> list[shapely.LinearRing]:
    return [shape.exterior, *shape.interiors]


def test_without_parapets_nothing_changes(blocks):
    table = blocks([shapely.box(0, 0, 30, 12)], [BASE], [TOP])
    plain, _ = lod2_solids(table)
    none, report = lod2_solids(table.assign(parapet_height=np.nan, parapet_width=np.nan))
    block = lod1_solids(table)
    for solids in (plain, none):
        assert np.array_equal(solids.faces.vertices, block.faces.vertices)
    assert report.table["lod"].tolist() == ["1.2"]


@pytest.mark.parametrize(
    ("shape", "height", "reason"),
    [
        pytest.param(shapely.box(0, 0, 0.55, 20), 0.8, "narrow", id="a wall"),
        pytest.param(
            shapely.box(0, 0, 10, 10)
            .union(shapely.box(10, 4, 20, 4.5))
            .union(shapely.box(20, 0, 30, 10)),
            0.8,
            "narrow",
            id="a neck",
        ),
        pytest.param(shapely.box(0, 0, 10, 10), 11.5, "low", id="no wall is left"),
    ],
)
def test_where_there_is_no_room_the_roof_stays_plain(shape, height, reason, rimmed):
    solids, report = lod2_solids(rimmed(shape, height, 0.3))
    assert solids.volume() == pytest.approx([shape.area * (TOP - BASE)])
    assert reason in report.table["fallback"].iloc[0]
    assert any("no parapet" in note for note in report.notes)


def test_sloped_roofs_have_no_parapet(rimmed):
    table = rimmed(shapely.box(0, 0, 20, 10), 0.8, 0.3).assign(roof_shape="gabled")
    solids, _ = lod2_solids(table)
    bare, _ = lod2_solids(table.drop(columns=["parapet_height", "parapet_width"]))
    assert np.array_equal(solids.faces.vertices, bare.faces.vertices)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40)), min_size=3, max_size=9),
    width=st.floats(0.1, 1.5),
    height=st.floats(0.1, 2.5),
)
def test_any_outline_gives_a_valid_body(points, width, height, rimmed):
    shape = (
        shapely.MultiPoint(points)
        .buffer(0.5, quad_segs=2)
        .union(shapely.MultiPoint(points).convex_hull)
    )
    shape = shapely.get_parts(shape)[0]
    if shape.geom_type != "Polygon" or shape.area < 4.0:
        return
    shape = shapely.remove_repeated_points(shape, 0.02)
    solids, report = lod2_solids(rimmed(shape, height, width))
    assert not len(closure_defects(solids))
    assert not len(invalid_parts(solids))
    block = shape.area * (TOP - BASE)
    assert solids.volume()[0] <= block * (1 + 1e-12)
    if report.table["lod"].iloc[0] == "2.0":
        assert solids.volume()[0] >= block - shape.area * height


@settings(max_examples=30, deadline=None)
@given(azimuth=st.floats(0.01, 359.9), elevation=st.floats(0.5, 89.0))
def test_rims_shade_their_roof_as_rays_say(azimuth, elevation, rimmed):
    court = shapely.box(0, 0, 14, 10).difference(shapely.box(5, 3, 9, 7))
    solids, _ = lod2_solids(rimmed(court, 1.1, 0.4))
    facets = make_facets(solids, spacing=0.6)
    occluders = solid_occluders(solids)
    caster = make_caster(facets, occluders)
    bits = np.empty(caster.words, np.uint64)
    direction = unit_vectors(np.radians(azimuth + 0.0123), np.radians(elevation + 0.0071))
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")[facets.sensor_bit]
    normals = facets.normal[facets.sensor_facet]
    rays = is_blocked(facets.sensor_positions(), normals, direction, occluders.polygons)
    assert (flags.astype(bool) == rays).all()
