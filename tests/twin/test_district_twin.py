"""A planner's tables say what the twin's files say; a wrong name suggests a right one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from gis.errors import HeidiError, SourceError, TableError, UnknownIdError
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.district_twin import Twin
from twin.folder import building_hours, write_twin
from twin.model import point_id
from twin.quantities import Quantity
from twin.store.log import Log
from twin.store.records import Observation

mpl.use("Agg")

REPOSITORY = Path(__file__).parents[2]
GRAZING = 1e-3
"""Light that grazes along covered walls, as a share of a building's."""

FLOAT32 = 1e-5
"""Relative error of sums of the hours, which are stored in single precision."""


@pytest.fixture(scope="module")
def built(lit) -> Built:
    return build(lit.district, typical_year(), spacing=2.0)


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("planner") / "twin"
    write_twin(built, place, stills=False)
    return place


@pytest.fixture
def twin(folder) -> Twin:
    return Twin.open(folder)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """Return a folder that holds docs/examples and heidi-demo, as a checkout does."""
    place = tmp_path_factory.mktemp("checkout")
    shutil.copytree(REPOSITORY / "docs" / "examples", place / "docs" / "examples")
    Twin.demo(place / "heidi-demo", spacing=10.0)
    return place


def test_opening_needs_only_the_description(folder, tmp_path):
    shutil.copy(folder / "heidi.toml", tmp_path)
    twin = Twin.open(str(tmp_path))
    assert twin.name == "Small & <bold> district"
    assert twin.schematic
    assert twin.credits == ("Made up for a test",)
    assert twin.notes == ("2 footprints repaired",)
    with pytest.raises(SourceError, match=r"buildings\.gpkg"):
        _ = twin.buildings


def test_a_folder_that_is_no_twin_is_refused_at_once(tmp_path):
    with pytest.raises(SourceError, match=r"must be a twin.*heidi demo"):
        Twin.open(tmp_path)


