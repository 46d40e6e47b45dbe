"""Roofs on outlines of many corners are those of the straight skeleton."""

import itertools

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.roof_words import FORMS
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.outlines import right_angled_outline
from meshes.solids import Kind, closure_defects

PLANAR = 1e-6
"""Distance of a corner from its face's plane [m], as asked of the model."""

SKELETON = 1e-6
"""Difference of a roof's height from slope times distance [m]; coordinates of 6e6 m carry
1e-9 m and creases are joined within 3e-7 m."""

AT = (95_123.4, 6_212_345.6)
PIECED = ("gabled", "hipped", "half-hipped", "mansard", "gambrel", "round")

L_SHAPE = shapely.Polygon([(0, 0), (14, 0), (14, 6), (7, 6), (7, 13), (0, 13)])
T_SHAPE = shapely.Polygon(
    [(0, 0), (20, 0), (20, 7), (13, 7), (13, 15), (7, 15), (7, 7), (0, 7)]
)
U_SHAPE = shapely.Polygon(
    [(0, 0), (20, 0), (20, 14), (14, 14), (14, 6), (6, 6), (6, 14), (0, 14)]
)
COURT = shapely.Polygon(
    [(0, 0), (24, 0), (24, 18), (0, 18)], [[(7, 6), (7, 12), (17, 12), (17, 6)]]
)


@pytest.fixture(scope="module")
def roofed(blocks):
    """Make solids of outlines placed in the national grid, and check what all must keep."""

    def make(shapes, form, *, turn=0.0, rise=3.0, base=2.0, top=12.0):
        outlines = [
            shapely.affinity.translate(
                shapely.affinity.rotate(shape, turn, origin=(0, 0)), *AT
            )
            for shape in shapes
        ]
        table = blocks(outlines, [base] * len(shapes), [top] * len(shapes))
        table["roof_shape"], table["roof_height"] = form, rise
        solids, report = lod2_solids(table)
        faces = solids.faces
        assert closure_defects(solids).size == 0
        for face in range(len(faces)):
            corners = np.concatenate(faces.rings(face))
            assert np.abs((corners - corners[0]) @ faces.normal[face]).max() < PLANAR
        roof = solids.kind == Kind.ROOF
        assert (faces.normal[roof, 2] > 0).all()
        plan = np.bincount(solids.part[roof], (faces.area * faces.normal[:, 2])[roof])
        assert plan == pytest.approx(table.area.to_numpy(), rel=1e-9)
        return solids, report, table

    return make


def heights_at(solids, xy):
    """Height of one building's roof at places, by the face over each [m]."""
    heights = np.full(len(xy), np.nan)
    for face in np.flatnonzero(solids.kind == Kind.ROOF):
        rings = solids.faces.rings(face)
        plan = shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]])
        over = shapely.intersects_xy(plan, xy[:, 0], xy[:, 1])
        normal, corner = solids.faces.normal[face], rings[0][0]
        slope = -(normal[:2] / normal[2])
        heights[over] = corner[2] + (xy[over] - corner[:2]) @ slope
    return heights


def square_distance(shape, xy):
    """Distance from the outline in the larger of both directions, edge by edge."""
    least = np.full(len(xy), np.inf)
    for ring in (shape.exterior, *shape.interiors):
        corners = shapely.get_coordinates(ring)
        for a, b in itertools.pairwise(corners):
            off = np.maximum(np.minimum(a, b) - xy, xy - np.maximum(a, b)).clip(0)
            least = np.minimum(least, off.max(axis=1))
    return least


def random_outline(rng, *, boxes, step):
    """Draw an outline of right angles as the union of boxes on a grid of ``step``."""
    corner = rng.integers(0, 24, (boxes, 2))
    low, high = corner.T, (corner + rng.integers(4, 24, (boxes, 2))).T
    union = shapely.union_all(shapely.box(*low, *high)).simplify(0)
    return shapely.transform(union, lambda xy: xy * step)


