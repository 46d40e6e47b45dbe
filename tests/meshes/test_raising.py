"""Prove that buildings with roofs go through the light like any other body."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.heidi import heidi_district
from gis.roof_words import FORMS
from meshes.facets import make_facets
from meshes.predicates import invalid_parts
from meshes.roofs.raising import raise_buildings
from meshes.solar.occluders import solid_occluders
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import Kind, lod1_solids

PITCH = 30.0


@pytest.fixture
def house(blocks):
    """Return an L, a box and a courtyard, each of its own form."""
    court = shapely.box(0, 60, 40, 90).difference(shapely.box(10, 70, 30, 80))
    wings = shapely.union(shapely.box(0, 0, 30, 10), shapely.box(0, 0, 12, 34))
    shapes = [wings, shapely.box(40, 0, 58, 12), court]
    table = blocks(shapes, [2.0, 2.0, 2.0], [14.0, 12.0, 17.0])
    return table.assign(
        height=table["top"] - table["base"],
        roof_shape=["hipped", "gabled", "gabled"],
        roof_angle=PITCH,
        eaves=np.nan,
        ridge=np.nan,
    )


def test_without_roofs_bodies_are_blocks_to_the_last_bit():
    buildings = heidi_district().buildings
    raised, report = raise_buildings(buildings)
    blocks = lod1_solids(buildings)
    assert (report.table["lod"] == "1.2").all()
    assert raised.parts == blocks.parts
    for name in ("kind", "part", "origin"):
        assert np.array_equal(getattr(raised, name), getattr(blocks, name))
    for name in ("vertices", "ring_start", "polygon_start", "normal", "area"):
        assert np.array_equal(getattr(raised.faces, name), getattr(blocks.faces, name))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    azimuth=st.floats(0.01, 359.9),
    elevation=st.floats(0.5, 89.0),
)
def test_shadows_on_roofs_and_of_roofs_equal_brute_force(
    seed, azimuth, elevation, random_blocks
):
    """Valleys and courtyards shade themselves: a part's own faces count too."""
    rng = np.random.default_rng(seed)
    table = random_blocks(seed, 8)
    table = table.assign(
        height=table["top"] - table["base"],
        roof_shape=rng.choice(FORMS, len(table)),
        eaves=np.nan,
        ridge=np.nan,
    )
    solids, _ = raise_buildings(table)
    assert not len(invalid_parts(solids))
    facets = make_facets(solids, spacing=1.3)
    occluders = solid_occluders(solids)
    direction = unit_vectors(np.radians(azimuth + 0.0123), np.radians(elevation + 0.0071))
    caster = make_caster(facets, occluders)
    bits = np.empty(caster.words, np.uint64)
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")[facets.sensor_bit]
    normals = facets.normal[facets.sensor_facet]
    brute = is_blocked(facets.sensor_positions(), normals, direction, occluders.polygons)
    assert (flags.astype(bool) == brute).all()


def test_facets_of_several_roofs_have_names_of_their_own(house):
    solids, report = raise_buildings(house)
    assert (report.table["lod"] == "2.0").all()
    facets = make_facets(solids)
    assert len(set(facets.ids)) == len(facets.ids)
    box = [name for name in facets.ids if name.startswith("b1-")]
    walls = [f"b1-wall-{k}" for k in range(1, 5)]
    assert sorted(box) == ["b1-roof-1", "b1-roof-2", *walls]
    blocks = make_facets(lod1_solids(house))
    assert [name for name in blocks.ids if name.startswith("b1-")] == ["b1-roof", *walls]
    # A wall keeps its name and its place, whatever the roof.
    for name in walls:
        one, other = facets.ids.index(name), blocks.ids.index(name)
        assert facets.normal[one] == pytest.approx(blocks.normal[other], abs=1e-9)


def test_a_measured_ridge_is_the_top_and_the_eaves_are_kept(house):
    house = house.assign(
        height=[9.0, 8.0, 12.0], eaves=[6.0, 5.0, 9.0], ridge=[11, 9.5, 14]
    )
    house = house.assign(top=2.0 + house["height"])
    solids, report = raise_buildings(house)
    z = solids.faces.vertices[:, 2] + solids.origin[2]
    face = np.repeat(np.arange(len(solids.faces)), np.diff(solids.faces.vertex_start))
    for part, row in enumerate(house.itertuples()):
        own = solids.part[face] == part
        assert z[own].max() == pytest.approx(2.0 + row.ridge, abs=1e-9)
        roof = own & (solids.kind[face] == Kind.ROOF)
        assert z[roof].min() == pytest.approx(2.0 + row.eaves, abs=1e-9)
    assert (report.table["roof_height_source"] == "eaves").all()
