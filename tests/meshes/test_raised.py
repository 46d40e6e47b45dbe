"""Bodies that do not stand on the ground are closed, and light passes below them."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.roof_words import FORMS
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.formats.cityjson_read import read_city_model
from meshes.predicates import invalid_parts
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.raising import raise_buildings
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import solid_occluders
from meshes.solar.photovoltaics import pv_potential, yield_table
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import Kind, Solids, closure_defects, lod1_solids

BASE = 2.0


@pytest.fixture(scope="module")
def raised(blocks):
    """Return a maker of tables of (shape, underside, height) on ground at `BASE`."""

    def make(*rows: tuple[shapely.Polygon, float, float]) -> gpd.GeoDataFrame:
        shapes, under, height = zip(*rows, strict=True)
        table = blocks(shapes, [BASE] * len(rows), np.add(BASE, height))
        return table.assign(
            underside=np.array(under, float), height=np.array(height, float)
        )

    return make


@pytest.fixture(scope="module")
def gate(raised):
    """Return a house over a passage of 4 m, 6 m wide and 12 m deep, along the south."""
    return raised(
        (shapely.box(0, 0, 20, 12), 0, 16),
        (shapely.box(20, 0, 26, 12), 4, 16),
        (shapely.box(26, 0, 50, 12), 0, 16),
    )


def shaded(solids: Solids, azimuth: float, elevation: float, spacing: float = 0.5):
    """Return facets, whether the kernel blocks their sensors, and whether rays are."""
    facets = make_facets(solids, spacing=spacing)
    occluders = solid_occluders(solids)
    caster = make_caster(facets, occluders)
    bits = np.empty(caster.words, np.uint64)
    direction = unit_vectors(np.radians(azimuth), np.radians(elevation))
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")
    normals = facets.normal[facets.sensor_facet]
    rays = is_blocked(facets.sensor_positions(), normals, direction, occluders.polygons)
    return facets, flags[facets.sensor_bit].astype(bool), rays


def test_volume_is_area_times_the_height_between_underside_and_top(raised):
    court = shapely.box(0, 0, 30, 20).difference(shapely.box(10, 5, 20, 15))
    table = raised((court, 5, 12), (shapely.box(40, 0, 50, 10), 0, 9))
    solids = lod1_solids(table)
    assert solids.volume() == pytest.approx([500.0 * 7.0, 100.0 * 9.0])
    assert not len(closure_defects(solids))
    assert not len(invalid_parts(solids))
    under = solids.kind == Kind.UNDERSIDE
    assert solids.part[under].tolist() == [0]
    assert solids.faces.area[under] == pytest.approx([500.0])
    assert solids.faces.normal[under] == pytest.approx(np.array([[0.0, 0.0, -1.0]]))
    assert (solids.kind == Kind.GROUND).sum() == 1


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_roof_can_hang_in_the_air(form, raised):
    table = raised((shapely.box(0, 0, 18, 10), 6, 14)).assign(
        roof_shape=form, roof_height=3.0
    )
    ground = table.assign(underside=0.0)
    hanging, report = lod2_solids(table)
    standing, other = lod2_solids(ground)
    assert (report.table["roof_shape"] == form).all()
    assert report.table["roof_height"].equals(other.table["roof_height"])
    assert not len(invalid_parts(hanging))
    assert (hanging.kind == Kind.UNDERSIDE).sum() == 1
    assert (hanging.kind == Kind.GROUND).sum() == 0
    assert standing.volume() - hanging.volume() == pytest.approx(180.0 * 6.0)


def test_undersides_have_no_sensors(gate):
    facets = make_facets(lod1_solids(gate), spacing=1.0)
    assert set(np.unique(facets.kind)) == {Kind.ROOF, Kind.WALL}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    azimuth=st.floats(0.01, 359.9),
    elevation=st.floats(0.2, 89.9),
)
def test_shadows_below_and_above_equal_brute_force(seed, azimuth, elevation, random_blocks):
    rng = np.random.default_rng(seed)
    table = random_blocks(seed, 9)
    height = table["top"] - table["base"]
    under = np.where(rng.random(9) < 0.6, height * rng.uniform(0.2, 0.8, 9), 0.0)
    solids = lod1_solids(table.assign(height=height, underside=under))
    # Off the round numbers: a ray through an edge may fall either way.
    _, kernel, rays = shaded(solids, azimuth + 0.0123, elevation + 0.0071, spacing=1.7)
    assert (kernel == rays).all()


@settings(max_examples=40, deadline=None)
@given(azimuth=st.floats(0.01, 359.9), elevation=st.floats(0.2, 89.9))
def test_shadows_in_a_passage_equal_brute_force(azimuth, elevation, gate):
    _, kernel, rays = shaded(lod1_solids(gate), azimuth + 0.0123, elevation + 0.0071)
    assert (kernel == rays).all()


@pytest.mark.parametrize("elevation", [20.0, 40.0, 60.0])
def test_sun_reaches_into_a_passage_as_far_as_its_height_allows(elevation, gate):
    """On the passage's east wall the lit edge runs down from the lintel towards the yard.

    Seen from the south-west the sun passes the lintel (4 m over the ground, at y = 0) and
    the west jamb (x = 20): a point of the wall x = 26 at depth y and height z is lit where
    y < 6 cot(turn) and z < 4 - path tan(elevation), with the path y / cos(turn) in plan.
    """
    turn = np.radians(25.0)  # from south towards west
    solids = lod1_solids(gate)
    facets, kernel, _ = shaded(solids, 180.0 + 25.0, elevation, spacing=0.2)
    points = facets.sensor_positions() + solids.origin
    wall = (facets.normal[facets.sensor_facet, 0] < -0.9) & (facets.part == 2)[
        facets.sensor_facet
    ]
    wall &= np.abs(points[:, 0] - 26.0) < 1e-9
    y, z = points[wall, 1], points[wall, 2] - BASE
    path = y / np.cos(turn)
    expected = (z < 4.0 - path * np.tan(np.radians(elevation))) & (y * np.tan(turn) < 6.0)
    near = np.abs(z - 4.0 + path * np.tan(np.radians(elevation))) < 1e-6
    assert expected.any()
    assert (~kernel[wall] == expected)[~near].all()


def test_an_overhang_shades_the_wall_below_by_its_depth_times_the_sun(raised):
    """At noon the shadow reaches depth x tan(elevation) below the overhang's underside."""
    depth, elevation = 3.0, 35.0
    solids = lod1_solids(
        raised(
            (shapely.box(0, 0, 60, 10), 0, 12),
            (shapely.box(0, -depth, 60, 10), 12, 20),
        )
    )
    facets, kernel, _ = shaded(solids, 180.0, elevation, spacing=0.1)
    points = facets.sensor_positions() + solids.origin
    south = (facets.normal[facets.sensor_facet, 1] < -0.9) & (facets.part == 0)[
        facets.sensor_facet
    ]
    middle = south & (np.abs(points[:, 0] - 30.0) < 10.0)
    edge = BASE + 12.0 - depth * np.tan(np.radians(elevation))
    assert (kernel[middle] == (points[middle, 2] > edge)).all()


