"""Argue that the command line tells about weather in lines, pages and exit codes."""

import json

import pytest
from typer.testing import CliRunner

from gis.errors import HeidiError
from gis.typical_year import typical_year
from twin.cli.weather import weather_app

TABLE = typical_year().table.drop(columns="filled")


def run(*arguments):
    return CliRunner().invoke(weather_app, [str(argument) for argument in arguments])


def written(folder, table=TABLE, name="year.csv"):
    path = folder / name
    table.rename_axis("time_utc").to_csv(path, date_format="%Y-%m-%dT%H:%M:%SZ")
    return path


def test_a_sound_year_is_usable(tmp_path):
    result = run("check", written(tmp_path))
    assert result.exit_code == 0
    assert "usable as a year of 8,760 hours" in result.stdout
    assert "! " not in result.stdout
    assert run("check", "typical").exit_code == 0


def test_a_spoiled_year_is_marked_and_ends_with_one(tmp_path):
    spoiled = TABLE.copy()
    spoiled.iloc[4000:4300, 0] = -999.0
    result = run("check", written(tmp_path, spoiled))
    assert result.exit_code == 1
    assert "! possible ghi" in result.stdout


def test_a_long_gap_needs_a_year_to_fill_from(tmp_path):
    holed = TABLE.copy()
    holed.iloc[2000:2500] = None
    path = written(tmp_path, holed)
    refused = run("check", path)
    assert refused.exit_code == 1
    assert "cannot be used as a year: radiation must have no gap" in refused.stdout
    filled = run("check", path, "--fill-from", "typical", "--json")
    record = json.loads(filled.stdout)
    assert filled.exit_code == 0
    assert record["usable"]
    assert record["hours_by_origin"]["radiation"]["reference year"] == 500


def test_a_month_is_checked_though_it_is_no_year(tmp_path):
    result = run("check", written(tmp_path, TABLE.loc["2018-06"]))
    assert result.exit_code == 1
    assert "closure" in result.stdout
    assert "720 hours" in result.stdout


def test_a_comparison_is_text_json_and_a_page(tmp_path):
    page = tmp_path / "page.html"
    text = run("compare", written(tmp_path), "typical", "--html", page)
    assert text.exit_code == 0
    assert "GHI of A is equal to B" in text.stdout
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    record = json.loads(run("compare", "typical", "typical", "--json").stdout)
    assert record["months"]["year"]["ghi_ratio"] == 1.0


@pytest.mark.parametrize(
    "arguments", [("check", "absent.csv"), ("compare", "typical", "b.txt")]
)
def test_what_cannot_be_read_is_one_line_for_the_user(arguments):
    result = run(*arguments)
    assert isinstance(result.exception, HeidiError)
    assert "\n" not in str(result.exception)


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path):
    result = run("compare", "typical", "typical", "--html", tmp_path / "no" / "page.html")
    assert isinstance(result.exception, HeidiError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["check", "compare"])
def test_help_teaches_with_an_example(command):
    assert "Example: heidi weather" in " ".join(run(command, "--help").stdout.split())