def test_asking_for_quantities_loads_no_tables():
    code = (
        "import sys, twin.quantities; print('pandas' in sys.modules);"
        "from twin import Twin; print(Twin.__name__, 'geopandas' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert told.stdout.decode().split() == ["False", "Twin", "False"]


def test_the_package_has_no_other_names():
    import twin

    with pytest.raises(AttributeError, match="no attribute 'Twinn'"):
        _ = twin.Twinn


def test_buildings_are_those_of_the_build(twin, built):
    wanted = built.buildings
    for column in wanted.columns:
        found = twin.buildings[column]
        if pd.api.types.is_numeric_dtype(wanted[column]):
            np.testing.assert_allclose(found, wanted[column], rtol=1e-12)
        else:
            assert list(found) == list(wanted[column])
    assert twin.buildings.index.name == "building"
    assert twin.buildings.crs.to_epsg() == 3008


def test_the_source_of_a_height_is_that_of_the_highest_part(demo):
    twin = Twin.open(demo / "heidi-demo")
    for building, parts in twin.parts.groupby("building"):
        highest = parts["height"].idxmax()
        row = twin.buildings.loc[building]
        assert row["height"] == parts["height"].max()
        assert row["height_source"] == parts.loc[highest, "height_source"]
        assert row.geometry.area == pytest.approx(parts.area.sum())


def test_only_what_stands_inside_counts(twin, built):
    assert list(twin.buildings.index[twin.buildings["inside"]]) == ["b1", "b2"]
    inside = built.parts[built.inside]
    totals = twin.totals["value"]
    assert totals["buildings"] == 2
    for column in ("roof_area", "facade_area", "pv_kwp", "pv_kwh", "pv_roof_kwh"):
        assert totals[column] == pytest.approx(inside[column].sum(), rel=1e-12)
    mean = np.average(inside["facade_kwh_m2"], weights=inside["facade_area"])
    assert totals["facade_kwh_m2"] == pytest.approx(mean)


def test_places_keep_their_accuracy(twin, lit):
    assert list(twin.hubs["name"]) == ["Hub <one>", "Hub two"]
    assert list(twin.landmarks["name"]) == ["Square"]
    assert (twin.hubs["accuracy"] == 10.0).all()
    assert twin.boundary.geometry.iloc[0].equals(lit.district.boundary)


def test_the_weather_is_the_year_that_lit_the_district(twin, built):
    for column in twin.weather.columns:
        np.testing.assert_array_equal(twin.weather[column], built.weather.table[column])


def test_every_numeric_column_has_a_unit(twin):
    tables = (twin.buildings, twin.parts, twin.solar.roofs, twin.weather, twin.hubs)
    columns = {column for table in tables for column in table.columns}
    columns -= {"geometry", "building", "part", "x", "y", "z"}
    unnamed = {c for c in columns if not re.fullmatch(r"kwh_m2_\d\d", c)}
    assert unnamed <= set(twin.units.index)


def test_provenance_counts_every_part_once_for_each_value(twin, built):
    table = twin.provenance
    for thing in ("Heights", "Ground under buildings"):
        assert table.loc[table["thing"] == thing, "count"].sum() == len(built.parts)
    heights = table[table["thing"] == "Heights"].set_index("source")
    assert heights["count"].to_dict() == {"measured": 2, "published": 1}
    light = table.loc[table["thing"] == "Light", "count"]
    assert light.tolist() == [built.facets.sensor_count]
    meters = table[table["thing"] == "Meters"]
    assert meters["source"].tolist() == ["simulated"]
    assert meters["how_known"].str.contains("not measured").all()


@pytest.mark.parametrize(("kind", "of"), [("roof", "roofs"), ("facade", "facades")])
def test_facets_add_up_to_their_buildings(demo, kind, of):
    twin = Twin.open(demo / "heidi-demo")
    sums = getattr(twin.solar, of).groupby("building")[["open_m2", "kwh", "pv_kwh"]].sum()
    for column, wanted, error in (
        ("open_m2", f"{kind}_area", 1e-9),
        ("kwh", f"{kind}_kwh", GRAZING),
        ("pv_kwh", f"pv_{kind}_kwh", 1e-9),
    ):
        found = sums[column].reindex(twin.buildings.index, fill_value=0.0)
        np.testing.assert_allclose(found, twin.buildings[wanted], rtol=error)


def test_all_open_facets_together_hold_all_light(demo):
    twin = Twin.open(demo / "heidi-demo")
    wanted = twin.buildings["roof_kwh"] + twin.buildings["facade_kwh"]
    facets = twin.solar.facets
    # What sees no sky gets a little light thrown back, but is neither roof nor facade.
    open_ones = facets[facets["open_m2"] > 0].groupby("building")["kwh"].sum()
    np.testing.assert_allclose(open_ones.reindex(wanted.index), wanted, rtol=1e-9)
    assert facets["kwh"].sum() == pytest.approx(wanted.sum(), rel=0.01)


def test_covered_walls_are_no_facades(demo):
    solar = Twin.open(demo / "heidi-demo").solar
    walls = solar.facets[solar.facets["kind"] == "wall"]
    covered = walls[walls["open_m2"] == 0]
    assert len(covered)
    assert covered["kwh"].sum() < GRAZING * solar.facades["kwh"].sum()
    assert len(solar.facades) == len(walls) - len(covered)


def test_facing_is_the_nearest_of_eight_directions(demo):
    facades = Twin.open(demo / "heidi-demo").solar.facades
    named = {"north": 0, "north-east": 45, "east": 90, "south-east": 135, "south": 180}
    named |= {"south-west": 225, "west": 270, "north-west": 315}
    off = (facades["azimuth"] - facades["facing"].astype(str).map(named) + 180) % 360 - 180
    assert off.abs().max() <= 22.5
    assert facades["facing"].nunique() == 8


@pytest.mark.parametrize("building", [None, "b2"])
def test_months_add_up_to_the_year(twin, building):
    months = twin.solar.monthly(building).sum()
    chosen = ["b1", "b2"] if building is None else [building]
    year = twin.buildings.loc[chosen]
    for column in ("roof_kwh", "facade_kwh"):
        assert months[column] == pytest.approx(year[column].sum(), rel=1e-9)
    assert months["pv_kwh"] == pytest.approx(year["pv_kwh"].sum(), rel=FLOAT32)
    mean = year["facade_kwh"].sum() / year["facade_area"].sum()
    assert months["facade_kwh_m2"] == pytest.approx(mean, rel=1e-9)


def test_hours_are_those_of_the_build(twin, built):
    names, sums = building_hours(built)
    for number, name in enumerate(names):
        hours = twin.solar.hours(name)
        assert (hours.index == built.weather.table.index).all()
        for column, values in sums.items():
            np.testing.assert_array_equal(hours[column], values[number])


def test_rankings_fall_and_leave_out_what_is_small_or_outside(twin):
    solar = twin.solar
    best = solar.best_facades(50, least_m2=100.0)
    assert best["kwh_m2"].is_monotonic_decreasing
    assert (best["open_m2"] >= 100.0).all()
    assert best["inside"].all()
    assert len(solar.best_roofs(1)) == 1
    everywhere = solar.best_roofs(50, least_m2=0.0, surroundings=True)
    assert set(everywhere["building"]) == {"b1", "b2", "b3"}


@pytest.mark.parametrize("wanted", ["b1", "Prisma", "prisma", "ISM"])
def test_a_building_is_found_by_id_or_name(twin, wanted):
    found = twin.building(wanted)
    assert (found.id, found.name, found.use) == ("b1", "Prisma", "office")
    assert twin.solar.hours(wanted).equals(found.hours)
    assert set(found.facets["building"]) == {"b1"}
    assert found.monthly.equals(twin.solar.monthly("b1"))


def test_a_building_tells_its_numbers_with_units(twin, built):
    found = twin.building("b2")
    wanted = built.buildings.loc["b2"]
    assert found.pv_kwh == pytest.approx(wanted["pv_kwh"])
    assert found.facts.loc["pv_kwh", "unit"] == "kWh per year"
    assert found.facts.loc["height", "value"] == 21.0
    assert np.isnan(found.year)


def test_unknown_names_suggest_known_ones(twin, demo):
    with pytest.raises(UnknownIdError, match=r"'Prizma'.*did you mean 'Prisma'"):
        twin.building("Prizma")
    with pytest.raises(UnknownIdError, match=r"'b9'.*did you mean 'b"):
        twin.building("b9")
    with pytest.raises(UnknownIdError, match=r"name of 8; take an id: heidi-159"):
        Twin.open(demo / "heidi-demo").building("Campus Helsingborg / Fabriken1891")
    with pytest.raises(UnknownIdError, match=r"'months'.*did you mean 'month'"):
        twin.solar.plot(by="months")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda t: t.building(None), "given by its id or name, got None"),
        (lambda t: t.building(5), "given by its id or name, got 5"),
        (lambda t: t.building(" "), "given by its id or name, got ' '; write an id"),
        (lambda t: t.solar.monthly(5), "given by its id or name"),
        (lambda t: t.solar.plot(by=None), "None must be a chart.*month, facing"),
        (lambda t: t.plot(color=None), "a Series by building id, got NoneType"),
        (lambda t: t.plot(color=[1, 2]), "a Series by building id, got list"),
        (
            lambda t: t.plot(color=pd.Series([1, 2], index=["b1", "b1"])),
            "one for each building, got several for 'b1'",
        ),
        (lambda t: t.building("b1").day(5), "2018-06-21' or '06-21', got 5"),
        (lambda t: t.building("b1").day(pd.NaT), "2018-06-21' or '06-21', got NaT"),
        (lambda t: t.building("b1").day("9999-12-31"), "years 1900 to 2100"),
        (lambda t: t.site(5), r"path, got 5 \(int\)"),
        (lambda t: t.site({"type": "Feature"}), "GeoJSON file, must be .*path, got {"),
        (lambda _: Twin.open(None), "a twin folder must be given by its path"),
        (lambda t: t.solar.best_roofs("a"), "whole number from 1 on, got 'a'"),
        (lambda t: t.solar.best_roofs(True), "whole number from 1 on, got True"),
        (lambda t: t.solar.best_roofs(-1), "whole number from 1 on, got -1"),
        (lambda t: t.solar.best_roofs(2.5), "whole number from 1 on, got 2.5"),
        (lambda t: t.solar.best_roofs(np.inf), "whole number from 1 on, got inf"),
        (lambda t: t.solar.best_facades(least_m2="a"), "area from 0 m² on, got 'a'"),
        (lambda t: t.solar.best_facades(least_m2=np.nan), "area from 0 m² on, got nan"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(twin, ask, told):
    with pytest.raises(HeidiError, match=told) as caught:
        ask(twin)
    assert "\n" not in str(caught.value)


def test_a_whole_float_is_a_count(twin):
    for count in (2.0, np.int64(2), np.float32(2)):
        assert twin.solar.best_roofs(count, least_m2=0).equals(
            twin.solar.best_roofs(2, least_m2=0)
        )
    assert len(twin.solar.best_roofs(1e9)) == len(twin.solar.best_roofs(1000))


def test_advice_spares_what_lies_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    for asked, fault, out in (
        ("notes.txt", "notes.txt is a file", "heidi-demo"),
        ("notes.txt/in", "notes.txt is a file", "heidi-demo"),
        ("full", "heidi.toml is not there", "heidi-demo"),
        ("empty", "heidi.toml is not there", "empty"),
        ("new one", "heidi.toml is not there", "'new one'"),
    ):
        with pytest.raises(SourceError) as caught:
            Twin.open(asked)
        told = str(caught.value)
        assert fault in told
        assert told.endswith(f"heidi demo --out {out}")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_printed_tables_fit_the_terminal_and_tell_units(demo, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    twin = Twin.open(demo / "heidi-demo")
    one = twin.building("Prisma")
    for table, told in (
        (twin.totals, "kWh per year"),
        (twin.provenance, "measured"),
        (twin.units, "m RH2000"),
        (twin.solar.best_roofs(3), "[kWh/m²"),
        (twin.solar.best_facades(3), "[kWh/m²"),
        (twin.solar.monthly(), "[kWh]"),
        (one.facts, "kWp"),
        (one.day("06-21"), "[kW]"),
    ):
        text = str(table)
        assert max(len(line) for line in text.splitlines()) <= width
        assert told in text
        assert "..." not in text
        assert "e+0" not in text


def test_words_that_have_room_are_not_cut(demo, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    twin = Twin.open(demo / "heidi-demo")
    printed = str(twin.provenance).split()
    told = twin.provenance[["thing", "how_known"]].to_numpy().ravel()
    words = {word for text in told for word in text.split() if "-" not in word}
    short = {word for word in words if len(word) <= 14}
    assert short <= set(printed)


def test_printing_changes_no_values_and_selections_are_plain_tables(demo):
    twin = Twin.open(demo / "heidi-demo")
    totals = twin.totals
    area = totals.loc["area", "value"]
    assert f"{area:.1f}" in str(totals)
    assert area != round(area, 1)
    assert type(totals.head()) is pd.DataFrame
    assert str(totals) == str(twin.totals)


def test_a_day_stands_on_the_local_clock(twin):
    one = twin.building("Prisma")
    day = one.day("2018-06-21")
    assert str(day.index.tz) == "Europe/Stockholm"
    assert [day.index[0].hour, day.index[-1].hour, len(day)] == [0, 23, 24]
    same = one.hours.loc[day.index.tz_convert("UTC")]
    np.testing.assert_array_equal(day["pv_kw_expected"], same["pv_kw"])
    np.testing.assert_array_equal(day["roof_kw"], same["roof_kw"])


def test_meters_stand_beside_the_expected_with_their_source(twin, folder):
    day = twin.building("Prisma").day()
    meters = pd.read_parquet(folder / "meters_simulated.parquet")
    own = meters[meters["point"] == point_id("b1", Quantity.PV_POWER)]
    own = own.set_index("time")["value"].reindex(day.index)
    assert own.notna().sum() == 22  # the first two hours belong to the UTC day before
    np.testing.assert_array_equal(day["pv_kw_simulated"], -own)
    assert (day["pv_kw_simulated"].dropna() >= 0).all()
    assert day["indoor_degc_simulated"].dropna().between(5, 40).all()


@pytest.mark.parametrize(
    ("date", "hours"), [("2018-03-25", 23), ("2018-10-28", 25), ("2024-02-29", 24)]
)
def test_days_when_the_clock_changes_and_leap_days_are_whole(twin, date, hours):
    day = twin.building("b1").day(date)
    assert len(day) == hours
    assert day["pv_kw_expected"].notna().all()


@pytest.mark.parametrize("date", ["yesterday", "2018-13-01", "06-31", "2018-06"])
def test_a_date_that_cannot_be_read_is_refused(twin, date):
    with pytest.raises(TableError, match="must be written like '2018-06-21'"):
        twin.building("b1").day(date)


def test_the_live_log_comes_before_the_simulated_day(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "live"))
    start = pd.Timestamp("2026-07-04T08:00Z")
    point = point_id("b1", Quantity.PV_POWER)
    values = (-3.5, None, -4.25)
    with Log(copy / "live.sqlite") as log:
        log.append(
            Observation(
                point, (start + pd.Timedelta(hours=k)).value // 1000, value, "meter A/7"
            )
            for k, value in enumerate(values)
        )
    one = Twin.open(copy).building("b1")
    day = one.day()
    assert str(day.index[0].date()) == "2026-07-04"
    assert one.day("07-04").equals(day)
    read = day["pv_kw_meter_a_7"]
    assert read[pd.Timestamp("2026-07-04T10:00", tz="Europe/Stockholm")] == 3.5
    assert read.notna().sum() == 2
    assert "pv_kw_simulated" not in day
    assert "pv_kw_simulated" in one.day("2018-06-21")


def test_tables_of_another_build_are_refused(folder, built, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "mixed"))
    twin = Twin.open(copy)
    write_twin(build(built.district, built.weather, spacing=4.0), copy, stills=False)
    with pytest.raises(SourceError, match=r"another build; open the twin again"):
        _ = twin.solar.facets
    assert len(Twin.open(copy).solar.facets)


def test_cards_tell_units_and_keep_text_text(twin):
    for thing in (twin, twin.solar, twin.building("b1")):
        html, text = thing._repr_html_(), repr(thing)
        assert "<bold>" not in html
        for told in (html, text):
            assert "kWh/m² per year" in told
            assert re.search(r"[GMk]Wh per year", told)
    assert "schematic, not survey data" in repr(twin)
    assert "Made up for a test" in twin._repr_html_()


def test_columns_of_ones_own_stay_and_leave_the_sums_alone(twin):
    before = twin.totals
    twin.buildings["mine"] = 1.0
    twin.buildings["pv_kwh"] = 0.0
    assert "mine" in twin.buildings
    assert twin.totals.equals(before)
    assert twin.building("b1").pv_kwh > 0


def test_the_demo_is_built_once(demo, capsys):
    before = (demo / "heidi-demo" / "heidi.toml").stat().st_mtime_ns
    again = Twin.demo(demo / "heidi-demo")
    assert (demo / "heidi-demo" / "heidi.toml").stat().st_mtime_ns == before
    assert capsys.readouterr().out == ""
    assert not list(again.folder.glob("still_*"))


def test_the_demo_does_not_take_another_district(folder):
    with pytest.raises(SourceError, match=r"embedded district or nothing.*Twin\.open"):
        Twin.demo(folder)


def test_a_candidate_is_evaluated_as_on_the_command_line(demo):
    from gis.candidate import read_candidate
    from twin.reopen import open_twin
    from twin.siting import evaluate, prepare_site

    path = demo / "docs" / "examples" / "candidate.geojson"
    answer = Twin.open(demo / "heidi-demo").site(path)
    built = open_twin(demo / "heidi-demo")
    wanted = evaluate(prepare_site(built), read_candidate(path, built.district))
    pd.testing.assert_frame_equal(answer.neighbours, wanted.neighbours)
    assert answer.passed == wanted.passed


def test_the_examples_of_the_page_work(demo, monkeypatch, capsys):
    from matplotlib import pyplot as plt

    monkeypatch.chdir(demo)
    text = (REPOSITORY / "docs" / "notebooks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/notebooks.md", "exec"), names)
    plt.close("all")
    assert "heidi" in capsys.readouterr().out


def test_notebooks_are_kept_without_results():
    kept = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    assert kept
    for path in kept:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        ids = [cell["id"] for cell in cells]
        assert len(set(ids)) == len(ids)
        for cell in cells:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
