"""Argue that series of PVGIS and SMHI become the year they came from."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import HeidiError, SourceError, TableError, WeatherError
from gis.sources.weather_files import read_hours, read_weather, read_years
from gis.typical_year import typical_year
from gis.weather import sun_elevation

TYPICAL = typical_year().table.drop(columns="filled")
INDEX = pd.DatetimeIndex(TYPICAL.index)
LATITUDE, LONGITUDE = 56.041, 12.696


def shifted(minutes):
    """Give the typical year's light under the sun some minutes after the label."""
    elevation = sun_elevation(
        INDEX + pd.Timedelta(minutes=minutes), latitude=LATITUDE, longitude=LONGITUDE
    )
    height = np.clip(np.sin(np.radians(elevation)), 0.0, None)
    dni = TYPICAL["dni"].to_numpy() * (elevation > 0.0)
    return elevation, dni, dni * height, TYPICAL["dhi"].to_numpy()


def pvgis(*, components=True, mounting=None, years=(2018,), change=None):
    """Reply of seriescalc as the service writes it, instants at minute 10."""
    elevation, _, beam, diffuse = shifted(10.0)
    rows = []
    for year in years:
        for hour, stamp in enumerate(INDEX):
            row = {"time": f"{year}{stamp:%m%d:%H}10"}
            if components:
                row |= {"Gb(i)": round(beam[hour], 2), "Gd(i)": round(diffuse[hour], 2)}
                row |= {"Gr(i)": 0.0}
            else:
                row |= {"G(i)": round(beam[hour] + diffuse[hour], 2)}
            row |= {
                "H_sun": round(max(elevation[hour], 0.0), 2),
                "T2m": float(TYPICAL["temp_air"].iloc[hour]) + (year - 2018),
                "WS10m": float(TYPICAL["wind_speed"].iloc[hour]),
                "Int": 0.0,
            }
            rows.append(row)
    if mounting is None:
        zero = {"value": 0.0, "optimal": False}
        mounting = {"fixed": {"slope": zero, "azimuth": zero, "type": "free-standing"}}
    if change is not None:
        change(rows)
    return {
        "inputs": {
            "location": {"latitude": LATITUDE, "longitude": LONGITUDE, "elevation": 5.0},
            "mounting_system": mounting,
        },
        "outputs": {"hourly": rows},
        "meta": {},
    }


def written(folder, thing, name="series.json"):
    path = folder / name
    path.write_text(thing if isinstance(thing, str) else json.dumps(thing), "utf-8")
    return path


def test_pvgis_components_give_back_the_beam_and_the_sun(tmp_path):
    weather = read_weather(written(tmp_path, pvgis()))
    elevation, dni, beam, diffuse = shifted(10.0)
    assert weather.sun_offset_minutes == 10.0
    assert (weather.latitude, weather.longitude) == (LATITUDE, LONGITUDE)
    assert weather.table["ghi"].to_numpy() == pytest.approx(beam + diffuse, abs=0.02)
    high = elevation > 5.0  # hundredths of a degree and of a watt, over the sine
    assert weather.table["dni"].to_numpy()[high] == pytest.approx(dni[high], abs=0.7)
    assert weather.filled_hours == 0
    assert any("sine of its sun's height" in note for note in weather.notes)


def test_pvgis_without_components_is_split_and_said(tmp_path):
    weather = read_weather(written(tmp_path, pvgis(components=False)))
    _, _, beam, diffuse = shifted(10.0)
    assert weather.table["ghi"].to_numpy() == pytest.approx(beam + diffuse, abs=0.01)
    assert (weather.flags["radiation"] == "split").sum() > 4000
    assert any("without components" in note for note in weather.notes)


