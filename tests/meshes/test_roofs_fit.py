"""Roofs are found again in points that were measured on them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError, TerrainError
from gis.heights import LOWEST
from gis.sources.geotiff import write_raster
from gis.sources.pointcloud import Points
from meshes.roofs.fit import FEWEST, FITTED, LEAST_SHARE, fit_roofs
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.robust import Runs, fit_lines, level_off
from meshes.roofs.soundings import (
    Soundings,
    sort_soundings,
    soundings_from_points,
    soundings_from_surface,
)
from meshes.solids import Kind, closure_defects

AT = (95_123.4, 6_212_345.6)
NOISE = 0.1
"""Standard deviation of laser points [m]."""

EXACT = 1e-5
"""Error of heights found from points without noise [m]: robust weights stop short of 1."""

FORMS = ("shed", "gabled", "hipped", "half-hipped", "pyramid", "mansard", "gambrel")


def table(polygons, **columns) -> gpd.GeoDataFrame:
    """Return a building table as roofs are made of."""
    return gpd.GeoDataFrame(
        {"base": 2.0, "top": 14.0, **columns},
        geometry=shapely.orient_polygons(np.array(polygons, object)),
        index=[f"b{k}" for k in range(len(polygons))],
        crs=3008,
    )


def placed(shape, turn, *, step=0):
    """Shape turned and moved to where Helsingborg's coordinates are."""
    turned = shapely.affinity.rotate(shape, turn, origin=(0, 0))
    return shapely.affinity.translate(
        turned, AT[0] + 70 * (step % 30), AT[1] + 70 * (step // 30)
    )


def scan(outlines, solids, count, rng, *, margin=0.5):
    """Points on the roofs of solids: planes of the faces that lie over random places."""
    faces = solids.faces
    roofs = np.flatnonzero(solids.kind == Kind.ROOF)
    plans = [
        shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]])
        for rings in (list(faces.rings(face)) for face in roofs)
    ]
    tree = shapely.STRtree(plans)
    owner, xy = [], []
    for k, outline in enumerate(outlines):
        inner = outline.buffer(-margin, join_style="mitre")
        inner = inner if inner.area > outline.area / 4 else outline
        west, south, east, north = inner.bounds
        some = rng.uniform((west, south), (east, north), (8 * count, 2))
        some = some[shapely.contains_xy(inner, some[:, 0], some[:, 1])][:count]
        owner.append(np.full(len(some), k))
        xy.append(some)
    owner, xy = np.concatenate(owner), np.concatenate(xy) - solids.origin[:2]
    place, face = tree.query(shapely.points(xy), predicate="intersects")
    own = solids.part[roofs[face]] == owner[place]
    place, first = np.unique(place[own], return_index=True)
    face = roofs[face[own][first]]
    corner = np.array([faces.rings(f)[0][0] for f in face])
    normal = faces.normal[face]
    fall = ((xy[place] - corner[:, :2]) * normal[:, :2]).sum(axis=1) / normal[:, 2]
    xyz = np.column_stack([xy[place], corner[:, 2] - fall]) + solids.origin
    return owner[place], xyz


WINGS = shapely.Polygon([(0, 0), (24, 0), (24, 9), (8, 9), (8, 21), (0, 21)])


HEXAGON = shapely.Polygon([(0, 0), (9, -2), (17, 3), (16, 11), (7, 13), (-2, 6)])
EVERY = {
    "box": (shapely.box(0, 0, 18, 10), FORMS),
    "wings": (WINGS, ("shed", "gabled", "hipped", "half-hipped", "mansard", "gambrel")),
    "hexagon": (HEXAGON, ("shed", "hipped", "pyramid", "mansard")),
}
CASES = [(name, form) for name, (_, forms) in EVERY.items() for form in forms]


