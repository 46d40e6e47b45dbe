"""The way in does the same on every store."""

import numpy as np
import pandas as pd

from twin.ingest.files import feed_file
from twin.ingest.intake import Intake
from twin.ingest.replay import replay

from ..ingest.small_twin import (  # noqa: TID252 - the tests are no package
    ENERGY,
    HEAT,
    TEMPERATURE,
    clock,
    message,
    row,
    small_model,
    standing,
)


def test_messages_replay_and_tables(store, tmp_path):
    """Late, repeated and odd rows, then a table that is loaded as a whole, twice."""
    model = small_model()
    rows = [row(ENERGY, hour, 100 + hour, "kWh") for hour in range(40)]
    rows += [row(TEMPERATURE, hour, 20 + hour % 3, "degC") for hour in range(40)]
    rows[7]["value"], rows[20]["value"], rows[50]["value"] = 3, -1, 99
    intake = Intake(model, store, clock=clock)
    for start in range(0, 80, 13):
        intake.take([message(*rows[start : start + 13])])
    again = intake.take([message(*rows[::-1])]).receipt
    assert (again.new, again.repeated, again.refused) == (0, 77, 3)
    assert dict(store.refusals()) == {"range": 4, "register": 2}
    before = standing(store)
    done = replay(store, model, clock=clock)
    assert (done.waited, done.released) == (3, 0)
    assert standing(store) == before

    steps = np.arange(8_000)
    when = pd.date_range("2025-03-01", periods=len(steps), freq="h", tz="UTC")
    series = (
        (HEAT, 5.0 + steps % 7, "kW"),
        (TEMPERATURE, 20 + np.sin(steps / 5), "degC"),
        (ENERGY, 1e-3 * steps, "kWh"),
    )
    parts = [
        pd.DataFrame({"time": when, "point": point, "value": value, "unit": unit})
        for point, value, unit in series
    ]
    path = tmp_path / "table.parquet"
    pd.concat(parts).to_parquet(path)
    loads = [feed_file(path, model, store).load for _ in range(2)]
    assert [(one.new, one.repeated, one.revised) for one in loads] == [
        (24_000, 0, 0),
        (0, 24_000, 0),
    ]
    assert len(store.between(0, 2**62)) == 24_077
