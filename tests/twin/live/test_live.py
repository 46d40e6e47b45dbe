"""The live state judges as `TwinState` does, and finds what was planted."""

import dataclasses
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.errors import SourceError
from twin.equipment import equipment, with_systems
from twin.ingest.gate import read_time
from twin.judgement import Status
from twin.live import DAY, HOUR, NEVER, LiveTwin, open_live
from twin.live_look import look
from twin.live_record import (
    WORDS,
    building_details,
    building_record,
    moment_words,
    status_record,
)
from twin.live_state import LiveState
from twin.model import SystemKind, point_id
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.simulation.day import feed_day, make_day
from twin.state import TwinState
from twin.store.log import Log
from twin.store.records import Observation

START = read_time("2026-06-21T00:00Z")
NOW = read_time("2026-11-22T14:10Z")


def feed(twin: LiveTwin, **choices) -> None:
    day = make_day(twin, day=choices.pop("day", date(2026, 6, 21)), **choices)
    with Log(twin.log_path) as log:
        for _ in feed_day(twin, log, day):
            pass


def see(twin: LiveTwin, clock: str | None = None) -> LiveState:
    moment = None if clock is None else read_time(clock)
    with Log(twin.log_path, read_only=True) as log:
        return look(twin, log, now=NOW, moment=moment)


def at(clock: str) -> str:
    return f"2026-06-21T{clock}Z"


def twin_state(twin: LiveTwin) -> TwinState:
    """Return the same log and expectations as the tables that planners work with."""
    with Log(twin.log_path, read_only=True) as log:
        rows = log.between(0, 2**62)
    unit = {point: quantity.unit for point, (_, quantity) in twin.cells.items()}
    observations = pd.DataFrame(
        {
            "point": [row.point for row in rows],
            "time": pd.to_datetime([row.time for row in rows], unit="us", utc=True),
            "value": np.array([row.value for row in rows], dtype=float),
            "unit": [unit[row.point] for row in rows],
            "source": [row.source for row in rows],
        }
    )
    hours = pd.date_range("2026-01-01", periods=8760, freq="h", tz="UTC")
    expected = pd.DataFrame(
        twin.expected.kw.T, index=hours, columns=list(twin.expected.buildings)
    )
    panels = [
        b.id for k, b in enumerate(twin.model.buildings) if twin.has[Quantity.PV_POWER][k]
    ]
    return TwinState(twin.model, observations, expected[panels])


def assert_same(live: LiveState, tables: TwinState) -> None:
    moment = pd.Timestamp(live.moment, unit="us", tz="UTC")
    state, totals = tables.state_at(moment), tables.totals_at(moment)
    assert [building.id for building in live.buildings] == state.index.tolist()
    assert [str(s) for s in live.status] == state["status"].tolist()
    for quantity in BUILDING_QUANTITIES:
        np.testing.assert_array_equal(
            live.values[quantity], state[quantity].to_numpy(float)
        )
    for name, values in (("expected", live.expected), ("residual", live.residual)):
        np.testing.assert_allclose(
            values, state[f"pv_power_{name}"].to_numpy(float), atol=1e-9
        )
    newest = [NEVER if pd.isna(t) else t.value // 1000 for t in state["time"]]
    assert live.newest.tolist() == newest
    age = [NEVER if pd.isna(a) else a // pd.Timedelta("1us") for a in state["age"]]
    assert live.age.tolist() == age
    assert list(live.sources) == state["source"].tolist()
    for quantity in BUILDING_QUANTITIES:
        if quantity.is_power:
            assert live.total(quantity) == pytest.approx(totals[quantity], nan_ok=True)
    assert live.expected_total == pytest.approx(totals["pv_power_expected"], nan_ok=True)
    assert live.points.sum() == totals["points"]
    assert live.points_fresh.sum() == totals["points_fresh"]


@pytest.mark.parametrize(
    "clock",
    [
        "00:00",
        "00:59:59",
        "01:00",
        "04:30",
        "10:59",
        "11:00",
        "13:00",
        "15:00",
        "16:00",
        "18:00:01",
        "23:59",
    ],
)
def test_the_simulated_day_is_judged_as_the_tables_judge_it(twin, clock):
    feed(twin)
    assert_same(see(twin, at(clock)), twin_state(twin))


def test_days_later_all_is_stale_in_both(twin):
    feed(twin)
    live = see(twin, "2026-06-25T09:00Z")
    assert set(live.status) == {Status.STALE}
    assert_same(live, twin_state(twin))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 3 * 7 + 4),
            st.integers(-2, 14),
            st.one_of(st.none(), st.floats(0.0, 1.0).map(lambda x: round(x, 2))),
        ),
        max_size=60,
    ),
    minutes=st.integers(-60, 16 * 60),
)
def test_any_values_are_judged_as_the_tables_judge_them(
    twin, tmp_path_factory, rows, minutes
):
    """Late, missing, partial and silent meters of any kind."""
    points = list(twin.cells)
    folder = tmp_path_factory.mktemp("any")
    other = LiveTwin(folder, twin.name, twin.schematic, twin.model, twin.expected)
    with Log(other.log_path) as log:
        for number, hour, share in rows:
            point = points[number % len(points)]
            place, quantity = twin.cells[point]
            value = share
            if share is not None and quantity is Quantity.PV_POWER:
                value = 0.0 - 1.3 * share * float(
                    twin.expected_at([START + hour * HOUR])[place, 0]
                )
            log.append([Observation(point, START + hour * HOUR, value, "meter")])
    live_moment = START + minutes * 60_000_000
    with Log(other.log_path, read_only=True) as log:
        live = look(other, log, now=NOW, moment=live_moment)
    assert_same(live, twin_state(other))


