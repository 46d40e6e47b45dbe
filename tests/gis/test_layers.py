"""The GeoPackage holds the district, says what it is and depends on nothing else."""

import sqlite3
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from gis.crs import PLAN
from gis.district import District
from gis.errors import OutputError, TableError
from gis.heidi import heidi_district
from gis.layers import WRITTEN_AT, write_buildings


@pytest.fixture(scope="module")
def heidi() -> District:
    return heidi_district()


@pytest.fixture(scope="module")
def written(heidi, tmp_path_factory):
    path = tmp_path_factory.mktemp("layers") / "buildings.gpkg"
    write_buildings(path, heidi)
    return path


def layers(path) -> list[str]:
    return pyogrio.list_layers(path)[:, 0].tolist()


def test_every_kind_of_thing_is_a_layer_in_the_plan(written):
    assert layers(written) == ["buildings", "boundary", "landmarks", "trees", "water"]
    for name in layers(written):
        assert pyogrio.read_info(written, layer=name)["crs"] == "EPSG:3008"


def test_buildings_come_back_as_they_were(heidi, written):
    """Asymmetric data: swapped axes or rows would not match corner by corner."""
    back = gpd.read_file(written, layer="buildings").set_index("part")
    parts = heidi.buildings
    assert back.index.tolist() == parts.index.tolist()
    assert shapely.equals_exact(back.geometry.to_numpy(), parts.geometry.to_numpy()).all()
    for column in ("height", "base", "top", "year"):
        same = back[column].to_numpy(float)
        assert np.array_equal(same, parts[column].to_numpy(float), equal_nan=True)
    for column in ("building", "height_source", "base_source"):
        assert back[column].tolist() == parts[column].tolist()


def test_unknown_is_null_and_neither_empty_nor_zero(heidi, written):
    with sqlite3.connect(written) as base:
        unnamed, empty, undated, zero = base.execute(
            "SELECT SUM(name IS NULL), SUM(name = ''), SUM(year IS NULL), SUM(year = 0) "
            "FROM buildings"
        ).fetchone()
    base.close()
    assert unnamed == (heidi.buildings["name"] == "").sum() > 0
    assert undated == heidi.buildings["year"].isna().sum() > 0
    assert empty == zero == 0


def test_surroundings_come_back(heidi, written):
    trees = gpd.read_file(written, layer="trees")
    assert trees["height"].tolist() == heidi.trees["height"].tolist()
    places = gpd.read_file(written, layer="landmarks")
    assert places["name"].tolist() == heidi.landmarks["name"].tolist()
    boundary = gpd.read_file(written, layer="boundary").geometry[0]
    assert boundary.equals(heidi.boundary)
    water = gpd.read_file(written, layer="water")
    assert water.geometry.area.sum() == pytest.approx(heidi.water.area)
    assert (water["level"] == heidi.water_level).all()


def test_file_names_its_nature_and_whom_to_credit(heidi, written):
    told = pyogrio.read_info(written, layer="buildings")["dataset_metadata"]["heidi"]
    assert "schematic, not survey data" in told
    assert all(name in told for name in heidi.credits)


def test_bytes_depend_on_the_district_alone(heidi, written, tmp_path):
    """The one clock in the format holds the fixed time, so no later one can differ."""
    again = tmp_path / "another_name.gpkg"
    write_buildings(again, heidi)
    assert again.read_bytes() == written.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [again.name]
    with sqlite3.connect(again) as base:
        times = base.execute(
            "SELECT last_change FROM gpkg_contents "
            "UNION SELECT timestamp FROM gpkg_metadata_reference"
        ).fetchall()
    base.close()
    assert times == [(WRITTEN_AT,)]


def test_gdal_gets_its_clock_back(heidi, tmp_path):
    mine = "2031-05-06T07:08:09.000Z"
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": mine})
    try:
        write_buildings(tmp_path / "a.gpkg", heidi)
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == mine
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before


def test_writing_again_replaces_the_file(heidi, tmp_path):
    path = tmp_path / "a.gpkg"
    write_buildings(path, heidi)
    write_buildings(path, replace(heidi, water=shapely.MultiPolygon()))
    assert "water" not in layers(path)
    assert len(gpd.read_file(path, layer="buildings")) == len(heidi.buildings)


def test_empty_layers_are_left_out(heidi, tmp_path):
    bare = replace(heidi, trees=heidi.trees.iloc[:0], landmarks=heidi.landmarks.iloc[:0])
    write_buildings(tmp_path / "a.gpkg", bare)
    assert layers(tmp_path / "a.gpkg") == ["buildings", "boundary", "water"]


def test_results_of_a_building_stand_on_each_of_its_parts(heidi, tmp_path):
    results = pd.DataFrame(
        {"pv_kwh": [10.5, 20.25], "use": ["never", "taken"]},
        index=pd.Index(["heidi-104", "heidi-001"], name="building"),
    )
    write_buildings(tmp_path / "a.gpkg", heidi, results)
    back = gpd.read_file(tmp_path / "a.gpkg", layer="buildings").set_index("part")
    known = back["pv_kwh"].dropna()
    assert known.to_dict() == {
        "heidi-001": 20.25,
        "heidi-104-tower": 10.5,
        "heidi-104-podium": 10.5,
    }
    assert back.loc["heidi-104-tower", "use"] == "office"


def test_results_of_a_part_stand_on_it_alone(heidi, tmp_path):
    results = pd.DataFrame(
        {"roof_kwh_m2": [812.5]}, index=pd.Index(["heidi-104-tower"], name="part")
    )
    write_buildings(tmp_path / "a.gpkg", heidi, results)
    back = gpd.read_file(tmp_path / "a.gpkg", layer="buildings").set_index("part")
    assert back["roof_kwh_m2"].dropna().to_dict() == {"heidi-104-tower": 812.5}
    assert back.crs == PLAN


@pytest.mark.parametrize(
    ("index", "fault"),
    [
        pytest.param(pd.Index(["heidi-001"]), "got None", id="unnamed index"),
        pytest.param(pd.Index(["x"], name="building"), "1 unknown ids: x", id="unknown"),
        pytest.param(
            pd.Index(["heidi-001"] * 2, name="part"), "1 repeated ids", id="repeated"
        ),
    ],
)
def test_results_that_cannot_be_placed_are_refused(heidi, tmp_path, index, fault):
    with pytest.raises(TableError, match=fault):
        write_buildings(tmp_path / "a.gpkg", heidi, pd.DataFrame({"v": 1.0}, index=index))
    assert not list(tmp_path.iterdir())


def test_missing_folder_is_named_once(heidi, tmp_path):
    with pytest.raises(OutputError, match="absent") as caught:
        write_buildings(tmp_path / "absent" / "a.gpkg", heidi)
    assert str(caught.value).count("choose a folder") == 1
