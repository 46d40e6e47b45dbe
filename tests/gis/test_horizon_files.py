"""Argue that horizon lines keep their directions."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import HeidiError, SourceError
from gis.sources.horizon_files import read_pvgis_horizon

# PVGIS counts azimuths from south over west; north is stated twice.
WEST_HILL = [(-180.0, 1.0), (-90.0, 2.0), (0.0, 3.0), (90.0, 20.0), (180.0, 1.0)]


def reply(points=WEST_HILL):
    rows = [{"A": a, "H_hor": h} for a, h in points]
    return {
        "inputs": {
            "location": {"latitude": 56.04, "longitude": 12.69, "elevation": 5.0},
            "horizon_db": "DEM-calculated",
        },
        "outputs": {
            "horizon_profile": rows,
            "winter_solstice": [{"A_sun(w)": 0.0, "H_sun(w)": 10.5}],
            "summer_solstice": [{"A_sun(s)": 0.0, "H_sun(s)": 57.4}],
        },
        "meta": {},
    }


def written(folder, thing):
    path = folder / "horizon.json"
    path.write_text(thing if isinstance(thing, str) else json.dumps(thing))
    return path


def test_a_hill_in_the_west_stays_in_the_west(tmp_path):
    line = read_pvgis_horizon(written(tmp_path, reply()))
    assert line.azimuths.tolist() == [0.0, 90.0, 180.0, 270.0]
    assert line.elevation_at([0.0, 90.0, 180.0, 270.0]).tolist() == [1, 2, 3, 20]
    assert "PVGIS" in line.source
    assert "56.04" in line.source


def test_the_usual_48_directions_are_read(tmp_path):
    points = [(-180.0 + 7.5 * n, n % 7 / 2.0) for n in range(49)]
    line = read_pvgis_horizon(written(tmp_path, reply(points)))
    assert len(line.azimuths) == 48
    for azimuth, elevation in points[:-1]:
        assert line.elevation_at(azimuth + 180.0) == pytest.approx(elevation)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        pytest.param("", "must be JSON", id="empty"),
        pytest.param(json.dumps(reply())[:200], "must be JSON", id="cut"),
        pytest.param("[" * 100_000, "nesting", id="deep"),
        pytest.param("[]", "printhorizon", id="list"),
        pytest.param("null", "printhorizon", id="null"),
        pytest.param({"outputs": {"hourly": []}}, "printhorizon", id="another tool"),
        pytest.param(reply([]), "directions", id="no directions"),
        pytest.param(reply([(0.0, "high")]), "elevations", id="text"),
        pytest.param(reply([(0.0, 91.0)]), "elevations", id="overhead"),
        pytest.param(reply([(0.0, None)]), "elevations", id="null elevation"),
        pytest.param(reply([(None, 2.0)]), "directions", id="null direction"),
        pytest.param(reply([(0.0, 1.0)] * 40_000), "36,000 directions", id="too many"),
    ],
)
def test_a_broken_reply_is_refused_in_one_line(tmp_path, thing, words):
    with pytest.raises(SourceError, match=words) as caught:
        read_pvgis_horizon(written(tmp_path, thing))
    assert "\n" not in str(caught.value)


GOOD = json.dumps(reply())


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, len(GOOD) - 20), junk=st.text(max_size=10))
def test_any_damage_is_one_line_or_harmless(tmp_path_factory, cut, junk):
    path = tmp_path_factory.mktemp("horizon") / "h.json"
    path.write_text(GOOD[:cut] + junk, encoding="utf-8")
    with pytest.raises(HeidiError) as caught:
        read_pvgis_horizon(path)
    assert "\n" not in str(caught.value)
