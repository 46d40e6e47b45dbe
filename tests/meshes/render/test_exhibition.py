"""Exhibition pictures hold their subject, are stable, and are left out where need be."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from gis.errors import TableError, UnknownIdError
from gis.heidi import heidi_district
from meshes.facets import make_facets
from meshes.render.catalogue import Language, Size, Style, View
from meshes.render.exhibition import Frame, choose_views, write_exhibition
from meshes.render.marks import Window
from meshes.render.names import visible_points
from meshes.render.sight import look_along
from meshes.render.standpoints import (
    STANDPOINTS,
    stand,
    subject_points,
    view_title,
)
from meshes.render.strip import calm_plate, view_size
from meshes.render.subject import make_subject
from meshes.render.triangles import Surface
from meshes.render.words import ENGLISH, SWEDISH
from meshes.solids import lod1_solids

BOXES = [(30.0, 40.0, 70.0, 60.0, 15.0), (90.0, 100.0, 150.0, 150.0, 25.0)]
PIXELS = view_size(Size.FULL.pixels)


@pytest.fixture(scope="module")
def heidi():
    """Return the embedded district with few sensors: its light plays no part here."""
    district = heidi_district()
    facets = make_facets(
        lod1_solids(district.buildings), spacing=20.0, terrain=district.terrain
    )
    return make_subject(district, facets, np.full(facets.sensor_count, 700.0))


def small(harbour, *, named=(), water=True):
    """Return a harbour of two blocks with landmarks of given names."""
    district, facets = harbour(BOXES, water=water, trees=True)
    table = gpd.GeoDataFrame(
        {"name": list(named), "kind": "landmark", "accuracy": 10.0, "basis": "test"},
        geometry=[shapely.Point(99_060, 6_213_060)] * len(named),
        index=[name.lower() for name in named],
        crs=3008,
    )
    district = replace(district, landmarks=table)
    return make_subject(district, facets, np.linspace(100, 1100, facets.sensor_count))


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("size", [Size.SMALL, Size.LARGE])
def test_every_view_holds_its_subject(heidi, view, size):
    pixels = view_size(size.pixels)
    camera = stand(view, heidi.district, heidi.scene, pixels)
    points = subject_points(view, heidi.district, heidi.scene)
    places, depth = camera.project(points)
    left, top, right, bottom = STANDPOINTS[view].frame
    slack = 1e-6
    assert (depth > 0).all()
    assert (places[:, 0] >= left * pixels[0] - slack).all()
    assert (places[:, 0] <= right * pixels[0] + slack).all()
    assert (places[:, 1] >= top * pixels[1] - slack).all()
    assert (places[:, 1] <= bottom * pixels[1] + slack).all()
    # It fills the frame in one direction: no subject is lost in the picture.
    spread = np.ptp(places, axis=0) / np.array(pixels)
    assert max(spread[0] / (right - left), spread[1] / (bottom - top)) > 0.999


def surfaces(heidi, view, x, y):
    """Return what is seen at places of a view, shares of width and height."""
    camera = stand(view, heidi.district, heidi.scene, PIXELS)
    across, down = x.ravel() * PIXELS[0], y.ravel() * PIXELS[1]
    sight = look_along(heidi.scene, camera, across.astype("f4"), down.astype("f4"))
    return np.where(sight.triangle < 0, -1, heidi.scene.triangles.surface[sight.triangle])


def test_the_pier_lies_between_basins_with_the_sound_behind(heidi):
    x, y = np.meshgrid(np.linspace(0.01, 0.99, 60), np.linspace(0.01, 0.99, 60))
    seen = surfaces(heidi, View.OCEANPIREN, x, y).reshape(x.shape)
    wet = seen == Surface.WATER
    camera = stand(View.OCEANPIREN, heidi.district, heidi.scene, PIXELS)
    points = subject_points(View.OCEANPIREN, heidi.district, heidi.scene)
    places = camera.project(points)[0] / PIXELS
    low, high = places.min(axis=0), places.max(axis=0)
    assert wet[:, x[0] < low[0]].mean() > 0.2  # the southern basin and the Sound
    assert wet[:, x[0] > high[0]].mean() > 0.1  # the northern basin
    assert wet[y[:, 0] < low[1]].mean() > 0.4  # the Sound behind


def test_the_court_shows_its_ground(heidi):
    camera = stand(View.CAMPUS, heidi.district, heidi.scene, PIXELS)
    table = heidi.district.buildings
    centre = shapely.Point(100_070, 6_213_115)  # Universitetsplatsen
    rows = table[
        table["name"].str.contains("Campus") & (table.geometry.distance(centre) < 90)
    ]
    court = rows.union_all().convex_hull.difference(rows.union_all().buffer(1.0))
    court = max(shapely.get_parts(court), key=lambda part: part.area)
    west, south, east, north = court.bounds
    x, y = np.meshgrid(np.arange(west, east, 3.0), np.arange(south, north, 3.0))
    inside = shapely.contains_xy(court, x, y)
    spots = np.c_[x[inside], y[inside]]
    level = heidi.district.terrain.sample(spots[:, 0], spots[:, 1])
    places = camera.project(np.c_[spots, level] - heidi.scene.origin)[0].astype("f4")
    sight = look_along(heidi.scene, camera, places[:, 0], places[:, 1])
    shown = heidi.scene.triangles.surface[sight.triangle]
    # The ground or the trees on it, not a wall in front of it.
    open_to_the_eye = np.isin(shown, [Surface.GROUND, Surface.CROWN, Surface.TRUNK])
    assert court.area > 3000
    assert open_to_the_eye.mean() > 0.4


def test_names_point_at_what_is_seen(heidi):
    for view in View:
        camera = stand(view, heidi.district, heidi.scene, PIXELS)
        frame = Frame(heidi, view, Style.DATA, Size.FULL.pixels, camera)
        points = visible_points(heidi, camera, frame.named)
        seen = points[np.isfinite(points[:, 0])]
        assert len(seen) >= 2
        distance = np.linalg.norm(seen - camera.position, axis=1)
        places = camera.project(seen)[0].astype(np.float32)
        sight = look_along(heidi.scene, camera, places[:, 0], places[:, 1])
        np.testing.assert_allclose(sight.distance, distance, rtol=0.01)
        assert (places > 0).all()
        assert (places < PIXELS).all()


def test_the_model_has_no_names(heidi):
    camera = stand(View.SOUND, heidi.district, heidi.scene, PIXELS)
    frame = Frame(heidi, View.SOUND, Style.MODEL, Size.FULL.pixels, camera)
    assert len(frame.named) == 0


def test_north_and_scale_stand_where_little_is_covered(heidi):
    camera = stand(View.SOUND, heidi.district, heidi.scene, PIXELS)
    left, top, right, bottom = calm_plate(heidi.scene, Window(camera, 0.0, 0.0, 1.0))
    x, y = np.meshgrid(np.linspace(left, right, 30), np.linspace(top, bottom, 10))
    seen = surfaces(heidi, View.SOUND, x / PIXELS[0], y / PIXELS[1])
    assert (seen == Surface.WATER).all()


def test_the_water_is_the_sound_only_there(heidi):
    assert view_title(View.SOUND, heidi.district, SWEDISH) == "Sett från Öresund"
    elsewhere = replace(
        heidi.district, boundary=shapely.affinity.translate(heidi.district.boundary, 9e4, 0)
    )
    assert view_title(View.SOUND, elsewhere, ENGLISH) == "Seen from the water"


@pytest.mark.parametrize("look", list(Style))
def test_same_input_gives_the_same_bytes_in_both_languages(harbour, tmp_path, look):
    subject = small(harbour, named=["Oceanpiren"])
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shown = write_exhibition(
            tmp_path / name, subject, styles=[look], sizes=[Size.SMALL]
        )
        written.append({path.name: path.read_bytes() for path in shown.files})
    assert written[0] == written[1]
    assert set(written[0]) == {
        f"{view}_{look}_720p_{language}.png"
        for view in (View.SOUND, View.OCEANPIREN)
        for language in Language
    }
    assert shown.notes == (
        "The view campus was left out: it needs a landmark named Campus Helsingborg, which "
        "Harbour made for tests has not.",
    )
    assert len(set(written[0].values())) == 4
    with Image.open(shown.files[0]) as image:
        assert image.size == Size.SMALL.pixels
        assert image.info == {}  # neither date nor software


def test_both_languages_show_the_same_picture(harbour, tmp_path):
    subject = small(harbour)
    shown = write_exhibition(
        tmp_path, subject, views=[View.SOUND], styles=[Style.MODEL], sizes=[Size.SMALL]
    )
    pictures = [np.asarray(Image.open(path)).astype(int) for path in shown.files]
    above = view_size(Size.SMALL.pixels)[1]
    other = (pictures[0] != pictures[1]).any(axis=2)
    plate = calm_plate(
        subject.scene,
        Window(
            stand(View.SOUND, subject.district, subject.scene, (1280, above)), 0, 0, 2 / 3
        ),
    )
    rows, columns = np.nonzero(other[: above - 1])
    # Above the strip nothing but the words below the scale is different.
    assert len(rows)
    assert (rows > plate[1] * 2 / 3).all()
    assert ((columns > plate[0] * 2 / 3) & (columns < plate[2] * 2 / 3)).all()
    assert other[above:].any()


def test_time_moves_the_shadows(harbour, tmp_path):
    subject = small(harbour)
    taken = []
    for time in ("09:00", "15:00"):
        shown = write_exhibition(
            tmp_path,
            subject,
            views=[View.SOUND],
            styles=[Style.MODEL],
            sizes=[Size.SMALL],
            languages=[Language.EN],
            date="2026-06-21",
            time=time,
        )
        taken.append(shown.files[0].read_bytes())
    assert taken[0] != taken[1]


def test_a_view_asked_for_by_name_must_be_there(harbour, tmp_path):
    subject = small(harbour)
    with pytest.raises(UnknownIdError, match="campus needs a landmark named Campus"):
        write_exhibition(tmp_path, subject, views=[View.CAMPUS])
    assert list(tmp_path.iterdir()) == []


def test_a_dry_district_without_landmarks_has_no_exhibition(harbour, tmp_path):
    subject = small(harbour, water=False)
    with pytest.raises(UnknownIdError, match="sound needs open water"):
        write_exhibition(tmp_path, subject)


def test_views_come_in_the_order_of_the_catalogue(harbour):
    subject = small(harbour, named=["Oceanpiren", "Campus Helsingborg"])
    assert choose_views(subject, ())[0] == list(View)


def test_a_name_must_be_whole(harbour):
    subject = small(harbour, named=["Oceanpirensgatan"])
    assert choose_views(subject, ())[0] == [View.SOUND]


def test_impossible_moments_write_nothing(harbour, tmp_path):
    subject = small(harbour)
    with pytest.raises(TableError, match="2026-02-30"):
        write_exhibition(tmp_path, subject, date="2026-02-30")
    with pytest.raises(TableError, match="25:00"):
        write_exhibition(tmp_path, subject, time="25:00")
    assert list(tmp_path.iterdir()) == []


def test_captions_name_the_source_of_the_light(heidi):
    lit = replace(heidi, light_source="Typical year of somewhere")
    assert "Typical year of somewhere" in lit.credit_words(ENGLISH, light=True)
    assert "Typical year" not in lit.credit_words(ENGLISH)
    assert "survey data" not in lit.credit_words(ENGLISH)
    assert "Helsingborgs stad" in lit.credit_words(SWEDISH)


def test_the_embedded_weather_has_a_swedish_name():
    from gis.typical_year import typical_year

    assert typical_year().source in SWEDISH.names


def test_default_times_are_by_day():
    day = pd.Timestamp("2026-03-20", tz="Europe/Stockholm")
    from meshes.render.standpoints import default_moment

    for view in View:
        for style in Style:
            assert 11 <= default_moment(view, style, day).hour <= 17
