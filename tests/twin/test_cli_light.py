"""The command line lights city models of any place, and refuses in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from gis.errors import CrsError, HeidiError, WeatherError
from gis.typical_year import typical_year
from gis.weather import Weather
from meshes.formats.cityjson_light import light_city_model
from meshes.formats.cityjson_read import read_city_model
from twin.build import FARTHEST_WEATHER
from twin.cli.light import light
from twin.foreign_light import check_weather, foreign_lines, light_foreign, model_place

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(light)

HELSINGBORG = ("EPSG/0/3008", (99_700.0, 6_213_800.0))
DELFT = ("EPSG/0/28992", (84_600.0, 447_400.0))
RING = [(0, 0), (12, 0), (12, 7), (0, 7)]
FACES = [
    [[3, 2, 1, 0]],
    [[4, 5, 6, 7]],
    *[[[k, (k + 1) % 4, (k + 1) % 4 + 4, k + 4]] for k in range(4)],
]


def document(place, **changes) -> dict:
    """Return a block of 12 by 7 by 5 m as another town's tool may write it."""
    told = {
        "type": "CityJSON",
        "version": "1.1",
        "transform": {"scale": [0.001] * 3, "translate": [0.0, 0.0, 0.0]},
        "metadata": {"title": "Elsewhere"},
        "extra-of-their-own": {"kept": [1, 2.5, None]},
        "CityObjects": {
            "huis-1": {
                "type": "Building",
                "attributes": {"bouwjaar": 1931, "naam": "Het Blok"},
                "geometry": [{"type": "Solid", "lod": "1.2", "boundaries": [FACES]}],
            }
        },
        "vertices": [],
    }
    if place is not None:
        code, corner = place
        system = f"https://www.opengis.net/def/crs/{code}"
        told["metadata"] = {**told["metadata"], "referenceSystem": system}
        told["transform"]["translate"] = [*corner, 0.0]
    told["vertices"] = [[1000 * x, 1000 * y, 1000 * z] for z in (0, 5) for x, y in RING]
    return {**told, **changes}


def written(path, place=HELSINGBORG, **changes) -> Path:
    path.write_text(json.dumps(document(place, **changes)), encoding="utf-8")
    return path


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """Return the one line of a refusal."""
    result = run(*words)
    assert isinstance(result.exception, HeidiError), result.output
    return " ".join(str(result.exception).split())


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    """Return a lit model, what was said, and the model itself."""
    folder = tmp_path_factory.mktemp("light")
    source = written(folder / "town.city.json")
    result = run(source, "--out", folder / "lit.city.json", "--spacing", 2)
    assert result.exit_code == 0, result.output
    return folder / "lit.city.json", result, source


def test_a_free_roof_gets_what_open_ground_gets(lit):
    """Nothing stands around: a level roof has the year's global irradiation."""
    told = json.loads(lit[0].read_text("utf-8"))["CityObjects"]["huis-1"]["attributes"]
    ghi = typical_year().table["ghi"].sum() / 1000
    assert told["roof_area_m2"] == pytest.approx(12 * 7)
    assert told["wall_area_m2"] == pytest.approx(2 * (12 + 7) * 5)
    assert told["roof_irradiation_kwh_m2"] == pytest.approx(ghi, rel=5e-3)
    assert told["roof_irradiation_kwh"] == pytest.approx(
        84 * told["roof_irradiation_kwh_m2"], rel=1e-4
    )


def test_nothing_of_the_model_is_lost(lit):
    before = json.loads(lit[2].read_text("utf-8"))
    after = json.loads(lit[0].read_text("utf-8"))
    for key in before.keys() - {"CityObjects"}:
        assert after[key] == before[key], key
    was, now = (each["CityObjects"]["huis-1"] for each in (before, after))
    assert was["attributes"].items() <= now["attributes"].items()
    assert now["geometry"][0]["boundaries"] == was["geometry"][0]["boundaries"]
    again = read_city_model(lit[0])
    assert np.array_equal(
        again.solids.faces.vertices, read_city_model(lit[2]).solids.faces.vertices
    )


def test_the_summary_names_place_weather_and_roofs(lit):
    said = " ".join(lit[1].output.split())
    assert "1 building in 1 part, LoD 1.2; SWEREF99 13 30" in said
    assert "Place 56.0" in said
    assert "Roofs 84 m2" in said
    assert "huis-1" in said
    assert "embedded one of Helsingborg" in said