def test_the_outage_is_plain_at_the_end_of_the_day_and_nobody_else_is_accused(twin):
    feed(twin)
    told = json.loads((twin.folder / "simulated_faults.json").read_text(encoding="utf-8"))
    planted = told["days"]["2026-06-21"]
    live = see(twin)
    off = {
        live.buildings[k].id: np.flatnonzero(live.day.off[k]).tolist()
        for k in range(len(live.buildings))
        if live.day.off[k].any()
    }
    assert off == {planted["outage"]["building"]: [10, 11, 12, 13, 14]}
    assert not (live.day.short & ~live.day.off).any()
    missing = live.day.missing_kwh[twin.places[planted["outage"]["building"]]]
    # The panels lose 2 to 6 % even when they are well.
    assert 0.94 * missing < planted["outage"]["missing_kwh"] < 0.98 * missing
    assert live.expected_total == 0.0, "night: nothing is expected now"
    record = status_record(live)
    assert [b["id"] for b in record["buildings"] if b["attention"]] == [
        planted["outage"]["building"],
        planted["silence"]["building"],
    ]
    first, second = record["buildings"][:2]
    assert first["findings"][0]["text"].startswith("panels OFF 10–15 UTC (5 h), ")
    since = planted["silence"]["from_hour"]
    assert f"points silent since {since:02d}:00 UTC" in second["findings"][0]["text"]


def test_the_outage_is_plain_while_it_lasts(twin):
    feed(twin)
    live = see(twin, at("12:00"))
    k = int(np.flatnonzero(live.day.off.any(axis=1))[0])
    assert live.status[k] == Status.DEVIATES
    assert np.flatnonzero(live.day.off[k]).tolist() == [10, 11]
    (finding,) = building_record(live, k)["findings"]
    assert finding["text"].startswith("panels OFF 10–12 UTC (2 h)")


@pytest.mark.parametrize("seed", range(1, 8))
def test_other_seeds_are_found_as_well(twin, seed):
    feed(twin, seed=seed)
    told = json.loads((twin.folder / "simulated_faults.json").read_text(encoding="utf-8"))
    planted = told["days"]["2026-06-21"]
    live = see(twin)
    off = [live.buildings[k].id for k in np.flatnonzero(live.day.off.any(axis=1))]
    assert off == [planted["outage"]["building"]]
    stale = [live.buildings[k].id for k in np.flatnonzero(live.status == Status.STALE)]
    assert stale == [planted["silence"]["building"]]


def test_gaps_are_counted(twin):
    feed(twin)
    told = json.loads((twin.folder / "simulated_faults.json").read_text(encoding="utf-8"))
    planted = told["days"]["2026-06-21"]
    quiet = planted["silence"]
    for clock, hours in ((None, 24), (at("14:00"), 14)):
        gaps = see(twin, clock).gaps
        assert gaps.due == hours * len(twin.cells)
        assert gaps.known == sum(hour < hours for _, hour in planted["gaps"])
        assert gaps.unheard == len(quiet["points"]) * max(0, hours - quiet["from_hour"])


