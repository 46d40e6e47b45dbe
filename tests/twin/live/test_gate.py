"""What comes in holds; what does not is put aside with its reason and never lost."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TableError
from twin.ingest.gate import EARLY, HOUR, Gate, Reason, microseconds, read_time, time_text
from twin.model import point_id
from twin.quantities import Quantity
from twin.store.log import Log

NOW = microseconds(datetime(2026, 11, 22, 14, 10, tzinfo=UTC))
ROW = {
    "point": "b2/heat/power",
    "time": "2026-11-22T12:00:00Z",
    "value": 12.5,
    "unit": "kW",
    "source": "meter",
}


@pytest.fixture
def log(twin):
    with Log(twin.log_path) as opened:
        yield opened


@pytest.fixture
def gate(twin, log) -> Gate:
    return Gate(twin.model, log)


def test_a_good_row_is_kept(gate, log):
    admission = gate.admit([ROW], at=NOW)
    assert admission.refused == ()
    (row,) = log.since(0)
    assert (row.point, time_text(row.time), row.value, row.source) == (
        "b2/heat/power",
        "2026-11-22T12:00:00Z",
        12.5,
        "meter",
    )


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"point": "ghost/heat/power"}, "point", "got 'ghost/heat/power'"),
        ({"unit": "W"}, "unit", "must come in kW, got 'W'"),
        ({"unit": "kw"}, "unit", "got 'kw'"),
        ({"time": "2026-11-22T12:00:00"}, "time", "must have a time zone"),
        ({"time": datetime(2026, 11, 22, 12)}, "time", "time zone"),  # noqa: DTZ001
        ({"time": "yesterday"}, "time", "like 2026-06-21T12:00Z, got 'yesterday'"),
        ({"time": 1795341600}, "time", "must be text"),
        ({"time": "1970-01-01T00:00:00Z"}, "time", "of 2000 to 2200"),
        ({"time": "2026-11-22T15:00:00Z"}, "future", "must be of the past"),
        ({"time": "2026-11-22T14:00:00Z"}, "future", "the hour must be over"),
        ({"time": "9999-12-31T23:00:00-14:00"}, "time", "of 2000 to 2200"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time", "of 2000 to 2200"),
        ({"value": "12,5"}, "shape", "must be a number or null, got '12,5'"),
        ({"value": True}, "shape", "got True"),
        ({"value": -0.5}, "range", "heat_power must be 0 to 20000 kW, got -0.5"),
        ({"value": math.inf}, "range", "got inf"),
        ({"value": 10**400}, "range", "got 1000"),
        ({"value": 10**5000}, "range", "got a number of very many digits"),
        ({"source": ""}, "shape", "1 to 64 printable"),
        ({"source": "m\n"}, "shape", "printable"),
        ({"source": "x" * 65}, "shape", "1 to 64"),
        ({"source": None}, "shape", "source must be text, got NoneType"),
    ],
)
def test_a_row_that_does_not_hold_is_put_aside(gate, log, change, reason, told):
    admission = gate.admit([ROW | change, ROW], at=NOW)
    (refused,) = admission.refused
    assert (refused.number, refused.reason) == (0, reason)
    assert told in refused.message
    assert admission.receipt.new == 1, "the good row beside it is kept"
    assert log.refusals() == {reason: 1}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("text", "must be an object, got str"),
        (None, "got NoneType"),
        ([1, 2], "got list"),
        ({"more": 10**5000}, "missing"),
        ({1: {2, 3}, (4, 5): 6}, "missing"),
        ({"point": "b2/heat/power"}, "time, value, unit, source missing"),
    ],
)
def test_what_is_no_row_is_put_aside(gate, log, row, told):
    (refused,) = gate.admit([row], at=NOW).refused
    assert refused.reason == Reason.SHAPE
    assert told in refused.message
    assert log.quarantine()[0].row == refused.row


@pytest.mark.parametrize(
    ("quantity", "value", "holds"),
    [
        (Quantity.PV_POWER, -20_000.0, True),
        (Quantity.PV_POWER, -20_000.1, False),
        (Quantity.PV_POWER, 0.9, True),
        pytest.param(Quantity.PV_POWER, 35.0, False, id="panels with the wrong sign"),
        pytest.param(
            Quantity.INDOOR_TEMPERATURE, 761.0, False, id="a spike in a heat meter"
        ),
        pytest.param(
            Quantity.INDOOR_TEMPERATURE, -999.0, False, id="a missing value as number"
        ),
        (Quantity.INDOOR_TEMPERATURE, -30.0, True),
        (Quantity.ELECTRICITY_POWER, 0.0, True),
    ],
)
def test_values_lie_in_the_quantitys_range(gate, quantity, value, holds):
    row = ROW | {"point": point_id("b2", quantity), "unit": quantity.unit, "value": value}
    refused = gate.admit([row], at=NOW).refused
    assert [r.reason for r in refused] == ([] if holds else [Reason.RANGE])


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_missing_value_is_a_gap_and_no_fault(gate, log, missing):
    assert gate.admit([ROW | {"value": missing}], at=NOW).refused == ()
    assert log.since(0)[0].value is None


def test_night_is_zero_and_not_minus_zero(gate, log):
    gate.admit([ROW | {"value": -0.0}], at=NOW)
    assert math.copysign(1, log.since(0)[0].value) == 1.0


def test_local_times_are_the_same_moment(gate, log):
    summer = timezone(timedelta(hours=2))
    rows = [
        ROW | {"time": "2026-06-21T12:00:00+02:00"},
        ROW | {"time": datetime(2026, 6, 21, 12, tzinfo=summer)},
        ROW | {"time": "2026-06-21T10:00:00Z"},
    ]
    assert gate.admit(rows, at=NOW).receipt.repeated == 2


def test_an_interval_may_end_a_little_after_now_because_clocks_differ(gate):
    row = ROW | {"time": "2026-11-22T13:00:00Z"}
    end = microseconds(datetime(2026, 11, 22, 14, tzinfo=UTC))
    assert gate.admit([row], at=end - EARLY).refused == ()
    assert gate.admit([row], at=end - EARLY - 1).refused[0].reason == Reason.FUTURE


def test_simulated_days_may_lie_ahead(gate):
    row = ROW | {"time": "2031-06-21T12:00:00Z", "source": "simulated"}
    assert gate.admit([row], at=NOW, simulated=True).refused == ()


@pytest.mark.parametrize("source", ["simulated", "Simulated", " SIMULATED "])
def test_no_meter_may_bear_the_name_of_made_up_values(gate, log, source):
    (refused,) = gate.admit([ROW | {"source": source}], at=NOW).refused
    assert refused.reason == Reason.MIXED
    assert "must not be that of made-up values" in refused.message
    assert log.sequence == 0


def test_made_up_values_bear_their_name(gate, log):
    (refused,) = gate.admit([ROW], at=NOW, simulated=True).refused
    assert (refused.reason, log.sequence) == (Reason.MIXED, 0)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_log_takes_made_up_values_or_measured_ones(gate, log, simulated):
    """Whichever came first stays alone; each refused row keeps its own reason and place."""
    own, other = ROW | {"source": "simulated"}, ROW
    if not simulated:
        own, other = other, own
    assert gate.admit([own], at=NOW, simulated=simulated).receipt.new == 1
    later = [other | {"time": "2026-11-22T11:00:00Z"}, "junk", other]
    admission = gate.admit(later, at=NOW, simulated=not simulated)
    assert [row.number for row in admission.refused] == [0, 1, 2]
    assert [row.reason for row in admission.refused] == ["mixed", "shape", "mixed"]
    kind = "simulated" if simulated else "measured"
    assert f"the log holds {kind} values" in admission.refused[0].message
    assert log.refusals() == {"mixed": 2, "shape": 1}
    assert (log.sequence, log.sources()) == (1, (own["source"],))
    assert gate.admit([own], at=NOW, simulated=simulated).receipt.repeated == 1


def test_long_rows_are_cut_and_say_so(gate, log):
    gate.admit([ROW | {"more": "x" * 5000, "unit": "W"}], at=NOW)
    kept = log.quarantine()[0].row
    assert len(kept) < 600
    assert kept.endswith("characters)")


def test_order_of_arrival_does_not_change_what_is_known(twin, tmp_path):
    rows = [
        ROW | {"time": f"2026-11-22T{hour:02d}:00:00Z", "value": hour} for hour in range(9)
    ]
    seen = []
    for number, order in enumerate((rows, rows[::-1], rows[4:] + rows[:4])):
        with Log(tmp_path / f"{number}.sqlite") as log:
            Gate(twin.model, log).admit(order, at=NOW)
            seen.append([(row.time, row.value) for row in log.between(0, NOW)])
    assert seen[0] == seen[1] == seen[2]


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*ROW.values(), 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ROW, "more"]) | st.text(), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(junk, max_size=4))
def test_no_row_whatever_stops_the_gate(twin_model, tmp_path_factory, rows):
    """Every row is kept or put aside: the counts add up."""
    with Log(tmp_path_factory.mktemp("gate") / "live.sqlite") as log:
        receipt = Gate(twin_model, log).admit(rows, at=NOW).receipt
        assert receipt.new + receipt.repeated + receipt.revised + receipt.refused == len(
            rows
        )
        assert sum(log.refusals().values()) == receipt.refused


@pytest.fixture(scope="session")
def twin_model(template):
    from twin.things import read_model

    return read_model(template / "model.json")


def test_times_read_and_write_the_same():
    assert read_time("2026-06-21T12:00+02:00") == read_time(" 2026-06-21T10:00:00Z ")
    assert time_text(read_time("2026-06-21T10:00Z")) == "2026-06-21T10:00:00Z"
    assert read_time("2026-01-01T01:00Z") - read_time("2026-01-01T00:00Z") == HOUR
    with pytest.raises(TableError, match="must be like"):
        read_time("21 June")
