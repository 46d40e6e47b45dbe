"""Argue that each check finds what it is for, by spoiling a sound year in one way."""

import numpy as np
import pandas as pd
import pytest

from gis.sources.weather_files import read_hours, read_weather
from gis.typical_year import typical_year
from gis.weather import sun_elevation
from gis.weather_checks import check_hours, check_weather, own_split_ratio
from gis.weather_findings import Finding, Severity, findings_table, worst_severity

SUN = {"latitude": 56.041, "longitude": 12.696, "sun_offset_minutes": 30.0}
YEAR = typical_year()
TABLE = YEAR.table.drop(columns="filled")
INDEX = pd.DatetimeIndex(TABLE.index)
ELEVATION = sun_elevation(YEAR.sun_times, latitude=56.041, longitude=12.696)
HEIGHT = np.clip(np.sin(np.radians(ELEVATION)), 0.0, None)
NOONS = np.flatnonzero(ELEVATION > 40.0)


def found(table, check, **sun):
    return {f.check: f for f in check_hours(table, **(SUN | sun))}[check]


def spoiled(column, rows, value):
    table = TABLE.copy()
    table.iloc[rows, table.columns.get_loc(column)] = value
    return table


def test_a_sound_year_passes_every_check():
    findings = check_weather(YEAR)
    assert {finding.severity for finding in findings} == {Severity.GOOD}
    assert len(findings) == len({finding.check for finding in findings}) == 20


SPOILED = [
    pytest.param("ghi", NOONS[:300], -999.0, "possible ghi", 300, id="sentinel"),
    pytest.param("ghi", NOONS[:200], 1450.0, "rare ghi", 200, id="too bright"),
    pytest.param("dni", NOONS[:200], 1340.0, "rare dni", 200, id="beam too strong"),
    pytest.param("dni", NOONS[:200], 1340.0, "clear-sky dni", 200, id="cleaner than air"),
    pytest.param("ghi", NOONS[:80], 1250.0, "clear-sky ghi", 80, id="brighter than clear"),
    pytest.param("dhi", NOONS[:300], 900.0, "rare dhi", 300, id="diffuse too bright"),
    pytest.param(
        "ghi", np.flatnonzero(ELEVATION < -20.0)[:90], 8.0, "night", 90, id="lamp"
    ),
    pytest.param("temp_air", np.arange(3000, 3600), 60.0, "range temp_air", 600, id="hot"),
    pytest.param(
        "temp_air", np.arange(3000, 3600), 12.3, "stuck temp_air", 599, id="still"
    ),
    pytest.param(
        "wind_speed", np.arange(300, 900), 0.0, "stuck wind_speed", 599, id="calm"
    ),
    pytest.param("dni", np.arange(2000), np.nan, "completeness", 2000, id="gap"),
]


@pytest.mark.parametrize(("column", "rows", "value", "check", "hours"), SPOILED)
def test_each_spoiling_is_found_and_counted(column, rows, value, check, hours):
    finding = found(spoiled(column, rows, value), check)
    assert finding.severity != Severity.GOOD
    assert abs(finding.hours - hours) <= 1
    if finding.first is not None:
        assert abs(finding.first - INDEX[rows[0]]) <= pd.Timedelta(hours=1)
    if check not in ("completeness",):
        assert finding.worst == pytest.approx(value)


def test_worst_names_the_farthest_hour_and_first_the_first():
    table = spoiled("ghi", NOONS[:100], 1450.0)
    table.iloc[NOONS[50], 0] = 1480.0
    finding = found(table, "rare ghi")
    assert finding.worst == 1480.0
    assert finding.first == INDEX[NOONS[0]]
    assert f"{INDEX[NOONS[50]]:%Y-%m-%d %H:%M}" in finding.text


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.15])
def test_closure_sees_a_drift_of_one_instrument(factor):
    finding = found(TABLE.assign(ghi=factor * TABLE["ghi"]), "closure")
    drifted = factor != 1.0
    assert (finding.severity != Severity.GOOD) == drifted
    if drifted:
        assert finding.hours > 0.4 * finding.of_hours


def test_diffuse_above_global_is_found():
    table = TABLE.assign(dhi=1.2 * TABLE["ghi"])
    assert found(table, "diffuse share").severity == Severity.FAULT


