"""Roofs on rectangles follow their closed forms; any outline gets a valid solid."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError, TableError
from gis.footprints import repair_footprints
from gis.heights import LEAST_RISE
from gis.roof_words import FORMS
from meshes.roofs.checks import is_valid
from meshes.roofs.forms import ARC_STEPS, BREAK_RISE, BREAK_RUN, HIP_START, PITCH
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.pieced import pieced_roofs
from meshes.roofs.plots import make_plots
from meshes.roofs.quads import FORMS as QUAD_FORMS
from meshes.roofs.quads import quad_roofs
from meshes.roofs.shells import Shells, solids_from_shells
from meshes.solids import Kind, closure_defects, local_origin

PLANAR = 1e-6
"""Distance of a corner from its face's plane [m], as asked of the model."""

ROUNDING = 1e-9
"""Relative error of volumes; coordinates of 6e6 m carry 1e-9 m."""

AT = (95_123.4, 6_212_345.6)
SLOPED = [form for form in FORMS if form != "flat"]


def table(polygons, *, form, base=2.0, top=12.0, **columns) -> gpd.GeoDataFrame:
    """Return a building table of outlines with one form or one form each."""
    outlines = shapely.orient_polygons(np.array(polygons, object))
    return gpd.GeoDataFrame(
        {"base": base, "top": top, "roof_shape": form, **columns},
        geometry=outlines,
        index=[f"b{k}" for k in range(len(polygons))],
        crs=3008,
    )


def placed(shape, turn):
    """Shape turned and moved to where Helsingborg's coordinates are."""
    turned = shapely.affinity.rotate(shape, turn, origin=(0, 0))
    return shapely.affinity.translate(turned, *AT)


def check_laws(buildings, solids, *, blocks=()):
    """Assert what every model must keep whatever its roofs.

    ``blocks`` stand for roofs that could not be made and have their mean height.
    """
    faces = solids.faces
    assert closure_defects(solids).size == 0
    assert (solids.volume() > 0).all()
    part = solids.part
    for face in range(len(faces)):
        corners = np.concatenate(faces.rings(face))
        assert np.abs((corners - corners[0]) @ faces.normal[face]).max() < PLANAR
    roof, wall, ground, _ = (solids.kind == kind for kind in Kind)
    assert (faces.normal[roof, 2] > 0).all()
    assert np.abs(faces.normal[wall, 2]).max() < 1e-9
    plan = np.bincount(part[roof], (faces.area * faces.normal[:, 2])[roof])
    area = buildings.area.to_numpy()
    assert plan == pytest.approx(area, rel=ROUNDING)
    assert faces.area[ground] == pytest.approx(area, rel=ROUNDING)
    base = buildings["base"].to_numpy() - solids.origin[2]
    top = buildings["top"].to_numpy() - solids.origin[2]
    for k, outline in enumerate(buildings.geometry):
        own = np.concatenate(
            [np.concatenate(faces.rings(f)) for f in np.flatnonzero((part == k) & roof)]
        )
        if k in blocks:
            assert own[:, 2].max() < top[k]
        else:
            assert own[:, 2].max() == pytest.approx(top[k], abs=1e-12)
        assert own[:, 2].min() > base[k]
        (floor,) = np.flatnonzero((part == k) & ground)
        found = {tuple(xy) for ring in faces.rings(floor) for xy in ring[:, :2]}
        assert found == {
            tuple(xy) for xy in shapely.get_coordinates(outline) - solids.origin[:2]
        }
        assert np.count_nonzero((part == k) & wall) == len(found)
    assert list(solids.parts) == list(buildings.index)
    assert (np.diff(part) >= 0).all()


def arc_area(run, rise):
    """Area under a polygon in an arc, from its corners found by turning a radius."""
    low = min(run, rise)
    radius = (run**2 + low**2) / (2 * low)
    half = 2 * np.arctan(low / run)  # inscribed angle
    angles = np.linspace(-half, half, 2 * ARC_STEPS + 1)
    x, z = radius * np.sin(angles), radius * np.cos(angles) - (radius - low)
    return np.sum(np.diff(x) * (z[1:] + z[:-1]) / 2) * rise / low