def test_one_of_several_years_is_chosen_and_all_can_be_had(tmp_path):
    path = written(tmp_path, pvgis(years=(2017, 2018, 2019)))
    chosen = read_weather(path, year=2019)
    assert chosen.table.index[0] == pd.Timestamp("2019-01-01T00:00Z")
    years = read_years(path)
    assert [year.table.index[0].year for year in years] == [2017, 2018, 2019]
    means = [year.mean_temperature for year in years]
    assert np.diff(means) == pytest.approx([1.0, 1.0])
    with pytest.raises(WeatherError, match="2025 must be full, got 0 hours"):
        read_weather(path, year=2025)
    with pytest.raises(WeatherError, match="999999 must be full"):
        read_weather(path, year=999_999)


TILTED = {"fixed": {"slope": {"value": 35.0}, "azimuth": {"value": 0.0}}}


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        pytest.param(pvgis(mounting=TILTED), "tilted by 35 degrees", id="tilted"),
        pytest.param(
            pvgis(mounting={"two_axis": {"slope": {"value": "-"}}}),
            "plane-of-array values of a plane with 'two_axis'",
            id="tracking",
        ),
        pytest.param(pvgis(mounting={}), "plane-of-array", id="no mounting"),
        pytest.param(pvgis(mounting=[1]), "plane-of-array", id="mounting a list"),
        pytest.param(
            pvgis(change=lambda rows: rows.clear()), "outputs.hourly", id="no hours"
        ),
        pytest.param(
            pvgis(change=lambda rows: rows[3].update(time="soon")), "fault", id="time"
        ),
        pytest.param(pvgis(change=lambda rows: rows.__setitem__(3, 7)), "fault", id="row"),
        pytest.param(
            pvgis(components=False, change=lambda rows: [r.pop("G(i)") for r in rows]),
            "got neither",
            id="no light",
        ),
        pytest.param({"inputs": {}, "outputs": {"hourly": [{}]}}, "fault", id="bare"),
        pytest.param(
            {"outputs": {"horizon_profile": []}}, "got a horizon line", id="horizon"
        ),
    ],
)
def test_a_series_that_is_no_weather_is_refused_in_one_line(tmp_path, thing, words):
    with pytest.raises(SourceError, match=words) as caught:
        read_weather(written(tmp_path, thing))
    assert "\n" not in str(caught.value)


PARAMETERS = {
    1: ("Lufttemperatur", "momentanvärde, 1 gång/tim", "celsius", "temp_air", 0),
    4: ("Vindhastighet", "medelvärde 10 min, 1 gång/tim", "meter per sekund",
        "wind_speed", 0),
    11: ("Global Irradians (svenska stationer)", "medelvärde 1 timme, 1 gång/tim",
         "watt per kvadratmeter", "ghi", 1),
}  # fmt: skip


def metobs_csv(number, *, values=None, quality="G", decimal="."):
    """File of the corrected archive, as SMHI writes it."""
    name, summary, unit, column, late = PARAMETERS[number]
    values = TYPICAL[column] if values is None else values
    lines = [
        "Stationsnamn;Klimatnummer;Mäthöjd (meter över marken)",
        "Helsingborg A;62040;2.0",
        "",
        "Parameternamn;Beskrivning;Enhet",
        f"{name};{summary};{unit}",
        "",
        "Tidsperiod (fr.o.m);Tidsperiod (t.o.m);Höjd (meter över havet);"
        "Latitud (decimalgrader);Longitud (decimalgrader)",
        "1995-08-01 00:00:00;2009-12-31 23:59:59;43.0;56.0000;12.7000",
        f"2010-01-01 00:00:00;2024-10-01 00:00:00;43.2;{LATITUDE};{LONGITUDE}",
        "",
        f"Datum;Tid (UTC);{name};Kvalitet;;Tidsutsnitt:",
    ]
    tail = ";;Kvalitetskontrollerade historiska data (utom de senaste 3 mån)"
    for place, (stamp, value) in enumerate(values.items()):
        moment = stamp + pd.Timedelta(hours=late)
        code = quality if isinstance(quality, str) else quality[place]
        number_text = f"{value:.1f}".replace(".", decimal)
        lines.append(f"{moment:%Y-%m-%d;%H:%M:%S};{number_text};{code}{tail}")
        tail = ""
    return "\n".join(lines) + "\n"


