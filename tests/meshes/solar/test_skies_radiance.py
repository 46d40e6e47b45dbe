"""The sky's patches are those of Radiance's own sky matrix."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gis.sources.weather_files import read_weather
from gis.weather import extraterrestrial
from meshes.solar.skies import perez_dome, shaped_sky
from meshes.solar.skies_perez import sky_shapes
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solar.sun import sun_positions

pytestmark = pytest.mark.real

CLOCK_HOURS = 1
"""Both files tell Central European Time."""

FILES = [("SWE_VG_Gothenburg*.epw", 57.663, 12.28), ("DNK_Copenhagen*.epw", 55.63, 12.67)]


@pytest.fixture(scope="module")
def gendaymtx():
    """Find Radiance's tool, which comes with pyradiance."""
    package = find_spec("pyradiance")
    folders = package.submodule_search_locations if package else None
    tools = [Path(folder) / "bin" / "gendaymtx" for folder in folders or ()]
    if not tools or not tools[0].exists():
        pytest.skip("Radiance's own tools are not here; pip install pyradiance")
    return tools[0]


@pytest.fixture(scope="module", params=FILES, ids=["Gothenburg", "Copenhagen"])
def given(request, shared_data):
    """Give weather, place, and the moment whose sun each row has."""
    pattern, latitude, longitude = request.param
    weather = read_weather(next((shared_data / "weather").glob(pattern)))
    return weather, {"latitude": latitude, "longitude": longitude}, weather.sun_times


def tape(weather, place, times) -> bytes:
    """Write weather as gendaymtx reads it; west is positive there."""
    head = (
        f"place test\nlatitude {place['latitude']}\nlongitude {-place['longitude']}\n"
        f"time_zone {-15 * CLOCK_HOURS}\nsite_elevation 0\nweather_data_file_units 1\n"
    )
    clock = times + pd.Timedelta(hours=CLOCK_HOURS)
    rows = zip(clock, weather.table["dni"], weather.table["dhi"], strict=True)
    return (
        head
        + "".join(
            f"{t.month} {t.day} {t.hour + t.minute / 60:.4f} {dni} {dhi}\n"
            for t, dni, dhi in rows
        )
    ).encode()


def their_sky(tool, weather, place, times, multiplier, *more):
    """Return (p, h) radiance, ground left out, with sky and light both colourless.

    With ``-A`` there is one time, the mean of all.
    """
    options = ["-s", "-h", "-of", "-O1", "-c", "1", "1", "1", "-g", "0", "0", "0", "-m"]
    done = subprocess.run(
        [tool, *options, str(multiplier), *more],
        input=tape(weather, place, times),
        capture_output=True,
        check=True,
    )
    patches = 144 * multiplier**2 + 2
    values = np.frombuffer(done.stdout, np.float32).reshape(patches, -1, 3)
    return values[1:, :, 0].astype(np.float64)


def their_sun(tool, weather, place, times, folder):
    """Return (h, 3) directions to Radiance's sun, NaN where it gives none."""
    path = folder / "suns.rad"
    subprocess.run(
        [tool, "-D", path, "-M", folder / "suns.mod", "-h", "-of"],
        input=tape(weather, place, times),
        capture_output=True,
        check=True,
    )
    found = re.findall(r"source sun(\d+)\s+0\s+0\s+4 (\S+) (\S+) (\S+)", path.read_text())
    clock = times + pd.Timedelta(hours=CLOCK_HOURS)
    # They count the minutes of a common year.
    minute = (clock.day_of_year - 1) * 1440 + clock.hour * 60 + clock.minute
    sun = pd.DataFrame(found, dtype=np.float64).set_index(0)
    return sun.reindex(minute.to_numpy(dtype=np.float64)).to_numpy()


def annual_error(tool, given, multiplier, **options):
    """Give each patch's error over the year, relative."""
    weather, place, times = given
    theirs = their_sky(tool, weather, place, times, multiplier, "-A")[:, 0]
    patches = reinhart_patches(multiplier, centred=True)
    light = weather.table["dni"].to_numpy(), weather.table["dhi"].to_numpy()
    dome = perez_dome(times, *light, patches, **place, **options)
    ours = dome.radiance.sum(axis=1, dtype=np.float64)
    # They take the mean of the hours with light, and that is no fault of the sky.
    return ours / theirs * (theirs @ patches.flux[:, 2]) / (ours @ patches.flux[:, 2]) - 1


@pytest.mark.parametrize("multiplier", [1, 2, 4])
def test_every_patch_agrees_over_the_year(gendaymtx, given, multiplier):
    """Within 1 % with our sun, which has refraction and a better formula."""
    error = annual_error(gendaymtx, given, multiplier)
    assert np.abs(error).max() < 0.01
    assert np.sqrt((error**2).mean()) < 0.005


def test_a_patch_one_place_off_would_be_noticed(gendaymtx, given):
    """Break it by hand: the same sky turned by one patch, either way."""
    for turn in (-6.0, 6.0):
        error = annual_error(gendaymtx, given, 2, grid_convergence=turn)
        assert np.abs(error).max() > 0.03


def test_with_radiance_s_sun_hours_agree_too(gendaymtx, given, tmp_path):
    """Patch by patch and hour by hour but for the scale.

    They scale by the sine at a patch's middle, here it is that of the whole patch.
    """
    weather, place, times = given
    theirs = their_sky(gendaymtx, weather, place, times, 2)
    sun = their_sun(gendaymtx, weather, place, times, tmp_path)
    table = weather.table
    dhi = table["dhi"].to_numpy()
    used = np.flatnonzero((dhi > 0) & (sun[:, 2] > 0))
    assert dhi[used].sum() > 0.995 * dhi.sum()
    shape = sky_shapes(
        90 - np.degrees(np.arcsin(sun[used, 2])),
        table["dni"].to_numpy()[used],
        dhi[used],
        extraterrestrial(times)[used],
    )
    patches = reinhart_patches(2, centred=True)
    dome = shaped_sky(patches, shape, sun[used], dhi[used])
    off = dome.radiance.sum(axis=1, dtype=np.float64) / theirs[:, used].sum(axis=1) - 1
    assert np.abs(off).max() < 0.002
    hourly = np.abs(dome.radiance - theirs[:, used]).sum(axis=0) / theirs[:, used].sum(
        axis=0
    )
    assert np.quantile(hourly, 0.99) < 0.003
    assert hourly.max() < 0.02


def test_their_sun_is_ours_within_their_formula(gendaymtx, given, tmp_path):
    """Radiance's own formula is off by up to 1.5 degrees, refraction included."""
    weather, place, times = given
    sun = their_sun(gendaymtx, weather, place, times, tmp_path)
    azimuth, elevation = sun_positions(times, **place)
    mine = unit_vectors(np.radians(azimuth), np.radians(elevation))
    apart = np.degrees(np.arccos(np.clip((sun * mine).sum(axis=1), -1, 1)))
    assert np.nanmax(apart) < 1.5
    assert np.isfinite(apart).sum() > 4000