def roof_volume(form, a, b, rise, ridge_across):
    """Volume between eaves and roof over a rectangle, a the longer side [m3]."""
    run, length = (a / 2, b) if ridge_across else (b / 2, a)
    match form:
        case "shed" | "gabled":
            return a * b * rise / 2
        case "hipped":
            return rise * b * (3 * a - b) / 6
        case "half-hipped":
            return a * b * rise / 2 - (2 * run) ** 2 * rise * (1 - HIP_START) ** 3 / 6
        case "gambrel":
            low = BREAK_RUN * BREAK_RISE / 2
            high = (1 - BREAK_RUN) * (1 + BREAK_RISE) / 2
            return a * b * rise * (low + high)
        case "mansard":
            # Slices of (a - 2 d) (b - 2 d): Simpson's rule is exact for each part.
            total = 0.0
            for d0, d1, dz in (
                (0.0, BREAK_RUN * b / 2, BREAK_RISE * rise),
                (BREAK_RUN * b / 2, b / 2, (1 - BREAK_RISE) * rise),
            ):
                d = np.array([d0, (d0 + d1) / 2, d1])
                total += dz * ((a - 2 * d) * (b - 2 * d)) @ np.array([1, 4, 1]) / 6
            return total
        case "pyramid":
            return a * b * rise / 3
        case "dome":
            angle = np.linspace(0, np.pi / 2, ARC_STEPS + 1)
            r, z = np.cos(angle), rise * np.sin(angle)
            return (
                a * b * np.sum(np.diff(z) * (r[1:] ** 2 + r[1:] * r[:-1] + r[:-1] ** 2) / 3)
            )
        case "round":
            return length * arc_area(run, rise)


