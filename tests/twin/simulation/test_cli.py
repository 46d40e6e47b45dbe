"""`heidi simulate` feeds runs, says what it planted, and refuses what makes no sense."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from gis.errors import HeidiError
from twin.cli import app
from twin.simulation.truth import FILE
from twin.store.log import Log
from twin.things import read_model


@pytest.fixture
def fresh(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "twin")


def heidi(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words):
    answer = heidi(*words)
    assert answer.exit_code == 0, answer.exception or answer.output
    return answer.stdout


def test_a_run_is_fed_told_and_the_same_again(fresh):
    words = ("simulate", fresh, "--days", 2, "--faults", "outage=1,stuck=2,gaps=1")
    first = said(*words)
    assert "SIMULATED 2026-06-21 to 2026-06-22" in first
    assert "planted: outage at " in first
    truth = (fresh / FILE).read_bytes()
    assert len(json.loads(truth)["runs"][0]["faults"]) == 4
    assert ": 0 new values" in said(*words)
    assert (fresh / FILE).read_bytes() == truth
    assert "SIMULATED VALUES" in said("status", fresh)


def test_other_choices_for_the_same_time_are_refused(fresh):
    said("simulate", fresh, "--days", 1, "--faults", "none")
    for words in (("--days", 2), ("--seed", 4, "--days", 1), ()):
        answer = heidi("simulate", fresh, *words)
        assert isinstance(answer.exception, HeidiError)
        assert "simulated" in str(answer.exception)


def test_equipment_is_added_to_the_model_and_told(fresh):
    before = read_model(fresh / "model.json")
    told = said("simulate", fresh, "--systems", "--step", 60, "--faults", "none")
    after = read_model(fresh / "model.json")
    assert f"{len(after.points) - len(before.points):,} points added" in told
    with Log(fresh / "live.sqlite", read_only=True) as log:
        heard = {row.point for row in log.latest()}
        assert log.refusals() == {}
    assert heard == {point.id for point in after.points}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--step", "15"), "--step goes with --systems"),
        (("--systems", "--step", "7"), "is one of 1, 5, 10, 15, 30, 60"),
        (("--systems", "--faults", "fire=1"), "faults must be many, some, none"),
        (("--systems", "--days", "0"), "1 to 366 days"),
        (("--days", "1", "--weather", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_makes_no_sense_leaves_nothing_behind(fresh, words, message):
    before = sorted(fresh.iterdir())
    model = (fresh / "model.json").read_bytes()
    answer = heidi("simulate", fresh, *words)
    assert isinstance(answer.exception, HeidiError)
    assert message in str(answer.exception)
    assert sorted(fresh.iterdir()) == before
    assert (fresh / "model.json").read_bytes() == model
