"""The command line draws exhibitions, and says in one line what it cannot draw."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from PIL import Image
from typer.testing import CliRunner

from gis.assemble import read_district
from gis.errors import HeidiError
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import build
from twin.cli.render import render_app
from twin.folder import write_twin

COARSE = 20.0  # spacing of sensors [m]: the light plays no part here


def render(*words: object):
    """Run a command as the command line does."""
    return CliRunner().invoke(render_app, [str(word) for word in words])


def refused(*words: object) -> str:
    """Return the one line of a refusal."""
    result = render(*words)
    assert isinstance(result.exception, HeidiError), result.output
    return " ".join(str(result.exception).split())


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("render") / "twin"
    built = build(heidi_district(), typical_year(), spacing=COARSE)
    write_twin(built, folder, stills=False)
    return folder


@pytest.fixture(scope="module")
def dry_twin(tmp_path_factory) -> Path:
    """Return a twin without water and landmarks, as of an inland town."""
    folder = tmp_path_factory.mktemp("render")
    houses = gpd.GeoDataFrame(
        {"height": [9.0, 12.0]},
        geometry=[shapely.box(x, 6_213_000, x + 12, 6_213_010) for x in (99_000, 99_040)],
        crs=3008,
    )
    houses.to_file(folder / "houses.gpkg")
    district = read_district(folder / "houses.gpkg", name="Inland")
    write_twin(
        build(district, typical_year(), spacing=COARSE), folder / "dry", stills=False
    )
    return folder / "dry"


def test_stills_are_named_after_what_they_are(twin, tmp_path):
    result = render(
        "stills", twin, "--view", "oceanpiren", "--look", "data", "--size", "720p",
        "--out", tmp_path / "hung",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "hung").iterdir()}
    assert names == {"oceanpiren_data_720p_en.png", "oceanpiren_data_720p_sv.png"}
    with Image.open(tmp_path / "hung" / "oceanpiren_data_720p_sv.png") as image:
        assert image.size == (1280, 720)


def test_by_default_pictures_go_into_the_twin(twin):
    result = render(
        "stills", twin, "--view", "sound", "--look", "model", "--size", "720p",
        "--language", "sv", "--date", "2026-12-21", "--time", "14:00",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (twin / "exhibition" / "sound_model_720p_sv.png").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stills", "--date", "2026-02-30"), "date must be written"),
        (("stills", "--date", "midsummer"), "date must be written"),
        (("stills", "--time", "25:00"), "time must be written"),
        (("stills", "--date", "2026-03-29", "--time", "02:30"), "clocks go forward"),
        (("film", "--date", "2026-02-30"), "date must be written"),
        (("film", "--date", "2026-06-21", "--minutes", "0"), "minutes apart"),
        (("film", "--date", "2026-06-21", "--minutes", "600"), "minutes apart"),
    ],
)
def test_impossible_wishes_are_refused_and_write_nothing(twin, tmp_path, words, said):
    command, *options = words
    out = tmp_path / "out"
    assert said in refused(command, twin, *options, "--out", out)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    "words", [("stills", "--size", "8k"), ("film", "--date", "2026-06-21", "--look", "oil")]
)
def test_unknown_choices_end_with_code_2(twin, words):
    command, *options = words
    assert render(command, twin, *options).exit_code == 2


def test_a_view_of_another_place_is_refused(dry_twin, tmp_path):
    out = tmp_path / "out"
    said = refused("stills", dry_twin, "--view", "campus", "--out", out)
    assert "campus needs a landmark named Campus Helsingborg" in said
    assert "sound needs open water" in refused("stills", dry_twin, "--out", out)
    assert "needs open water" in refused("film", dry_twin, "--date", "2026-06-21")
    assert not out.exists()


def test_a_folder_that_is_no_twin_is_refused(tmp_path):
    assert str(tmp_path) in refused("stills", tmp_path)


def test_results_cannot_go_into_a_file(twin, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert "--out" in refused("stills", twin, "--size", "720p", "--out", file)
    assert file.read_text() == "mine"


def test_a_film_is_written(twin, tmp_path):
    result = render(
        "film", twin, "--date", "2026-12-21", "--size", "720p", "--minutes", "60",
        "--view", "campus", "--look", "data", "--language", "en", "--out", tmp_path,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    name = "film_campus_data_2026-12-21_720p_en.mp4"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert b"ftyp" in (tmp_path / name).read_bytes()[:12]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_stopped_film_leaves_nothing(twin, tmp_path, number):
    words = ["film", twin, "--date", "2026-06-21", "--size", "720p", "--out", tmp_path]
    code = "from twin.cli.render import render_app; render_app()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A test run in the background hands on that Ctrl-C is to be ignored.
        preexec_fn=listen_to_interrupts,
    )
    try:
        limit = time.monotonic() + 240
        while not list(tmp_path.glob(".*.mp4")) and time.monotonic() < limit:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(120) != 0
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []


def listen_to_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
