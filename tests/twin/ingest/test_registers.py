"""What a register counted is neither lost nor invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TableError
from twin.ingest.registers import HOUR, LONGEST_SPIKE, increments, spread, touched
from twin.store.records import Quality

QUARTER = HOUR // 4


def hours(count: int) -> np.ndarray:
    """Return whole hours [microseconds]."""
    return 1_000_000 * HOUR + HOUR * np.arange(count)


@st.composite
def readings(draw: st.DrawFn, least: int = 2):
    """Return times and readings of a register that only counts up."""
    steps = draw(st.lists(st.integers(1, 5 * HOUR), min_size=least, max_size=30))
    # Whole numbers of 1/8: sums are exact.
    rises = draw(st.lists(st.integers(0, 80), min_size=len(steps), max_size=len(steps)))
    return hours(1)[0] + np.cumsum(steps), np.cumsum(rises) / 8


@given(readings())
def test_the_sum_is_the_last_less_the_first(given_readings):
    time, value = given_readings
    found = increments(time, value)
    assert found.amount.sum() == value[-1] - value[0]
    assert found.quality.max(initial=0) == 0
    assert found.findings == ()
    np.testing.assert_array_equal(found.end[:-1], found.start[1:])


@given(readings(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(given_readings, random):
    time, value = given_readings
    shuffled = list(range(len(time)))
    random.shuffle(shuffled)
    first, second = increments(time, value), increments(time[shuffled], value[shuffled])
    np.testing.assert_array_equal(first.amount, second.amount)
    np.testing.assert_array_equal(first.start, second.start)


@settings(deadline=None)
@given(readings(), st.sampled_from([QUARTER, HOUR, 24 * HOUR]))
def test_spreading_loses_nothing(given_readings, step):
    time, value = given_readings
    # Readings at the borders, so that every interval is covered.
    ends = np.array([time[0] // step * step, -(-time[-1] // step) * step])
    time = np.concatenate([ends[:1], time, ends[1:]])
    value = np.concatenate([value[:1], value, value[-1:]])
    found = increments(time, value)
    amounts = spread(found, step=step)
    assert amounts.amount.sum() == pytest.approx(value[-1] - value[0], abs=1e-9)
    assert (amounts.amount >= -1e-9).all()


@given(readings(least=4), st.floats(0.01, 0.99), st.integers(60, 400))
def test_a_roll_over_changes_nothing_but_its_flag(given_readings, share, largest):
    time, value = given_readings
    # A roll-over is told from a change by how near both readings are to it.
    most = float((np.diff(value) / (np.diff(time) / HOUR)).max()) + 1.0
    if most * float(np.diff(time).max()) / HOUR >= largest:
        return
    shown = (value + round(share * largest * 8) / 8) % largest
    found = increments(time, shown, largest=float(largest), most=most)
    np.testing.assert_array_equal(found.amount, np.diff(value))
    rolled = (found.quality & Quality.ROLLOVER) != 0
    np.testing.assert_array_equal(rolled, np.diff(shown) < 0)


def test_without_a_rate_a_roll_over_is_known_by_both_ends():
    found = increments(hours(4), np.array([9_990.0, 9_998.0, 3.0, 5.0]), largest=10_000.0)
    assert found.amount.tolist() == [8.0, 5.0, 2.0]
    assert found.quality.tolist() == [0, Quality.ROLLOVER, 0]
    # Half-way down is no roll-over.
    found = increments(hours(4), np.array([5_000.0, 5_001.0, 3.0, 5.0]), largest=10_000.0)
    assert np.isnan(found.amount[1])
    assert found.quality.tolist() == [0, Quality.RESET, 0]


def test_a_changed_meter_invents_nothing():
    value = np.array([100.0, 101.0, 2.0, 3.5, 4.0])
    found = increments(hours(5), value)
    np.testing.assert_array_equal(found.amount, [1.0, np.nan, 1.5, 0.5])
    assert found.quality.tolist() == [0, Quality.RESET, 0, 0]
    assert found.findings == ("1 changes of the meter, amount unknown",)
    # Told by its number it is known even where the new one shows more.
    meter = np.array(["a", "a", "b", "b", "b"])
    value = np.array([100.0, 101.0, 102.0, 103.5, 104.0])
    found = increments(hours(5), value, meter=meter)
    np.testing.assert_array_equal(found.amount, [1.0, np.nan, 1.5, 0.5])


@pytest.mark.parametrize(
    ("value", "dropped"),
    [
        pytest.param([10, 11, 99, 12, 13], [2], id="above"),
        pytest.param([10, 11, 0, 12, 13], [2], id="below"),
        pytest.param([10, 11, 99, 98, 97, 12, 13], [2, 3, 4], id="three above"),
        pytest.param([10, 11, 0, 0, 12, 13], [2, 3], id="two below"),
        pytest.param([10, 11, 99, 12, 0, 13], [2, 4], id="above and below"),
    ],
)
def test_readings_that_stand_out_are_left_out(value, dropped):
    time = hours(len(value))
    found = increments(time, np.array(value, float))
    assert found.dropped.tolist() == time[dropped].tolist()
    assert found.amount.sum() == value[-1] - value[0]
    assert found.quality.max() == 0


def test_a_misread_that_looked_like_a_roll_over_is_gone_back_on():
    value = np.array([94.0, 95.0, 1.0, 97.0, 98.0, 99.0, 1.0, 2.0])
    found = increments(hours(8), value, largest=100.0, most=8.0)
    assert found.dropped.tolist() == hours(8)[2:3].tolist()
    assert found.amount.tolist() == [1, 2, 1, 1, 2, 1]
    assert found.quality.tolist() == [0, 0, 0, 0, Quality.ROLLOVER, 0]


def test_a_leap_that_stays_is_another_meter_if_it_is_too_fast():
    value = np.array([10.0, 11, 500, 501, 502, 503])
    found = increments(hours(6), value, most=20.0)
    np.testing.assert_array_equal(found.amount, [1, np.nan, 1, 1, 1])
    assert found.quality[1] == Quality.RESET
    # Nobody who says nothing of the rate is told that it is too fast.
    assert increments(hours(6), value).amount.sum() == 493.0


def test_a_gap_is_a_sum_whose_shape_is_guessed_and_says_so():
    time = np.concatenate([hours(2), hours(9)[6:]])
    value = np.array([0.0, 1.0, 11.0, 12.0, 14.0])
    found = increments(time, value)
    assert found.amount.tolist() == [1.0, 10.0, 1.0, 2.0]
    assert found.quality.max() == 0
    amounts = spread(found, step=HOUR)
    np.testing.assert_allclose(amounts.amount, [1, 2, 2, 2, 2, 2, 1, 2])
    guessed = amounts.quality == Quality.ESTIMATED
    assert guessed.tolist() == [False, True, True, True, True, True, False, False]


def test_a_gap_in_which_nothing_was_counted_is_known():
    time = np.concatenate([hours(2), hours(9)[6:]])
    amounts = spread(increments(time, np.array([0.0, 1, 1, 2, 3])), step=HOUR)
    assert amounts.amount.tolist() == [1, 0, 0, 0, 0, 0, 1, 1]
    assert amounts.quality.max() == 0


def test_what_readings_do_not_reach_is_not_there():
    time = hours(4) + HOUR // 3
    amounts = spread(increments(time, np.array([0.0, 3.0, 6.0, 9.0])), step=HOUR)
    np.testing.assert_allclose(amounts.amount, [np.nan, 3, 3, np.nan])
    assert (amounts.quality[1:3] == Quality.ESTIMATED).all()
    # Readings of every ten seconds tell the shape though they miss the border.
    time = hours(1)[0] + 10_000_000 * np.arange(1, 721) - 3_000_000
    amounts = spread(increments(time, np.arange(720.0)), step=HOUR)
    assert amounts.quality.max() == 0


def test_an_unknown_amount_stays_unknown_and_flags_travel():
    value = np.array([100.0, 101.0, 2.0, 3.5])
    told = np.array([0, Quality.MANUAL, 0, 0])
    amounts = spread(increments(hours(4), value, quality=told), step=2 * HOUR)
    assert np.isnan(amounts.amount[0])
    assert amounts.quality[0] & Quality.RESET
    assert amounts.quality[0] & Quality.MANUAL


@settings(deadline=None)
@given(readings(least=6), st.data())
def test_late_readings_touch_no_more_than_is_said(given_readings, data):
    time, value = given_readings
    late = data.draw(st.lists(st.integers(0, len(time) - 1), min_size=1, unique=True))
    early = np.setdiff1d(np.arange(len(time)), late)
    before, after = increments(time[early], value[early]), increments(time, value)
    span = touched(time[early], time[late])
    assert span is not None
    outside = (before.end <= span[0]) | (before.start >= span[1])
    kept = (after.end <= span[0]) | (after.start >= span[1])
    np.testing.assert_array_equal(before.amount[outside], after.amount[kept])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40 * HOUR),
            st.floats(-1e9, 1e9) | st.just(float("nan")) | st.just(float("inf")),
        ),
        max_size=20,
    ),
    st.none() | st.floats(1, 1e6),
    st.none() | st.floats(0.1, 1e6),
)
def test_any_readings_give_increments_that_never_fall(rows, largest, most):
    time = np.array([row[0] for row in rows], dtype=np.int64)
    value = np.array([row[1] for row in rows], dtype=float)
    found = increments(time, value, largest=largest, most=most)
    told = found.amount[~np.isnan(found.amount)]
    assert (told >= 0).all()
    assert (found.end > found.start).all()
    spread(found, step=HOUR)


def test_what_does_not_hold_together_is_refused():
    with pytest.raises(TableError, match=r"of one length, got \[2, 3\]"):
        increments(hours(2), np.zeros(3))
    with pytest.raises(TableError, match="largest must be above 0"):
        increments(hours(2), np.zeros(2), largest=-1.0)
    with pytest.raises(TableError, match="at most ten million"):
        spread(increments(hours(2), np.zeros(2)), step=1)
    assert LONGEST_SPIKE == 3