@pytest.mark.parametrize("form", SLOPED)
@settings(max_examples=12, deadline=None)
@given(
    a=st.floats(6, 60),
    share=st.floats(0.1, 0.99),
    turn=st.floats(0, 360),
    rise=st.floats(0.3, 8),
    across=st.booleans(),
)
def test_rectangles_hold_the_volume_of_their_form(form, a, share, turn, rise, across):
    b = max(share * a, 2.0)
    if form == "half-hipped" and across:
        assume(b > (1 - HIP_START) * a)  # else the hips meet below the ridge
    buildings = table(
        [placed(shapely.box(-3, 5, a - 3, b + 5), turn)],
        form=form,
        roof_height=rise,
        roof_orientation="across" if across else "along",
    )
    solids, report = lod2_solids(buildings)
    check_laws(buildings, solids)
    assert report.table["roof_shape"].to_list() == [form]
    assert report.table["fallback"].to_list() == [""]
    across = across and form not in {"hipped", "mansard"}
    expected = a * b * (10.0 - rise) + roof_volume(form, a, b, rise, across)
    # Rounding of the turned corners to 1e-9 m moves the volume by that times the walls.
    assert solids.volume()[0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("form", [form for form in SLOPED if form != "shed"])
def test_eaves_are_level_at_top_minus_roof_height(form):
    buildings = table([placed(shapely.box(0, 0, 14, 9), 25)], form=form, roof_height=3.25)
    solids, _ = lod2_solids(buildings)
    roofs = np.flatnonzero(solids.kind == Kind.ROOF)
    heights = np.concatenate([np.concatenate(solids.faces.rings(f))[:, 2] for f in roofs])
    assert heights.min() == pytest.approx(12 - 3.25, abs=1e-12)


def test_half_hips_without_gable_are_hips_and_full_ones_gables():
    # A limit of the closed form that the test above uses.
    volume = {form: roof_volume(form, 20, 8, 3, False) for form in ("hipped", "gabled")}
    half = roof_volume("half-hipped", 20, 8, 3, False)
    assert volume["hipped"] < half < volume["gabled"]


@pytest.mark.parametrize("direction", [0.0, 77.0, 180.0, 200.0, 301.5])
def test_shed_slopes_down_to_its_direction(direction):
    outline = placed(shapely.box(0, 0, 14, 9), 32)  # walls face 58, 148, 238 and 328
    buildings = table([outline], form="shed", roof_height=2.0, roof_direction=direction)
    solids, _ = lod2_solids(buildings)
    (normal,) = solids.faces.normal[solids.kind == Kind.ROOF]
    facing = np.radians(direction)
    fall = np.hypot(normal[0], normal[1])
    assert normal[:2] == pytest.approx(fall * np.array([np.sin(facing), np.cos(facing)]))


def test_shed_takes_the_direction_of_a_wall_that_is_near():
    outline = placed(shapely.box(0, 0, 14, 9), 32)
    buildings = table([outline], form="shed", roof_height=2.0, roof_direction=157.5)
    solids, _ = lod2_solids(buildings)
    (normal,) = solids.faces.normal[solids.kind == Kind.ROOF]
    assert np.degrees(np.arctan2(normal[0], normal[1])) == pytest.approx(148)


@pytest.mark.parametrize(
    ("told", "east"),
    [
        ({}, True),
        ({"roof_orientation": "across"}, False),
        ({"roof_direction": 5.0}, True),
        ({"roof_direction": 265.0}, False),
        ({"roof_direction": 170.0, "roof_orientation": "across"}, True),
    ],
    ids=["longer side", "across", "faces north", "faces west", "direction before word"],
)
def test_gables_stand_where_they_are_told(told, east):
    buildings = table([placed(shapely.box(0, 0, 14, 9), 0)], form="gabled", **told)
    solids, _ = lod2_solids(buildings)
    five = [
        solids.faces.normal[face]
        for face in np.flatnonzero(solids.kind == Kind.WALL)
        if len(solids.faces.rings(face)[0]) == 5
    ]
    assert sorted(np.abs(n[0]).round(6) for n in five) == ([1, 1] if east else [0, 0])


@pytest.mark.parametrize("form", SLOPED)
def test_unknown_height_comes_from_the_form_s_pitch(form):
    buildings = table([placed(shapely.box(0, 0, 9, 7), 10)], form=form, top=40.0)
    _, report = lod2_solids(buildings)
    run = 7.0 if form == "shed" else 3.5
    row = report.table.iloc[0]
    assert row["roof_height"] == pytest.approx(run * np.tan(np.radians(PITCH[form])))
    assert row["roof_height_source"] == "assumed pitch"
    assert report.notes == ("1 roof height assumed by the form's pitch",)


def test_stated_height_goes_before_eaves_and_eaves_before_angle():
    box = shapely.box(0, 0, 12, 8)
    shapes = [placed(box, 10), placed(box, 20), placed(box, 30)]
    buildings = table(
        shapes,
        form="gabled",
        roof_height=[1.5, np.nan, np.nan],
        eaves=[10.0, 10.0, np.nan],
        roof_angle=45.0,
    )
    _, report = lod2_solids(buildings)
    assert report.table["roof_height"].to_list() == pytest.approx([1.5, 2.0, 4.0])
    assert report.table["roof_height_source"].to_list() == ["stated", "eaves", "angle"]


def test_roof_taller_than_the_building_leaves_low_walls():
    box = placed(shapely.box(0, 0, 12, 8), 33)
    buildings = table([box], form="gabled", base=2.0, top=7.0, roof_height=30.0)
    solids, report = lod2_solids(buildings)
    check_laws(buildings, solids)
    assert report.table["roof_height"].to_list() == pytest.approx([5.0 - LEAST_RISE])
    assert "1 roof lowered" in report.notes[0]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"top": 2.9}, "too low for a roof"),
        ({"roof_height": 0.0}, "told to have no height"),
    ],
)
def test_no_room_or_no_height_gives_a_block(columns, reason):
    buildings = table([placed(shapely.box(0, 0, 12, 8), 33)], form="hipped", **columns)
    solids, report = lod2_solids(buildings)
    check_laws(buildings, solids)
    row = report.table.iloc[0]
    assert (row["lod"], row["roof_shape"]) == ("1.2", "flat")
    assert reason in row["fallback"]