def metobs_json(number, *, values=None, quality="G"):
    name, summary, unit, column, late = PARAMETERS[number]
    values = TYPICAL[column] if values is None else values
    rows = [
        {
            "date": int((stamp + pd.Timedelta(hours=late)).timestamp() * 1000),
            "value": f"{value:.1f}",
            "quality": quality,
        }
        for stamp, value in values.items()
    ]
    position = {"from": 0, "to": 1, "height": 43.2}
    return {
        "value": rows,
        "updated": 1_700_000_000_000,
        "parameter": {"key": str(number), "name": name, "summary": summary, "unit": unit},
        "station": {"key": "62040", "name": "Helsingborg A", "height": 2.0},
        "period": {"key": "latest-months"},
        "position": [position | {"latitude": LATITUDE, "longitude": LONGITUDE}],
        "link": [],
    }


def strang(column, minutes=0.0):
    """Point series; values are momentary ones of the full hour."""
    _, dni, beam, diffuse = shifted(minutes)
    values = {"ghi": beam + diffuse, "dni": dni, "dhi": diffuse, "beam": beam}[column]
    return [
        {"date_time": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", "value": round(value, 1)}
        for stamp, value in zip(INDEX, values, strict=True)
    ]


def test_a_folder_of_smhi_files_is_one_year(tmp_path):
    folder = tmp_path / "helsingborg"
    folder.mkdir()
    written(folder, metobs_csv(1), "smhi_1.csv")
    written(folder, metobs_json(4), "smhi_4.json")
    written(folder, metobs_csv(11), "smhi_11.csv")
    weather = read_weather(folder)
    for name in ("ghi", "temp_air", "wind_speed"):
        assert weather.table[name].to_numpy() == pytest.approx(
            TYPICAL[name].to_numpy(), abs=0.051
        ), name
    assert weather.sun_offset_minutes == 30.0  # the label is the start of the hour again
    assert (weather.latitude, weather.longitude) == (LATITUDE, LONGITUDE)
    assert "SMHI, CC BY 4.0" in weather.source
    assert any("end of the hour" in note for note in weather.notes)


def test_strang_beside_a_thermometer_is_one_year(tmp_path):
    folder = tmp_path / "strang"
    folder.mkdir()
    written(folder, metobs_csv(1), "metobs_1.csv")
    for number, column in ((117, "ghi"), (118, "dni"), (122, "dhi")):
        written(folder, strang(column), f"strang_{number}.json")
    weather = read_weather(folder)
    assert weather.sun_offset_minutes == 0.0  # values of the full hour
    _, dni, beam, diffuse = shifted(0.0)
    assert weather.table["ghi"].to_numpy() == pytest.approx(beam + diffuse, abs=0.06)
    assert weather.table["dni"].to_numpy() == pytest.approx(dni, abs=0.06)
    assert any("radiation model" in note for note in weather.notes)


def test_direct_horizontal_of_strang_gives_the_diffuse(tmp_path):
    folder = tmp_path / "strang"
    folder.mkdir()
    written(folder, strang("ghi"), "strang_117.json")
    written(folder, strang("beam"), "strang_121.json")
    hours = read_hours(folder)
    _, _, _, diffuse = shifted(0.0)
    assert list(hours.table.columns) == ["ghi", "dhi"]
    assert hours.table["dhi"].to_numpy() == pytest.approx(diffuse, abs=0.11)


def test_csv_and_json_of_smhi_tell_the_same(tmp_path):
    text = read_hours(written(tmp_path, metobs_csv(1, decimal=","), "a.csv"))
    reply = read_hours(written(tmp_path, metobs_json(1), "a.json"))
    pd.testing.assert_frame_equal(text.table, reply.table, check_freq=False)


def test_quality_codes_are_counted_and_unknown_ones_left_out(tmp_path):
    codes = ["G"] * 8760
    codes[10:30] = ["Y"] * 20
    codes[50:55] = ["R"] * 5
    hours = read_hours(written(tmp_path, metobs_csv(1, quality=codes), "a.csv"))
    assert hours.table["temp_air"].isna().to_numpy().nonzero()[0].tolist() == [
        50, 51, 52, 53, 54,
    ]  # fmt: skip
    assert any("20 of 8,760 values of temp_air" in note for note in hours.notes)
    assert any("5 values of temp_air without quality" in note for note in hours.notes)


def test_archive_and_latest_months_overlap_and_the_first_wins(tmp_path):
    folder = tmp_path / "overlap"
    folder.mkdir()
    written(folder, metobs_csv(1, values=TYPICAL["temp_air"].iloc[:6000]), "archive.csv")
    late = TYPICAL["temp_air"].iloc[5900:] + np.r_[np.ones(100), np.zeros(2760)]
    written(folder, metobs_json(1, values=late), "latest.json")
    hours = read_hours(folder)
    assert hours.table["temp_air"].to_numpy() == pytest.approx(TYPICAL["temp_air"])
    assert any("100 hours have other values" in note for note in hours.notes)


def test_one_quantity_alone_is_no_weather_and_the_message_says_what_to_do(tmp_path):
    with pytest.raises(TableError, match="got temp_air only; put the files"):
        read_weather(written(tmp_path, metobs_csv(1), "a.csv"))


SHORT = metobs_csv(1, values=TYPICAL["temp_air"].iloc[:48])


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        pytest.param(SHORT[:120], "a.csv", "Datum;Tid", id="preamble only"),
        pytest.param(SHORT[:-12], "a.csv", "in line", id="cut in a row"),
        pytest.param(
            SHORT.replace("Lufttemperatur;moment", "Snödjup;moment").replace(
                "1 gång/tim", "1 gång/dygn"
            ),
            "a.csv",
            "hourly parameter of SMHI",
            id="snow",
        ),
        pytest.param(
            SHORT.replace("momentanvärde, 1 gång/tim", "medelvärde 1 dygn"),
            "a.csv",
            "hourly parameter",
            id="daily mean",
        ),
        pytest.param(
            SHORT.replace("2018-01-01;05:00:00", "2018-01-01;25:00:00"),
            "a.csv",
            "UTC time",
            id="25 o'clock",
        ),
        pytest.param(
            json.dumps(metobs_json(1) | {"parameter": {"key": "2", "name": "x"}}),
            "a.json",
            "hourly parameter",
            id="daily json",
        ),
        pytest.param(
            json.dumps(metobs_json(1) | {"value": [{"date": "x", "value": "1"}] * 3}),
            "a.json",
            "UTC time",
            id="date of text",
        ),
        pytest.param(
            json.dumps(metobs_json(1) | {"value": [{"date": 1e300, "value": "1"}] * 3}),
            "a.json",
            "UTC time",
            id="date beyond time",
        ),
        pytest.param(
            json.dumps(metobs_json(1) | {"value": {}}), "a.json", "values", id="no list"
        ),
        pytest.param("[]", "strang_117.json", "date_time", id="empty strang"),
        pytest.param("[1, 2]", "strang_117.json", "fault", id="numbers"),
        pytest.param('[{"date_time": 1}]', "strang_117.json", "fault", id="no value"),
        pytest.param("[{}]", "radiation.json", "in its name", id="unnamed strang"),
        pytest.param("[{}]", "strang_119.json", "sunshine", id="sunshine"),
        pytest.param("[{}]", "strang_117_118.json", "in its name", id="two numbers"),
        pytest.param(
            '[{"date_time": "1066-10-14T00:00:00Z", "value": 1}]',
            "strang_117.json",
            "1850 to 2200",
            id="Hastings",
        ),
    ],
)
def test_a_broken_smhi_file_is_refused_in_one_line(tmp_path, text, name, words):
    with pytest.raises(HeidiError, match=words) as caught:
        read_hours(written(tmp_path, text, name))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, len(SHORT)), junk=st.text(max_size=15))