def drawn_by_hand(shape, rng):
    """Move corners by a centimetre and cut walls by corners, as of neighbours."""
    rings = []
    for ring in (shape.exterior, *shape.interiors):
        corners = shapely.get_coordinates(shapely.segmentize(ring, 9.0))[:-1]
        rings.append(corners + rng.normal(0, 0.01, corners.shape))
    return shapely.Polygon(rings[0], rings[1:])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    boxes=st.integers(1, 6),
    turn=st.floats(0, 360),
    step=st.sampled_from([0.5, 0.731]),
)
def test_hipped_height_is_slope_times_distance_to_the_outline(
    seed, boxes, turn, step, roofed
):
    rng = np.random.default_rng(seed)
    shape = random_outline(rng, boxes=boxes, step=step)
    assume(isinstance(shape, shapely.Polygon))
    solids, report, _ = roofed([shape], "hipped", turn=turn)
    assert report.table["roof_shape"].to_list() == ["hipped"]
    low, high = np.array(shape.bounds).reshape(2, 2)
    xy = rng.uniform(low, high, (400, 2))
    xy = xy[shapely.contains_xy(shape, xy)]
    distance = square_distance(shape, xy)
    spun = shapely.transform(shapely.MultiPoint(xy), lambda p: p)
    spun = shapely.affinity.rotate(spun, turn, origin=(0, 0))
    places = shapely.get_coordinates(spun) + np.array(AT) - solids.origin[:2]
    found = heights_at(solids, places) - (12.0 - 3.0)
    # The ridge lies where the largest square within the outline has its middle.
    deepest = square_distance(shape, _ridge_points(shape)).max()
    assert found == pytest.approx(distance * 3.0 / deepest, abs=SKELETON)


def _ridge_points(shape):
    """Middles of all rectangles between lines of the outline that lie within."""
    x = np.unique(shapely.get_coordinates(shape)[:, 0])
    y = np.unique(shapely.get_coordinates(shape)[:, 1])
    i, j = np.triu_indices(len(x), 1)
    k, m = np.triu_indices(len(y), 1)
    middle = np.meshgrid((x[i] + x[j]) / 2, (y[k] + y[m]) / 2)
    points = np.stack([part.ravel() for part in middle], axis=1)
    return points[shapely.contains_xy(shape, points)]


def test_hipped_wing_has_the_volume_of_its_slices(roofed):
    # Slices of an L at depth d are Ls; with arms of unequal width the wider one goes on.
    solids, _, _ = roofed([L_SHAPE], "hipped", turn=31)
    depth = 3.5  # half of the wider arm
    d = np.linspace(0, depth, 20_001)
    area = np.array([L_SHAPE.buffer(-x, join_style="mitre").area for x in d[::100]])
    expected = 7.0 * L_SHAPE.area + 3.0 / depth * np.trapezoid(area, d[::100])
    assert solids.volume()[0] == pytest.approx(expected, rel=1e-5)


def test_gabled_wing_has_two_gables_and_a_hip_between(roofed):
    solids, _, _ = roofed([L_SHAPE], "gabled", turn=31)
    walls = np.flatnonzero(solids.kind == Kind.WALL)
    corners = sorted(len(solids.faces.rings(face)[0]) for face in walls)
    assert corners == [4, 4, 4, 4, 5, 5]
    # A gable ends what a hip of width w and the slope of the whole would cut away.
    hipped, _, _ = roofed([L_SHAPE], "hipped", turn=31)
    slope = 3.0 / 3.5
    ends = sum(slope * w**3 / 24 for w in (7.0, 6.0))
    assert solids.volume()[0] - hipped.volume()[0] == pytest.approx(ends, rel=1e-9)


@pytest.mark.parametrize("form", PIECED)
@pytest.mark.parametrize(
    "shape", [L_SHAPE, T_SHAPE, U_SHAPE, COURT], ids=["L", "T", "U", "courtyard"]
)
def test_wings_and_courtyards_get_every_form(shape, form, roofed):
    solids, report, table = roofed([shape], form, turn=77)
    assert report.table["roof_shape"].to_list() == [form]
    roof = solids.faces.vertices[:, 2]
    assert roof.max() == pytest.approx(12.0, abs=1e-12)
    block = table.area.iloc[0] * 10.0
    assert block * 0.7 < solids.volume()[0] < block