def test_a_roof_under_another_body_sees_no_sky(raised):
    solids = lod1_solids(
        raised((shapely.box(0, 0, 20, 20), 0, 8), (shapely.box(5, 5, 15, 15), 8, 30))
    )
    covered = np.zeros(1, bool)
    for azimuth in range(5, 360, 30):
        for elevation in (3.0, 40.0, 85.0):
            facets, kernel, _ = shaded(solids, azimuth, elevation)
            points = facets.sensor_positions() + solids.origin
            roof = (facets.kind == Kind.ROOF) & (facets.part == 0)
            under = roof[facets.sensor_facet] & shapely.contains_xy(
                shapely.box(5, 5, 15, 15), points[:, 0], points[:, 1]
            )
            assert kernel[under].all()
            covered |= under.any()
    assert covered.all()


def test_a_measured_ridge_ends_below_what_stands_above(raised):
    table = raised((shapely.box(0, 0, 20, 10), 0, 8), (shapely.box(0, 0, 10, 10), 9, 20))
    measured = table.assign(
        roof_shape=["gabled", ""], ridge=[12.0, np.nan], eaves=[6.0, np.nan]
    )
    solids, _ = raise_buildings(measured)
    top = [solids.faces.vertices[vertices_of(solids, p), 2].max() for p in range(2)]
    assert top == pytest.approx([BASE + 9.0, BASE + 20.0])
    assert solids.volume()[1] == pytest.approx(100.0 * 11.0)
    assert not len(invalid_parts(solids))


