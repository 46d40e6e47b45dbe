"""Fits of a twin are shown with the samples that they rest on, and written as tables."""

from pathlib import Path

import geopandas as gpd
import laspy
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS
from typer.testing import CliRunner

from gis.assemble import Sources, assemble_district
from gis.errors import HeidiError
from gis.terrain import Grid, Terrain
from gis.typical_year import typical_year
from meshes.render.fits_views import body_of
from meshes.roofs.fit import fit_roofs
from meshes.roofs.raising import raise_buildings
from twin.build import build
from twin.cli.render import render_app
from twin.fits import BUILDINGS, PLANES, choose_parts, fit_card, measure_fits
from twin.fits_page import PAGE
from twin.folder import write_twin
from twin.survey_roofs import fit_district, survey_soundings

WEST, SOUTH = 99_700.0, 6_213_700.0
GROUND, EAVES, RIDGE, NOISE = 3.0, 6.0, 9.5, 0.04
HOUSES = {
    "gable": (10, 10, 24, 12),
    "flat": (50, 10, 20, 15),
    "bent": (90, 10, 22, 12),
    "dark": (130, 10, 20, 12),
}
"""West, south, length, depth [m]. The survey saw half of "bent" 6 m higher and nothing of
"dark"."""


def level(name, x, y):
    """Height of a roof above ground."""
    west, south, length, depth = HOUSES[name]
    if name == "flat":
        return np.full(x.shape, 8.0)
    if name == "bent":
        return np.where(x < west + length / 2, 6.0, 12.0)
    return EAVES + (1 - np.abs(y - south - depth / 2) / (depth / 2)) * (RIDGE - EAVES)


def cloud(path, rng):
    """Write points of ground and roofs, with chimneys on the gable."""
    x, y = rng.uniform((0, 0), (160, 40), (30_000, 2)).T
    z, kind = np.full(x.shape, GROUND), np.full(x.shape, 2, dtype=np.uint8)
    for name, (west, south, length, depth) in HOUSES.items():
        inside = (x > west) & (x < west + length) & (y > south) & (y < south + depth)
        z[inside] = GROUND + level(name, x[inside], y[inside])
        kind[inside] = 6
        if name == "dark":
            x[inside] = -99.0
    z += rng.normal(0, NOISE, len(z))
    kept = x > -1
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [WEST, SOUTH, 0.0]
    header.add_crs(CRS("EPSG:3008+5613"))
    data = laspy.LasData(header)
    data.x, data.y, data.z = WEST + x[kept], SOUTH + y[kept], z[kept]
    data.classification = kind[kept]
    data.write(str(path))


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """Houses, ground, a cloud that saw three of them, and one of another place."""
    folder = tmp_path_factory.mktemp("fits")
    cloud(folder / "cloud.las", np.random.default_rng(5))
    shapes = [
        shapely.box(WEST + w, SOUTH + s, WEST + w + n, SOUTH + s + d)
        for w, s, n, d in HOUSES.values()
    ]
    table = {"id": list(HOUSES), "name": ["Gable & <sons>", "", "", ""]}
    gpd.GeoDataFrame(table, geometry=shapes, crs=3008).to_file(folder / "houses.gpkg")
    grid = Grid(WEST, SOUTH + 40, 1.0, 40, 160)
    Terrain(grid, np.full((40, 160), GROUND), "").save(folder / "ground.tif")
    return folder


@pytest.fixture(scope="module")
def twin(scene) -> Path:
    """Return the twin of the houses, its roofs fitted to the cloud."""
    file = scene / "cloud.las"
    sources = Sources(scene / "houses.gpkg", terrain=scene / "ground.tif", points=file)
    district = fit_district(assemble_district(sources), points=file)
    write_twin(build(district, typical_year(), spacing=20.0), scene / "twin", stills=False)
    return scene / "twin"


@pytest.fixture(scope="module")
def found(scene):
    """Return what is measured, without a folder between."""
    file = scene / "cloud.las"
    sources = Sources(scene / "houses.gpkg", terrain=scene / "ground.tif", points=file)
    district = fit_district(assemble_district(sources), points=file)
    solids, roofs = raise_buildings(district.buildings)
    soundings = survey_soundings(district, points=file)
    fits = measure_fits(district.buildings, solids, roofs, soundings, survey=file.name)
    return district, soundings, fits


def render(*words: object):
    return CliRunner().invoke(render_app, ["fits", *map(str, words)])


def refused(*words: object) -> str:
    """Return the one line of a refusal."""
    result = render(*words)
    assert isinstance(result.exception, HeidiError), result.output
    return " ".join(str(result.exception).split())


def test_what_is_shown_is_what_was_fitted(found):
    """Samples, error and form are those of the fit that the twin tells."""
    district, soundings, fits = found
    roofs, _ = fit_roofs(district.buildings, soundings)
    table = fits.table.loc[roofs.index]
    assert table["samples"].tolist() == roofs["samples"].tolist()
    gable = table.loc["gable"]
    assert gable["roof_form"] == "gabled"
    assert gable["residual_m"] == pytest.approx(roofs.loc["gable", "residual"], abs=0.005)
    assert f"error {gable['residual_m']:.2f} m" in gable["roof_source"]
    assert gable["residual_m"] == pytest.approx(NOISE, rel=0.1)
    assert gable["eaves_m"] == pytest.approx(GROUND + EAVES, abs=0.05)
    assert gable["ridge_m"] == pytest.approx(GROUND + RIDGE, abs=0.05)