@pytest.mark.parametrize(("name", "form"), CASES, ids=[f"{a}-{b}" for a, b in CASES])
@pytest.mark.parametrize("turn", [0.0, 33.0, 261.5])
def test_exact_points_give_back_form_and_heights(name, form, turn):
    shape = EVERY[name][0]
    told = table([placed(shape, turn)], roof_shape=form, roof_height=3.1)
    solids, report = lod2_solids(told)
    assert report.table["roof_shape"].iloc[0] == form
    owner, xyz = scan(told.geometry, solids, 400, np.random.default_rng(5))
    roofs, _ = fit_roofs(told, sort_soundings(owner, xyz))
    found = roofs.iloc[0]
    # Where the outline is no rectangle the way to the ridge is found to a centimetre only.
    exact = 0.02 if name == "hexagon" else EXACT
    assert found["roof_shape"] == form
    assert found["roof_fit"] == FITTED
    assert found["residual"] < exact
    assert found["top"] == pytest.approx(14.0, abs=exact)
    assert found["roof_height"] == pytest.approx(3.1, abs=exact)
    assert found["top"] - found["eaves"] == pytest.approx(found["roof_height"])


@settings(max_examples=40, deadline=None)
@given(
    form=st.sampled_from(["shed", "gabled", "half-hipped", "gambrel"]),
    width=st.floats(8, 20),
    share=st.floats(0.5, 0.93),
    turn=st.floats(0, 360),
    rise=st.floats(1.5, 4),
    facing=st.floats(0, 360),
    across=st.booleans(),
)
def test_what_was_found_builds_the_same_roof(
    form, width, share, turn, rise, facing, across
):
    """Directions keep their meaning: heights agree everywhere only if the ridge is right.

    Points reach nearly to the walls, for the steep foot of a small gambrel is narrow. Sheds
    of two metres are left out: of their hips no point may be seen.
    """
    told = table(
        [placed(shapely.box(0, 0, width, share * width), turn)],
        roof_shape=form,
        roof_height=rise,
        roof_direction=np.round(facing / 90) * 90 - turn if form == "shed" else np.nan,
        roof_orientation="across" if across else "along",
    )
    solids, report = lod2_solids(told)
    owner, xyz = scan(told.geometry, solids, 300, np.random.default_rng(1), margin=0.05)
    roofs, _ = fit_roofs(told, sort_soundings(owner, xyz))
    names = ["roof_shape", "roof_height", "roof_direction", "roof_orientation", "top"]
    again, rebuilt = lod2_solids(told[["base", "geometry"]].join(roofs[names]))
    assert rebuilt.table["roof_shape"].iloc[0] == report.table["roof_shape"].iloc[0]
    assert not closure_defects(again).size
    # The same places on the new roof are as high as on the old one.
    _, other = scan(told.geometry, again, 300, np.random.default_rng(1), margin=0.05)
    assert other == pytest.approx(xyz, abs=1e-3)


def street(count, rng, *, forms=("flat", *FORMS)):
    """Houses of all forms at random, and their solids."""
    short = rng.uniform(6, 15, count)
    long = short * rng.uniform(1.25, 2.5, count)
    turn = rng.uniform(0, 360, count)
    told = table(
        [
            placed(shapely.box(0, 0, a, b), t, step=k)
            for k, (a, b, t) in enumerate(zip(long, short, turn, strict=True))
        ],
        top=rng.uniform(9, 20, count),
        roof_shape=rng.choice(np.array(forms, object), count),
        roof_height=rng.uniform(1.5, 4, count),
        roof_orientation=rng.choice(["along", "across"], count),
    )
    return told, *lod2_solids(told)


def spoiled(owner, xyz, told, rng, *, strays=0.04, strip=0.15, tilt=0.005):
    """Points with noise, chimneys, a strip without any and a slight tilt of the flight."""
    rough = xyz.copy()
    rough[:, 2] += rng.normal(0, NOISE, len(xyz))
    chimney = rng.random(len(xyz)) < strays
    rough[chimney, 2] += rng.uniform(0.5, 2.5, chimney.sum())
    centre = shapely.get_coordinates(told.geometry.centroid.to_numpy())[owner]
    angle = rng.uniform(0, np.pi, len(told))[owner]
    rough[:, 2] += tilt * (xyz[:, 0] - centre[:, 0])
    way = (xyz[:, 0] - centre[:, 0]) * np.cos(angle)
    way += (xyz[:, 1] - centre[:, 1]) * np.sin(angle)
    size = np.sqrt(told.area.to_numpy())[owner]
    begin = rng.uniform(-0.5, 0.5, len(told))[owner] * size
    kept = (way < begin) | (way > begin + strip * size)
    return sort_soundings(owner[kept], rough[kept])