def test_any_damage_to_an_smhi_file_is_one_line_or_hours(tmp_path_factory, cut, junk):
    path = tmp_path_factory.mktemp("smhi") / "a.csv"
    path.write_text(SHORT[:cut] + junk, encoding="utf-8")
    refusal = ""
    try:
        assert len(read_hours(path).table) <= 49
    except HeidiError as error:
        refusal = str(error)
    assert "\n" not in refusal


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["outputs", "inputs", "hourly", "tmy_hourly", "location", "latitude",
             "longitude", "value", "parameter", "key", "date", "position", "date_time",
             "mounting_system", "fixed", "slope", "time", "station", "horizon_profile"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(thing=json_values)
def test_json_of_any_shape_is_refused_in_one_line(tmp_path_factory, thing):
    path = tmp_path_factory.mktemp("json") / "strang_117.json"
    path.write_text(json.dumps(thing), encoding="utf-8")
    with pytest.raises(HeidiError) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)


def test_folders_without_weather_or_with_a_typical_year_are_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="got 0"):
        read_weather(empty)
    for number in range(201):
        (empty / f"{number}.csv").touch()
    with pytest.raises(SourceError, match="got 201"):
        read_weather(empty)


def test_local_time_whose_summer_hour_is_wrong_is_refused(tmp_path):
    local = TYPICAL.tz_convert("Europe/Stockholm")
    # Wall clock with the winter offset all year: October has one hour twice.
    stamps = [f"{stamp:%Y-%m-%dT%H:%M}+01:00" for stamp in local.index]
    rows = TYPICAL.reset_index(drop=True).assign(time=stamps)
    with pytest.raises(WeatherError, match="daylight saving"):
        read_weather(written(tmp_path, rows.to_csv(index=False), "a.csv"))


