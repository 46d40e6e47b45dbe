"""The ground is one sheet: edge to edge, at the walls, at the shore, near the terrain."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.assemble import read_district
from gis.district import District
from gis.errors import TerrainError
from gis.heidi import heidi_district
from gis.terrain import flat_terrain
from meshes.ground.banks import quay_terrain
from meshes.ground.mesh import TOLERANCE, Cover, GroundMesh, ground_mesh
from meshes.solids import Kind, local_origin, lod1_solids

CORNER = np.array([99_100.25, 6_213_000.5])
"""South-west of the plots [m]."""

NEAR = 1e-3
"""Lines are noded on a raster of 0.1 mm [m]."""


def sides_of(mesh: GroundMesh) -> tuple[np.ndarray, np.ndarray]:
    """Return the directed sides of all triangles, and which have no opposite."""
    t = mesh.triangles
    sides = np.concatenate([t[:, [k, (k + 1) % 3]] for k in range(3)])
    count = len(mesh.corners)
    there, back = sides @ (count, 1), sides @ (1, count)
    return sides, ~np.isin(there, back)


def areas(mesh: GroundMesh) -> np.ndarray:
    """Areas in plan [m2], positive where a triangle looks up."""
    a, b, c = (mesh.corners[mesh.triangles[:, k], :2] for k in range(3))
    one, other = b - a, c - a
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2


def rim_of(district: District, mesh: GroundMesh) -> shapely.Polygon:
    """Return the rectangle of the outermost cell centres, relative to the origin."""
    x, y = district.terrain.grid.x, district.terrain.grid.y
    return shapely.transform(
        shapely.box(x[0], y[-1], x[-1], y[0]), lambda p: p - mesh.origin[:2]
    )


def local(shapes: object, mesh: GroundMesh) -> np.ndarray:
    return shapely.transform(np.asarray(shapes), lambda p: p - mesh.origin[:2])


def assert_conforms(district: District, mesh: GroundMesh, *, pads: bool) -> None:
    """Triangles meet edge to edge, and end on outlines, shores and the rim only."""
    assert len(np.unique(mesh.corners, axis=0)) == len(mesh.corners)
    assert set(mesh.triangles.ravel()) == set(range(len(mesh.corners)))
    sides, is_open = sides_of(mesh)
    assert len(np.unique(sides @ (len(mesh.corners), 1))) == len(sides), "no side twice"
    ends = mesh.corners[sides[is_open]][..., :2]
    rim = rim_of(district, mesh)
    if pads:
        kept = np.array([rim.boundary], object)
    else:
        outlines = local(district.buildings.geometry.to_numpy(), mesh)
        # Below buildings the water ends without a wall.
        hidden = shapely.intersection(
            shapely.union_all(shapely.buffer(outlines, NEAR)),
            local(district.water, mesh).item().boundary,
        )
        kept = np.array([*shapely.boundary(outlines), rim.boundary, hidden], object)
    tree = shapely.STRtree(shapely.get_parts(kept))
    for share in (0.0, 0.3, 0.5, 1.0):
        spots = shapely.points(ends[:, 0] * (1 - share) + ends[:, 1] * share)
        at, _ = tree.query(spots, predicate="dwithin", distance=NEAR)
        assert set(at) == set(range(len(spots))), "it ends on lines only"


def assert_areas(district: District, mesh: GroundMesh) -> None:
    """Land, pads and water of a ground with pads fill the rectangle, each its own part."""
    found = areas(mesh)
    rim = rim_of(district, mesh)
    assert np.isclose(found.sum(), rim.area, rtol=1e-9)
    shapes = local(district.buildings.geometry.to_numpy(), mesh)
    built = shapely.intersection(shapely.union_all(shapes, grid_size=1e-6), rim)
    sea = shapely.intersection(local(district.water, mesh).item(), rim)
    slack = NEAR * (built.length + sea.length) + 1e-6
    assert abs(found[mesh.cover == Cover.WATER].sum() - sea.area) < slack
    dry = shapely.difference(built, sea)
    assert abs(found[mesh.cover == Cover.PAD].sum() - dry.area) < slack
    assert np.allclose(found[mesh.cover == Cover.SHORE], 0, atol=1e-9)


def assert_walls_meet(district: District, mesh: GroundMesh) -> None:
    """No wall begins above the ground beside it, anywhere along any outline on land."""
    shapes = local(district.buildings.geometry.to_numpy(), mesh)
    base = district.buildings["base"].to_numpy() - mesh.origin[2]
    land = mesh.corners[mesh.triangles[mesh.cover == Cover.LAND]]
    sides = np.concatenate([land[:, [k, (k + 1) % 3]] for k in range(3)])
    outlines = shapely.boundary(shapes)
    lines = shapely.linestrings(sides[..., :2])
    side, part = shapely.STRtree(outlines).query(lines, predicate="dwithin", distance=NEAR)
    # Sides along the outline, not those that only end at it.
    for share in (0.0, 0.5, 1.0):
        spot = sides[side, 0] * (1 - share) + sides[side, 1] * share
        along = shapely.dwithin(shapely.points(spot[:, :2]), outlines[part], NEAR)
        side, part = side[along], part[along]
    assert len(side)
    assert (sides[side][..., 2] >= base[part][:, None]).all()


def assert_same_corners(district: District, mesh: GroundMesh) -> None:
    """Every corner of a wall on land within the rim is one of the ground, to the bit."""
    solids = lod1_solids(district.buildings, origin=mesh.origin)
    walls = np.flatnonzero(solids.kind == Kind.WALL)
    places = np.unique(solids.faces.take(walls).vertices[:, :2], axis=0)
    spots = shapely.points(places)
    sea = shapely.buffer(local(district.water, mesh).item(), NEAR)
    inside = shapely.contains(rim_of(district, mesh), spots) & ~shapely.intersects(
        sea, spots
    )
    ground = {tuple(p) for p in mesh.take(Cover.LAND)[0][:, :2].tolist()}
    lacking = {tuple(p) for p in places[inside].tolist()} - ground
    # Where walls of two buildings meet, one may cover the other's corner.
    shapes = local(district.buildings.geometry.to_numpy(), mesh)
    at = shapely.points(np.array(list(lacking)).reshape(-1, 2))
    corner, _ = shapely.STRtree(shapes).query(at, predicate="dwithin", distance=NEAR)
    assert (np.bincount(corner, minlength=len(at)) > 1).all()


def worst_fit(district: District, terrain: object, mesh: GroundMesh) -> float:
    """Largest distance of land from cells away from lines, by a dumb search [m]."""
    grid = terrain.grid
    x, y = (k.ravel() for k in np.meshgrid(grid.x, grid.y))
    # Of a large terrain every eleventh cell or so: the search is dumb, thus slow.
    some = slice(None, None, 1 + x.size // 200_000)
    spots = np.c_[x, y][some] - mesh.origin[:2]
    shapes = local([*district.buildings.geometry, district.water], mesh)
    tree = shapely.STRtree(shapely.points(spots))
    free = np.ones(len(spots), bool)
    free[tree.query(shapes, predicate="dwithin", distance=0.004)[1]] = False
    land = mesh.corners[mesh.triangles[mesh.cover == Cover.LAND]]
    cell, owner = shapely.STRtree(shapely.polygons(land[..., :2])).query(
        shapely.points(spots[free]), predicate="intersects"
    )
    assert set(cell) == set(range(int(free.sum()))), "land covers every free cell"
    a, b, c = (land[owner, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    step = spots[free][cell] - a[:, :2]
    level = a[:, 2] - (normal[:, :2] * step).sum(axis=1) / normal[:, 2]
    real = terrain.z.ravel()[some][free][cell] - mesh.origin[2]
    return float(np.abs(level - real).max())


def lay(district: District, *, tolerance: float = TOLERANCE) -> GroundMesh:
    """Lay the ground with and without pads, check all laws, return that without."""
    origin = local_origin(district.buildings)
    whole = ground_mesh(district, origin=origin, tolerance=tolerance, pads=True)
    assert_conforms(district, whole, pads=True)
    assert_areas(district, whole)
    mesh = ground_mesh(district, origin=origin, tolerance=tolerance)
    assert not (mesh.cover == Cover.PAD).any()
    assert_conforms(district, mesh, pads=False)
    assert_same_corners(district, mesh)
    # Sides that a corner of another building moved may turn over: never visible.
    up = mesh.cover != Cover.SHORE
    assert areas(mesh)[up].min() > -NEAR
    terrain, _ = quay_terrain(district)
    assert worst_fit(district, terrain, mesh) <= tolerance + 1e-6
    return mesh


BLOCK = shapely.box(20, 12, 41, 30)
ELL = shapely.Polygon([(50, 10), (80, 13), (79, 22), (61, 20), (60, 35), (49, 33)])
YARD = shapely.Polygon(
    [(20, 35), (45, 36), (44, 60), (19, 59)], [[(26, 41), (25, 53), (38, 54), (39, 42)]]
)
SEA = shapely.Polygon([(-5, -5), (12, -5), (15, 30), (9, 80), (-5, 80)])

SITES = {
    "one": ([BLOCK], []),
    "no right angles": ([ELL], []),
    "courtyard": ([YARD], []),
    "wall to wall": ([BLOCK, shapely.box(41, 12, 55, 30)], []),
    "wall to wall, staggered": ([BLOCK, shapely.box(41, 17.3, 55, 26.1)], []),
    "a corner at a wall": (
        [BLOCK, shapely.Polygon([(41, 20.1), (52, 13), (55, 28)])],
        [],
    ),
    "corner to corner": ([BLOCK, shapely.box(41, 30, 52, 44)], []),
    "a millimetre apart": ([BLOCK, shapely.box(41.001, 12, 55, 30)], []),
    "a thousandth of that apart": ([BLOCK, shapely.box(41.000001, 12.3, 55, 29)], []),
    "turned walls touch": (
        [
            shapely.affinity.rotate(shape, 23.7, origin=(41, 21))
            for shape in (BLOCK, shapely.box(41, 17.3, 55, 26.1))
        ],
        [],
    ),
    "around a street": ([YARD, shapely.box(30, 45, 34, 50)], []),
    "over the rim": ([shapely.box(80, 50, 140, 90), shapely.box(-20, 30, 7, 41)], []),
    "corner on the rim": ([shapely.box(60, 1, 70, 20)], []),
    "all beyond the rim": ([BLOCK, shapely.box(200, 20, 210, 30)], []),
    "at the sea": ([BLOCK], [SEA]),
    "over the shore": ([BLOCK, shapely.box(5, 14, 18, 25)], [SEA]),
    "in the water": ([BLOCK, shapely.box(2, 14, 8, 25)], [SEA]),
    "along the quay": ([BLOCK, shapely.box(20, 2, 40, 8)], [shapely.box(-9, -9, 99, 2)]),
    "an island": (
        [shapely.box(28, 40, 33, 44)],
        [
            shapely.Polygon(
                [(10, 30), (60, 30), (60, 60), (10, 60)],
                [[(25, 36), (25, 50), (40, 50), (40, 36)]],
            )
        ],
    ),
    "a pond in a yard": ([YARD], [shapely.box(29, 45, 34, 50)]),
    "two waters": ([ELL], [SEA, shapely.box(70, 40, 120, 55)]),
}


@pytest.mark.parametrize("site", SITES)
def test_the_ground_is_one_sheet(plots, site):
    shapes, water = SITES[site]
    district = plots(shapes, water=water)
    mesh = lay(district)
    assert_walls_meet(district, mesh)


@pytest.mark.parametrize("tolerance", [1.0, 0.1, 0.02])
def test_the_ground_follows_the_terrain(plots, tolerance):
    district = plots([BLOCK, ELL, YARD], water=[SEA])
    mesh = lay(district, tolerance=tolerance)
    assert_walls_meet(district, mesh)


def test_a_finer_tolerance_takes_more_triangles(plots):
    district = plots([BLOCK], water=[SEA])
    origin = local_origin(district.buildings)
    counts = [
        len(ground_mesh(district, origin=origin, tolerance=t).triangles)
        for t in (2.0, 0.3, 0.05)
    ]
    assert counts[0] < counts[1] < counts[2]


def test_level_land_takes_the_corners_of_buildings_alone(plots):
    """And the nine cells it begins with: every 32nd and the last of rows and columns."""
    district = plots([BLOCK, ELL, YARD], level=lambda x, _: 3.0 + 0 * x)
    mesh = lay(district)
    assert len(mesh.corners) == 4 + 6 + 8 + 9
    assert np.ptp(mesh.corners[:, 2]) == 0


def test_long_walls_on_bent_ground_get_more_corners(plots):
    district = plots([shapely.box(52, 40, 68, 46)])
    mesh = lay(district, tolerance=0.1)
    outline = local(district.buildings.geometry.to_numpy(), mesh)[0].boundary
    spots = shapely.points(mesh.corners[:, :2])
    assert (shapely.distance(spots, outline) < NEAR).sum() > 8
    sample = shapely.get_coordinates(shapely.segmentize(outline, 0.25))
    ground = ground_mesh(district, origin=mesh.origin, tolerance=0.1, pads=True)
    real = district.terrain.sample(*(sample + mesh.origin[:2]).T)
    assert np.abs(ground.levels(sample) - real).max() <= 0.1


def test_the_water_is_level_and_the_quay_upright(plots):
    district = plots([BLOCK], water=[SEA])
    mesh = lay(district)
    water, _ = mesh.take(Cover.WATER)
    assert (water[:, 2] == 0.5).all()
    assert len(water) < 20
    corners = mesh.corners[mesh.triangles[mesh.cover == Cover.SHORE]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    assert np.allclose(normal[:, 2], 0, atol=1e-9)
    ahead = corners.mean(axis=1)[:, :2] + 0.05 * normal[:, :2]
    sea = local(district.water, mesh).item()
    assert shapely.contains_xy(sea, ahead[:, 0], ahead[:, 1]).all(), "it faces the water"
    low, high = corners[..., 2].min(axis=1), corners[..., 2].max(axis=1)
    assert (low == 0.5).all()
    assert (high > 0.5).all()


def test_land_below_the_water_is_raised_at_the_shore(plots):
    """So that no gap opens where a terrain disagrees with the water."""
    mesh = lay(plots([BLOCK], level=lambda x, _: -2.0 + 0 * x, water=[SEA]))
    assert mesh.lift == pytest.approx(2.5)
    assert not (mesh.cover == Cover.SHORE).any()


def test_bases_above_the_terrain_raise_the_ground(plots):
    district = plots([BLOCK], level=lambda x, _: 3.0 + 0 * x, base=3.4)
    mesh = lay(district)
    assert mesh.lift == pytest.approx(0.4)
    assert_walls_meet(district, mesh)


def test_what_hovers_is_not_cut_in(plots):
    """A part on the roof of another, or on stilts, leaves the ground as it is."""
    district = plots([BLOCK], level=lambda x, _: 3.0 + 0 * x, base=9.0)
    mesh = ground_mesh(district, origin=local_origin(district.buildings))
    assert_conforms(district, mesh, pads=True)
    assert areas(mesh).sum() == pytest.approx(rim_of(district, mesh).area)
    assert mesh.lift == 0.0


def test_a_courtyard_keeps_its_ground(plots):
    mesh = lay(plots([YARD]))
    yard, building = np.array([(32.0, 47.0), (22.0, 37.0)]) + CORNER - mesh.origin[:2]
    assert np.isfinite(mesh.levels(yard[None])).all()
    assert np.isnan(mesh.levels(building[None])).all()


def test_levels_are_those_of_the_triangles(plots):
    """At corners the corners' own, and linear between: a plane comes back."""
    district = plots([BLOCK], level=lambda x, y: 5.0 + 0.25 * x - 0.125 * y)
    mesh = lay(district)
    spots = np.random.default_rng(3).uniform((50, 3), (93, 69), (200, 2))
    spots += CORNER - mesh.origin[:2]
    real = district.terrain.sample(*(spots + mesh.origin[:2]).T)
    assert mesh.levels(spots) == pytest.approx(real, abs=TOLERANCE)
    corners, _ = mesh.take(Cover.LAND)
    assert mesh.levels(corners[:, :2]) == pytest.approx(corners[:, 2], abs=1e-6)


