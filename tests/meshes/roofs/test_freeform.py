"""Roofs over outlines of any shape are sound bodies with the volume of their form."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.footprints import repair_footprints
from meshes.polygons import newell_sums
from meshes.predicates.examination import examine
from meshes.roofs.blocks import mean_share
from meshes.roofs.freeform import GABLES, freeform_roofs
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.pieced import pieced_roofs
from meshes.roofs.plots import make_plots
from meshes.roofs.quads import quad_roofs
from meshes.roofs.shells import solids_from_shells
from meshes.solids import Kind, local_origin

BASE, TOP, RISE = 2.0, 12.0, 3.0
AT = (95_123.4, 6_212_345.6)

ROUNDING = 1e-8
"""Relative error of volumes: coordinates of 6e6 m carry 1e-9 m."""

CLEARED = 1e-3
"""And where a cross section breaks: its levels keep clear of other points by 4 mm."""


def table(shapes, *, form) -> gpd.GeoDataFrame:
    """Return buildings of one form."""
    return gpd.GeoDataFrame(
        {"base": BASE, "top": TOP, "roof_shape": form, "roof_height": RISE},
        geometry=shapely.orient_polygons(np.array(shapes, object)),
        index=[f"b{k}" for k in range(len(shapes))],
        crs=3008,
    )


def alone(make, shape, form):
    """Volume and rise of a roof from one maker, NaN where it makes none."""
    buildings = table([shape], form=form)
    origin = local_origin(buildings)
    plots = make_plots(buildings, origin)
    shells, made, rise, *_ = make(plots, np.array([0]), form)
    if not len(made):
        return np.nan, np.nan
    return solids_from_shells(shells, parts=("b0",), origin=origin).volume()[
        0
    ], rise.height[0]


def eaves_of(solids):
    """Heights of the upper corners of walls above the base [m], part by part."""
    walls = np.flatnonzero(solids.kind == Kind.WALL)
    return [
        np.concatenate(
            [solids.faces.rings(f)[0][2:, 2] for f in walls[solids.part[walls] == k]]
        )
        for k in range(len(solids.parts))
    ]


@pytest.mark.parametrize("kind", ["grid", "star", "bent"])
@pytest.mark.parametrize("form", GABLES)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_any_outline_gets_a_sound_body_between_the_blocks(outlines, kind, form, seed):
    rng = np.random.default_rng(seed)
    shapes = [
        outlines.turned(getattr(outlines, kind)(rng), rng.uniform(0, 7), move=np.array(AT))
        for _ in range(3)
    ]
    buildings = table(shapes, form=form)
    solids, report = lod2_solids(buildings)
    faults = examine(solids).table
    assert faults.empty, faults["words"].to_list()[:3]
    area, volume = buildings.area.to_numpy(), solids.volume()
    assert (volume > area * (TOP - RISE - BASE) * (1 - 1e-3)).all()
    assert (volume < area * (TOP - BASE) * (1 + ROUNDING)).all()
    assert (report.table["lod"] == "2.0").mean() > 0.6
    for k, heights in enumerate(eaves_of(solids)):
        if report.table["roof_shape"].iloc[k] in {"hipped", "mansard"}:
            # Corners 5 cm or less off their wall's line follow its plane.
            off = 1e-6 if kind == "grid" else 0.4
            assert np.abs(heights - (TOP - RISE)).max() <= off


@pytest.mark.parametrize("form", GABLES)
@settings(max_examples=15, deadline=None)
@given(wide=st.floats(13, 40), deep=st.floats(5, 11), turn=st.floats(0, 7))
def test_rectangles_equal_their_closed_form(form, wide, deep, turn):
    shape = shapely.affinity.rotate(shapely.box(0, 0, wide, deep), turn, use_radians=True)
    found, rise = alone(freeform_roofs, shape, form)
    closed, rise_too = alone(quad_roofs, shape, form)
    assert rise == rise_too
    assert found == pytest.approx(closed, rel=CLEARED if form in {"round"} else ROUNDING)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_right_angled_hips_equal_the_rectangles(outlines, seed):
    shape = outlines.grid(np.random.default_rng(seed))
    by_rectangles, _ = alone(pieced_roofs, shape, "hipped")
    by_fronts, _ = alone(freeform_roofs, shape, "hipped")
    assert by_fronts == pytest.approx(by_rectangles, rel=1e-7)


@pytest.mark.parametrize(("form", "share"), [("gabled", 0.5), ("gambrel", 0.7)])
@pytest.mark.parametrize("cut", [-3.0, 1.5, 4.0], ids=["splayed", "a little", "tapered"])
def test_wings_with_oblique_ends_keep_their_cross_section(form, share, cut):
    # Between parallel walls the length along the ridge is linear across, so the mean
    # height is that of the cross section.
    shape = shapely.Polygon([(0, 0), (20, 0), (20 - cut, 8), (cut / 2, 8)])
    found, _ = alone(freeform_roofs, shape, form)
    assert found == pytest.approx(shape.area * (TOP - RISE - BASE + share * RISE))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_mansards_hold_what_mitred_offsets_hold(outlines, seed):
    # Convex outlines: there offsets by GEOS are the fronts to the end.
    rng = np.random.default_rng(seed)
    shape = shapely.MultiPoint(rng.normal(size=(9, 2)) * (9, 6)).convex_hull
    run = shapely.maximum_inscribed_circle(shape, 1e-5).length
    for form in ("hipped", "mansard"):
        found, rise = alone(freeform_roofs, shape, form)
        share = mean_share(form, shape, rise=rise, run=run)
        expected = shape.area * (TOP - BASE - rise * (1 - share))
        # Levels cleared by millimetres and corners dropped within 5 cm of a line.
        assert found == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("form", GABLES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_mirrored_outline_has_the_mirrored_roof(outlines, form, seed):
    shape = outlines.star(np.random.default_rng(seed))
    mirrored = shapely.transform(shape, lambda xy: xy * (-1.0, 1.0))
    one, other = (alone(freeform_roofs, s, form)[0] for s in (shape, mirrored))
    assert one == pytest.approx(other, rel=1e-6, nan_ok=True)


def test_gables_stand_on_the_ends_of_oblique_wings():
    # A house with a wing turned by 35 degrees: three ends, three gables of five corners.
    house = shapely.box(0, 0, 24, 8)
    wing = shapely.affinity.rotate(shapely.box(0, 0, 6, 18), 35, origin=(0, 0))
    shape = house.union(shapely.affinity.translate(wing, 14, 2))
    buildings = table([shape], form="gabled")
    solids, report = lod2_solids(buildings)
    assert report.table["roof_shape"].to_list() == ["gabled"]
    walls = np.flatnonzero(solids.kind == Kind.WALL)
    five = [face for face in walls if len(solids.faces.rings(face)[0]) == 5]
    widths = sorted(np.ptp(solids.faces.rings(f)[0][:, :2] @ (1, 0)).round(3) for f in five)
    assert widths == [0.0, 0.0, round(6 * np.cos(np.radians(35)), 3)]


def test_no_gable_stands_on_a_round_house():
    circle = shapely.Point(0, 0).buffer(9, quad_segs=6)
    report = lod2_solids(table([circle], form="gabled"))[1].table.iloc[0]
    assert report["roof_shape"] == "hipped"
    assert report["fallback"] == "gabled: no wall ends a ridge"


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize(
    ("form", "least"),
    [("hipped", 0.995), ("mansard", 0.995), ("gabled", 0.9), ("round", 0.9)],
)
def test_harbour_outlines_get_the_form_that_is_told(shared_data, form, least):
    layer = gpd.read_file(shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg")
    outlines, _ = repair_footprints(layer)
    buildings = table(outlines.geometry.to_list(), form=form).drop(columns="roof_height")
    solids, report = lod2_solids(buildings)
    assert (report.table["roof_shape"] == form).mean() > least
    assert examine(solids).valid.all()
    upward = newell_sums(
        solids.faces.vertices, solids.faces.ring_start, solids.faces.polygon_start
    )[solids.kind == Kind.ROOF, 2]
    assert (upward > 0.0).all()