@pytest.mark.parametrize("seed", [1, 2])
def test_rough_points_give_back_nineteen_of_twenty_forms(seed):
    rng = np.random.default_rng(seed)
    told, solids, report = street(400, rng)
    made = report.table["roof_shape"].to_numpy()
    owner, xyz = scan(told.geometry, solids, 250, rng)
    roofs, notes = fit_roofs(told, spoiled(owner, xyz, told, rng))
    found = roofs["roof_shape"].to_numpy()
    right = found == made
    confusion = pd.crosstab(made, found)
    assert right.mean() >= 0.95, f"\n{confusion}"
    for form in np.unique(made):
        assert right[made == form].mean() >= 0.85, f"{form}\n{confusion}"
    assert right[made == "flat"].all()
    # Heights: an error of the mean of some 200 points, drawn out to the ridge.
    error = np.abs(roofs["top"] - told["top"])[right]
    assert np.median(error) < 0.04
    assert np.quantile(error, 0.95) < 0.1
    free = right & np.isin(made, ["gabled", "half-hipped", "gambrel"])
    assert (roofs["roof_orientation"] == told["roof_orientation"])[free].all()
    assert "roofs fitted to points" in notes[0]


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1, 0.2])
def test_residual_is_the_noise(noise):
    rng = np.random.default_rng(3)
    told, solids, _ = street(120, rng)
    owner, xyz = scan(told.geometry, solids, 300, rng)
    xyz[:, 2] += rng.normal(0, noise, len(xyz))
    roofs, _ = fit_roofs(told, sort_soundings(owner, xyz))
    # Scatter of a deviation by 300 points is 4 %; the band cuts its tails by 1 %.
    assert roofs["residual"].median() == pytest.approx(noise, rel=0.03)
    assert (roofs["residual"] < 1.25 * noise).mean() > 0.95
    assert roofs["on_roof"].median() > 0.98


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    fall=st.floats(0, 0.02),
    machines=st.floats(0, 0.15),
    turn=st.floats(0, 360),
)
def test_flat_roofs_stay_flat(seed, fall, machines, turn):
    """Falls for water, machines and parapets make no gable."""
    rng = np.random.default_rng(seed)
    told = table([placed(shapely.box(0, 0, 22, 13), turn)])
    inside = rng.uniform((0.5, 0.5), (21.5, 12.5), (300, 2))
    z = 12.0 + fall * inside[:, 0] + rng.normal(0, NOISE, 300)
    z[(inside[:, 0] < machines * 22) & (inside[:, 1] > 3)] += 1.8
    xy = [shapely.get_coordinates(placed(shapely.Point(x, y), turn))[0] for x, y in inside]
    roofs, _ = fit_roofs(told, sort_soundings(np.zeros(300, int), np.column_stack([xy, z])))
    assert roofs["roof_shape"].iloc[0] == "flat"
    assert roofs["roof_height"].iloc[0] == 0.0
    assert roofs["top"].iloc[0] == roofs["eaves"].iloc[0]
    assert roofs["top"].iloc[0] == pytest.approx(12.0 + fall * 11, abs=0.1)


def box_points(rng, count=400):
    """Places in a box of 20 by 10 m, and its table."""
    told = table([shapely.box(0, 0, 20, 10)])
    return told, rng.uniform((0.5, 0.5), (19.5, 9.5), (count, 2))


def one_fit(told, xyz):
    """Return the row of one building."""
    return fit_roofs(told, sort_soundings(np.zeros(len(xyz), int), xyz))[0].iloc[0]


def test_stepped_roofs_are_refused():
    told, xy = box_points(np.random.default_rng(0))
    found = one_fit(told, np.column_stack([xy, np.where(xy[:, 0] < 11, 9.0, 15.0)]))
    assert found["roof_shape"] == ""
    assert found["on_roof"] < LEAST_SHARE
    assert np.isnan([found["top"], found["eaves"], found["roof_height"]]).all()
    assert found["roof_fit"] == "too many points lie off any one roof"


def test_rubble_is_refused():
    rng = np.random.default_rng(0)
    told, xy = box_points(rng)
    found = one_fit(told, np.column_stack([xy, rng.normal(12, 0.6, len(xy))]))
    assert found["roof_shape"] == ""
    assert found["residual"] > 0.4 or found["on_roof"] < LEAST_SHARE