def test_unknown_and_flat_roofs_are_the_blocks_of_lod1():
    shapes = [placed(shapely.box(0, 0, 12, 8), 33), placed(shapely.box(30, 0, 42, 8), 33)]
    buildings = table(shapes, form=["", "flat"])
    solids, report = lod2_solids(buildings)
    assert solids.volume() == pytest.approx([960, 960], rel=ROUNDING)
    assert report.table["lod"].to_list() == ["1.2", "1.2"]
    assert report.notes == ()


@pytest.mark.parametrize("form", QUAD_FORMS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_closed_forms_equal_the_planes_from_the_sides(form, seed):
    rng = np.random.default_rng(seed)
    corners = np.array([(0, 0), (rng.uniform(12, 25), 0), (0, 0), (0, rng.uniform(6, 10))])
    corners[2] = corners[1] + corners[3]
    skew = shapely.Polygon(corners + rng.uniform(-0.05, 0.05, (4, 2)))
    buildings = table([placed(skew, rng.uniform(0, 360))], form=form, roof_height=3.0)
    origin = local_origin(buildings)
    plots = make_plots(buildings, origin)
    which = np.array([0])
    fast, made, rise = quad_roofs(plots, which, form)
    slow, made_too, rise_too, _ = pieced_roofs(plots, which, form)
    assert made.tolist() == made_too.tolist() == [0]
    assert rise.height == pytest.approx(rise_too.height)
    volumes = [
        solids_from_shells(one, parts=("b0",), origin=origin).volume()[0]
        for one in (fast, slow)
    ]
    # Round and half-hipped roofs measure their breaks on a squared and a skew outline.
    within = 1e-3 if form in {"round", "half-hipped"} else 1e-9
    assert volumes[0] == pytest.approx(volumes[1], rel=within)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_any_star_of_corners_gets_a_valid_solid(seed):
    rng = np.random.default_rng(seed)
    shapes, forms = [], []
    for k in range(6):
        count = int(rng.integers(3, 9))
        angle = (np.arange(count) + rng.uniform(0.1, 0.9, count)) * 2 * np.pi / count
        far = rng.uniform(0.5, 15, count) if k % 2 else np.full(count, rng.uniform(3, 20))
        star = shapely.Polygon(np.c_[far * np.cos(angle), far * np.sin(angle)] + 40 * k)
        if not star.is_valid or star.area < 1:
            continue
        shapes.append(placed(star, 0))
        forms.append(str(rng.choice(FORMS)))
    buildings = table(shapes, form=forms, top=rng.uniform(5, 30, len(shapes)))
    solids, report = lod2_solids(buildings)
    simpler = report.table["roof_shape"].to_numpy() != np.array(forms)
    is_block = (report.table["lod"] == "1.2").to_numpy()
    check_laws(buildings, solids, blocks=np.flatnonzero(simpler & is_block).tolist())
    assert ((report.table["fallback"] != "").to_numpy() == simpler).all()


def test_a_lost_moved_or_turned_face_is_no_valid_solid():
    buildings = table([placed(shapely.box(0, 0, 12, 8), 33)] * 2, form="hipped")
    plots = make_plots(buildings, local_origin(buildings))
    shells, _, _ = quad_roofs(plots, np.arange(2), "hipped")
    assert is_valid(shells, plots).tolist() == [True, True]
    faces = len(shells.kind)
    for lost in range(faces):
        cut = shells_without(shells, lost)
        assert is_valid(cut, plots).tolist() == [lost >= faces // 2, lost < faces // 2]
    first = shells.vertices.copy()
    first[0, 2] += 1e-3
    assert is_valid(replace(shells, vertices=first), plots).tolist() == [False, True]
    mirrored = shells.vertices * (-1.0, 1.0, 1.0)
    assert not is_valid(replace(shells, vertices=mirrored), plots).any()


def shells_without(shells, face):
    """Return the shells without one face of one ring."""
    start, stop = shells.ring_start[face : face + 2]
    kept = np.arange(len(shells.kind)) != face
    lengths = np.diff(shells.ring_start)[kept]
    return Shells(
        np.delete(shells.vertices, np.s_[start:stop], axis=0),
        np.r_[0, np.cumsum(lengths)],
        np.arange(len(lengths) + 1),
        shells.kind[kept],
        shells.rank[kept],
        shells.plot[kept],
    )


def test_gabled_triangle_becomes_hipped_with_the_reason_told():
    triangle = placed(shapely.Polygon([(0, 0), (10, 0), (4, 8)]), 40)
    buildings = table([triangle], form="gabled", roof_height=3.0)
    solids, report = lod2_solids(buildings)
    check_laws(buildings, solids)
    row = report.table.iloc[0]
    assert (row["lod"], row["roof_shape"]) == ("2.0", "hipped")
    assert row["fallback"] == "gabled: no wall ends a ridge"
    # Three planes of one slope meet over the middle of the inscribed circle.
    assert solids.volume()[0] == pytest.approx(40 * (7 + 3 / 3), rel=ROUNDING)


def test_outline_of_very_many_corners_falls_back_to_a_block():
    star = np.arange(300) * 2 * np.pi / 300
    far = np.where(np.arange(300) % 2, 9.0, 11.0)
    gear = shapely.Polygon(np.c_[far * np.cos(star), far * np.sin(star)])
    buildings = table([placed(gear, 15)], form="gabled", roof_height=3.0)
    solids, report = lod2_solids(buildings)
    assert closure_defects(solids).size == 0
    assert report.table["roof_shape"].to_list() == ["flat"]
    assert "more than 240 corners" in report.table["fallback"].iloc[0]
    assert "1 gabled roof made flat" in report.notes[0]


def test_a_spike_does_not_keep_a_house_from_its_gables():
    spike = shapely.Polygon([(0, 0), (12, 0), (12, 8), (6.2, 8), (6.1, 30), (6, 8), (0, 8)])
    buildings = table([placed(spike, 15)], form="gabled", roof_height=3.0)
    solids, report = lod2_solids(buildings)
    check_laws(buildings, solids)
    assert report.table["roof_shape"].to_list() == ["gabled"]


@pytest.mark.real
def test_harbour_gets_valid_roofs_of_every_form(shared_data):
    layer = gpd.read_file(shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg")
    outlines, _ = repair_footprints(layer)
    count = len(outlines)
    top = np.random.default_rng(3).uniform(6.0, 25.0, count)
    for form in SLOPED:
        buildings = table(outlines.geometry.to_list(), form=form, top=top)
        solids, report = lod2_solids(buildings)
        assert closure_defects(solids).size == 0
        assert (solids.volume() > 0).all()
        made = (report.table["lod"] == "2.0").mean()
        assert made > 0.95, f"{form}: {made:.0%}, {report.notes}"


def test_unknown_form_and_repeated_corner_are_refused():
    box = placed(shapely.box(0, 0, 12, 8), 15)
    with pytest.raises(
        TableError, match=r"roof_shape must be one of .* got skillion in 1 rows"
    ):
        lod2_solids(table([box], form="skillion"))
    repeated = placed(shapely.Polygon([(0, 0), (9, 0), (9, 0), (9, 9)]), 15)
    with pytest.raises(GeometryError, match="must not repeat corners, got 1"):
        lod2_solids(table([repeated], form="hipped"))
