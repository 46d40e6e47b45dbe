"""A twin folder tells what collectors, and panels of told size, should give at a time."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from typer.testing import CliRunner

from gis.errors import SourceError
from twin.as_of import look_back
from twin.cli import app
from twin.editions import keep_edition
from twin.equipment import equipment, with_systems
from twin.expected_systems import FILE, own_systems, write_systems
from twin.live import open_live
from twin.model import SystemKind
from twin.store.opening import open_store
from twin.things import read_model, write_model

HOUR = 3_600_000_000
NOON = 1_782_046_800_000_000
"""2026-06-21T13:00Z: the hour from 12 to 13 was the last."""

AREA = 40.0


@pytest.fixture(scope="module")
def sized(built, folder, tmp_path_factory):
    """Return a folder with a field, and panels of twice the potential."""
    place = tmp_path_factory.mktemp("sized") / "twin"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("live.sqlite*", "history"))
    model = read_model(place / "model.json")
    panels = [s for s in model.systems if s.kind is SystemKind.PV][:2]
    spot = {name: k for k, name in enumerate(built.facets.ids)}
    power = sum(built.pv.power[spot[name]] for name in panels[0].facets)
    field, points = equipment(
        panels[1].building,
        SystemKind.SOLAR_THERMAL,
        facets=panels[1].facets,
        area_m2=AREA,
    )
    systems = tuple(
        replace(s, rated_kw=2.0 * float(power)) if s == panels[0] else s
        for s in model.systems
    )
    model = with_systems(replace(model, systems=systems), [field], points)
    write_model(place / "model.json", model)
    assert write_systems(place, built, model) == 2
    return place, panels[0], field


def state(place, at=NOON):
    with open_store(place) as store:
        keep_edition(place, store)
        return look_back(open_live(place), store, now=at, at=at)


def test_only_systems_that_the_build_does_not_know_are_kept(sized):
    place, panels, field = sized
    model = read_model(place / "model.json")
    assert [s.id for s in own_systems(model)] == [panels.id, field.id]


def test_panels_are_as_large_as_they_tell_wherever_the_year_is_asked(sized, folder):
    """Twice the rated power on the same roofs gives twice the power."""
    place, panels, _ = sized
    before, after = open_live(folder).expected, open_live(place).expected
    row = before.buildings.index(panels.building)
    assert after.kw[row].sum() == pytest.approx(2 * before.kw[row].sum(), rel=0.005)
    others = np.arange(len(before.buildings)) != row
    np.testing.assert_array_equal(after.kw[others], before.kw[others])


def test_the_state_tells_the_heat_of_collectors(sized):
    place, panels, field = sized
    found = state(place)
    heat = found.expected_systems[field.id]
    # A flat plate of the certificate, at noon in June: a third to two thirds of 1 kW/m2.
    assert -0.67 * AREA < heat < -0.2 * AREA
    assert found.expected_heat == heat
    assert found.expected[panels.building] == found.expected_systems[panels.id]
    night = state(place, NOON - 12 * HOUR)
    assert night.expected_systems[field.id] == 0.0


def test_the_state_of_another_day_has_the_systems_of_that_day(sized, tmp_path):
    place, panels, field = sized
    copy = tmp_path / "twin"
    shutil.copytree(place, copy, ignore=shutil.ignore_patterns("live.sqlite*", "history"))
    model = read_model(copy / "model.json")
    ended = tuple(
        replace(s, valid_to=date(2026, 6, 20)) if s.id in (panels.id, field.id) else s
        for s in model.systems
    )
    write_model(copy / "model.json", replace(model, systems=ended))
    with open_store(copy) as store:
        keep_edition(copy, store)
        twin = open_live(copy)
        after = look_back(twin, store, now=NOON, at=NOON)
        before = look_back(twin, store, now=NOON, at=NOON - 72 * HOUR)
    assert field.id not in after.expected_systems
    assert after.expected_heat is None
    assert panels.building not in after.expected
    assert field.id in before.expected_systems
    assert before.expected[panels.building] < 0


@pytest.mark.parametrize("change", [{"area_m2": 41.0}, {"facets": ()}])
def test_hours_of_other_things_are_not_read(sized, folder, tmp_path, change):
    """Whoever edits sizes by hand is not told what held before."""
    place, _, field = sized
    copy = tmp_path / "twin"
    shutil.copytree(place, copy)
    model = read_model(copy / "model.json")
    systems = tuple(replace(s, **change) if s.id == field.id else s for s in model.systems)
    write_model(copy / "model.json", replace(model, systems=systems))
    year = open_live(copy).expected
    assert year.systems == {}
    np.testing.assert_array_equal(year.kw, open_live(folder).expected.kw)


def test_a_damaged_file_is_named(sized, tmp_path):
    copy = tmp_path / "twin"
    shutil.copytree(sized[0], copy)
    (copy / FILE).write_bytes(b"PAR1 no")
    with pytest.raises(SourceError, match="import things again"):
        open_live(copy)


def test_an_import_makes_the_hours_anew_and_takes_them_away(sized, folder, tmp_path):
    place, _, field = sized
    copy = tmp_path / "twin"
    shutil.copytree(place, copy)
    (copy / FILE).unlink()
    out = tmp_path / "things.csv"

    def run(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.output

    run("export", "things", copy, "--as", "csv", "--out", out)
    told = run("import", "things", out, copy)
    assert "the things are the same" in told
    assert f"{FILE} (2 systems)" in told
    assert field.id in open_live(copy).expected.systems
    run("import", "things", folder / "model.json", copy)
    assert not (copy / FILE).exists()