def test_half_a_gable_is_no_shed():
    """Of one side alone no one knows whether another follows."""
    told, xy = box_points(np.random.default_rng(0))
    half = xy[xy[:, 1] < 5]
    found = one_fit(told, np.column_stack([half, 10 + 0.7 * half[:, 1]]))
    assert found["roof_fit"] == "too little of the roof was seen"
    whole = one_fit(
        told, np.column_stack([xy, 10 + 0.7 * np.minimum(xy[:, 1], 10 - xy[:, 1])])
    )
    assert whole["roof_shape"] == "gabled"


def test_few_points_and_ground_are_no_roof():
    told, xy = box_points(np.random.default_rng(0))
    few = one_fit(told, np.column_stack([xy, np.full(len(xy), 9.0)])[: FEWEST - 1])
    assert few["roof_fit"] == f"fewer than {FEWEST} points"
    ground = one_fit(told, np.column_stack([xy, np.full(len(xy), 2.0 + LOWEST - 0.1)]))
    assert ground["roof_fit"] == "no points"
    assert ground["samples"] == 0
    roofs, notes = fit_roofs(told, Soundings(np.empty(0, int), np.empty((0, 3))))
    assert roofs["roof_shape"].tolist() == [""]
    assert notes == ("1 roof not fitted: no points",)


def test_no_buildings_give_no_rows():
    roofs, notes = fit_roofs(
        table([shapely.box(0, 0, 1, 1)]).iloc[:0],
        Soundings(np.empty(0, int), np.empty((0, 3))),
    )
    assert len(roofs) == 0
    assert "roof_shape" in roofs
    assert notes == ()


def test_result_depends_on_nothing_but_the_points():
    """Order of points, neighbours in the table and batches have no say."""
    rng = np.random.default_rng(9)
    told, solids, _ = street(40, rng)
    owner, xyz = scan(told.geometry, solids, 150, rng)
    xyz[:, 2] += rng.normal(0, NOISE, len(xyz))
    roofs, _ = fit_roofs(told, sort_soundings(owner, xyz))
    order = rng.permutation(len(owner))
    mixed, _ = fit_roofs(told, sort_soundings(owner[order], xyz[order]))
    pd.testing.assert_frame_equal(mixed, roofs)
    batches, _ = fit_roofs(told, sort_soundings(owner, xyz), at_once=500)
    pd.testing.assert_frame_equal(batches, roofs)
    some = owner >= 25
    rest, _ = fit_roofs(told.iloc[25:], sort_soundings(owner[some] - 25, xyz[some]))
    pd.testing.assert_frame_equal(rest, roofs.iloc[25:])


def test_levels_move_with_the_points():
    rng = np.random.default_rng(9)
    told, solids, _ = street(30, rng)
    owner, xyz = scan(told.geometry, solids, 150, rng)
    roofs, _ = fit_roofs(told, sort_soundings(owner, xyz))
    up, _ = fit_roofs(
        told.assign(base=told["base"] + 7.5),
        sort_soundings(owner, xyz + np.array([0, 0, 7.5])),
    )
    assert up["top"].to_numpy() == pytest.approx(roofs["top"] + 7.5)
    assert up["eaves"].to_numpy() == pytest.approx(roofs["eaves"] + 7.5)
    assert up["roof_shape"].tolist() == roofs["roof_shape"].tolist()


def test_dense_clouds_are_thinned_evenly():
    rng = np.random.default_rng(2)
    told, xy = box_points(rng, 30_000)
    z = 10 + 0.7 * np.minimum(xy[:, 1], 10 - xy[:, 1]) + rng.normal(0, NOISE, len(xy))
    found = one_fit(told, np.column_stack([xy, z]))
    assert found["samples"] == 2000
    assert found["roof_shape"] == "gabled"
    assert found["top"] == pytest.approx(13.5, abs=0.02)


def test_lines_hold_against_a_third_of_strays():
    rng = np.random.default_rng(4)
    number = np.array([300, 0, 200])
    runs = Runs.of(np.repeat([0, 2], [300, 200]), 3)
    assert runs.number.tolist() == number.tolist()
    surface = rng.random(500)
    z = np.where(runs.owner == 0, 5 + 3 * surface, 9 - 2 * surface)
    z += np.where(rng.random(500) < 0.33, rng.uniform(0.5, 4, 500), 0.0)
    lines = level_off(fit_lines(surface, z, runs), surface, z, runs, np.full(3, 0.3))
    assert lines.eaves[[0, 2]] == pytest.approx([5, 9], abs=1e-3)
    assert lines.rise[[0, 2]] == pytest.approx([3, -2], abs=1e-3)
    assert np.isnan(lines.eaves[1])