def vertices_of(solids: Solids, part: int) -> np.ndarray:
    owner = np.repeat(solids.part, np.diff(solids.faces.vertex_start))
    return owner == part


@settings(max_examples=40, deadline=None)
@given(
    storeys=st.lists(st.tuples(st.floats(0.5, 6), st.booleans()), min_size=1, max_size=6)
)
def test_random_stacks_fill_what_their_storeys_add_up_to(storeys, raised):
    rows, level, expected = [], 0.0, []
    for k, (rise, gap) in enumerate(storeys):
        bottom = level + (1.5 if gap and k else 0.0)
        level = bottom + rise + 1.0
        rows.append((shapely.box(-k, 0, 10 + 2 * k, 8), bottom, level))
        expected.append((10 + 3 * k) * 8 * (rise + 1.0))
    solids, _ = raise_buildings(
        raised(*rows).assign(roof_shape="", ridge=np.nan, eaves=np.nan)
    )
    assert solids.volume() == pytest.approx(expected)
    assert not len(invalid_parts(solids))


def test_undersides_of_other_models_are_read(tmp_path, gate):
    """An outer ceiling is an underside only where it looks down."""
    path = tmp_path / "gate.city.json"
    solids = lod1_solids(gate)
    faces = [
        [[int(v) for v in range(a, b)]]
        for a, b in zip(
            solids.faces.vertex_start[:-1], solids.faces.vertex_start[1:], strict=True
        )
    ]
    own = np.flatnonzero(solids.part == 1)
    words = ["RoofSurface", "WallSurface", "GroundSurface", "OuterCeilingSurface"]
    values = [int(solids.kind[k]) for k in own]
    values[1] = 3  # a wall that is called a ceiling
    model = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [0.0] * 3},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/3008"},
        "CityObjects": {
            "gate": {
                "type": "Building",
                "geometry": [
                    {
                        "type": "Solid",
                        "lod": "1.2",
                        "boundaries": [[faces[k] for k in own]],
                        "semantics": {
                            "surfaces": [{"type": word} for word in words],
                            "values": [values],
                        },
                    }
                ],
            }
        },
        "vertices": (
            (solids.faces.vertices + solids.origin + [99_000, 6_213_000, 0]) * 1000
        )
        .round()
        .astype(int)
        .tolist(),
    }
    path.write_text(json.dumps(model))
    read = read_city_model(path).solids
    assert sorted(read.kind.tolist()) == sorted(solids.kind[own].tolist())
    assert read.faces.area[read.kind == Kind.UNDERSIDE] == pytest.approx([72.0])


def test_what_another_body_covers_counts_neither_as_roof_nor_as_light(raised):
    """A tower on a podium: the covered 100 m2 are no roof, and get next to no light."""
    tower = shapely.box(5, 5, 15, 15)
    table = raised((shapely.box(0, 0, 20, 20), 0, 8), (tower, 8, 30))
    facets = make_facets(lod1_solids(table), spacing=1.0)
    weather = typical_year()
    light = irradiate(
        facets,
        solid_occluders(facets.solids),
        weather,
        latitude=56.041,
        longitude=12.696,
    )
    areas = yield_table(light, pv_potential(light, weather))["roof_area"]
    assert areas.to_dict() == pytest.approx({"b0": 300.0, "b1": 100.0})
    points = facets.sensor_positions() + facets.solids.origin
    roof = ((facets.kind == Kind.ROOF) & (facets.part == 0))[facets.sensor_facet]
    covered = roof & shapely.contains_xy(tower, points[:, 0], points[:, 1])
    assert light.sensor_annual[covered].max() < 1.0  # [kWh/m2]
    assert light.sensor_annual[roof & ~covered].min() > 200.0
