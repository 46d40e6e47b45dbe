"""A twin folder opens as it was built, or says what is wrong with it."""

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gis.errors import HeidiError, SourceError
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.description import FORMAT
from twin.folder import write_twin
from twin.reopen import open_twin


@pytest.fixture(scope="module")
def built() -> Built:
    return build(heidi_district(), typical_year(), spacing=6.0)


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("reopen") / "twin"
    write_twin(built, place, stills=False)
    return place


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_every_number_of_the_light_comes_back(built, folder):
    back = open_twin(folder)
    for field in fields(built.light):
        value = getattr(built.light, field.name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(back.light, field.name), value)
    assert back.light.visibility == built.light.visibility
    for name in ("module_area", "power", "energy"):
        np.testing.assert_array_equal(getattr(back.pv, name), getattr(built.pv, name))
    for name in ("pv", "roof", "facade"):
        hours = getattr(back.hours, name), getattr(built.hours, name)
        np.testing.assert_array_equal(*hours)


def test_the_district_comes_back(built, folder):
    back = open_twin(folder).district
    pd.testing.assert_frame_equal(
        pd.DataFrame(back.buildings.drop(columns="geometry")),
        pd.DataFrame(built.district.buildings.drop(columns="geometry")),
        check_dtype=False,
        check_index_type=False,
    )
    assert back.buildings.geometry.geom_equals_exact(
        built.district.buildings.geometry, tolerance=0
    ).all()
    for name in ("name", "credits", "notes", "schematic", "water_level", "boundary"):
        assert getattr(back, name) == getattr(built.district, name)
    np.testing.assert_array_equal(back.terrain.z, built.district.terrain.z)


def test_opening_writes_nothing(folder):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    open_twin(folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_folder_that_is_no_twin_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"must be a twin.*heidi demo --out"):
        open_twin(tmp_path)
    with pytest.raises(SourceError, match="must be a twin"):
        open_twin(tmp_path / "absent")


NEEDED = (
    "buildings.gpkg",
    "terrain.tif",
    "weather.parquet",
    "facets.parquet",
    "sensors.parquet",
    "visibility.parquet",
)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(HeidiError, match=name):
        open_twin(copy)


@pytest.mark.parametrize("name", [*NEEDED, "heidi.toml"])
def test_a_cut_file_is_named(copy, name):
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HeidiError) as caught:
        open_twin(copy)
    assert name in str(caught.value) or "have changed" in str(caught.value)


def test_an_older_layout_is_refused(copy):
    text = (copy / "heidi.toml").read_text(encoding="utf-8")
    text = text.replace(f"format = {FORMAT}\n", "")
    (copy / "heidi.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"layout \d of a twin, got 1; build it again"):
        open_twin(copy)


def test_a_changed_weather_is_noticed(copy):
    table = pq.read_table(copy / "weather.parquet").to_pandas()
    table.loc[4000, "temp_air"] += 0.5
    table.to_parquet(copy / "weather.parquet")
    with pytest.raises(SourceError, match="have changed"):
        open_twin(copy)


def test_tables_of_another_spacing_are_refused(copy):
    text = (copy / "heidi.toml").read_text(encoding="utf-8")
    text = text.replace("sensor_spacing_m = 6.0", "sensor_spacing_m = 5.0")
    (copy / "heidi.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="must belong to its buildings"):
        open_twin(copy)


@pytest.mark.slow
def test_every_missing_line_of_the_description_is_told_or_does_no_harm(copy):
    lines = (copy / "heidi.toml").read_text(encoding="utf-8").splitlines()
    harmless = 0
    for number in range(0, len(lines), 3):
        text = "\n".join(lines[:number] + lines[number + 1 :])
        (copy / "heidi.toml").write_text(text, encoding="utf-8")
        try:
            open_twin(copy)
        except HeidiError:
            continue
        harmless += 1
    assert harmless < len(lines) / 5, "most lines matter"