def test_the_sun_is_that_of_the_model_and_not_of_the_weather(tmp_path):
    model = read_city_model(written(tmp_path / "delft.city.json", DELFT))
    year = typical_year()
    found = light_foreign(model, year, spacing=4.0, far=True)
    assert found.latitude == pytest.approx(52.01, abs=0.02)
    assert found.longitude == pytest.approx(4.36, abs=0.02)
    own = light_city_model(model, year, spacing=4.0, latitude=52.01, longitude=4.36)
    there = light_city_model(
        model, year, spacing=4.0, latitude=year.latitude, longitude=year.longitude
    )
    assert found.light.facet_annual == pytest.approx(own.facet_annual, rel=1e-3)
    assert np.abs(found.light.facet_annual / there.facet_annual - 1).max() > 0.01
    assert any("33 minutes earlier" in note for note in found.notes)
    assert any("52.0" in line for line in foreign_lines(found))


def year_at(latitude, longitude) -> Weather:
    """Return the embedded year as if it were of another place."""
    year = typical_year()
    return Weather(year.table, latitude, longitude, "made for tests")


@pytest.mark.parametrize("degrees", [0.0, 0.5, 3.0])
def test_weather_near_by_is_taken(degrees):
    notes = check_weather(year_at(56.0 - degrees, 12.7), (56.0, 12.7))
    # A degree of latitude is 111 km: up to 25 km there is nothing to say.
    assert len(notes) == (0 if degrees == 0 else 1)
    if notes:
        assert f"{degrees * 111.3:.0f}"[:2] in notes[0]


def test_weather_of_another_climate_is_refused_unless_asked_for():
    far = year_at(56.0 - (FARTHEST_WEATHER + 20) / 111.3, 12.7)
    with pytest.raises(WeatherError, match="within 400 km of the model"):
        check_weather(far, (56.0, 12.7))
    assert len(check_weather(far, (56.0, 12.7), far=True)) == 1
    (note,) = check_weather(year_at(None, None), (56.0, 12.7))
    assert "does not tell its place" in note


def test_a_model_without_a_system_needs_a_place(tmp_path):
    source = written(tmp_path / "nowhere.city.json", None)
    out = tmp_path / "lit.city.json"
    assert "--latitude and --longitude" in refused(source, "--out", out)
    said = refused(source, "--out", out, "--latitude", 156, "--longitude", 12.7)
    assert "-90..90 degrees north" in said
    assert not out.exists()
    words = ("--latitude", 56.0, "--longitude", 12.7, "--spacing", 5)
    result = run(source, "--out", out, *words)
    assert result.exit_code == 0, result.output
    assert "no reference system" in result.output
    with pytest.raises(CrsError, match="states no reference system"):
        model_place(read_city_model(source), latitude=56.0)


def test_what_cannot_be_lit_is_refused_and_nothing_written(tmp_path):
    source = written(tmp_path / "town.city.json")
    (tmp_path / "broken.city.json").write_text('{"type": "CityJSON", "vert', "utf-8")
    (tmp_path / "other.json").write_text('{"type": "FeatureCollection"}', "utf-8")
    written(tmp_path / "empty.city.json", CityObjects={})
    far = written(tmp_path / "far.city.json", DELFT)
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "lit.city.json"
    for words, said in (
        ((tmp_path / "none.city.json", "--out", out), "none.city.json"),
        ((tmp_path / "broken.city.json", "--out", out), "broken.city.json"),
        ((tmp_path / "other.json", "--out", out), "other.json"),
        ((tmp_path / "empty.city.json", "--out", out), "building"),
        ((source, "--out", tmp_path / "lit.gml"), "must end in .json or .jsonl"),
        ((source, "--out", tmp_path / "lit.jsonl"), "must end in .json, got"),
        ((source, "--out", source), "must not be the model itself"),
        ((source, "--out", tmp_path / "no" / "lit.json"), "existing folder"),
        ((source, "--out", out, "--spacing", 0.01), "--spacing must be 0.1..20 m"),
        ((source, "--out", out, "--spacing", "nan"), "--spacing must be 0.1..20 m"),
        ((source, "--out", out, "--lod", "3.1"), "3.1"),
        ((source, "--out", out, "--weather", tmp_path / "no.csv"), "no.csv"),
        ((far, "--out", out), "--far-weather"),
    ):
        assert said in refused(*words), words
        assert sorted(tmp_path.iterdir()) == before, words


def test_a_model_is_not_lit_twice_over_its_own_results(lit, tmp_path):
    said = refused(lit[0], "--out", tmp_path / "again.city.json", "--spacing", 5)
    assert "roof_area_m2" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.real
def test_a_real_file_of_lines_comes_back_as_lines(shared_data, tmp_path):
    source = shared_data / "cityjson" / "3dbag_b2.city.jsonl"
    out = tmp_path / "lit.city.jsonl"
    result = run(source, "--out", out, "--spacing", 3, "--far-weather")
    assert result.exit_code == 0, result.output
    before, after = (path.read_text("utf-8").splitlines() for path in (source, out))
    assert len(after) == len(before)
    assert json.loads(after[0])["transform"] == json.loads(before[0])["transform"]
    assert "roof_irradiation_kwh_m2" in after[1]
