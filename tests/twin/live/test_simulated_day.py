"""A simulated day is repeatable, labelled, and what was planted in it is told."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from gis.errors import SourceError, TableError
from twin.ingest.gate import HOUR, read_time
from twin.simulation.day import feed_day, make_day
from twin.simulation.truth import FILE
from twin.store.log import Log
from twin.store.records import Observation

MIDSUMMER = date(2026, 6, 21)
START = read_time("2026-06-21T00:00Z")


def feed(twin, **choices) -> list:
    day = make_day(twin, day=choices.pop("day", MIDSUMMER), **choices)
    with Log(twin.log_path) as log:
        return [admission.receipt for _, admission in feed_day(twin, log, day)]


def table(twin) -> dict[tuple[str, int], float | None]:
    with Log(twin.log_path, read_only=True) as log:
        return {
            (row.point, (row.time - START) // HOUR): row.value
            for row in log.between(START, START + 24 * HOUR)
        }


def truth(twin) -> dict:
    told = json.loads((twin.folder / FILE).read_text(encoding="utf-8"))
    assert told["label"] == "simulated"
    return told["days"]["2026-06-21"]


def test_hours_come_in_order_one_batch_each(twin):
    receipts = feed(twin)
    assert len(receipts) == 24
    assert sum(receipt.refused for receipt in receipts) == 0
    with Log(twin.log_path, read_only=True) as log:
        times = [row.time for row in log.since(0)]
        assert log.sources() == ("simulated",)
    assert times == sorted(times)
    assert {(time - START) // HOUR for time in times} == set(range(24))


def test_the_truth_is_what_the_log_shows(twin):
    feed(twin, gaps=True)
    seen, told = table(twin), truth(twin)
    out, quiet = told["outage"], told["silence"]
    assert {seen[out["point"], hour] for hour in range(10, 15)} == {0.0}
    assert seen[out["point"], 9] < 0
    assert seen[out["point"], 15] < 0
    assert {key for key, value in seen.items() if value is None} == {
        (point, hour) for point, hour in told["gaps"]
    }
    never = {(point, hour) for point in twin.cells for hour in range(24)} - set(seen)
    assert never == {
        (point, hour) for point in quiet["points"] for hour in range(quiet["from_hour"], 24)
    }
    assert quiet["building"] != out["building"]


def test_the_missing_yield_is_told(twin):
    """It is what the same day delivers where nothing is planted there: sign and sum."""
    day = make_day(twin, day=MIDSUMMER)
    k = twin.places[day.faults.outage.building]
    hours = [START + hour * HOUR for hour in range(10, 15)]
    expected = twin.expected_at(hours)[k].sum()
    assert 0.93 * expected < day.faults.outage.missing_kwh < expected


def test_feeding_twice_adds_nothing(twin):
    first, second = feed(twin), feed(twin)
    assert sum(receipt.new for receipt in second) == 0
    assert sum(receipt.revised for receipt in second) == 0
    assert second[-1].sequence == first[-1].sequence


def test_the_same_seed_plants_the_same_and_the_truth_has_the_same_bytes(twin):
    feed(twin)
    before = (twin.folder / FILE).read_bytes()
    feed(twin)
    assert (twin.folder / FILE).read_bytes() == before


def test_seeds_and_days_differ(twin):
    plans = {
        make_day(twin, day=day, seed=seed).faults.gaps
        for day, seed in ((MIDSUMMER, 0), (MIDSUMMER, 1), (date(2026, 6, 22), 0))
    }
    assert len(plans) == 3


def test_without_gaps_only_the_silence_is_missing(twin):
    feed(twin, gaps=False)
    assert None not in table(twin).values()
    assert truth(twin)["gaps"] == []


def test_other_choices_for_a_day_in_the_log_are_refused(twin):
    feed(twin)
    before = table(twin)
    with pytest.raises(
        TableError, match=r"2026-06-21 was simulated in .* with other choices"
    ):
        feed(twin, seed=1)
    assert table(twin) == before


def test_several_days_stand_beside_each_other(twin):
    feed(twin)
    feed(twin, day=date(2026, 6, 22), seed=3)
    days = json.loads((twin.folder / FILE).read_text(encoding="utf-8"))["days"]
    assert list(days) == ["2026-06-21", "2026-06-22"]
    assert days["2026-06-22"]["seed"] == 3


def test_simulated_values_do_not_mix_with_measured_ones(twin):
    with Log(twin.log_path) as log:
        log.append([Observation("b2/heat/power", START, 1.0, "heat meter")])
    with pytest.raises(TableError, match=r"must not mix with measured ones.*heat meter"):
        feed(twin)
    assert len(table(twin)) == 1
    assert not (twin.folder / FILE).exists()


def test_a_meter_that_is_faster_than_the_first_hour_stops_the_day(twin):
    """Between the first look and the first batch somebody may send a value."""
    day = make_day(twin, day=MIDSUMMER)
    with Log(twin.log_path) as log, Log(twin.log_path) as other:
        asked = log.sources

        def sources() -> tuple[str, ...]:
            found = asked()
            if not found:
                log.sources = asked
                other.append([Observation("b2/heat/power", START, 1.0, "heat meter")])
            return found

        log.sources = sources
        with pytest.raises(TableError, match="must not mix with measured ones"):
            next(feed_day(twin, log, day))
        assert asked() == ("heat meter",)


def test_meters_that_are_not_the_builds_are_told(twin):
    points = tuple(
        replace(point, id="b2/heat/meter-7") if point.id == "b2/heat/power" else point
        for point in twin.model.points
    )
    other = replace(twin, model=replace(twin.model, points=points))
    with pytest.raises(TableError, match=r"1 of them .* first b2/heat/power; take --days"):
        make_day(other, day=MIDSUMMER)


def test_people_live_by_the_weekday_of_the_asked_year(twin):
    """21 June is a Sunday in 2026 and a Monday in 2027: offices sleep and wake."""
    use = {}
    for year in (2026, 2027):
        rows = [
            row
            for _, hour in make_day(twin, day=date(year, 6, 21), gaps=False).batches
            for row in hour
            if row["point"] == "way/7/electricity/power"
        ]
        use[year] = [row["value"] for row in rows if row["value"] is not None]
    assert np.ptp(use[2026][:9]) == 0.0
    assert max(use[2027]) > 3 * min(use[2027])


@pytest.mark.parametrize("day", [date(2028, 2, 29), date(2024, 12, 31), date(2040, 1, 1)])
def test_every_day_of_every_year_can_be_simulated(twin, day):
    made = make_day(twin, day=day)
    assert [f"{hour:%Y-%m-%d}" for hour, _ in made.batches] == [day.isoformat()] * 24


def test_expected_yields_and_time_stand_together(twin):
    """Panels deliver most at the hour at which most is expected, and nothing at night."""
    made = make_day(twin, day=MIDSUMMER, gaps=False)
    sums = pd.Series(
        [
            sum(r["value"] for r in rows if r["point"] == "b2/pv/power")
            for _, rows in made.batches
        ]
    )
    assert sums.idxmin() in (11, 12)
    assert sums[0] == sums[23] == 0.0


def test_missing_weather_is_told(twin):
    (twin.folder / "weather.parquet").unlink()
    with pytest.raises(SourceError, match=r"weather.parquet must exist"):
        make_day(twin, day=MIDSUMMER)


def test_a_foreign_file_in_the_place_of_the_truth_is_left_alone(twin):
    (twin.folder / FILE).write_text("mine")
    with pytest.raises(SourceError, match="move it away"):
        feed(twin)
    assert (twin.folder / FILE).read_text() == "mine"
    assert table(twin) == {}
