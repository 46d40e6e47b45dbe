"""The command line writes expected powers and tells hints, or says in one line why not."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from gis.errors import HeidiError
from twin.cli.expect import expect
from twin.cli.hints import hints
from twin.equipment import equipment, with_systems
from twin.model import SystemKind
from twin.quantities import Quantity
from twin.store.opening import open_store
from twin.store.records import Observation
from twin.things import read_model, write_model

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(expect)
app.command()(hints)


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def refused(*words: object) -> str:
    """Return the one line of a refusal."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, HeidiError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def june(built, tmp_path_factory):
    """Return a file of weather: the embedded year's June, told as 2026."""
    table = built.weather.table.loc["2018-06-01":"2018-06-30"]
    table = table.set_axis(table.index + pd.Timedelta(days=8 * 365 + 2))
    path = tmp_path_factory.mktemp("weather") / "june.csv"
    told = table[["ghi", "temp_air", "wind_speed"]].rename_axis("time").reset_index()
    told["time"] = told["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    told.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_day_is_written_for_every_system(folder, plants, june, tmp_path, ending):
    out = tmp_path / f"expected.{ending}"
    day = ("--from", "2026-06-21T00:00Z", "--to", "2026-06-22T00:00Z")
    told = run("expect", folder, "--weather", june, *day, "--out", out)
    table = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    assert len(table) == 24 * len(plants)
    assert (table["expected_kw"] <= 0).all()
    assert table["expected_kw"].sum() < -1000
    assert (table["doubt_kw"] >= 0).all()
    assert len(set(table["model"])) == 1
    assert "told apart by a correlation" in told
    assert f"{-table['expected_kw'].sum():,.0f} kWh" in told
    if ending == "parquet":
        assert b"geometry" in pq.read_schema(out).metadata


def test_heat_is_told_beside_electricity_and_never_added_to_it(folder, june, tmp_path):
    copy = tmp_path / "twin"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("live.sqlite*", "history"))
    model = read_model(copy / "model.json")
    panels = next(s for s in model.systems if s.kind is SystemKind.PV)
    field, points = equipment(
        panels.building, SystemKind.SOLAR_THERMAL, facets=panels.facets, area_m2=25.0
    )
    write_model(copy / "model.json", with_systems(model, [field], points))
    day = ("--weather", june, "--from", "2026-06-21T00:00Z", "--to", "2026-06-22T00:00Z")
    before = json.loads(run("expect", folder, *day, "--json"))
    after = json.loads(run("expect", copy, *day, "--json"))
    assert after["expected_kwh"] == before["expected_kwh"]
    assert before["expected_heat_kwh"] == 0
    assert after["expected_heat_kwh"] == after["systems"][field.id] > 0
    assert after["collector_m2"] == 25.0
    told = run("expect", copy, *day)
    assert "1 fields of collectors with 25 m2" in told
    assert f"{field.id}  {after['expected_heat_kwh']:,.0f} kWh" in told


def test_a_forecast_is_told_with_its_issue(folder, june, tmp_path):
    table = (
        pd.read_csv(june).iloc[480:540].assign(issue_time="2026-06-21T06:00Z", ghi_sd=80)
    )
    path = tmp_path / "forecast.csv"
    table.to_csv(path, index=False)
    told = json.loads(run("expect", folder, "--weather", path, "--json"))
    assert told["issue_time"] == "2026-06-21T06:00Z"
    assert told["expected_kwh"] > 1000
    assert "stated" in told["band"]
    line = refused("expect", folder, "--weather", path, "--known-at", "2026-06-20T00:00Z")
    assert "must have been issued by" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "2026-06-21"), "time zone"),
        (("--from", "2031-01-01T00:00Z"), "another time or file"),
        (("--out", "expected.xlsx"), ".parquet"),
        (("--known-at", "2026-06-21T00:00Z"), "issue_time"),
    ],
    ids=["naive", "no such time", "ending", "no forecast"],
)
def test_what_cannot_be_answered_is_refused(folder, june, words, message):
    assert message in refused("expect", folder, "--weather", june, *words)


def test_a_file_that_is_no_weather_is_refused(folder, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 no")
    assert "Parquet" in refused("expect", folder, "--weather", path)
    assert "missing" in refused("expect", folder, "--weather", tmp_path / "none.parquet")


def test_hints_are_found_in_the_log(built, folder, plants, june, tmp_path):
    """A plant off for two days and a stuck meter, among others that do as expected."""
    out = tmp_path / "expected.parquet"
    run("expect", folder, "--weather", june, "--out", out)
    table = pd.read_parquet(out)
    points = {
        point.system: point.id
        for point in read_model(folder / "model.json").points
        if point.quantity is Quantity.PV_POWER
    }
    largest = table.groupby("system", observed=True)["expected_kw"].sum().nsmallest(4).index
    rng = np.random.default_rng(1)
    rows = []
    for k, system in enumerate(largest):
        part = table[table["system"] == system]
        value = part["expected_kw"].to_numpy() * (1 + 0.01 * rng.normal(size=len(part)))
        value = np.round(value, 3)
        if k == 0:
            value[24 * 10 : 24 * 12] = 0.0
        if k == 1:
            value[24 * 20 + 11 : 24 * 21 + 11] = value[24 * 20 + 11]
        times = part["time"].astype("int64") // (
            1000 if "ns" in str(part["time"].dtype) else 1
        )
        rows += [
            Observation(points[str(system)], int(time), float(v), "meter")
            for time, v in zip(times, value, strict=True)
        ]
    with open_store(folder) as store:
        store.append(rows)
    told = json.loads(
        run("hints", folder, "--weather", june, "--from", "2026-06-01T00:00Z", "--json")
    )
    found = {(hint["kind"], hint["point"]) for hint in told["hints"]}
    assert found == {
        ("outage", points[str(largest[0])]),
        ("stuck", points[str(largest[1])]),
    }
    assert told["label"] in ("", "PARTLY SIMULATED")
    lines = run("hints", folder, "--weather", june, "--from", "2026-06-01T00:00Z")
    assert "Nothing was made" in lines
    plain = run("hints", folder)
    assert "typical year" in plain


def test_an_empty_log_has_no_hints(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("live.sqlite*", "history"))
    told = run("hints", copy)
    assert "No hint of a fault." in told
    assert "there are no values" in told
