"""Tell what plants will give over the next two days, from a weather forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gis.errors import WeatherError
from meshes.solar.irradiance import Irradiation
from twin.expectation.conditions import Conditions, FloatArray, instants, make_conditions
from twin.expectation.doubt import Doubt
from twin.expectation.expected_power import Expected
from twin.expectation.plant import Place, Plant
from twin.expectation.power import expect
from twin.expectation.tracks import DAY, HOUR

HORIZON = 48 * HOUR
"""How far a forecast goes [microseconds]."""

BAND = (0.1, 0.9)
"""Quantiles of the band that is told: eight days of ten should lie within."""

WIDTH = 1.2816
"""Standard deviations from the middle to these quantiles of a normal distribution."""

LIGHT = ("ghi", "dni", "dhi")


@dataclass(frozen=True)
class Forecast:
    """What plants will give, as was known at a moment.

    Attributes
    ----------
    issue : int
        When the weather forecast was made [microseconds since 1970, UTC]. The times of
        ``expected`` are those it is about.
    expected : Expected
        Mean over the members of the forecast.
    low, high : (s, t) float
        Band of `BAND` [kW].
    members : int
        Members of the ensemble; 1 where there is none.
    spread : str
        What the band is made of, in words.
    """

    issue: int
    expected: Expected
    low: FloatArray
    high: FloatArray
    members: int
    spread: str

    @property
    def lead(self) -> FloatArray:
        """How far ahead each step begins, (t,) [h]."""
        lead: FloatArray = (self.expected.start - self.issue) / HOUR
        return lead

    def table(self) -> pd.DataFrame:
        """Lay it out as rows: those of `Expected.table`, issue and band besides.

        ``issue_time``; ``low_kw``, ``high_kw`` (generation negative: low is the side of
        little generation).
        """
        rows = self.expected.table()
        rows.insert(1, "issue_time", instants(np.full(len(rows), self.issue)))
        return rows.assign(
            low_kw=(0.0 - self.low).ravel(), high_kw=(0.0 - self.high).ravel()
        )


def choose_issue(
    table: pd.DataFrame, *, known_at: pd.Timestamp | None = None
) -> tuple[pd.Timestamp, pd.DataFrame]:
    """Return the newest forecast that was out at a moment.

    Parameters
    ----------
    table : DataFrame
        One row a step and issue (and member): ``issue_time``, ``time``, timezone-aware;
        ``ghi`` or ``dni`` and ``dhi`` [W/m2], ``temp_air``, ``wind_speed`` as far as they
        are told; ``member`` of an ensemble, or ``ghi_sd``, the standard deviation of
        ``ghi`` [W/m2].
    known_at : Timestamp, optional
        Moment at which it must have been out; default: the newest of all.

    Returns
    -------
    issue : Timestamp
    rows : DataFrame
        Its rows, from the issue to 48 hours after it.

    Raises
    ------
    WeatherError
        If columns are missing, times are naive or nothing was out.
    """
    for name in ("issue_time", "time"):
        if name not in table.columns or not isinstance(
            table[name].dtype, pd.DatetimeTZDtype
        ):
            message = (
                "a weather forecast must tell issue_time and time, both with their time "
                f"zone, but {name} is not such a column; write 2026-06-21T06:00Z"
            )
            raise WeatherError(message)
    issued = table["issue_time"]
    out = issued if known_at is None else issued[issued <= known_at]
    if not len(out):
        message = (
            f"a weather forecast must have been issued by {known_at}, but the first is of "
            f"{issued.min()}; choose a later moment"
        )
        raise WeatherError(message)
    issue = out.max()
    chosen = table[issued == issue]
    ahead = (chosen["time"] - issue) / pd.Timedelta(microseconds=1)
    return issue, chosen[(ahead > -DAY / 24) & (ahead < HORIZON)]


def forecast_power(
    light: Irradiation,
    plants: Sequence[Plant],
    table: pd.DataFrame,
    place: Place,
    *,
    geometry: str,
    version: str,
    source: str,
    known_at: pd.Timestamp | None = None,
    doubt: Doubt | None = None,
) -> Forecast:
    """Compute what plants will give.

    Parameters
    ----------
    light, plants, place, geometry, version, doubt
        As of `twin.expectation.power.expect`.
    table : DataFrame
        As of `choose_issue`.
    source : str
        Whose forecast.
    known_at : Timestamp, optional
        Moment at which it must have been out.

    Returns
    -------
    Forecast
        The band joins the spread of the members, or the stated one, with the doubt of the
        model. Where the table tells no spread the band is the model's alone, which is
        too narrow, and says so.

    Raises
    ------
    WeatherError
        If the table cannot be used.
    """
    issue, rows = choose_issue(table, known_at=known_at)
    runs = [
        expect(
            light,
            plants,
            conditions,
            place,
            geometry=geometry,
            version=version,
            doubt=doubt,
        )
        for conditions in _members(rows, place, f"{source}, issued {issue:%Y-%m-%dT%H:%MZ}")
    ]
    if any(not np.array_equal(run.start, runs[0].start) for run in runs):
        message = (
            "all members of a forecast must tell the same times, but some differ; leave "
            "out those that are not whole"
        )
        raise WeatherError(message)
    stated = "ghi_sd" in rows.columns and len(runs) == 3
    powers = np.stack([run.power for run in runs])
    middle = powers[0] if stated else powers.mean(axis=0)
    if stated:
        below, above = middle - powers[1], powers[2] - middle
        spread = "stated standard deviation of the light, and the model's doubt"
    elif len(runs) > 1:
        low, high = np.quantile(powers, BAND, axis=0)
        below, above = middle - low, high - middle
        spread = f"{len(runs)} members, and the model's doubt"
    else:
        below = above = np.zeros_like(middle)
        spread = (
            "the model's doubt alone: the forecast tells no spread, so it is too narrow"
        )
    model = WIDTH * np.mean([run.doubt for run in runs], axis=0)
    lowest = np.maximum(middle - np.hypot(np.maximum(below, 0.0), model), 0.0)
    dark = middle <= 0
    highest = np.where(dark & (above <= 0), 0.0, middle + np.hypot(above, model))
    expected = replace(
        runs[0],
        power=middle,
        doubt=np.where(dark, 0.0, (highest - lowest) / (2 * WIDTH)),
        light=np.mean([run.light for run in runs], axis=0),
        cell=np.mean([run.cell for run in runs], axis=0),
    )
    return Forecast(
        issue=int(
            issue.tz_convert("UTC")
            .tz_localize(None)
            .to_datetime64()
            .astype("datetime64[us]")
            .astype(np.int64)
        ),
        expected=expected,
        low=lowest,
        high=highest,
        members=1 if stated else len(runs),
        spread=spread,
    )


def _members(rows: pd.DataFrame, place: Place, source: str) -> list[Conditions]:
    """Return the weather of each member; of a stated spread the middle, low and high."""

    def made(table: pd.DataFrame) -> Conditions:
        return make_conditions(
            table.set_index("time").sort_index(),
            source=source,
            latitude=place.latitude,
            longitude=place.longitude,
        )

    if "member" in rows.columns:
        return [made(part) for _, part in rows.groupby("member", sort=True)]
    if "ghi_sd" not in rows.columns or "ghi" not in rows.columns:
        return [made(rows)]
    # Sun and sky of the outer two follow from the light on level ground alone.
    level = rows.drop(columns=["dni", "dhi"], errors="ignore")
    apart = WIDTH * rows["ghi_sd"]
    return [
        made(rows),
        made(level.assign(ghi=(rows["ghi"] - apart).clip(lower=0))),
        made(level.assign(ghi=(rows["ghi"] + apart).clip(upper=1400))),
    ]


def persistence(measured: FloatArray, *, per_day: int, issue: int) -> FloatArray:
    """Return the last day known at an issue, again and again: what a forecast must beat.

    Parameters
    ----------
    measured : (s, t) float
        Power in even steps [kW].
    per_day : int
        Steps a day.
    issue : int
        Step at which the forecast is made; only steps before it are known.

    Returns
    -------
    (s, t - issue) float
        NaN where the day before is not known.
    """
    steps = np.arange(measured.shape[1] - issue)
    source = issue - per_day + steps % per_day
    if issue < per_day:
        return np.full((len(measured), len(steps)), np.nan)
    last: FloatArray = measured[:, source]
    return last


def skill(
    forecast: FloatArray, reference: FloatArray, measured: FloatArray
) -> Mapping[str, float]:
    """Compare a forecast with another one on what was measured.

    Parameters
    ----------
    forecast, reference, measured : (...) float
        Power [kW]; places where one of them is unknown do not count.

    Returns
    -------
    mapping
        ``rmse``, ``reference_rmse``, ``bias`` [kW], ``mae``, ``skill``: 1 less the ratio
        of the two RMSE; 1 is perfect, 0 no better, below 0 worse. ``steps``: how many.
    """
    known = np.isfinite(forecast) & np.isfinite(reference) & np.isfinite(measured)
    off, other = (made[known] - measured[known] for made in (forecast, reference))
    if not len(off):
        return dict.fromkeys(
            ("rmse", "reference_rmse", "bias", "mae", "skill"), float("nan")
        ) | {"steps": 0.0}
    rmse, worse = (float(np.sqrt(np.mean(one**2))) for one in (off, other))
    return {
        "rmse": rmse,
        "reference_rmse": worse,
        "bias": float(off.mean()),
        "mae": float(np.abs(off).mean()),
        "skill": 1.0 - rmse / worse if worse > 0 else float("nan"),
        "steps": float(len(off)),
    }


def coverage(forecast: Forecast, measured: FloatArray) -> float:
    """Return the share of lit steps whose measured power lies in the band; 0.8 is right."""
    known = np.isfinite(measured) & (forecast.high > 0)
    inside = (measured >= forecast.low) & (measured <= forecast.high)
    return float(inside[known].mean()) if known.any() else float("nan")
