"""Roofs that a survey shows stand on the twin; what nobody measured stays a block."""

import geopandas as gpd
import laspy
import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis.assemble import Sources, assemble_district
from gis.errors import HeidiError, SourceError, TableError
from gis.terrain import Grid, Terrain
from meshes.roofs.raising import raise_buildings
from twin.survey_roofs import check_survey, fit_district

WEST, NORTH = 99_700.0, 6_213_800.0
GROUND, EAVES, RIDGE = 3.0, 6.0, 9.5
HOUSES = {"gable": (10, 10, 24, 12), "flat": (50, 10, 20, 15), "told": (90, 10, 24, 12)}


def roof(name, x, y):
    """Height above ground: the ridge of gables runs east."""
    _, south, _, width = HOUSES[name]
    if name == "flat":
        return np.full(x.shape, 8.0)
    share = 1 - np.abs(y - south - width / 2) / (width / 2)
    return EAVES + share * (RIDGE - EAVES)


@pytest.fixture
def scene(tmp_path):
    """Houses with a cloud of four points a square metre, and the same as a raster."""
    rng = np.random.default_rng(5)
    x, y = rng.uniform((0, 0), (130, 40), (21_000, 2)).T
    z, kind = np.full(x.shape, GROUND), np.full(x.shape, 2, dtype=np.uint8)
    for name, (east, south, length, width) in HOUSES.items():
        inside = (x > east) & (x < east + length) & (y > south) & (y < south + width)
        z[inside] = GROUND + roof(name, x[inside], y[inside])
        kind[inside] = 6
    z += rng.normal(0, 0.04, len(z))
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [WEST, NORTH - 40, 0.0]
    header.add_crs(CRS("EPSG:3008+5613"))
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z, cloud.classification = WEST + x, NORTH - y, z, kind
    cloud.write(str(tmp_path / "cloud.las"))
    grid = Grid(WEST, NORTH, 1.0, 40, 130)
    Terrain(grid, np.full((40, 130), GROUND), "").save(tmp_path / "ground.tif")
    column, row = np.meshgrid(np.arange(130) + 0.5, np.arange(40) + 0.5)
    cells = np.full((40, 130), GROUND)
    for name, (east, south, length, width) in HOUSES.items():
        part = np.s_[south : south + width, east : east + length]
        cells[part] += roof(name, column[part], row[part])
    Terrain(grid, cells, "").save(tmp_path / "surface.tif")
    gpd.GeoDataFrame(
        {"id": list(HOUSES), "roof:shape": [None, None, "hipped"], "year": 1950},
        geometry=[
            shapely.box(WEST + e, NORTH - s - w, WEST + e + n, NORTH - s)
            for e, s, n, w in HOUSES.values()
        ],
        crs=3008,
    ).to_file(tmp_path / "houses.gpkg")
    return tmp_path


@pytest.mark.parametrize("survey", ["points", "surface"])
def test_a_gable_is_found_and_a_stated_form_is_kept(scene, survey):
    files = {"points": scene / "cloud.las", "surface": scene / "surface.tif"}
    file = files[survey]
    district = assemble_district(
        Sources(scene / "houses.gpkg", terrain=scene / "ground.tif", **{survey: file})
    )
    fitted = fit_district(district, **{survey: file})
    table = fitted.buildings
    assert table["roof_shape"].to_dict() == {
        "gable": "gabled",
        "flat": "flat",
        "told": "hipped",
    }
    gable = table.loc["gable"]
    assert gable["eaves"] == pytest.approx(EAVES, abs=0.15)
    assert gable["ridge"] == pytest.approx(RIDGE, abs=0.15)
    assert gable["roof_source"].startswith(f"fitted to {survey}, {file.name}, error 0.")
    assert table.loc["told", "roof_source"] == "stated"
    solids, report = raise_buildings(table)
    assert report.table.loc["gable", "lod"] == "2.0"
    length, width = HOUSES["gable"][2:]
    volume = length * width * (EAVES + RIDGE) / 2
    assert solids.volume()[0] == pytest.approx(volume, rel=0.02)
    assert any("roof fitted to" in note for note in fitted.notes)


def test_a_house_that_is_younger_than_the_survey_is_not_fitted(scene):
    """Its height is declared; what the survey saw there was another roof."""
    (scene / "stated.csv").write_text(
        "id,height_m,source\ngable,21,permit (made for tests)\n", encoding="utf-8"
    )
    file = scene / "cloud.las"
    district = assemble_district(
        Sources(
            scene / "houses.gpkg",
            terrain=scene / "ground.tif",
            points=file,
            heights=scene / "stated.csv",
        )
    )
    table = fit_district(district, points=file).buildings
    assert table.loc["gable", "height"] == 21.0
    assert table.loc["gable", "roof_shape"] == ""
    assert table.loc["flat", "roof_shape"] == "flat"


@pytest.mark.parametrize("fault", ["text", "elsewhere", "missing"])
def test_a_bad_surface_is_not_called_a_terrain(scene, fault):
    file = scene / "bad.tif"
    if fault == "text":
        file.write_text("no raster")
    elif fault == "elsewhere":
        far = Grid(WEST + 9_000, NORTH, 1.0, 40, 130)
        Terrain(far, np.full((40, 130), GROUND), "").save(file)
    sources = Sources(scene / "houses.gpkg", terrain=scene / "ground.tif", surface=file)
    with pytest.raises(HeidiError, match="surface") as told:
        fit_district(assemble_district(sources), surface=file)
    assert "terrain" not in str(told.value)


def test_a_comparison_takes_one_survey(scene):
    points, surface = scene / "cloud.las", scene / "surface.tif"
    assert check_survey(points=points) == points
    assert check_survey(surface=surface) == surface
    with pytest.raises(TableError, match="got both"):
        check_survey(points=points, surface=surface)
    with pytest.raises(TableError, match="got none"):
        check_survey()
    with pytest.raises(SourceError, match="is not there"):
        check_survey(points=scene / "other.las")
