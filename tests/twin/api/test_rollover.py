"""The history of a meter that starts again from 0 tells all that it counted."""

import numpy as np
import pytest

from twin.register_ends import keep_largest

ENERGY = "b2/heat-2/heat_energy"


@pytest.mark.parametrize("step", ["1h", "12h", "1d"])
def test_the_history_adds_up_through_the_largest_number(whole, keep, served, step):
    keep_largest(whole, {ENERGY: 1e5})
    hours = np.arange(97) / 4
    shown = np.round(np.mod(99_990.0 + 9.0 * hours, 1e5), 6)
    keep(whole, ENERGY, dict(zip(hours.tolist(), shown.tolist(), strict=True)))
    answer = served(whole).get(
        f"/api/points/{ENERGY}/history",
        params={
            "start": "2026-06-21T00:00:00Z",
            "end": "2026-06-22T00:00:00Z",
            "step": step,
        },
    )
    assert answer.status_code == 200, answer.text
    steps = answer.json()["steps"]
    told = [one["amount"] for one in steps]
    np.testing.assert_allclose(told, 9.0 * 24 / len(steps), atol=1e-6)
    assert ["rollover" in one["quality"] for one in steps].count(True) == 1