def test_polygons_are_the_triangles(plots):
    mesh = lay(plots([BLOCK, YARD], water=[SEA]))
    polygons = mesh.polygons()
    a, b, c = (mesh.corners[mesh.triangles[:, k]] for k in range(3))
    whole = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    assert polygons.area.sum() == pytest.approx(whole.sum(), abs=1e-6)
    water = mesh.polygons(Cover.WATER)
    assert np.allclose(water.normal, (0, 0, 1))
    assert (mesh.polygons(Cover.LAND).normal[:, 2] > 0).all()
    assert len(mesh.polygons(Cover.PAD)) == 0


def test_a_single_row_of_cells_has_no_ground(plots):
    district = plots([BLOCK])
    bounds = (99_100, 6_213_000, 99_190, 6_213_001)
    mesh = ground_mesh(
        replace(district, terrain=flat_terrain(bounds, 2.0)),
        origin=local_origin(district.buildings),
    )
    assert len(mesh.triangles) == 0


def test_all_water_has_no_land(plots):
    district = plots([BLOCK], water=[shapely.box(-99, -99, 199, 199)])
    mesh = ground_mesh(district, origin=local_origin(district.buildings))
    assert set(mesh.cover.tolist()) == {Cover.WATER}
    assert_conforms(district, mesh, pads=True)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_must_be_positive(plots, tolerance):
    with pytest.raises(TerrainError, match="above 0 m"):
        ground_mesh(plots([BLOCK]), origin=np.zeros(3), tolerance=tolerance)


