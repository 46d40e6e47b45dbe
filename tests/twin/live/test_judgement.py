"""One rule judges every view of the twin."""

import numpy as np
import pytest

from twin.judgement import (
    OUTAGE_SHARE,
    PEAK_TOLERANCE,
    RELATIVE_TOLERANCE,
    Status,
    departs,
    falls_short,
    is_off,
    judge,
    tolerance,
)

PEAK = np.array([100.0])


def test_tolerance_is_a_share_of_the_expected_and_of_the_peak():
    expected = np.array([-50.0])
    assert tolerance(expected, PEAK) == RELATIVE_TOLERANCE * 50 + PEAK_TOLERANCE * 100


@pytest.mark.parametrize(
    ("measured", "expected", "answers"),
    [
        pytest.param(-50.0, -50.0, (False, False, False), id="as expected"),
        pytest.param(-30.0, -50.0, (True, True, False), id="less"),
        pytest.param(-70.0, -50.0, (True, False, False), id="more"),
        pytest.param(0.0, -50.0, (True, True, True), id="nothing"),
        pytest.param(-50.0 * OUTAGE_SHARE, -50.0, (True, True, True), id="next to nothing"),
        pytest.param(0.0, 0.0, (False, False, False), id="night"),
        pytest.param(0.0, -2.0, (False, False, False), id="dusk"),
        pytest.param(np.nan, -50.0, (False, False, False), id="not measured"),
        pytest.param(0.0, np.nan, (False, False, False), id="not expected"),
    ],
)
def test_panels_are_judged_by_what_is_missing(measured, expected, answers):
    residual, awaited = np.array([measured - expected]), np.array([expected])
    told = [f(residual, awaited, PEAK)[0] for f in (departs, falls_short, is_off)]
    assert tuple(told) == answers


def test_the_worst_word_wins():
    known = np.array([False, True, True, True])
    fresh = np.array([False, False, True, True])
    departing = np.array([True, True, True, False])
    assert list(judge(known=known, fresh=fresh, departing=departing)) == list(Status)