def test_bad_input_is_told():
    two = gpd.GeoDataFrame(
        {"base": [0.0]},
        geometry=[shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4)])],
    )
    nothing = Soundings(np.empty(0, int), np.empty((0, 3)))
    with pytest.raises(GeometryError, match="one polygon each, got 1"):
        fit_roofs(two, nothing)
    told = table([shapely.box(0, 0, 9, 9)])
    with pytest.raises(GeometryError, match="one of 1 buildings, got rows 3 to 3"):
        fit_roofs(told, Soundings(np.array([3]), np.zeros((1, 3))))
    with pytest.raises(GeometryError, match="sorted by building"):
        Soundings(np.array([1, 0]), np.zeros((2, 3)))
    with pytest.raises(GeometryError, match="three coordinates each"):
        Soundings(np.array([1, 0]), np.zeros((2, 2)))


def test_points_of_roofs_are_picked_by_place_and_class():
    told = table(
        [shapely.box(0, 0, 10, 6), shapely.box(20, 0, 30, 6), shapely.box(40, 0, 50, 6)]
    )
    spots = [(k, 3.0, 9.0) for k in (1, 2, 3, 4, 5)]
    classed = [(x, y, z, 6) for x, y, z in spots] + [(6.0, 3.0, 4.0, 1), (0.2, 3.0, 9.0, 6)]
    bare = [(x + 20, y, z, 1) for x, y, z in spots] + [
        (27.0, 2.0, 9.0, 5),
        (28.0, 2.0, 1.0, 2),
    ]
    rows = np.array(classed + bare)
    pieces = [
        Points(part[:, :3], part[:, 3].astype(np.uint8)) for part in np.array_split(rows, 3)
    ]
    found = soundings_from_points(told, pieces)
    assert found.owner.tolist() == [0] * 5 + [1] * 5
    assert found.xyz[:, 0].tolist() == [1, 2, 3, 4, 5, 21, 22, 23, 24, 25]
    # Without a margin the point near the wall counts too.
    assert len(soundings_from_points(told, pieces, margin=0.0)) == 11


def test_roofs_are_found_in_a_surface_model(tmp_path):
    """A gable of 14 by 9 m in cells of 1 m; rows run southwards."""
    west, north = AT[0], AT[1] + 40
    x = west + 0.5 + np.arange(50)
    y = (north - 0.5 - np.arange(40))[:, None]
    x0, y0 = AT[0] + 10, AT[1] + 12
    inside = (x > x0) & (x < x0 + 14) & (y > y0) & (y < y0 + 9)
    z = np.where(inside, 8 + 0.8 * np.minimum(y - y0, y0 + 9 - y), 2.0)
    path = tmp_path / "dsm.tif"
    write_raster(z, path, west=west, north=north, cell=1.0)
    told = table([shapely.box(x0, y0, x0 + 14, y0 + 9)])
    found = soundings_from_surface(told, path)
    assert len(found) == 12 * 7
    roof = fit_roofs(told, found)[0].iloc[0]
    assert roof["roof_shape"] == "gabled"
    assert roof["roof_orientation"] == "along"
    assert roof["top"] == pytest.approx(8 + 0.8 * 4.5, abs=EXACT)
    assert roof["eaves"] == pytest.approx(8.0, abs=EXACT)
    beyond = shapely.affinity.translate(told.geometry.iloc[0], 9000, 0)
    both = soundings_from_surface(table([told.geometry.iloc[0], beyond]), path)
    assert both.owner.tolist() == [0] * (12 * 7)
    with pytest.raises(TerrainError, match="overlap"):
        soundings_from_surface(table([beyond]), path)


