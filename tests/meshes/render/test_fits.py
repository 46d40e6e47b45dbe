"""Pictures of fits show samples where they lie, in the colour of their distance."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from PIL import Image

from meshes.render.colours import hex_srgb
from meshes.render.fits import SIZE, FitCard, draw_fit_sheet, write_fit_sheets
from meshes.render.fits_colours import ANCHORS, TOP, DistanceScale
from meshes.render.fits_views import (
    ELEVATION,
    WIDEST_SLAB,
    body_of,
    from_above,
    oblique,
    section_across,
    way_across,
)
from meshes.roofs.lod2 import lod2_solids
from meshes.roofs.residuals import measure_residuals
from meshes.roofs.soundings import sort_soundings
from meshes.solids import Kind

AT = (99_700.0, 6_213_800.0)
EAVES, RIDGE, BASE = 8.0, 11.0, 2.0
LONG, WIDE = 18.0, 10.0


def house(form="gabled", *, turn=0.0, shape=None, **columns):
    """One house, its longer side to the east before it is turned."""
    outline = shape or shapely.box(0, 0, LONG, WIDE)
    outline = shapely.affinity.rotate(outline, turn, (0, 0))
    told = gpd.GeoDataFrame(
        {
            "base": BASE,
            "top": RIDGE,
            "roof_shape": form,
            "roof_height": RIDGE - EAVES,
            **columns,
        },
        geometry=[shapely.affinity.translate(outline, *AT)],
        index=["h"],
        crs=3008,
    )
    return lod2_solids(told)[0]


def with_samples(solids, xyz):
    """Return the body with samples at places: east and north of `AT`, height."""
    xyz = np.asarray(xyz, float) + np.array([*AT, 0.0])
    samples = sort_soundings(np.zeros(len(xyz), np.int64), xyz)
    found = measure_residuals(solids, samples)
    return body_of(solids, 0, samples.xyz, found.face, found.off)


def grid(count=12):
    """Places inside the house at the ridge's height."""
    x, y = np.meshgrid(np.linspace(1, LONG - 1, count), np.linspace(1, WIDE - 1, count))
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, RIDGE)])


def test_the_scale_is_symmetric_and_ends_as_told():
    scale = DistanceScale()
    assert scale.srgb([0.0])[0] == pytest.approx(hex_srgb(ANCHORS[2]), abs=1 / 255)
    assert scale.srgb([-TOP, -9.0])[1] == pytest.approx(hex_srgb(ANCHORS[0]), abs=1 / 255)
    assert scale.srgb([TOP, 9.0])[1] == pytest.approx(hex_srgb(ANCHORS[-1]), abs=1 / 255)
    values = np.linspace(0, TOP, 100)
    above, below = scale.srgb(values), scale.srgb(-values)
    # Above is red rather than blue, below the other way round; both as far from grey.
    assert (above[5:, 0] > above[5:, 2]).all()
    assert (below[5:, 2] > below[5:, 0]).all()
    assert scale.hex([0.31])[0] == "#" + "".join(
        f"{round(k * 255):02x}" for k in scale.srgb([0.31])[0].tolist()
    )


@pytest.mark.parametrize("turn", [0.0, 25.0, 90.0, 160.0])
@pytest.mark.parametrize("form", ["gabled", "hipped", "mansard"])
def test_the_cut_runs_across_the_ridge(form, turn):
    body = with_samples(house(form, turn=turn), np.empty((0, 3)))
    ridge = np.radians(turn)  # the longer side, counter-clockwise from east
    assert abs(way_across(body) @ (np.cos(ridge), np.sin(ridge))) < 1e-6
    section = section_across(body)
    assert np.hypot(*(section.end - section.start)) == pytest.approx(WIDE)
    assert section.start[0] <= section.end[0] + 1e-9  # from west to east
    assert section.roof[..., 1].max() == pytest.approx(RIDGE)
    assert section.roof[..., 1].min() == pytest.approx(EAVES)
    assert section.wall[..., 1].min() == pytest.approx(BASE)


def test_a_flat_roof_is_cut_along_its_longer_side():
    body = with_samples(house("flat", turn=30.0), np.empty((0, 3)))
    way = way_across(body)
    assert abs(way @ (np.cos(np.pi / 6), np.sin(np.pi / 6))) == pytest.approx(1.0)


@pytest.mark.parametrize("turn", [0.0, 80.0, 170.0, 260.0])
def test_a_shed_is_seen_from_its_low_side(turn):
    """Its roof faces the eye: it looks larger than any wall of the high side would."""
    body = with_samples(house("shed", turn=turn), np.empty((0, 3)))
    seen = oblique(body)
    (roof,) = (
        r for f, r in zip(seen.faces, seen.outlines, strict=True) if not body.kind[f]
    )
    shown = shapely.Polygon(roof[0]).area
    level = LONG * WIDE * np.sin(np.radians(ELEVATION))
    assert shown > level


def test_the_cut_of_a_gable_has_its_closed_form():
    """Height = eaves + rise x way / half width, up to the ridge, for both lines."""
    section = section_across(with_samples(house(turn=20.0), np.empty((0, 3))))
    assert len(section.roof) == 2
    assert len(section.wall) == 2
    way, height = section.roof[..., 0], section.roof[..., 1]
    share = 1 - np.abs(way - WIDE / 2) / (WIDE / 2)
    assert height == pytest.approx(EAVES + share * (RIDGE - EAVES))


