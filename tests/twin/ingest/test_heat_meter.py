"""Temperatures from registers that count in steps are right within what is said."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TableError
from twin.ingest.cleaning import Kind, summary
from twin.ingest.heat_meter import COLUMNS, Ticks, read_heat_meter
from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.mbus import WATER
from twin.store.records import Quality

HOUR = 3_600_000_000
START = 500_000 * HOUR


def meter(flow: np.ndarray, forward: float, back: float) -> dict[str, np.ndarray]:
    """Return registers that count whole ticks of a known flow [m3/h] between readings."""
    water = np.concatenate([[0.0], np.cumsum(flow)]) + 12.3456
    ticks = Ticks()
    amounts = {
        "energy": WATER * (forward - back) * water,
        "volume": water,
        "forward_volume": forward * water,
        "return_volume": back * water,
    }
    return {
        name: np.floor(amount / getattr(ticks, name)) * getattr(ticks, name)
        for name, amount in amounts.items()
    }


def times(flow: np.ndarray) -> np.ndarray:
    return START + HOUR * np.arange(len(flow) + 1)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.005, 0.2),
    st.floats(55.0, 95.0),
    st.floats(25.0, 45.0),
    st.integers(0, 1000),
    st.sampled_from([2.0, 5.0]),
)
def test_temperatures_are_within_what_is_said(mean, forward, back, seed, limit):
    flow = mean * np.random.default_rng(seed).uniform(0.3, 1.7, 400)
    read = read_heat_meter(times(flow), meter(flow, forward, back), step=HOUR, limit=limit)
    # Ticks of the register on the way in and of the volume, as the docstring has it.
    assert np.nanmax(np.abs(read.forward - forward)) <= limit * (1 + 1e-9)
    assert np.nanmax(read.error) <= limit
    naive = np.nanmax(np.abs(read.raw_forward - forward))
    if mean < 0.05:
        assert naive > limit


def test_a_spike_of_the_quotient_is_explained_by_the_ticks():
    # A litre went by while the other register moved on by a whole step.
    registers = {name: 100.0 + np.arange(9.0) for name in COLUMNS}
    registers["volume"] = 10 + np.array([0, 0.02, 0.04, 0.041, 0.07, 0.09, 0.11, 0.13, 0.2])
    time = START + HOUR * np.arange(9)
    read = read_heat_meter(time, registers, step=HOUR, limit=30.0)
    assert read.raw_forward[2] == pytest.approx(1000.0)
    (finding,) = [one for one in read.findings if one.kind is Kind.UNCERTAIN]
    assert "forward temperature of 1000 degC is 1.000 m3 degC over 1.0 l" in finding.message
    assert "the registers count in steps of 1 m3 degC and 10 l" in finding.message


def test_lines_somebody_drew_over_a_gap_are_flagged():
    flow = np.random.default_rng(3).uniform(0.3, 0.9, 48)
    registers = meter(flow, 80.0, 40.0)
    for values in registers.values():
        values[20:25] = np.linspace(values[20], values[24], 5)
    read = read_heat_meter(times(flow), registers, step=HOUR)
    (finding,) = [one for one in read.findings if one.kind is Kind.INTERPOLATED]
    assert finding.count == 4
    assert "somebody filled a gap" in finding.message
    assert (read.quality[20:24] & Quality.ESTIMATED).all()


def test_water_that_stops_is_told_apart_from_readings_that_are_missing():
    flow = np.random.default_rng(4).uniform(0.4, 0.6, 1000)
    flow[100:103] = 0.0
    registers = meter(flow, 80.0, 40.0)
    for values in registers.values():
        # Readings repeated for three hours, then the rest at once.
        values[301:304] = values[300]
    read = read_heat_meter(times(flow), registers, step=HOUR)
    stood, missed = [one.message for one in read.findings if one.kind is Kind.STILL]
    assert "no water for 3 intervals of 60 min" in stood
    assert "the supply stood still, no reading was missed" in stood
    assert "readings were missing and caught up" in missed


def test_registers_in_wrong_units_are_out_of_balance():
    flow = np.random.default_rng(5).uniform(0.3, 0.9, 100)
    registers = meter(flow, 80.0, 40.0)
    assert read_heat_meter(times(flow), registers, step=HOUR).findings == ()
    registers["energy"] = 3.6 * registers["energy"]
    read = read_heat_meter(times(flow), registers, step=HOUR)
    assert summary(read.findings) == {"balance": 100}


def test_all_registers_must_be_there():
    with pytest.raises(TableError, match="are missing"):
        read_heat_meter(START + HOUR * np.arange(2), {"energy": np.zeros(2)}, step=HOUR)


@pytest.mark.real
def test_a_real_meter_is_cleaned_and_explained(shared_data):
    path = shared_data / "meters" / "danish_district_heat_meter_hourly.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    time = np.array([instant(row[2]) for row in rows])
    values = np.array([row[3:] for row in rows], dtype=float).T
    registers = dict(zip(COLUMNS, values, strict=True))
    read = read_heat_meter(time, registers, step=HOUR)

    # Nothing is lost: the hours add up to what the register counted.
    assert len(read.energy) == 26_255
    counted = registers["energy"][-1] - registers["energy"][0]
    assert read.energy.sum() == pytest.approx(counted, abs=1e-6)
    assert not np.isnan(read.energy).any()

    # Divided hour by hour, 25 hours are hotter than any network, up to 761 degC.
    assert np.nanmax(read.raw_forward) == pytest.approx(761.4, abs=0.1)
    assert summary(read.findings) == {"uncertain": 25, "still": 5}
    (worst,) = [one.message for one in read.findings if "761 degC" in one.message]
    assert worst.startswith("2020-06-28T11:00Z")
    assert "is 0.982 m3 degC over 1.3 l of water" in worst
    # The hours around it together have what the house was sent.
    assert "59 degC taken, from more water" in worst

    # Over enough water it is a quiet district heating, and never runs backwards.
    assert read.forward.min() > 45
    assert read.forward.max() < 90
    assert (read.forward > read.back).all()
    assert (np.nan_to_num(read.raw_back) > np.nan_to_num(read.raw_forward)).sum() == 1_218
    assert read.error.max() <= 5.0