def clusters(points):
    """Footprints of what stands together, in the direction of its walls.

    Sides along the edge of the data are no walls; roofs cut there are taken as if their
    other part were hidden.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    own = points.xyz[points.kind == 6]
    low, high = own[:, :2].min(axis=0) + 0.5, own[:, :2].max(axis=0) - 0.5
    near = cKDTree(own - own.min(axis=0)).query_pairs(0.8, output_type="ndarray")
    links = coo_array((np.ones(len(near)), near.T), shape=(len(own),) * 2)
    _, label = connected_components(links, directed=False)
    outlines = []
    for k in np.flatnonzero(np.bincount(label) >= 150):
        some = shapely.multipoints(own[label == k, :2])
        # Sides longer than some 2 m are drawn in: the ratio is one of lengths.
        west, south, east, north = some.bounds
        hull = shapely.concave_hull(some, ratio=2 / np.hypot(east - west, north - south))
        ring = shapely.get_coordinates(hull.simplify(0.4))
        rim, edge = (ring < low) | (ring > high), np.diff(ring, axis=0)
        edge = edge[~(rim[1:] & rim[:-1]).any(axis=1)]
        angle = np.arctan2(edge[:, 1], edge[:, 0])
        weight = (edge**2).sum(axis=1)
        turn = np.degrees(np.angle((weight * np.exp(4j * angle)).sum()) / 4)
        straight = shapely.affinity.rotate(some, -turn, origin=(0, 0))
        box = shapely.affinity.rotate(shapely.box(*straight.bounds), turn, origin=(0, 0))
        west, south, east, north = straight.bounds
        if min(east - west, north - south) > 2.5:
            outlines.append(box if hull.area > box.area / 2 else hull.simplify(0.5))
    return outlines


@pytest.mark.real
def test_real_laser_points_give_roofs_within_a_decimetre(shared_data):
    """Two tiles of IGN's LiDAR HD: a flat block, a house with two lean-tos, cut corners."""
    pytest.importorskip("laspy")
    from pyproj import CRS

    from gis.sources.pointcloud import open_point_cloud, read_points

    files = sorted((shared_data / "pointcloud").glob("ign*.laz"))
    read = [read_points(open_point_cloud(f, plane=CRS(2154)))[0] for f in files]
    points = Points(
        np.concatenate([some.xyz for some in read]), np.concatenate([s.kind for s in read])
    )
    base = float(np.median(points.xyz[points.kind == 2, 2]))
    outlines = clusters(points)
    told = table(outlines, base=base).set_crs(2154, allow_override=True)
    roofs, _ = fit_roofs(told, soundings_from_points(told, read))
    fitted = roofs[roofs["roof_fit"] == FITTED]
    large = fitted[told.area.loc[fitted.index] > 20]
    assert {"flat", "gabled", "shed"} <= set(large["roof_shape"])
    assert large["residual"].median() < 0.1
    block = roofs.iloc[int(np.argmax(told.area))]
    assert block["roof_shape"] == "flat"
    assert block["residual"] < 0.1
    (gable,) = (row for _, row in large.iterrows() if row["roof_shape"] == "gabled")
    assert gable["residual"] < 0.06
    # Lean-tos stand below the eaves of the house and fall away from it.
    sheds = large[(large["roof_shape"] == "shed") & (large["top"] < gable["eaves"])]
    assert len(sheds) >= 1
    assert (sheds["residual"] < 0.06).all()
    off = (sheds["roof_direction"] - gable["roof_direction"]) % 180
    assert (np.minimum(off, 180 - off) < 5).all()


