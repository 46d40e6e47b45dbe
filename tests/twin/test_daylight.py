"""A twin's daylight is told facade by facade and as a map, from the command line too."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import typer
from PIL import Image
from typer.testing import CliRunner

from gis.errors import GeometryError, HeidiError, WeatherError
from gis.typical_year import typical_year
from meshes.solar.daylight.rules import FREE_VERTICAL
from twin.build import build
from twin.cli.daylight import daylight
from twin.daylight import Place, make_place, measure_daylight
from twin.daylight_question import Measure, Question
from twin.folder import write_twin

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(daylight)


@pytest.fixture(scope="module")
def place(make_lit) -> Place:
    return make_place(make_lit().district, typical_year())


@pytest.fixture(scope="module")
def folder(make_lit, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("daylight") / "twin"
    write_twin(
        build(make_lit().district, typical_year(), spacing=6.0), target, stills=False
    )
    return target


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """Return the one line of a refusal."""
    result = run(*words)
    assert isinstance(result.exception, HeidiError), result.output
    return str(result.exception)


def test_only_walls_within_the_boundary_count(place):
    found = measure_daylight(place, Question(spacing=2.0, step_minutes=30))
    assert set(found.building_table().index) == {"b1", "b2"}
    walls = 84 * 10 + (30 + 10 + 18 + 25 + 12 + 35) * 21
    assert found.weight.sum() == pytest.approx(walls, rel=1e-6)
    assert found.question.words == "20 March 2026, 9:00 to 17:00, facades"


def test_tables_agree_with_each_other(place):
    found = measure_daylight(place, Question(spacing=2.0, step_minutes=30))
    facets, buildings = found.facet_table(), found.building_table()
    for table in (facets, buildings):
        mean = np.average(table["sun_hours"], weights=table["area_m2"])
        assert mean == pytest.approx(found.mean)
        share = np.average(table["share_wanted"], weights=table["area_m2"])
        assert share == pytest.approx(found.shares()["wanted"])
    lines = found.lines()
    assert (lines.index == facets.index).all()
    walls = (
        lines.length
        * pd.Series({"b1": 10.0, "b2": 21.0}).reindex(lines["building"]).to_numpy()
    )
    np.testing.assert_allclose(walls, lines["area_m2"], rtol=1e-6)


def test_a_northern_wall_gets_no_sun_at_the_equinox_and_a_southern_most(place):
    table = measure_daylight(place, Question(spacing=2.0, step_minutes=30)).facet_table()
    own = table[table["building"] == "b1"].set_index("azimuth_deg")["sun_hours"]
    assert own[own.index.to_numpy().round() == 0].item() == 0
    assert own[own.index.to_numpy().round() == 180].item() > 7.5


def test_a_wall_behind_a_neighbour_counts_nowhere(make_lit):
    district = make_lit().district
    shapes = district.buildings.geometry.to_numpy().copy()
    _, south, east, north = shapes[0].bounds
    shapes[1] = shapely.orient_polygons(shapely.box(east, south, east + 20, north))
    touching = replace(district, buildings=district.buildings.set_geometry(shapes))
    found = measure_daylight(
        make_place(touching, typical_year()), Question(spacing=2.0, step_minutes=30)
    )
    shared = (north - south) * 10
    assert (found.facets.area.sum() - found.weight.sum()) == pytest.approx(
        2 * shared, rel=0.05
    )


def test_en17037_takes_its_day_and_its_levels(place):
    found = measure_daylight(place, Question(Measure.EN17037, spacing=3.0))
    assert found.question.first == date(2026, 3, 21)
    assert found.question.lowest_sun == 10.0
    shares = found.shares()
    assert list(shares) == ["minimum", "medium", "high"]
    assert shares["minimum"] >= shares["medium"] >= shares["high"] > 0
    with pytest.raises(WeatherError, match="1 February to 21 March"):
        Question(Measure.EN17037, first=date(2026, 3, 22))


def test_the_share_of_exact_hours_lies_within_what_the_error_allows(place):
    coarse, fine = (
        measure_daylight(
            place,
            Question(
                Measure.EN17037, spacing=3.0, step_minutes=20, tolerance_minutes=limit
            ),
        )
        for limit in (None, 5.0)
    )
    for level, (least, most) in coarse.share_ranges().items():
        assert least <= coarse.shares()[level] <= most
        assert least <= fine.shares()[level] <= most
    assert fine.more["sun_hours_error"].max() <= 5 / 60 + 1e-6


@pytest.mark.parametrize(
    ("measure", "free"), [(Measure.VSC, FREE_VERTICAL), (Measure.SVF, 0.5)]
)
def test_no_facade_has_more_sky_than_a_free_one(place, measure, free):
    found = measure_daylight(place, Question(measure, spacing=4.0))
    assert found.possible == pytest.approx(free)
    assert 0.6 * free < found.mean < free
    assert found.values.max() <= free + 2e-3


def test_probable_sun_needs_winter_sun_too(place):
    found = measure_daylight(place, Question(Measure.APSH, spacing=4.0))
    winter = found.more["probable_sun_winter"]
    assert (winter <= found.values + 1e-6).all()
    both = (found.values >= 0.25) & (winter >= 0.05)
    assert found.shares()["recommended"] == pytest.approx(
        found.weight[both].sum() / found.weight.sum()
    )
    assert (
        1500 < float(found.notes[0].split("has ")[1].split(" h")[0].replace(",", "")) < 2300
    )


def test_the_ground_is_a_raster(folder, tmp_path):
    out, picture = tmp_path / "g.tif", tmp_path / "g.png"
    result = run(
        folder, "--where", "ground", "--spacing", 2, "--step", 30, "--out", out,
        "--picture", picture, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["files"] == [str(out), str(picture)]
    with rasterio.open(out) as file:
        hours = file.read(1)
        assert file.crs.to_epsg() == 3008
        assert file.transform.a == 2.0
    assert np.isfinite(hours).sum() == told["sensors"]
    assert np.nanmean(hours) == pytest.approx(told["mean"], abs=1e-3)
    assert np.nanmax(hours) == pytest.approx(8.0)
    with Image.open(picture) as image:
        assert min(image.size) > 500


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "csv"])
def test_facades_are_written_as_maps_and_tables(folder, tmp_path, ending):
    out = tmp_path / f"f.{ending}"
    result = run(folder, "--spacing", 4, "--step", 30, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out) if ending == "csv" else gpd.read_file(out)
    assert {"facet", "part", "building", "sun_hours", "share_wanted"} <= set(table.columns)
    assert "Darkest" in result.output


def test_a_picture_of_facades_can_be_drawn(folder, tmp_path):
    picture = tmp_path / "v.png"
    result = run(folder, "--measure", "vsc", "--spacing", 6, "--picture", picture)
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--measure", "lux"], "must be one of"),
        (["--where", "sea"], "must be one of"),
        (["--date", "20 March"], "2026-03-20"),
        (["--date", "2026-02-30"], "2026-03-20"),
        (["--until", "2026-03-20"], "needs --date"),
        (["--window", "17-9"], "begin before it ends"),
        (["--window", "9:70-17"], "59 minutes"),
        (["--window", "nine"], "9-17"),
        (["--measure", "vsc", "--window", "9-17"], "leave them out"),
        (["--measure", "en17037", "--date", "2026-06-21"], "1 February"),
        (["--spacing", "nan"], "0.1..50"),
        (["--height", "-1"], "0..100"),
        (["--step", "nan"], "0.05 to 60"),
        (["--tolerance", "-1"], "--tolerance"),
        (["--lowest-sun", "95"], "--lowest-sun"),
        (["--out", "map.png"], "must end in"),
        (["--where", "ground", "--out", "map.gpkg"], "must end in"),
        (["--picture", "map.jpg"], "must end in"),
        (["--picture", "nowhere/map.png"], "existing folder"),
    ],
)
def test_wrong_wishes_are_refused_in_a_line(folder, words, told):
    assert told in refused(folder, *words)


def test_a_folder_that_is_no_twin_is_refused(tmp_path):
    assert "heidi.toml" in refused(tmp_path)


def test_a_district_without_facades_is_refused(place):
    low = place.district.terrain.z + 100.0
    buried = replace(place.district, terrain=replace(place.district.terrain, z=low))
    with pytest.raises(GeometryError, match="facades"):
        measure_daylight(replace(place, district=buried), Question())