@pytest.mark.parametrize("form", PIECED)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000), turn=st.floats(0, 360))
def test_drawn_outlines_give_valid_solids_of_every_form(form, seed, turn, roofed):
    rng = np.random.default_rng(seed)
    shape = random_outline(rng, boxes=int(rng.integers(1, 4)), step=0.8)
    assume(isinstance(shape, shapely.Polygon) and not shape.interiors)
    shape = drawn_by_hand(shape, rng)
    assume(shape.is_valid)
    _, report, _ = roofed([shape], form, turn=turn, rise=2.0)
    assert report.table["lod"].to_list() in (["2.0"], ["1.2"])


def test_most_drawn_outlines_get_their_roof(roofed):
    rng = np.random.default_rng(8)
    shapes = []
    while len(shapes) < 150:
        shape = random_outline(rng, boxes=int(rng.integers(1, 4)), step=0.8)
        if isinstance(shape, shapely.Polygon):
            shapes.append(drawn_by_hand(shape, rng))
    for form in ("gabled", "hipped", "half-hipped", "mansard", "gambrel"):
        _, report, _ = roofed(shapes, form, turn=13)
        made = (report.table["roof_shape"] == form).mean()
        assert made > 0.95, report.notes


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), count=st.integers(3, 14))
def test_hipped_convex_outline_is_the_lowest_of_planes_from_its_sides(seed, count, roofed):
    rng = np.random.default_rng(seed)
    hull = shapely.MultiPoint(rng.uniform(-12, 12, (count + 6, 2))).convex_hull
    ring = shapely.get_coordinates(shapely.orient_polygons(hull))[:-1]
    straight = len(shapely.get_coordinates(hull.simplify(0.05))) - 1 < len(ring)
    assume(not straight and isinstance(right_angled_outline([ring]), str))
    solids, report, table = roofed([hull], "hipped")
    assert report.table["roof_shape"].to_list() == ["hipped"]
    corners = shapely.get_coordinates(table.geometry.iloc[0])[:-1] - solids.origin[:2]
    edge = np.roll(corners, -1, axis=0) - corners
    normal = np.stack([-edge[:, 1], edge[:, 0]], 1) / np.hypot(*edge.T)[:, None]
    low, high = corners.min(axis=0), corners.max(axis=0)
    xy = rng.uniform(low, high, (300, 2))
    depth = np.einsum("nex,ex->ne", xy[:, None] - corners, normal).min(axis=1)
    xy, depth = xy[depth > 0], depth[depth > 0]
    found = heights_at(solids, xy) - 9.0
    ratio = found / depth
    assert ratio == pytest.approx(np.median(ratio), rel=1e-5)


def test_roofs_do_not_depend_on_the_other_buildings(roofed):
    shapes = [
        shapely.affinity.translate(shape, 40.0 * k, 0)
        for k, shape in enumerate([L_SHAPE, T_SHAPE, U_SHAPE, COURT])
    ]
    for form in FORMS:
        together, _, _ = roofed(shapes, form, turn=5)
        alone = [roofed([shape], form, turn=5)[0].volume()[0] for shape in shapes]
        assert together.volume() == pytest.approx(alone, rel=1e-9)


def test_an_l_gets_hips_where_a_pyramid_would_lie_flat(blocks):
    """Its middle sees all walls, but one of them from a foot away."""
    wings = shapely.union(shapely.box(0, 0, 24, 10), shapely.box(0, 0, 10, 22))
    table = blocks([wings, shapely.box(40, 0, 60, 9)], [0.0, 0.0], [11.0, 11.0])
    _, report = lod2_solids(table.assign(roof_shape="pyramid"))
    assert report.table["roof_shape"].tolist() == ["hipped", "pyramid"]
    assert "pyramid: the middle does not see all walls" in report.table["fallback"].iloc[0]
