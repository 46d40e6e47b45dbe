"""The output folder knows its inputs and holds nothing of an earlier build."""

from dataclasses import replace

import pandas as pd
import pytest
import shapely

from gis.errors import OutputError, WeatherError
from gis.heidi import heidi_district
from gis.terrain import Grid
from gis.typical_year import typical_year
from twin.build import build
from twin.description import input_hash
from twin.folder import check_folder, write_twin
from twin.store.log import Log
from twin.store.records import Observation


@pytest.fixture(scope="module")
def built():
    return build(heidi_district(), typical_year(), spacing=8.0)


def shifted_terrain(built):
    grid = built.district.terrain.grid
    moved = Grid(grid.west + 5, grid.north, grid.cell, grid.rows, grid.columns)
    return replace(built.district, terrain=replace(built.district.terrain, grid=moved))


CHANGES = {
    "terrain moved": lambda b: replace(b, district=shifted_terrain(b)),
    "boundary wider": lambda b: replace(
        b, district=replace(b.district, boundary=b.district.boundary.buffer(1))
    ),
    "no water": lambda b: replace(
        b, district=replace(b.district, water=shapely.MultiPolygon())
    ),
    "one tree less": lambda b: replace(
        b, district=replace(b.district, trees=b.district.trees.iloc[1:])
    ),
    "sun later": lambda b: replace(b, weather=replace(b.weather, sun_offset_minutes=60.0)),
    "coarser": lambda b: replace(b, spacing=9.0),
    "other modules": lambda b: replace(
        b, pv=replace(b.pv, assumptions=replace(b.pv.assumptions, losses=0.2))
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_hash_changes_with_every_input(built, change):
    assert input_hash(CHANGES[change](built)) != input_hash(built)
    assert input_hash(built) == input_hash(built)


def test_old_stills_go(built, tmp_path):
    (tmp_path / "still_of_another_day.png").write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("mine")
    written = write_twin(built, tmp_path, stills=False)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {path.name for path in written.files} | {"notes.txt"}


def test_folder_is_checked_without_making_it(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="is a file"):
            check_folder(wrong)


def test_inputs_are_never_replaced(tmp_path):
    mine = tmp_path / "buildings.gpkg"
    mine.write_bytes(b"mine")
    with pytest.raises(OutputError, match="might be replaced"):
        check_folder(tmp_path, [mine])
    check_folder(tmp_path / "twin", [mine])


def test_a_failed_build_leaves_no_description_of_another(built, tmp_path):
    (tmp_path / "heidi.toml").write_text("of another district")
    (tmp_path / "report.html").mkdir()  # in the way
    with pytest.raises(OutputError):
        write_twin(built, tmp_path, stills=False)
    assert not (tmp_path / "heidi.toml").exists()


@pytest.mark.parametrize(
    ("latitude", "longitude", "far"),
    [(45.0, 8.0, True), (-33.9, 151.2, True), (57.67, 12.3, False), (56.04, 12.7, None)],
)
def test_weather_from_elsewhere_is_refused_or_noted(latitude, longitude, far):
    weather = replace(typical_year(), latitude=latitude, longitude=longitude)
    if far:
        with pytest.raises(WeatherError, match="within 400 km"):
            build(heidi_district(), weather, spacing=20.0)
        return
    notes = build(heidi_district(), weather, spacing=20.0).weather.notes
    assert any("km away" in note for note in notes) == (far is False)


def test_simulated_day_stays_near_what_is_expected(built, tmp_path):
    written = write_twin(built, tmp_path, stills=False)
    noon = written.state.totals_at(written.moment - pd.Timedelta(hours=11))
    assert noon["pv_power"] < 0
    assert noon["pv_power"] == pytest.approx(noon["pv_power_expected"], rel=0.1)
    assert set(written.state.observations["source"]) == {"simulated"}


@pytest.mark.parametrize(("source", "stays"), [("simulated", False), ("meter 7", True)])
def test_a_new_build_forgets_simulated_days_and_no_others(built, tmp_path, source, stays):
    with Log(tmp_path / "live.sqlite") as log:
        log.append([Observation("a/pv/power", 0, -1.0, source)])
    write_twin(built, tmp_path, stills=False)
    assert (tmp_path / "live.sqlite").exists() == stays
