"""A planner sees what stands in the log: values, steps, gaps, corrections."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError, UnknownIdError
from tests.twin.ingest.small_twin import DAY, ENERGY, HEAT, HOUR, write_twin
from twin.district_log import CLOCK, Measured
from twin.store.opening import open_store
from twin.store.records import Observation, Quality

mpl.use("Agg")

START, END = "2026-11-20T00:00Z", "2026-11-20T06:00Z"


@pytest.fixture
def measured(tmp_path) -> Measured:
    folder = write_twin(tmp_path / "twin")
    rows = [Observation(HEAT, DAY + k * HOUR, 10.0 + k, "meter") for k in (0, 1, 3, 5)]
    rows.append(Observation(HEAT, DAY + 4 * HOUR, None, "meter"))
    rows += [Observation(ENERGY, DAY + k * HOUR, 100.0 * k, "meter") for k in range(7)]
    with open_store(folder) as store:
        store.append(rows, known=DAY + 24 * HOUR)
        late = Observation(HEAT, DAY, 20.0, "meter", int(Quality.MANUAL), version=1)
        store.append([late], known=DAY + 48 * HOUR)
    return Measured(folder, credit="Made up.")


def test_steps_are_means_of_what_stands(measured):
    course = measured.course(HEAT, START, END, step="2h")
    assert course["mean"].tolist()[:2] == [15.5, 13.0]
    assert course["high"].tolist() == [20.0, 13.0, 15.0]
    assert course["coverage_percent"].tolist() == [100.0, 50.0, 50.0]
    assert course.index[0] == pd.Timestamp(START)
    assert str(course.index.tz) == CLOCK


def test_what_was_known_is_asked_by_its_moment(measured):
    before = measured.course(HEAT, START, END, step="2h", known_at="2026-11-21T12:00Z")
    assert before["mean"].iloc[0] == 10.5


def test_a_register_counts_amounts(measured):
    course = measured.course(ENERGY, START, END, step="3h")
    assert course["amount"].tolist() == [300.0, 300.0]


def test_gaps_are_told_and_heard_ones_kept_apart(measured):
    gaps = measured.gaps(HEAT, START, END)
    hours = ((gaps["start"] - pd.Timestamp(START)) / pd.Timedelta(hours=1)).tolist()
    assert hours == [2.0, 4.0]
    assert gaps["reported"].tolist() == [False, True]


def test_values_and_statements_keep_corrections(measured):
    values = measured.values(HEAT, START, END)
    assert values["value"].iloc[0] == 20.0
    assert np.isnan(values["value"].iloc[3])
    assert values["quality"].iloc[0] == "manual"
    told = measured.statements(HEAT, START)
    assert told["value"].tolist() == [10.0, 20.0]
    assert told["revision"].tolist() == [0, 1]
    assert told["known"].is_monotonic_increasing


def test_without_a_time_the_whole_log_is_asked(measured):
    assert len(measured.course(HEAT)) == 7
    assert measured.course(HEAT).index[-1] == pd.Timestamp("2026-11-20T06:00Z")


def test_gaps_and_points_are_drawn_over_each_other(measured):
    ax = measured.plot(HEAT, START, END)
    assert ax.get_ylabel() == "kW"
    assert len(ax.patches) == 2
    measured.plot(ENERGY, START, END, ax=ax)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {HEAT, ENERGY}


def test_the_points_tell_what_they_are(measured):
    row = measured.points.loc[HEAT]
    assert (row["building"], row["unit"], row["interval_s"]) == ("b2", "kW", 3600)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"point": "b2/heat/powr"}, "b2/heat/power"),
        ({"step": "often"}, "15min"),
        ({"step": "-1h"}, "at least"),
        ({"start": "2026-11-20"}, "time zone"),
        ({"start": END, "end": START}, "before end"),
        ({"step": "5min"}, "interval"),
    ],
)
def test_what_cannot_be_asked_is_told(measured, asked, said):
    given = {"point": HEAT, "start": START, "end": END, "step": "1h", **asked}
    with pytest.raises((TableError, UnknownIdError), match=said):
        measured.course(given["point"], given["start"], given["end"], step=given["step"])


def test_a_twin_without_values_says_so(tmp_path):
    empty = Measured(write_twin(tmp_path / "twin"), credit="")
    with pytest.raises(TableError, match="nothing came in"):
        empty.course(HEAT)


def test_reading_goes_on_beside_a_writer(measured):
    with open_store(measured._folder) as store:
        store.append([Observation(HEAT, DAY + 2 * HOUR, 1.0, "meter")])
        assert measured.values(HEAT, START, END)["value"].iloc[2] == 1.0
        again = Observation(HEAT, DAY + 2 * HOUR, 2.0, "meter", version=1)
        store.append([dataclasses.replace(again)])
    assert measured.values(HEAT, START, END)["value"].iloc[2] == 2.0
