"""Questions about the ground get the answers of the closed forms, from the command line."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from gis.crs import PLAN
from gis.terrain import Grid, Terrain
from gis.typical_year import typical_year
from twin.build import build
from twin.folder import write_twin

from .command import heidi

WEST, NORTH = 99_700.0, 6_213_800.0
RISE = 0.05
"""The ground rises to the east by this from the water's edge at 0 m."""


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    """Build two houses on a plane that rises from the sea: at 0.6 m and at 4 m."""
    from gis.assemble import read_district

    folder = tmp_path_factory.mktemp("ground")
    grid = Grid(WEST - 300, NORTH + 250, 2.0, 300, 300)
    z = np.broadcast_to(RISE * (grid.x - WEST), (300, 300))
    Terrain(grid, np.maximum(z, -1.0), "plane").save(folder / "plane.tif")
    sea = shapely.box(WEST - 300, NORTH - 350, WEST, NORTH + 250)
    gpd.GeoDataFrame({"level": [0.0]}, geometry=[sea], crs=PLAN).to_file(
        folder / "sea.gpkg"
    )
    south = NORTH - 60
    houses = [shapely.box(WEST + x, south, WEST + x + 10, south + 10) for x in (12, 80)]
    gpd.GeoDataFrame(
        {"id": ["low", "high"], "name": ["Sjöboden", ""], "height": [6.0, 6.0]},
        geometry=houses,
        crs=PLAN,
    ).to_file(folder / "houses.gpkg")
    district = read_district(
        folder / "houses.gpkg", folder / "plane.tif", water=folder / "sea.gpkg"
    )
    built = build(district, typical_year(), spacing=3.0)
    write_twin(built, folder / "twin", stills=False)
    return folder / "twin"


def test_a_flood_reaches_what_lies_below_it(twin, tmp_path):
    """At +1 m the water goes 20 m inland; over a plane its mean depth is half of that."""
    result = heidi("ground", "flood", twin, "--level", "1", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    with rasterio.open(twin / "terrain.tif") as file:
        rows, cell = file.height, file.transform.a
    assert told["land_m2"] == pytest.approx(20 * rows * cell, rel=0.11)
    assert told["volume_m3"] == pytest.approx(0.5 * told["land_m2"], rel=0.06)
    assert [part["part"] for part in told["parts"]] == ["low"]
    assert told["buildings"] == 1
    out = tmp_path / "flood.geojson"
    plain = heidi("ground", "flood", twin, "--level", "1", "--out", out)
    assert "Sjöboden" in plain.stdout
    shapes = gpd.read_file(out)
    assert shapes.crs.to_epsg() == 4326
    assert shapes.to_crs(PLAN).area.sum() == pytest.approx(told["land_m2"], rel=1e-3)
    assert "as given by the user" in shapes["credits"].iloc[0]


def test_slope_and_aspect_are_those_of_the_plane(twin, tmp_path):
    words = ("--out", tmp_path / "s.tif", "--aspect", tmp_path / "a.tif")
    assert heidi("ground", "slope", twin, *words).returncode == 0
    with rasterio.open(tmp_path / "s.tif") as file:
        steep = file.read(1)
    with rasterio.open(tmp_path / "a.tif") as file:
        falls = file.read(1)
    assert np.median(steep) == pytest.approx(np.degrees(np.arctan(RISE)), abs=0.01)
    assert np.nanmedian(falls) == pytest.approx(270.0, abs=0.01)


def test_ground_is_divided_without_rest(twin, tmp_path):
    areas = [shapely.box(WEST, NORTH - 80, WEST + 60, NORTH), shapely.box(0, 0, 1, 1)]
    gpd.GeoDataFrame(
        {"landuse": ["grass", "grass"]}, geometry=areas[:1] * 2, crs=PLAN
    ).to_file(tmp_path / "use.gpkg")
    out = tmp_path / "ground.gpkg"
    result = heidi("ground", "cover", twin, tmp_path / "use.gpkg", "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    boundary = gpd.read_file(twin / "buildings.gpkg", layer="boundary").geometry[0]
    assert sum(told["areas_m2"].values()) == pytest.approx(boundary.area, rel=1e-6)
    assert 0.05 < told["mean_albedo"] < 0.4
    assert gpd.read_file(out).area.sum() == pytest.approx(boundary.area, rel=1e-6)


def test_the_shore_of_a_plane_is_a_slope(twin, tmp_path):
    out = tmp_path / "shore.gpkg"
    result = heidi("ground", "shore", twin, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "slope" in result.stdout
    assert "quay" not in result.stdout.split("written")[0].replace(str(out), "")
    assert set(gpd.read_file(out)["kind"]) == {"slope"}


def test_the_horizon_rises_towards_the_hill(twin, tmp_path):
    out = tmp_path / "horizon.csv"
    dem = twin / "terrain.tif"
    result = heidi("ground", "horizon", twin, dem, "--out", out, "--farthest", "5")
    assert result.returncode == 0, result.stderr
    line = pd.read_csv(out)
    highest = line.loc[line["elevation_deg"].idxmax(), "azimuth_deg"]
    assert 40 < highest < 140


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["flood", "TWIN", "--out", "a.txt"], "must end in"),
        (["flood", "TWIN", "--level", "nan"], "level of the water"),
        (["slope", "TWIN", "--out", "a.png"], "must end in .tif"),
        (["horizon", "TWIN", "nowhere.tif", "--out", "a.csv"], "nowhere.tif"),
        (["cover", "TWIN", "nowhere.gpkg"], "nowhere.gpkg"),
        (["flood", "nowhere"], "must be a twin folder"),
    ],
)
def test_bad_words_are_refused_in_one_line(twin, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    result = heidi("ground", *[twin if w == "TWIN" else w for w in words])
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("heidi:")]
    assert len(lines) == 1
    assert told in lines[0]
    assert not list(tmp_path.iterdir())