@pytest.mark.real
def test_pictures_of_real_fits_show_what_the_fits_tell(shared_data, tmp_path):
    """The bodies that were built lie as near to the laser points as the fits say."""
    pytest.importorskip("laspy")
    from pyproj import CRS

    from gis.sources.pointcloud import open_point_cloud, read_points
    from meshes.render.fits import FitCard, write_fit_sheets
    from meshes.render.fits_views import body_of
    from meshes.roofs.fit import roof_samples
    from meshes.roofs.residuals import measure_residuals

    files = sorted((shared_data / "pointcloud").glob("ign*.laz"))
    read = [read_points(open_point_cloud(f, plane=CRS(2154)))[0] for f in files]
    points = Points(
        *(np.concatenate([getattr(s, k) for s in read]) for k in ("xyz", "kind"))
    )
    base = float(np.median(points.xyz[points.kind == 2, 2]))
    told = table(clusters(points), base=base).set_crs(2154, allow_override=True)
    soundings = soundings_from_points(told, read)
    roofs, _ = fit_roofs(told, soundings)
    samples = roof_samples(told, soundings)
    made = told[["base", "geometry"]].join(roofs.drop(columns="eaves"))
    solids, report = lod2_solids(made.assign(top=made["top"].fillna(base + 6.0)))
    found = measure_residuals(solids, samples, band=roofs["band"])
    fitted = (roofs["roof_fit"] == FITTED).to_numpy()
    kept = fitted & (report.table["roof_shape"] == roofs["roof_shape"]).to_numpy()
    assert kept.sum() >= 5
    # Outlines here are drawn around points: what lies beyond a crooked one moves a roof.
    error = found.parts["residual_m"].to_numpy()[kept]
    assert error == pytest.approx(roofs["residual"][kept], abs=0.02)
    cards = []
    for k, part in enumerate(solids.parts):
        own = samples.owner == k
        body = body_of(solids, k, samples.xyz[own], found.face[own], found.off[own])
        cards.append(FitCard(part, "", (), body))
    words = {"title": "IGN LiDAR HD", "notes": "", "credit": "IGN"}
    sheets = write_fit_sheets(tmp_path, cards, heights="m NGF-IGN69", **words)
    assert len(sheets) == -(-len(cards) // 6)


@pytest.mark.real
def test_blocks_of_the_real_harbour_stay_blocks(shared_data):
    """Its surface model was burnt from blocks, so that any other roof is a mistake."""
    folder = shared_data / "helsingborg"
    harbour = gpd.read_file(folder / "harbour_buildings_epsg3008.gpkg")
    harbour["base"] = harbour["roof_m"] - harbour["height_m"]
    found = soundings_from_surface(harbour, folder / "harbour_dsm_lod1_1m_epsg3008.tif")
    roofs, _ = fit_roofs(harbour, found)
    assert set(roofs["roof_shape"]) <= {"", "flat"}
    flat = (roofs["roof_shape"] == "flat").to_numpy()
    assert flat[harbour.area > 100].mean() > 0.95
    error = np.abs(roofs["top"] - harbour["roof_m"])[flat]
    assert np.median(error) < 0.01


def roofs_of_file(path, rng, *, noise):
    """Points on the roofs of a city model that others made, and its footprints."""
    from meshes.formats.cityjson_read import read_city_model

    solids = read_city_model(path).solids
    faces, outlines, base, top = solids.faces, [], [], []
    for k in range(len(solids.parts)):
        own = np.flatnonzero(solids.part == k)
        ground = own[solids.kind[own] == Kind.GROUND]
        plans = [shapely.Polygon(next(iter(faces.rings(g)))[:, :2]) for g in ground]
        moved = shapely.affinity.translate(shapely.union_all(plans), *solids.origin[:2])
        z = np.concatenate([ring[:, 2] for f in own for ring in faces.rings(f)])
        outlines.append(moved)
        base.append(z.min() + solids.origin[2])
        top.append(z.max() + solids.origin[2])
    told = table(outlines, base=base, top=top)
    owner, xyz = scan(told.geometry, solids, 300, rng)
    xyz[:, 2] += rng.normal(0, noise, len(xyz))
    return told, fit_roofs(told, sort_soundings(owner, xyz))[0]


@pytest.mark.real
def test_gables_of_a_foreign_model_have_whole_metres(shared_data):
    """The file's houses have ridges and eaves at whole metres, which it was not told."""
    path = shared_data / "cityjson" / "berlin_lod2.city.json"
    told, roofs = roofs_of_file(path, np.random.default_rng(1), noise=0.05)
    assert (roofs["roof_shape"] == "gabled").all()
    assert np.abs(roofs["top"] - told["top"]).max() < 0.05
    assert np.abs(roofs["eaves"] - roofs["eaves"].round()).max() < 0.05


@pytest.mark.real
def test_roofs_of_real_houses_reach_their_ridges(shared_data):
    path = shared_data / "cityjson" / "denhaag_01_subset.city.json"
    told, roofs = roofs_of_file(path, np.random.default_rng(1), noise=0.05)
    assert (roofs["roof_fit"] == FITTED).all()
    assert {"flat", "gabled"} <= set(roofs["roof_shape"])
    assert (roofs["residual"] < 0.07).all()
    assert np.abs(roofs["top"] - told["top"]).max() < 0.05