def test_energies_compare_only_what_is_known_of_both(twin):
    """A gap makes both sums smaller; it is no missing yield."""
    k = twin.places["b2"]
    point = point_id("b2", Quantity.PV_POWER)
    kw = twin.expected_at([START + hour * HOUR for hour in range(24)])[k]
    with Log(twin.log_path) as log:
        log.append(
            [
                Observation(
                    point, START + hour * HOUR, None if hour == 12 else 0.0 - kw[hour], "m"
                )
                for hour in range(24)
            ]
        )
    live = see(twin, "2026-06-22T00:00Z")
    assert live.day.measured_kwh[k] == pytest.approx(kw.sum() - kw[12])
    assert live.day.expected_kwh[k] == pytest.approx(kw.sum() - kw[12])
    assert live.day.missing_kwh[k] == 0.0
    record = status_record(live)
    assert record["pv_day"]["share"] == 1.0
    assert (record["pv_day"]["hours_compared"], record["pv_day"]["hours_due"]) == (
        23,
        24 * 5,
    )
    curve = record["pv_day"]["curve"]
    assert curve[12]["measured_kw"] is None
    assert (
        curve[11]["measured_kw"]
        == curve[11]["expected_kw"]
        == pytest.approx(kw[11], abs=1e-3)
    )


def test_the_curve_of_hours_to_come_is_that_of_all_panels(twin):
    feed(twin)
    curve = status_record(see(twin, at("12:00")))["pv_day"]["curve"]
    hours = [START + hour * HOUR for hour in range(24)]
    everyone = np.nansum(twin.expected_at(hours), axis=0)
    assert [c["measured_kw"] is None for c in curve] == [hour >= 12 for hour in range(24)]
    np.testing.assert_allclose(
        [c["expected_kw"] for c in curve[12:]], everyone[12:], atol=1e-3
    )


def test_simulated_values_are_seen_from_their_end(twin):
    feed(twin)
    live = see(twin)
    assert live.moment == START + DAY
    assert live.simulated
    assert moment_words(live) == ("as of 21 June 2026 24:00 UTC, end of the simulated day")
    assert status_record(live)["label"] == "SIMULATED"


def test_an_unfinished_simulated_day_says_so(twin):
    day = make_day(twin, day=date(2026, 6, 21))
    with Log(twin.log_path) as log:
        feeding = feed_day(twin, log, day)
        for _ in range(13):
            next(feeding)
    assert moment_words(see(twin)) == (
        "as of 21 June 2026 13:00 UTC, end of the last simulated hour"
    )


def test_measured_values_are_seen_from_now(twin):
    with Log(twin.log_path) as log:
        log.append([Observation("b2/heat/power", START, 1.0, "meter")])
    live = see(twin)
    assert (live.moment, live.simulated) == (NOW, False)
    assert moment_words(live) == "as of 22 November 2026 14:10 UTC"
    assert status_record(live)["label"] == ""


def test_a_single_measured_value_does_not_take_the_label_off(twin):
    """Older logs may hold both."""
    feed(twin)
    with Log(twin.log_path) as log:
        log.append([Observation("b2/heat/power", START, 1.0, "meter")])
    live = see(twin)
    record = status_record(live)
    assert record["label"] == "PARTLY SIMULATED"
    assert building_details(live, 0, [])["label"] == "PARTLY SIMULATED"
    assert live.moment == NOW, "only a wholly simulated log is seen from its own end"


@pytest.mark.parametrize("clock", ["03:00", "12:00", "16:00", "24:00", "27:30"])
def test_every_building_has_one_word_and_the_counts_are_theirs(twin, clock):
    feed(twin)
    hour, minute = map(int, clock.split(":"))
    moment = START + hour * HOUR + minute * HOUR // 60
    with Log(twin.log_path, read_only=True) as log:
        record = status_record(look(twin, log, now=NOW, moment=moment))
    words = [building["status"] for building in record["buildings"]]
    assert record["status"] == {word: words.count(word) for word in record["status"]}
    assert sum(record["status"].values()) == len(twin.model.buildings)
    for building in record["buildings"]:
        kinds = [finding["kind"] for finding in building["findings"]]
        assert building["status"] == min(kinds, key=WORDS.index, default="ok")
        assert building["attention"] == (building["status"] != "ok")


def test_what_an_outage_lacks_is_expected_less_measured_in_its_hours(twin):
    feed(twin)
    live = see(twin)
    planted = json.loads((twin.folder / "simulated_faults.json").read_text("utf-8"))
    k = twin.places[planted["days"]["2026-06-21"]["outage"]["building"]]
    kwh = -live.day.expected[k, 10:15].sum() + live.day.measured[k, 10:15].sum()
    record = building_record(live, k)
    assert record["findings"][0]["kwh"] == pytest.approx(kwh, abs=1e-3)
    assert f"(5 h), {kwh:,.0f} kWh below expected then" in record["findings"][0]["text"]
    assert record["pv_day"]["missing_kwh"] == pytest.approx(kwh, abs=1e-3)


