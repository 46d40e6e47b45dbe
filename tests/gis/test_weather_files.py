"""Argue that weather files of every make end as the same year."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pvlib import iotools

from gis.errors import HeidiError, SourceError, TableError, WeatherError
from gis.sources.weather_files import read_weather
from gis.typical_year import NOMINAL_YEAR, typical_year
from gis.weather import sun_height

TYPICAL = typical_year().table.drop(columns="filled")
VALUES = list(TYPICAL.columns)
EPW_AT = {"temp_air": 6, "ghi": 13, "dni": 14, "dhi": 15, "wind_speed": 21}


def labelled(table=TYPICAL, name="time_utc", form="%Y-%m-%dT%H:%M:%SZ"):
    stamps = pd.DatetimeIndex(table.index).strftime(form)
    return table.reset_index(drop=True).assign(**{name: stamps})[[name, *table.columns]]


def csv(folder, rows=None, *, header="", name="weather.csv", **form):
    path = folder / name
    text = (labelled() if rows is None else rows).to_csv(index=False, **form)
    path.write_text(header + text, encoding="utf-8")
    return path


def epw_text(zone=1.0, years=(2009, 2014), table=TYPICAL):
    """EPW of the typical year: local hours 1 to 24, months of different years."""
    first = pd.Timestamp(table.index[0]).tz_localize(None)
    local = pd.date_range(first, periods=len(table), freq="h")
    values = np.roll(table.to_numpy(), int(zone), axis=0)
    lines = [f"LOCATION,Somewhere,-,SWE,Made,026000,56.041,12.696,{zone:g},5.0"]
    lines += [f"HEADER {number}" for number in range(2, 8)] + ["DATA PERIODS,1,1"]
    for stamp, row in zip(local, values, strict=True):
        cells = ["0"] * 35
        year = years[stamp.month % len(years)]
        cells[:5] = [
            str(part) for part in (year, stamp.month, stamp.day, stamp.hour + 1, 60)
        ]
        for column, value in zip(table.columns, row, strict=True):
            cells[EPW_AT[column]] = f"{value:.1f}"
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


EPW = epw_text()


def assert_typical(weather, *, rows=slice(None), abs=1e-9):
    for name in VALUES:
        assert weather.table[name].to_numpy()[rows] == pytest.approx(
            TYPICAL[name].to_numpy()[rows], abs=abs
        ), name


def test_what_was_written_is_read(tmp_path):
    weather = read_weather(csv(tmp_path))
    assert_typical(weather)
    pd.testing.assert_index_equal(weather.table.index, TYPICAL.index, check_names=False)
    assert weather.sun_offset_minutes == 30.0
    assert weather.filled_hours == 0
    assert weather.source == "Weather file weather.csv"


@pytest.mark.parametrize(
    ("rename", "form"),
    [
        pytest.param(
            {"ghi": "GHI", "dni": "DNI", "dhi": "DHI", "temp_air": "air_temperature"},
            {},
            id="logger",
        ),
        pytest.param(
            {"ghi": "G(h)", "dni": "Gb(n)", "dhi": "Gd(h)", "temp_air": "T2m"},
            {},
            id="PVGIS",
        ),
        pytest.param(
            {
                "ghi": "shortwave_radiation (W/m²)",
                "dni": "direct_normal_irradiance (W/m²)",
                "dhi": "diffuse_radiation (W/m²)",
                "temp_air": "temperature_2m (°C)",
            },
            {},
            id="Open-Meteo",
        ),
        pytest.param(
            {"ghi": "Global Horizontal"}, {"sep": ";", "decimal": ","}, id="Swedish"
        ),
        pytest.param({}, {"sep": "\t"}, id="tabs"),
    ],
)
def test_names_and_separators_in_use_are_understood(tmp_path, rename, form):
    assert_typical(read_weather(csv(tmp_path, labelled().rename(columns=rename), **form)))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("Time(utc)", "%Y-%m-%d %H:%M:%S", id="naive, named utc"),
        pytest.param("time_utc_hour_start", "%Y-%m-%dT%H:%M", id="naive, named utc start"),
        pytest.param("timestamp", "%Y-%m-%d %H:%M+00:00", id="offset"),
        pytest.param("time(UTC)", "%Y%m%d:%H%M", id="PVGIS"),
    ],
)
def test_utc_is_believed_when_column_or_stamp_says_so(tmp_path, name, form):
    assert_typical(read_weather(csv(tmp_path, labelled(name=name, form=form))))


def test_local_time_with_daylight_saving_is_brought_to_utc(tmp_path):
    local = TYPICAL.tz_convert("Europe/Stockholm")
    stamps = [stamp.isoformat() for stamp in local.index]
    rows = TYPICAL.reset_index(drop=True).assign(time=stamps)
    weather = read_weather(csv(tmp_path, rows))
    assert_typical(weather)
    assert str(weather.table.index.tz) == "UTC"


def test_comments_and_byte_order_mark_are_left_out(tmp_path):
    path = csv(tmp_path, header="\ufeff# station 1, W/m2\n# owner\n")
    assert_typical(read_weather(path))


def test_place_is_read_from_constant_columns(tmp_path):
    weather = read_weather(csv(tmp_path, labelled().assign(lat=56.041, lon=12.696)))
    assert (weather.latitude, weather.longitude) == (56.041, 12.696)
    assert read_weather(csv(tmp_path)).latitude is None


def test_ten_minutes_are_averaged_to_hours(tmp_path):
    index = pd.date_range(TYPICAL.index[0], periods=6 * 8760, freq="10min")
    ripple = np.tile([-3.0, 1.0, 2.0, 0.0, 1.0, -1.0], 8760)  # mean 0
    fine = pd.DataFrame(
        np.repeat(TYPICAL.to_numpy(), 6, axis=0), index=index, columns=VALUES
    )
    fine["temp_air"] += ripple
    weather = read_weather(csv(tmp_path, labelled(fine)))
    assert_typical(weather)
    assert any("every 10 min" in note for note in weather.notes)


def test_the_best_covered_year_of_several_is_taken(tmp_path):
    before = TYPICAL.set_axis(TYPICAL.index - pd.Timedelta(days=365)).iloc[-4000:] + 1.0
    weather = read_weather(csv(tmp_path, labelled(pd.concat([before, TYPICAL]))))
    assert_typical(weather)
    assert any("of the file's 12760 hours" in note.lower() for note in weather.notes)


def test_a_year_from_july_to_june_is_a_year(tmp_path):
    moved = pd.concat([TYPICAL.iloc[4344:], TYPICAL.iloc[:4344].shift(freq="365D")])
    weather = read_weather(csv(tmp_path, labelled(moved)))
    assert weather.table.index[0] == pd.Timestamp("2018-07-01T00:00Z")
    assert weather.annual("ghi") == pytest.approx(TYPICAL["ghi"].sum() / 1000.0)


def test_rows_in_disorder_and_repeated_rows_are_mended_and_said(tmp_path):
    rows = pd.concat([labelled().iloc[::-1], labelled().iloc[100:110]])
    weather = read_weather(csv(tmp_path, rows))
    assert_typical(weather)
    assert any("sorted" in note for note in weather.notes)
    assert any("10 repeated rows" in note for note in weather.notes)


def test_absent_rows_are_gaps(tmp_path):
    weather = read_weather(csv(tmp_path, labelled().drop(index=range(4000, 4010))))
    assert weather.table["filled"].to_numpy().nonzero()[0].tolist() == list(
        range(4000, 4010)
    )
    assert any("missing in 10 hours" in note for note in weather.notes)


def test_small_negative_radiation_is_zero_offset(tmp_path):
    night = TYPICAL["ghi"] == 0.0
    light = ["ghi", "dni", "dhi"]
    low = TYPICAL.assign(**{name: TYPICAL[name].mask(night, -1.0) for name in light})
    weather = read_weather(csv(tmp_path, labelled(low)))
    assert_typical(weather)
    assert weather.filled_hours == 0
    assert any(f"set to 0 in {night.sum()} hours" in note for note in weather.notes)


@pytest.mark.parametrize("sentinel", [-999.0, -9999.0, 9999.0])
def test_sentinels_do_not_pass_as_weather(tmp_path, sentinel):
    rows = labelled()
    rows.loc[4000:4050, VALUES] = sentinel
    weather = read_weather(csv(tmp_path, rows))
    assert weather.filled_hours == 51
    assert any("255 values out of range" in note for note in weather.notes)


def test_wind_in_kilometres_an_hour_is_converted(tmp_path):
    rows = labelled(TYPICAL.assign(wind_speed=3.6 * TYPICAL["wind_speed"]))
    path = csv(tmp_path, rows.rename(columns={"wind_speed": "wind_speed_10m (km/h)"}))
    assert_typical(read_weather(path))


def test_labels_at_the_end_of_the_hour_are_moved_to_its_start(tmp_path):
    weather = read_weather(csv(tmp_path, labelled(TYPICAL.shift(freq="h"))))
    # 31 December lost its last hour to the next year, where it is taken for 1 January's.
    assert_typical(weather, rows=slice(0, 8759))
    assert weather.sun_offset_minutes == 30.0
    assert any("moved by -1 h" in note for note in weather.notes)


def test_an_hour_that_belongs_to_its_end_keeps_its_label_and_says_so(tmp_path):
    height = sun_height(
        TYPICAL.index + pd.Timedelta(minutes=60), latitude=56.041, longitude=12.696
    )
    dni = TYPICAL["dni"].where(height > 0.0, 0.0)
    late = TYPICAL.assign(dni=dni, ghi=dni * height + TYPICAL["dhi"])
    weather = read_weather(csv(tmp_path, labelled(late)))
    assert weather.sun_offset_minutes == 60.0
    assert weather.annual("dni") == pytest.approx(dni.sum() / 1000.0)
    assert any("+60 min" in note and "closure" in note for note in weather.notes)


def test_ghi_alone_makes_a_year(tmp_path):
    weather = read_weather(csv(tmp_path, labelled(TYPICAL[["ghi", "temp_air"]])))
    assert weather.annual("ghi") == pytest.approx(TYPICAL["ghi"].sum() / 1000.0)
    height = sun_height(weather.sun_times, latitude=56.041, longitude=12.696)
    table = weather.table
    closure = table["ghi"] - table["dni"] * height - table["dhi"]
    assert np.abs(closure).max() < 1e-6


@pytest.mark.parametrize("zone", [1.0, -5.0, 0.0])
def test_epw_hours_of_local_time_become_utc_hours(tmp_path, zone):
    path = tmp_path / "made.epw"
    path.write_text(epw_text(zone))
    weather = read_weather(path)
    assert_typical(weather)
    assert weather.table.index[0] == pd.Timestamp(f"{NOMINAL_YEAR}-01-01T00:00Z")
    assert (weather.latitude, weather.longitude) == (56.041, 12.696)
    assert weather.sun_offset_minutes == 30.0


def test_epw_of_one_common_year_keeps_it(tmp_path):
    path = tmp_path / "made.epw"
    path.write_text(epw_text(years=(2011,)))
    assert read_weather(path).table.index[0] == pd.Timestamp("2011-01-01T00:00Z")


def test_epw_of_one_leap_year_has_its_29_february(tmp_path):
    day = TYPICAL.iloc[58 * 24 : 59 * 24]
    table = pd.concat([TYPICAL.iloc[: 59 * 24], day, TYPICAL.iloc[59 * 24 :]])
    table.index = pd.date_range("2012-01-01", periods=8784, freq="h", tz="UTC")
    path = tmp_path / "made.epw"
    path.write_text(epw_text(years=(2012,), table=table))
    weather = read_weather(path)
    assert weather.hours == 8784
    assert weather.monthly("ghi")[2] == pytest.approx(
        table["ghi"]["2012-02"].sum() / 1000.0
    )


def test_epw_sentinels_are_gaps(tmp_path):
    lines = EPW.splitlines()
    for number in range(4000, 4005):
        cells = lines[number].split(",")
        cells[13:16] = ["9999", "9999", "9999"]
        cells[6] = "99.9"
        lines[number] = ",".join(cells)
    path = tmp_path / "made.epw"
    path.write_text("\n".join(lines))
    assert read_weather(path).filled_hours == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "begin with LOCATION", id="empty"),
        pytest.param("<html>\n<p>moved</p>\n", "begin with LOCATION", id="web page"),
        pytest.param("LOCATION,a,b\n", "begin with LOCATION", id="short header"),
        pytest.param(EPW[:200_000], "epw must", id="truncated"),
        pytest.param("\n".join(EPW.splitlines()[:-24]), "8736 of 8760", id="a day short"),
        pytest.param("\n".join(EPW.splitlines()[:8]), "0 of 8760", id="header only"),
        pytest.param(EPW.replace("2009,2,3,5,60", "2009,2,x,5,60"), "line", id="text"),
        pytest.param(
            EPW.replace("2009,2,3,5,60", "2009,2,3,4,60"), "8759", id="hour twice"
        ),
        pytest.param(EPW.replace("2009,2,3,5,60", "2009,2,33,5,60"), "once", id="33 Feb"),
        pytest.param(
            EPW.replace(",56.041,", ",north,", 1), "'north' in line 1", id="place"
        ),
        pytest.param(EPW.replace(",12.696,1,", ",12.696,99,", 1), "on Earth", id="zone"),
        pytest.param(EPW.replace(",12.696,1,", ",nan,1,", 1), "'nan'", id="NaN place"),
    ],
)
def test_a_broken_epw_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "made.epw"
    path.write_text(text)
    with pytest.raises(SourceError, match=words) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, len(EPW) - 30), junk=st.text(max_size=20))
def test_any_damage_to_an_epw_is_one_line(tmp_path_factory, cut, junk):
    path = tmp_path_factory.mktemp("epw") / "made.epw"
    path.write_text(EPW[:cut] + junk, encoding="utf-8")
    with pytest.raises(HeidiError) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)


def rows_with(**changes):
    return labelled(TYPICAL.assign(**changes))


def with_cell(column, row, cell):
    rows = labelled().astype({column: object})
    rows.loc[row, column] = cell
    return rows


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        pytest.param(
            labelled(form="%Y-%m-%d %H:%M", name="time"),
            WeatherError,
            "must carry their offset from UTC, got '2018-01-01 00:00' in column 'time'",
            id="naive",
        ),
        pytest.param(
            with_cell("time_utc", 5, "2018-01-01 05:00"),
            WeatherError,
            "either all or no time stamps",
            id="some naive",
        ),
        pytest.param(
            with_cell("time_utc", 5, "noon 12:00Z"), TableError, "ISO 8601", id="no time"
        ),
        pytest.param(
            labelled().drop(columns="time_utc"), TableError, "hold the time", id="no times"
        ),
        pytest.param(
            labelled().drop(columns="temp_air"), TableError, "air temperature", id="no air"
        ),
        pytest.param(
            labelled().drop(columns=["ghi", "dhi"]), TableError, "GHI", id="beam alone"
        ),
        pytest.param(
            with_cell("dni", 16, "cloudy"),
            TableError,
            "column 'dni' must hold numbers, got 'cloudy' in row 17 and 0 more",
            id="text for number",
        ),
        pytest.param(
            with_cell("dni", 16, "x" * 5000 + "\ny"),
            TableError,
            "column 'dni'",
            id="long text",
        ),
        pytest.param(
            with_cell("time_utc", 8, "2018-01-01T07:00:00Z"),
            WeatherError,
            "once, got different values twice for 2018-01-01 07:00",
            id="time twice",
        ),
        pytest.param(labelled().iloc[:0], TableError, "header and rows", id="no rows"),
        pytest.param(
            labelled().iloc[:1], WeatherError, "full year, got 1 row", id="one row"
        ),
        pytest.param(
            labelled().iloc[:5000], WeatherError, "5000 hours from 2018", id="half"
        ),
        pytest.param(labelled().iloc[::3], WeatherError, "every 180 min", id="3 hourly"),
        pytest.param(
            rows_with(ghi=TYPICAL["ghi"] / 1000.0), WeatherError, "GHI must sum", id="kWh"
        ),
        pytest.param(
            rows_with(ghi=TYPICAL["ghi"] * 3600.0), WeatherError, "GHI must be in W", id="J"
        ),
        pytest.param(
            rows_with(dni=TYPICAL["dni"] * 3600.0),
            WeatherError,
            "DNI must be in W",
            id="J beam",
        ),
        pytest.param(
            rows_with(temp_air=TYPICAL["temp_air"] + 273.15),
            WeatherError,
            "degC",
            id="kelvin",
        ),
        pytest.param(rows_with(ghi=0.0), WeatherError, "GHI must sum", id="no sun"),
        pytest.param(
            rows_with(ghi=np.nan, dni=np.nan, dhi=np.nan),
            WeatherError,
            "nothing",
            id="empty",
        ),
        pytest.param(
            labelled(TYPICAL.shift(freq="5h")),
            WeatherError,
            "time zone",
            id="five hours off",
        ),
        pytest.param(
            labelled().assign(lat=np.linspace(55, 56, 8760), lon=12.0),
            TableError,
            "same in every row",
            id="moving station",
        ),
    ],
)
def test_a_csv_that_is_no_weather_year_is_refused_in_one_line(tmp_path, rows, error, words):
    path = csv(tmp_path, rows)
    with pytest.raises(error, match=words) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "ghi",
        "time_utc,ghi\n1,2,3\n",
        '"' + "a" * 300_000,
        "\ufeff",
        ";;;;\n;;\n;;;;;;",
    ],
    ids=["empty", "blank", "header", "too many cells", "open quote", "mark", "semicolons"],
)
def test_text_that_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "weather.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_a_folder_bytes_and_an_unknown_format_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "bytes.csv").write_bytes(b"\x00\x01\x02")
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    for name in ("absent.csv", "folder.csv", "bytes.csv", "sheet.xlsx"):
        with pytest.raises(SourceError) as caught:
            read_weather(tmp_path / name)
        assert "\n" not in str(caught.value)


def pvgis_reply():
    stamps = pd.DatetimeIndex(TYPICAL.index)
    years = np.where(stamps.month % 2, 2007, 2012)
    names = {"ghi": "G(h)", "dni": "Gb(n)", "dhi": "Gd(h)", "temp_air": "T2m"}
    rows = TYPICAL.rename(columns={**names, "wind_speed": "WS10m"}).reset_index(drop=True)
    rows["time(UTC)"] = [f"{y}{s:%m%d:%H}00" for y, s in zip(years, stamps, strict=True)]
    location = {"latitude": 56.041, "longitude": 12.696}
    return {
        "inputs": {"location": location},
        "outputs": {"tmy_hourly": rows.to_dict("records")},
    }


def test_pvgis_typical_year_is_read(tmp_path):
    path = tmp_path / "tmy.json"
    path.write_text(json.dumps(pvgis_reply()))
    weather = read_weather(path)
    assert_typical(weather)
    assert "PVGIS" in weather.source
    assert (weather.latitude, weather.longitude) == (56.041, 12.696)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[:1000], id="cut"),
        pytest.param(lambda _: "[" * 100_000, id="deep"),
        pytest.param(lambda _: "[]", id="list"),
        pytest.param(lambda text: text.replace("tmy_hourly", "hourly"), id="series"),
        pytest.param(lambda text: text.replace("G(h)", "G(i)"), id="tilted"),
        pytest.param(lambda text: text.replace("20070101:0000", "2007-01-01"), id="time"),
    ],
)
def test_a_broken_pvgis_reply_is_refused_in_one_line(tmp_path, damage):
    path = tmp_path / "tmy.json"
    path.write_text(damage(json.dumps(pvgis_reply())))
    with pytest.raises(SourceError) as caught:
        read_weather(path)
    assert "\n" not in str(caught.value)


@pytest.mark.real
@pytest.mark.parametrize(
    ("year", "sums", "temperature", "gaps"),
    [
        # Sums of the hours that exist, and gaps counted in radiation or temperature.
        pytest.param(2016, (1012, 1038, 508), 9.55, 16, id="2016"),
        pytest.param(2017, (909, 870, 482), None, 397, id="2017"),
    ],
)
def test_measured_years_have_their_sums(shared_data, year, sums, temperature, gaps):
    weather = read_weather(shared_data / "weather" / f"dtu_lyngby_{year}_hourly.csv")
    known = weather.table[~weather.table["filled"]]
    missing_sun = 1.01 if year == 2016 else 1.04  # 159 h without a record, mostly in April
    for kind, expected in zip(("ghi", "dni", "dhi"), sums, strict=True):
        assert known[kind].sum() / 1000.0 <= expected * 1.01
        assert expected * 0.995 <= weather.annual(kind) <= expected * missing_sun
    assert weather.filled_hours == gaps
    if temperature is not None:
        assert weather.mean_temperature == pytest.approx(temperature, abs=0.02)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("DNK_Copenhagen.061800_IWEC.epw", (980, 699, 601)),
        ("SWE_VG_Gothenburg-Landvetter.AP.025260_TMYx.2007-2021.epw", (1040, 1327, 408)),
    ],
)
def test_epw_files_agree_with_pvlibs_reader(shared_data, name, sums):
    path = shared_data / "weather" / name
    weather = read_weather(path)
    theirs, place = iotools.read_epw(path, coerce_year=NOMINAL_YEAR)
    theirs = theirs.tz_convert("UTC")
    wrapped = theirs.set_axis(
        theirs.index.where(theirs.index.year == NOMINAL_YEAR, theirs.index.shift(365, "D"))
    ).sort_index()
    for kind, expected in zip(("ghi", "dni", "dhi"), sums, strict=True):
        assert weather.annual(kind) == pytest.approx(expected, abs=0.5)
        assert weather.table[kind].to_numpy() == pytest.approx(wrapped[kind].to_numpy())
    assert weather.table["temp_air"].to_numpy() == pytest.approx(
        wrapped["temp_air"].to_numpy()
    )
    assert (weather.latitude, weather.longitude) == (place["latitude"], place["longitude"])


@pytest.mark.real
def test_a_month_of_minutes_is_no_year(shared_data):
    with pytest.raises(WeatherError, match="720 hours from 2016-06-01 00:00 to 2016-06-30"):
        read_weather(shared_data / "weather" / "dtu_2016_06_1min.csv")


@pytest.mark.real
def test_a_pvgis_series_is_refused_as_it_is_not_the_typical_year(shared_data):
    with pytest.raises(SourceError, match="typical year"):
        read_weather(shared_data / "weather" / "pvgis_seriescalc_45_8.json")