def test_a_rim_must_be_near_the_origin(plots):
    with pytest.raises(TerrainError, match="within 50 km of the local origin"):
        ground_mesh(plots([BLOCK]), origin=np.zeros(3))


@st.composite
def footprints(draw: st.DrawFn) -> list[shapely.Polygon]:
    """Draw turned blocks and yards that touch each other, some over the rim."""
    shapes: list[shapely.Polygon] = []
    for _ in range(draw(st.integers(1, 6))):
        x, y = draw(st.floats(-5, 90)), draw(st.floats(-5, 66))
        wide, deep = draw(st.floats(2, 40)), draw(st.floats(2, 30))
        shape = shapely.box(x, y, x + wide, y + deep)
        if draw(st.booleans()) and min(wide, deep) > 6:
            shape = shape.difference(shapely.box(x + 2, y + 2, x + wide - 2, y + deep - 2))
        turn = draw(st.sampled_from([0.0, 0.0, 30.0, 45.0, 61.7]))
        shape = shapely.affinity.rotate(shape, turn)
        others = shapely.union_all(np.array(shapes, object), grid_size=1e-3)
        shape = shapely.difference(shape, others, grid_size=1e-3)
        parts = [p for p in shapely.get_parts(shape) if p.area > 1.0]
        shapes += parts[:2]
    return shapes