def test_an_empty_log_is_silent(twin):
    live = see(twin)
    assert live.empty
    assert set(live.status) == {Status.SILENT}
    record = status_record(live)
    assert record["now"]["pv_power"] is None
    assert record["pv_day"]["share"] is None
    json.dumps(record, allow_nan=False)


def test_points_of_another_model_are_told_and_harm_nothing(twin):
    feed(twin)
    before = status_record(see(twin))
    with Log(twin.log_path) as log:
        log.append([Observation("gone/heat/power", START, 1e6, "simulated")])
    after = status_record(see(twin))
    assert after["unknown_points"] == 1
    for name in ("now", "pv_day", "gaps", "points"):
        assert after[name] == before[name]


def test_systems_beyond_the_basic_ones_change_nothing_of_what_is_shown(twin):
    """A weather station, a battery, a heat pump: known, logged, and not on the page."""
    feed(twin)
    before = status_record(see(twin))
    model = twin.model
    for building, kind in (("", "weather"), ("b2", "heat-pump"), ("b2", "battery")):
        system, points = equipment(building, SystemKind(kind))
        model = with_systems(model, [system], points)
    more = dataclasses.replace(twin, model=model)
    points = (point.id for point in model.points[len(twin.model.points) :])
    rows = [Observation(point, START, 1.0, "simulated") for point in points]
    with Log(twin.log_path) as log:
        log.append(rows)
    after = status_record(see(more))
    assert after.pop("sequence") > before.pop("sequence")
    assert after == before
    state = see(more)
    with Log(twin.log_path, read_only=True) as log:
        kept = log.between(START, START + HOUR)
    assert building_details(state, more.places["b2"], kept)["curves"]["heat_power"][0]
    assert status_record(see(twin))["unknown_points"] == len(rows), "without the model"


def test_a_meter_that_replaced_another_is_the_one_that_counts(twin):
    """Both have spoken; on the page there is one value, the newer one, and one is due."""
    swap = date(2026, 6, 21)
    at_b2 = {s.kind: s for s in twin.model.systems if s.building == "b2"}
    old = dataclasses.replace(at_b2[SystemKind.HEAT], valid_to=swap)
    system, points = equipment(
        "b2", SystemKind.HEAT, number=2, quantities=[Quantity.HEAT_POWER]
    )
    kept = tuple(old if s.id == old.id else s for s in twin.model.systems)
    model = dataclasses.replace(twin.model, systems=kept)
    model = with_systems(model, [dataclasses.replace(system, valid_from=swap)], points)
    swapped = dataclasses.replace(twin, model=model)
    with Log(twin.log_path) as log:
        log.append(
            [
                Observation("b2/heat-2/power", START, 7.0, "meter"),
                Observation("b2/heat/power", START - 5 * HOUR, 99.0, "meter"),
            ]
        )
    state = see(swapped, at("01:00"))
    place = swapped.places["b2"]
    assert state.values[Quantity.HEAT_POWER][place] == 7.0
    assert state.points[place] == see(twin, at("01:00")).points[place]
    assert state.gaps.due == see(twin, at("01:00")).gaps.due


def test_a_corrected_value_changes_what_is_seen(twin):
    feed(twin)
    point = json.loads((twin.folder / "simulated_faults.json").read_text(encoding="utf-8"))[
        "days"
    ]["2026-06-21"]["outage"]["point"]
    k = twin.cells[point][0]
    kw = twin.expected_at([START + hour * HOUR for hour in range(24)])[k]
    with Log(twin.log_path) as log:
        rows = [
            Observation(point, START + h * HOUR, 0.0 - kw[h], "simulated")
            for h in range(10, 15)
        ]
        assert log.append(rows).revised == 5
    live = see(twin)
    assert not live.day.off.any()
    assert live.revisions == 5


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda f: (f / "heidi.toml").unlink(), "has no heidi.toml", id="no twin"
        ),
        pytest.param(
            lambda f: (f / "heidi.toml").write_text("[twin"), "must describe", id="torn"
        ),
        pytest.param(
            lambda f: (f / "heidi.toml").write_text("[x]"), "must describe", id="other"
        ),
        pytest.param(
            lambda f: (f / "model.json").unlink(), "model.json must exist", id="things"
        ),
        pytest.param(lambda f: (f / "hourly.parquet").unlink(), "must exist", id="hours"),
    ],
)
def test_folders_that_are_no_twin_are_told(folder, spoil, told):
    spoil(folder)
    with pytest.raises(SourceError, match=told):
        open_live(folder)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(SourceError, match=r"notes.md must be a twin folder, but is a file"):
        open_live(tmp_path / "notes.md")


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(SourceError, match="is missing; make one: heidi demo"):
        open_live(tmp_path / "nowhere")