@pytest.mark.real
def test_minutes_are_averaged_to_the_hours_that_the_owner_gives(shared_data):
    folder = shared_data / "weather"
    hours = read_hours(folder / "dtu_2016_06_1min.csv")
    theirs = read_hours(folder / "dtu_lyngby_2016_hourly.csv").table.loc["2016-06"]
    assert len(hours.table) == 720
    assert any("every 1 min" in note for note in hours.notes)
    for name in ("ghi", "dni", "dhi", "temp_air", "wind_speed"):
        away = (hours.table[name].clip(lower=0.0) - theirs[name].clip(lower=0.0)).abs()
        # The owner's hours clip each minute's negative values first, 2 W/m2 at dawn.
        assert away.max() < (2.5 if name in ("ghi", "dni", "dhi") else 0.02), name
    minutes = pd.read_csv(folder / "dtu_2016_06_1min.csv")
    assert hours.table["ghi"].sum() == pytest.approx(minutes["GHI"].sum() / 60.0, rel=1e-4)


@pytest.mark.real
def test_a_real_pvgis_series_of_a_tracking_plane_is_refused(shared_data):
    path = shared_data / "weather" / "pvgis_seriescalc_45_8.json"
    with pytest.raises(SourceError, match="plane-of-array values of a plane with"):
        read_hours(path)


@pytest.mark.real
def test_two_measured_years_in_one_folder_are_two_years(shared_data, tmp_path):
    folder = tmp_path / "dtu"
    folder.mkdir()
    for year in (2016, 2017):
        shutil.copy(shared_data / "weather" / f"dtu_lyngby_{year}_hourly.csv", folder)
    years = read_years(folder)
    assert [year.table.index[0].year for year in years] == [2016, 2017]
    assert [year.filled_hours for year in years] == [16, 397]
    assert read_weather(folder, year=2017).filled_hours == 397