def test_the_cut_of_a_wing_is_that_of_the_wing_alone():
    """Of an L only the wing with the largest face is cut; the other's samples stay out."""
    shape = shapely.Polygon([(0, 0), (24, 0), (24, 9), (8, 9), (8, 21), (0, 21)])
    far = [[3.0, y, RIDGE] for y in np.linspace(10, 20, 200)]
    near = [[x, 4.0, RIDGE] for x in np.linspace(9, 23, 200)]
    body = with_samples(house("gabled", shape=shape), [*far, *near])
    section = section_across(body)
    assert np.hypot(*(section.end - section.start)) == pytest.approx(9.0)
    assert section.shown.any()
    assert (body.samples[section.shown, 1] + body_shift(body)[1] < 9.0).all()


def body_shift(body):
    """From the body's frame to places relative to `AT`."""
    corners = body.faces.vertices
    return -corners[:, :2].min(axis=0)


def test_samples_lie_in_the_cut_at_their_height_and_no_farther_than_told():
    body = with_samples(house(), grid())
    section = section_across(body)
    shown = section.samples[section.shown]
    assert 0.5 <= section.half <= WIDEST_SLAB
    assert shown[:, 1] == pytest.approx(RIDGE)
    beside = np.abs(body.samples[:, 0] - (section.start[0] + section.end[0]) / 2)
    assert section.shown.tolist() == (beside <= section.half).tolist()


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_a_courtyard_is_no_roof(turn):
    """What is cut of the roof is what the line of the cut has of the outline."""
    shape = shapely.box(0, 0, 30, 24).difference(shapely.box(6, 5, 20, 16))
    shape = shapely.affinity.rotate(shape, turn, (0, 0))
    told = gpd.GeoDataFrame(
        {"base": BASE, "top": RIDGE, "roof_shape": "flat", "roof_height": 0.0},
        geometry=[shapely.affinity.translate(shapely.orient_polygons(shape), *AT)],
        index=["h"],
        crs=3008,
    )
    solids = lod2_solids(told)[0]
    section = section_across(with_samples(solids, np.empty((0, 3))))
    line = shapely.LineString([section.start, section.end])
    line = shapely.affinity.translate(line, *solids.origin[:2])
    wanted = line.intersection(told.geometry.iloc[0]).length
    assert np.ptp(section.roof[..., 0], axis=1).sum() == pytest.approx(wanted, abs=1e-6)
    assert wanted < line.length - 1  # the court was met
    assert section.roof[..., 1] == pytest.approx(RIDGE)


def test_seen_from_above_north_is_up():
    body = with_samples(house(), [[2.0, 1.0, 9.0], [2.0, 9.0, 9.0]])
    places = from_above(body).samples
    assert np.ptp(places[:, 0]) == 0.0
    assert np.ptp(places[:, 1]) == pytest.approx(8.0)


@pytest.mark.parametrize("turn", [0.0, 70.0, 200.0])
def test_from_aslant_higher_is_higher_and_walls_come_first(turn):
    body = with_samples(house(turn=turn), np.empty((0, 3)))
    seen = oblique(body)
    kinds = body.kind[seen.faces].tolist()
    assert kinds == sorted(kinds, reverse=True)  # walls are 1, roofs 0
    assert len(seen.faces) < len(body.faces)
    tops = np.array([rings[0][:, 1].max() for rings in seen.outlines])
    walls = np.array(kinds) == Kind.WALL
    assert tops[~walls].max() >= tops[walls].max() - 1e-9


@pytest.mark.parametrize("off", [-0.5, -0.1, 0.0, 0.3, 2.0])
def test_a_sample_has_the_colour_of_its_distance(off):
    """On a flat roof all samples are that far off: no other saturated colour is drawn."""
    solids = house("flat")
    places = grid(24)
    places[:, 2] = RIDGE + off
    sheet = draw_fit_sheet(
        [FitCard("House", "", ("told",), with_samples(solids, places))],
        title="Town",
        notes="",
        credit="made for tests",
    )
    wanted = np.round(DistanceScale().srgb([off])[0] * 255)
    # Below the title and its legend: there all colours of the scale are shown.
    pixels = sheet.pixels()[110:].reshape(-1, 3).astype(float)
    found = (np.abs(pixels - wanted).max(axis=1) <= 1).sum()
    assert found > 500
    other = np.round(DistanceScale().srgb([0.45 if off < 0 else -0.45])[0] * 255)
    assert (np.abs(pixels - other).max(axis=1) <= 1).sum() == 0


def test_sheets_hold_six_and_end_with_their_last_row(tmp_path):
    card = FitCard("House", "1 of 8", ("a", "b", "c"), with_samples(house(), grid()))
    words = {"title": "Town", "notes": "n", "credit": "c", "tag": "SIMULATED"}
    files = write_fit_sheets(tmp_path, [card] * 8, **words)
    assert [file.name for file in files] == ["fits_1.png", "fits_2.png"]
    with Image.open(files[0]) as first, Image.open(files[1]) as last:
        assert first.size == SIZE
        assert last.size[0] == SIZE[0]
        assert last.size[1] < SIZE[1] / 2
    again = write_fit_sheets(tmp_path, [card] * 8, **words)
    before = files[0].read_bytes()
    assert again[0].read_bytes() == before


@pytest.mark.parametrize("form", ["flat", "shed", "pyramid", "dome", "round", "gambrel"])
def test_every_form_can_be_drawn(form):
    body = with_samples(house(form), grid())
    sheet = draw_fit_sheet([FitCard("h", "", (), body)], title="", notes="", credit="")
    assert sheet.pixels().std() > 0
