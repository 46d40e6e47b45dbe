"""What cannot be is removed with its reason; what can be is left as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import TableError
from twin.ingest.cleaning import Kind, Rules, clean, summary
from twin.store.records import Quality

HOUR = 3_600_000_000
RULES = Rules(low=-30.0, high=60.0, window=3, threshold=6.0, least=2.0, longest=6 * HOUR)


def cleaned(value: list[float] | np.ndarray, rules: Rules = RULES):
    time = 500_000 * HOUR + HOUR * np.arange(len(value))
    return clean(time, np.asarray(value, float), rules, name="room", unit="degC")


def smooth(count: int) -> np.ndarray:
    """Return a quiet day in a room [degC]; nothing repeats."""
    hours = np.arange(count)
    return 21.0 + np.sin(hours / 4.0) + 0.01 * np.cos(7.0 * hours)


def test_a_quiet_series_is_left_as_it_is():
    value = smooth(200)
    found = cleaned(value)
    np.testing.assert_array_equal(found.value, value)
    assert found.findings == ()
    assert found.quality.max() == 0


@given(st.integers(3, 196), st.sampled_from([-12.0, -5.0, 5.0, 30.0]))
def test_one_value_that_stands_out_is_a_spike(place, by):
    value = smooth(200)
    value[place] += by
    found = cleaned(value)
    assert np.flatnonzero(np.isnan(found.value)).tolist() == [place]
    assert found.quality[place] == Quality.SPIKE
    (finding,) = found.findings
    assert finding.kind is Kind.SPIKE
    assert f"room of {value[place]:.6g} degC stands out from" in finding.message


def test_what_is_impossible_is_told_with_what_is_possible():
    value = smooth(50)
    value[20:22] = 761.0, 85.0
    found = cleaned(value)
    (finding,) = found.findings
    assert (finding.kind, finding.count) == (Kind.RANGE, 2)
    assert "of 85 to 761 degC lies outside -30 to 60 degC; removed" in finding.message
    assert "1970" not in finding.message
    # It does not hide a spike beside it, nor make one.
    assert np.isnan(found.value).sum() == 2
    assert summary(found.findings) == {"range": 2}


def test_a_step_that_stays_is_no_spike():
    value = smooth(100)
    value[50:] += 8.0
    assert not np.isnan(cleaned(value).value).any()


def test_what_stands_still_too_long_is_flagged_and_kept():
    value = smooth(100)
    value[40:48] = value[40]
    found = cleaned(value)
    (finding,) = found.findings
    assert (finding.kind, finding.count) == (Kind.STUCK, 8)
    assert "for 7 h, longer than 6 h" in finding.message
    np.testing.assert_array_equal(found.value, value)
    assert np.flatnonzero(found.quality & Quality.STUCK).tolist() == list(range(40, 48))
    value[46:48] = value[46] + 0.1, value[46] + 0.2
    assert cleaned(value).findings == ()


def test_gaps_are_no_fault_and_are_stepped_over():
    value = smooth(100)
    value[30:60] = np.nan
    value[70] += 20
    found = cleaned(value)
    assert np.isnan(found.value).sum() == 31
    assert found.quality[30:60].max() == 0


def test_cleaning_what_is_clean_changes_nothing():
    random = np.random.default_rng(5)
    value = smooth(300)
    value[random.choice(300, 12, replace=False)] += 25
    once = cleaned(value)
    twice = cleaned(once.value)
    np.testing.assert_array_equal(once.value, twice.value)


@given(st.lists(st.floats(), max_size=30))
def test_any_values_are_cleaned(value):
    with np.errstate(all="ignore"):
        found = cleaned(value)
    told = found.value[~np.isnan(found.value)]
    assert ((told >= -30) & (told <= 60)).all()


def test_what_is_out_of_order_is_refused():
    with pytest.raises(TableError, match="times must ascend"):
        clean(np.array([2, 1]), np.zeros(2), RULES, name="x", unit="")
    with pytest.raises(TableError, match="low below high"):
        Rules(low=1.0, high=1.0)
