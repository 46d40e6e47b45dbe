"""Light agrees with Radiance on reference scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gis.sources.weather_files import read_weather
from meshes.formats.mesh_file import read_mesh
from meshes.solar.hourly import part_hours
from meshes.solar.point_light import light_on_points
from twin.cli import app

pytestmark = pytest.mark.real

SCENES = ("open", "canyon_EW", "court_sq", "slabs")
ROWS_LATE = 1
"""Their first row is the first hour of the file's clock, an hour before UTC's."""

ANNUAL_BIAS, ANNUAL_SCATTER = 0.010, 0.015
"""Of the scene's mean total: half of what was asked for. Their sun has 1.2 % less beam on
the level than NREL's formula, 0.6 % of the total; what else differs is noise of both."""


@pytest.fixture(scope="module")
def truth(shared_data) -> Path:
    return shared_data.parent / "truth"


@pytest.fixture(scope="module")
def epw(shared_data) -> Path:
    return next((shared_data / "weather").glob("SWE_VG_Gothenburg*.epw"))


@pytest.fixture(scope="module", params=SCENES)
def scene(request, truth, epw):
    """Return a scene's references and our light at reflectance 0.3."""
    table = pd.read_csv(truth / f"{request.param}_radiance.csv")
    return request.param, table, lit(truth, epw, request.param, table, 0.3)


def lit(truth, epw, name, table, reflectance):
    """Light the sensors as the references were: the sun in the middle of each hour."""
    weather = replace(read_weather(epw), sun_offset_minutes=30.0)
    light, _ = light_on_points(
        read_mesh(truth / f"{name}.obj"),
        table[["x", "y", "z"]].to_numpy(),
        table[["nx", "ny", "nz"]].to_numpy(),
        weather,
        latitude=weather.latitude,
        longitude=weather.longitude,
        albedo=0.2,
        reflectance=reflectance,
        step_minutes=60.0,
    )
    return light


def assert_near(here, there, scale, bias, scatter, what):
    """Assert that the mean error and the root of the mean square stay below shares."""
    error = np.asarray(here, float) - np.asarray(there, float)
    assert abs(error.mean()) < bias * scale, what
    assert np.sqrt((error**2).mean()) < scatter * scale, what


def test_the_year_agrees_in_total_and_in_each_part(scene):
    name, table, light = scene
    total = table["total_rho30"].mean()
    parts = light.sensor_parts.astype(float)
    assert_near(
        light.sensor_annual, table["total_rho30"], total, ANNUAL_BIAS, ANNUAL_SCATTER, name
    )
    assert_near(parts[:, 0], table["sun"], total, 0.008, 0.012, "direct")
    assert_near(parts[:, 1], table["sky"], total, 0.003, 0.004, "diffuse")
    reflected = parts[:, 2] + parts[:, 3]
    assert_near(reflected, table["refl_rho30"], total, 0.003, 0.005, "reflected")


def test_the_view_of_the_sky_agrees(scene):
    _, table, light = scene
    assert np.abs(light.sensor_sky_view - table["svf_cos"]).max() < 0.01


@pytest.mark.parametrize("name", ["slabs", "court_sq"])
def test_the_year_agrees_between_black_faces(truth, epw, name):
    """Only the ground reflects: what light faces add cannot hide its errors."""
    table = pd.read_csv(truth / f"{name}_radiance.csv")
    light = lit(truth, epw, name, table, 0.0)
    assert_near(
        light.sensor_annual,
        table["total_rho00"],
        table["total_rho00"].mean(),
        ANNUAL_BIAS,
        ANNUAL_SCATTER,
        name,
    )
    assert (light.sensor_parts[:, 3] == 0).all()


@pytest.mark.parametrize(
    ("ending", "part", "bias", "scatter"),
    [("_sky", 1, 0.005, 0.02), ("_refl30", 2, 0.03, 0.10)],
)
def test_hours_of_the_marked_sensors_agree(scene, truth, ending, part, bias, scatter):
    """In shares of the mean over the hours that have light of that kind."""
    name, table, light = scene
    hourly = pd.read_csv(truth / f"{name}_radiance_hourly.csv").filter(like=ending)
    number = table["sensor"].tolist().index
    chosen = np.array([number(column.removesuffix(ending)) for column in hourly])
    here = np.roll(part_hours(light, chosen)[part], ROWS_LATE, axis=1)
    there = hourly.to_numpy().T
    shone = (here > 0) | (there > 0)
    assert_near(here[shone], there[shone], there[shone].mean(), bias, scatter, name)


def test_the_command_tells_what_the_functions_do(truth, epw, tmp_path):
    """With the settings of the references, as its help describes them."""
    out = tmp_path / "result.csv"
    told = {
        "--weather": epw,
        "--sensors": truth / "court_sq_sensors.csv",
        "--out": out,
        "--albedo": 0.2,
        "--reflectance": 0.3,
        "--sun-offset": 30,
    }
    options = [str(word) for pair in told.items() for word in pair]
    done = CliRunner().invoke(app, ["solar", str(truth / "court_sq.obj"), *options])
    assert done.exit_code == 0, done.output
    there = pd.read_csv(truth / "court_sq_radiance.csv")
    here = pd.read_csv(out)
    total = there["total_rho30"]
    assert_near(here["total"], total, total.mean(), ANNUAL_BIAS, ANNUAL_SCATTER, "command")
    assert here["total"].to_numpy() == pytest.approx(
        here[["direct", "diffuse", "reflected"]].sum(axis=1), abs=0.002
    )