@settings(max_examples=40, deadline=None)
@given(shapes=footprints(), wet=st.booleans(), tolerance=st.sampled_from([0.05, 0.25]))
def test_any_footprints_are_cut_in(plots, shapes, wet, tolerance):
    district = plots(shapes, water=[SEA] if wet else [])
    mesh = lay(district, tolerance=tolerance)
    if (mesh.cover == Cover.LAND).any():
        sea = shapely.union_all(np.array([SEA] if wet else [], object))
        inner = shapely.box(2, 2, 92, 68)
        if shapely.intersects(shapely.difference(inner, sea), shapely.union_all(shapes)):
            assert_walls_meet(district, mesh)


def test_the_embedded_district_stands_on_its_ground():
    district = heidi_district()
    mesh = lay(district)
    assert_walls_meet(district, mesh)
    assert mesh.lift < 0.01


@pytest.mark.real
@pytest.mark.slow
def test_the_harbour_stands_on_its_ground(shared_data):
    folder = shared_data / "helsingborg"
    district = read_district(
        folder / "harbour_buildings_epsg3008.gpkg",
        folder / "harbour_dtm_1m_epsg3008.tif",
        water=folder / "harbour_land_water_epsg3008.gpkg",
    )
    mesh = lay(district)
    assert_walls_meet(district, mesh)
    # The bases are the lowest levels of the same terrain.
    assert mesh.lift < 0.01
