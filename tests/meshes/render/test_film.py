"""Films show the sun's day, frame by frame as stills do, and are written whole or not."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gis.errors import ComponentError, OutputError, TableError, UnknownIdError
from meshes.render import video
from meshes.render.catalogue import Language, Size, Style, View
from meshes.render.exhibition import LOOKS, Frame
from meshes.render.film import (
    MOST_FRAMES,
    TWILIGHT,
    Shooting,
    draw_frames,
    film_moments,
    rise_words,
    write_film,
)
from meshes.render.picture import take_picture
from meshes.render.standpoints import stand
from meshes.render.stills import oblique_painter
from meshes.render.strip import view_size
from meshes.render.subject import make_subject
from meshes.render.sunlight import read_day, sun_at
from meshes.render.video import RATE, find_ffmpeg, write_video
from meshes.render.words import ENGLISH, SWEDISH, WORDS

BOXES = [(30.0, 40.0, 70.0, 60.0, 15.0), (90.0, 100.0, 150.0, 150.0, 25.0)]
HERE = {"latitude": 56.04, "longitude": 12.69}
KIRUNA = {"latitude": 67.86, "longitude": 20.23}
SMALL = (320, 180)


@pytest.fixture(scope="module")
def subject(harbour):
    district, facets = harbour(BOXES, water=True, trees=True)
    return make_subject(district, facets, np.linspace(100, 1100, facets.sensor_count))


def shooting(subject, style=Style.MODEL, minutes=60, size=SMALL):
    day = read_day("2026-06-21")
    moments, step = film_moments(day, minutes=minutes, place=subject.place)
    camera = stand(View.SOUND, subject.district, subject.scene, view_size(size))
    frame = Frame(subject, View.SOUND, style, size, camera)
    return Shooting(frame, WORDS[Language.SV], moments, step)


def probe(path: Path) -> str:
    """Return what ffmpeg says about a file."""
    command = [find_ffmpeg(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("date", ["2026-06-21", "2026-12-21", "2026-03-20", "2026-10-25"])
def test_a_film_goes_from_dawn_to_dusk_in_8_to_15_seconds(date):
    moments, step = film_moments(read_day(date), minutes=None, place=HERE)
    assert 8 * RATE <= len(moments) <= MOST_FRAMES + 1 <= 15 * RATE
    steps = np.diff(moments.asi8) / 6e10 if moments.unit == "ns" else np.diff(moments)
    assert pd.Series(moments).diff().dropna().eq(pd.Timedelta(minutes=step)).all()
    assert len(steps) == len(moments) - 1
    ends = [sun_at(when, **HERE) for when in (moments[0], moments[-1])]
    assert all(TWILIGHT < sun.elevation < TWILIGHT + 1.0 for sun in ends)
    noon = max(sun_at(when, **HERE).elevation for when in moments[:: len(moments) // 9])
    assert noon > 5


def test_clocks_show_whole_steps():
    moments, _ = film_moments(read_day("2026-06-21"), minutes=5, place=HERE)
    assert set(moments.minute % 5) == {0}


def test_midnight_sun_is_filmed_for_a_whole_day():
    moments, _ = film_moments(read_day("2026-06-21"), minutes=30, place=KIRUNA)
    assert len(moments) == 49
    assert rise_words(moments[0], SWEDISH, place=KIRUNA) == "solen går inte ned"


def test_polar_night_is_refused():
    with pytest.raises(TableError, match=r"must rise.*2026-12-21.*67\.9 N"):
        film_moments(read_day("2026-12-21"), minutes=None, place=KIRUNA)
    assert rise_words(read_day("2026-12-21"), ENGLISH, place=KIRUNA) == (
        "the sun does not rise"
    )


@pytest.mark.parametrize("minutes", [0, -4, 61])
def test_frames_must_be_minutes_apart(minutes):
    with pytest.raises(TableError, match=f"got {minutes}"):
        film_moments(read_day("2026-06-21"), minutes=minutes, place=HERE)


def test_sunrise_and_sunset_are_those_of_the_almanac():
    # Helsingborg on 21 June: hour angle of the rim by the textbook, 132.2 degrees about
    # the culmination at 13:11 CEST.
    words = rise_words(read_day("2026-06-21"), ENGLISH, place=HERE)
    found = re.fullmatch(r"sunrise (\d+):(\d+) · sunset (\d+):(\d+)", words)
    rise, sets = (int(found[k]) * 60 + int(found[k + 1]) for k in (1, 3))
    assert rise == pytest.approx(13 * 60 + 11 - 132.2 * 4, abs=3)
    assert sets == pytest.approx(13 * 60 + 11 + 132.2 * 4, abs=3)


@pytest.mark.parametrize("style", list(Style))
def test_every_frame_is_the_still_of_its_moment(subject, style):
    shot = shooting(subject, style)
    above = view_size(SMALL)[1]
    look = LOOKS[style]
    for frame, when in zip(draw_frames(shot), shot.moments, strict=True):
        assert frame.shape == (SMALL[1], SMALL[0], 3)
        sun = sun_at(when, **subject.place)
        still = take_picture(oblique_painter(subject, shot.frame.camera, sun, look))
        same = np.abs(frame[:above] - np.round(still * 255)).max(axis=2) <= 1
        # All but the plate and the names, which lie over both.
        assert same[: above // 2, : SMALL[0] // 4].all()
        assert same.mean() > 0.75


def test_the_clock_goes(subject):
    above = view_size(SMALL)[1]
    strips = [frame[above:] for frame in draw_frames(shooting(subject))]
    right = [strip[:, SMALL[0] * 3 // 4 :].tobytes() for strip in strips]
    assert len(set(right)) == len(strips)
    left = {strip[:, : SMALL[0] // 2].tobytes() for strip in strips}
    assert len(left) == 1


def test_a_film_is_an_mp4_that_plays_everywhere(subject, tmp_path):
    seen = []
    path = write_film(
        tmp_path,
        subject,
        date="2026-06-21",
        size=Size.SMALL,
        minutes=60,
        progress=lambda text, _: seen.append(text),
    )
    assert path.name == "film_sound_model_2026-06-21_720p_sv.mp4"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    frames = len(shooting(subject, minutes=60).moments)
    assert seen[-1] == f"frame {frames} of {frames}"
    said = probe(path)
    assert "h264 (High)" in said
    assert re.search(r"yuv420p\(tv, bt709", said)
    assert "1280x720" in said
    assert f"{RATE} fps" in said
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said).groups()
    length = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    assert length == pytest.approx(frames / RATE, abs=0.011)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # starts before it is all loaded


def test_same_pictures_give_the_same_bytes(tmp_path):
    rng = np.random.default_rng(4)
    frames = rng.integers(0, 255, (6, 64, 96, 3), dtype=np.uint8)
    paths = [
        write_video(tmp_path / name, iter(frames), (96, 64), ffmpeg=find_ffmpeg())
        for name in ("a.mp4", "b.mp4")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_colours_survive_the_film(tmp_path):
    # Flat fields of the legend's colours come back within what 4:2:0 and 8 bits allow.
    colours = np.array([(251, 182, 26), (40, 11, 84), (250, 248, 245)], np.uint8)
    frames = [np.broadcast_to(c, (64, 96, 3)) for c in colours for _ in range(3)]
    path = write_video(tmp_path / "c.mp4", frames, (96, 64), ffmpeg=find_ffmpeg())
    command = [find_ffmpeg(), "-v", "error", "-i", str(path)]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    back = np.frombuffer(raw, np.uint8).reshape(len(frames), 64, 96, 3).astype(int)
    for k, colour in enumerate(colours):
        assert np.abs(back[3 * k + 1, 32, 48] - colour).max() <= 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_an_interrupted_film_leaves_nothing_and_keeps_the_old(tmp_path, error):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def frames():
        yield np.zeros((64, 96, 3), np.uint8)
        raise error

    with pytest.raises(error):
        write_video(path, frames(), (96, 64), ffmpeg=find_ffmpeg())
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"old"


def test_a_failing_encoder_is_quoted(tmp_path):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    fake.chmod(0o755)
    frames = [np.zeros((640, 960, 3), np.uint8)] * 3
    with pytest.raises(OutputError, match="Unknown encoder libx264"):
        write_video(tmp_path / "film.mp4", frames, (960, 640), ffmpeg=str(fake))
    assert [file.name for file in tmp_path.iterdir()] == ["ffmpeg"]


def test_odd_sizes_are_refused(tmp_path):
    with pytest.raises(OutputError, match="even number"):
        write_video(tmp_path / "film.mp4", [], (97, 64), ffmpeg="ffmpeg")


def test_a_program_on_the_path_comes_first(tmp_path, monkeypatch):
    mine = tmp_path / "ffmpeg"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == str(mine)


def test_without_ffmpeg_the_remedy_is_said(monkeypatch):
    import sys

    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ComponentError, match="make extras"):
        video.find_ffmpeg()


def test_a_film_of_a_missing_view_is_refused(subject, tmp_path):
    bare = replace(
        subject,
        district=replace(
            subject.district,
            landmarks=gpd.GeoDataFrame(
                {"name": [], "kind": [], "accuracy": [], "basis": []}, geometry=[], crs=3008
            ),
        ),
    )
    with pytest.raises(UnknownIdError, match="oceanpiren needs a landmark"):
        write_film(tmp_path, bare, date="2026-06-21", view=View.OCEANPIREN)
    assert list(tmp_path.iterdir()) == []