@pytest.mark.parametrize(("factor", "off"), [(0.7, True), (1.0, False), (1.4, True)])
def test_a_biased_split_is_found_without_another_source(factor, off):
    beam = factor * TABLE["dni"]
    dhi = (TABLE["ghi"] - beam * HEIGHT).clip(lower=0.0)
    finding = found(TABLE.assign(dni=beam, dhi=dhi), "split")
    assert (finding.severity == Severity.DOUBT) == off
    assert finding.worst == pytest.approx(factor * found(TABLE, "split").worst, rel=0.02)


def test_a_leap_of_temperature_is_found_where_hours_follow_each_other():
    step = TABLE["temp_air"] + np.where(np.arange(8760) % 48 < 2, 12.0, 0.0)
    assert found(TABLE.assign(temp_air=step), "leap temp_air").severity == Severity.FAULT
    # Beside a gap in the labels a difference is no leap.
    ends = pd.concat([TABLE.iloc[:2000], TABLE.iloc[5000:7000]])
    assert found(ends, "leap temp_air").hours == 0


def test_an_hour_moved_in_summer_only_is_a_clock_with_daylight_saving():
    local = INDEX.tz_convert("Europe/Stockholm")
    summer = np.array([bool(stamp.dst()) for stamp in local])
    late = TABLE.to_numpy()[np.where(summer, np.arange(8760) - 1, np.arange(8760))]
    finding = found(pd.DataFrame(late, index=INDEX, columns=TABLE.columns), "clock")
    assert finding.severity == Severity.FAULT
    assert "daylight saving" in finding.text
    assert abs(finding.worst) == pytest.approx(60.0, abs=10.0)


def test_a_few_columns_get_their_own_checks_only():
    checks = {f.check for f in check_hours(TABLE[["temp_air"]], **SUN)}
    assert checks == {"completeness", "stuck temp_air", "range temp_air", "leap temp_air"}
    checks = {f.check for f in check_hours(TABLE[["ghi"]].iloc[4000:4100], **SUN)}
    assert "closure" not in checks
    assert "clock" not in checks


def test_filled_hours_are_not_judged():
    table = YEAR.table.copy()
    table.loc[INDEX[NOONS[:300]], "ghi"] = 1450.0
    table.loc[INDEX[NOONS[:300]], "filled"] = True
    from dataclasses import replace

    spoiled_year = replace(YEAR, table=table)
    findings = {f.check: f for f in check_weather(spoiled_year)}
    assert findings["rare ghi"].hours == 0


def test_the_table_keeps_what_the_findings_say():
    findings = (
        Finding("a", Severity.GOOD, "all well", 0, 10),
        Finding("b", Severity.FAULT, "not so", 5, 10, 7.5, INDEX[3]),
    )
    table = findings_table(findings)
    assert table["share"].tolist() == [0.0, 0.5]
    assert table.loc["b", "first"] == INDEX[3]
    assert table["first"].isna().tolist() == [True, False]
    assert worst_severity(findings) == Severity.FAULT
    assert worst_severity(()) == Severity.GOOD
    assert findings_table(()).empty


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("dtu_lyngby_2016_hourly.csv", (0.95, 1.05)),
        ("dtu_lyngby_2017_hourly.csv", (0.95, 1.05)),
        ("DNK_Copenhagen.061800_IWEC.epw", (0.9, 1.05)),
        ("SWE_VG_Gothenburg-Landvetter.AP.025260_TMYx.2007-2021.epw", (1.2, 1.3)),
        ("pvgis_tmy_45_8.json", (0.9, 1.05)),
    ],
)
def test_the_split_of_real_files_is_judged(shared_data, name, ratio):
    weather = read_weather(shared_data / "weather" / name)
    assert ratio[0] < own_split_ratio(weather) < ratio[1]
    doubts = {f.check for f in check_weather(weather) if f.severity != Severity.GOOD}
    assert ("split" in doubts) == (ratio[0] > 1.15)


@pytest.mark.real
def test_days_without_light_in_the_pvgis_file_are_found(shared_data):
    weather = read_weather(shared_data / "weather" / "pvgis_tmy_45_8.json")
    finding = {f.check: f for f in check_weather(weather)}["stuck ghi"]
    assert finding.worst == 0.0
    assert finding.first.month == 5


@pytest.mark.real
def test_a_raw_month_of_minutes_passes_but_for_its_length(shared_data):
    raw = read_hours(shared_data / "weather" / "dtu_2016_06_1min.csv")
    findings = check_hours(
        raw.table, latitude=55.79064, longitude=12.52505, sun_offset_minutes=30.0
    )
    assert worst_severity(findings) == Severity.GOOD