def test_the_worst_comes_first_and_what_nobody_saw_last(found):
    table = found[2].table
    assert table.index[0] == "bent"
    assert table.index[-1] == "dark"
    assert table["rmse_m"].dropna().is_monotonic_decreasing
    # Half of it lies 6 m off, on one side or divided between both.
    assert 3.0 <= table.loc["bent", "rmse_m"] <= 6.0 / np.sqrt(2) + 0.1
    assert table.loc["bent", "fit"] == "too many points lie off any one roof"
    assert np.isnan(table.loc["dark", "rmse_m"])
    assert choose_parts(found[2], ()) == [n for n in table.index if n != "dark"]
    assert choose_parts(found[2], (), most=1) == ["bent"]
    assert choose_parts(found[2], ["gable", "bent"]) == ["bent", "gable"]


def test_planes_belong_to_their_buildings_in_the_same_order(found):
    fits = found[2]
    planes = fits.planes
    assert planes["part"].drop_duplicates().tolist() == fits.table.index.tolist()
    gable = planes[planes["part"] == "gable"]
    assert gable["plane"].tolist() == [1, 2]
    assert sorted(gable["facing_deg"]) == pytest.approx([0.0, 180.0], abs=0.1)
    assert gable["samples"].sum() == fits.table.loc["gable", "samples"]


def test_cards_say_what_the_tables_say(found):
    fits = found[2]
    card = fit_card(fits, "gable")
    row = fits.table.loc["gable"]
    told = " ".join(card.caption)
    assert card.title == "Gable & <sons>"
    assert f"RMSE {row['rmse_m']:.2f} m of all {row['samples']:,.0f} samples" in told
    assert "gabled (LoD2.0)" in told
    assert "fitted to points, cloud.las" in told
    assert len(card.body.samples) == row["samples"]
    bent = " ".join(fit_card(fits, "bent").caption)
    assert "none, too many points lie off any one roof" in bent
    body = body_of(fits.solids, 0, np.empty((0, 3)), np.empty(0, np.int64), np.empty(0))
    assert body.levels == pytest.approx((row["eaves_m"], row["ridge_m"]))


def test_sheets_page_and_tables_are_written(scene, twin, tmp_path):
    words = ("--points", scene / "cloud.las", "--out", tmp_path / "out")
    result = render(twin, *words, "--tag", "SIMULATED")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {PAGE, BUILDINGS, PLANES, "fits_1.png"}
    table = pd.read_csv(tmp_path / "out" / BUILDINGS).set_index("part")
    assert table.index.tolist()[0] == "bent"
    assert {"rmse_m", "residual_m", "bias_m", "within", "seen"} <= set(table.columns)
    planes = pd.read_csv(tmp_path / "out" / PLANES)
    assert {"building", "part", "plane", "area_m2", "rmse_m", "seen"} <= set(planes.columns)
    page = (tmp_path / "out" / PAGE).read_text("utf-8")
    assert "Gable &amp; &lt;sons&gt;" in page
    assert "<sons>" not in page
    assert "SIMULATED" in page
    assert page.index(">bent<") < page.index(">flat<") < page.index(">dark<")


def test_fewer_buildings_leave_no_sheet_of_an_earlier_call(scene, twin, tmp_path):
    (tmp_path / "fits_7.png").write_bytes(b"old")
    words = ("--points", scene / "cloud.las", "--building", "gable")
    result = render(twin, *words, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.glob("*.png")} == {"fits_1.png"}


def test_a_surface_model_serves_as_well(scene, twin, tmp_path):
    grid = Grid(WEST, SOUTH + 40, 1.0, 40, 160)
    cells = np.full((40, 160), GROUND)
    x, y = np.meshgrid(np.arange(160) + 0.5, 39.5 - np.arange(40))
    for name, (west, south, length, depth) in HOUSES.items():
        inside = (x > west) & (x < west + length) & (y > south) & (y < south + depth)
        cells[inside] += level(name, x[inside], y[inside])
    Terrain(grid, cells, "").save(tmp_path / "dsm.tif")
    result = render(twin, "--surface", tmp_path / "dsm.tif", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / BUILDINGS).set_index("part")
    assert table.loc["gable", "rmse_m"] < 0.1
    assert table.loc["dark", "samples"] > 0
    assert "fitted to another survey" in result.output


def test_what_is_missing_is_said_before_anything_is_written(scene, twin, tmp_path):
    out = tmp_path / "out"
    assert "give --points" in refused(twin, "--out", out)
    both = ("--points", scene / "cloud.las", "--surface", scene / "ground.tif")
    assert "got both" in refused(twin, *both, "--out", out)
    assert "is not there" in refused(twin, "--points", tmp_path / "no.las", "--out", out)
    said = refused(twin, "--points", scene / "cloud.las", "--building", "x9", "--out", out)
    assert "those of the twin, got x9" in said
    said = refused(
        twin, "--points", scene / "cloud.las", "--building", "dark", "--out", out
    )
    assert "no sample on dark" in said
    assert str(tmp_path) in refused(tmp_path, "--points", scene / "cloud.las")
    assert not out.exists()


def test_a_cloud_of_another_place_is_refused(twin, tmp_path):
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [98_000.0, 6_210_000.0, 0.0]
    header.add_crs(CRS("EPSG:3008+5613"))
    data = laspy.LasData(header)
    data.x, data.y, data.z = (
        98_000.0 + np.arange(9.0),
        6_210_000.0 + np.arange(9.0),
        np.ones(9),
    )
    data.write(str(tmp_path / "far.las"))
    said = refused(twin, "--points", tmp_path / "far.las", "--out", tmp_path / "out")
    assert "no sample on any of 4 building parts" in said
    assert not (tmp_path / "out").exists()
