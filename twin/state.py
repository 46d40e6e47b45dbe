"""Tell how the district is doing at a time: measured, expected, residual, freshness."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import TableError, UnknownIdError
from twin.judgement import Status, departs, judge
from twin.model import Model, SystemKind
from twin.quantities import BUILDING_QUANTITIES, Quantity

HOUR = pd.Timedelta(hours=1)

OBSERVATION_COLUMNS = ("point", "time", "value", "unit", "source")


@dataclass(frozen=True)
class TwinState:
    """The district's meters beside what the model expects of them.

    Parameters
    ----------
    model : Model
        Buildings, systems, points; at most one point per building and quantity of
        `BUILDING_QUANTITIES`. Others are not looked at.
    observations : DataFrame
        One row per value: `OBSERVATION_COLUMNS`; others are not looked at. ``time`` is the
        start of the interval in UTC, powers are consumption positive, generation negative;
        NaN is a missing value.
    expected_pv : (t, b) DataFrame
        Expected yield of each building's panels [kW], 0 or positive, from the light on the
        very facets they lie on (`expected_pv_power`). Index: starts of intervals in UTC.
    step : Timedelta
        Length of the intervals of both.
    stale_after : Timedelta
        Age at which a value is no longer taken as present.

    Raises
    ------
    TableError
        If a table lacks columns, has naive or repeated times, a wrong unit or a yield
        below zero, or if two points measure the same quantity of a building.
    UnknownIdError
        If a point or building is not in the model.
    """

    model: Model
    observations: pd.DataFrame
    expected_pv: pd.DataFrame
    step: pd.Timedelta = HOUR
    stale_after: pd.Timedelta = 3 * HOUR

    def __post_init__(self) -> None:
        """Check both tables against the model."""
        _check_model(self.model)
        _check_observations(self.observations, self.model)
        _check_expected(self.expected_pv, self.model, self.step)

    def state_at(self, time: pd.Timestamp) -> pd.DataFrame:
        """Return every building's state as it can be known at a moment.

        Parameters
        ----------
        time : Timestamp
            Timezone-aware. An interval counts once it is over: at 12:30, hourly meters
            have spoken for 11:00 to 12:00.

        Returns
        -------
        DataFrame
            Index ``building``, in the model's order. The latest value of each quantity
            under the quantity's name [its unit], stale or not; ``pv_power_expected`` for
            the interval of the measured value (the last one over where there is none)
            and ``pv_power_residual``, measured less expected, both in kW with generation
            negative, so that a positive residual is missing yield; ``time``, start of the
            newest interval; ``age`` of the oldest of the points since its interval
            ended; ``source`` of the values; ``status`` (`Status`). Unknown is NaN or NaT.

        Raises
        ------
        TableError
            If the time is naive.
        """
        points = self._points_at(time)
        buildings = pd.Index(
            [building.id for building in self.model.buildings], name="building"
        )
        # One value per cell, as checked: pivot_table would add up what it should refuse.
        values = points.pivot(index="building", columns="quantity", values="value")  # noqa: PD010
        wide = values.reindex(
            index=buildings, columns=[quantity.value for quantity in BUILDING_QUANTITIES]
        )
        wide.columns.name = None
        groups = points.groupby("building")
        state = wide.assign(
            pv_power_expected=self._expected_at(points, time).reindex(buildings),
            time=groups["time"].max().reindex(buildings),
            age=groups["age"].max().reindex(buildings),
            source=groups["source"].agg(_join).reindex(buildings, fill_value=""),
        )
        state.insert(
            len(wide.columns) + 1,
            "pv_power_residual",
            state[Quantity.PV_POWER] - state["pv_power_expected"],
        )
        return state.assign(status=self._status(points, state))

    def totals_at(self, time: pd.Timestamp) -> "pd.Series[float]":
        """Return the district's sums at a moment, over fresh values only.

        Parameters
        ----------
        time : Timestamp
            Timezone-aware; intervals count once they are over.

        Returns
        -------
        Series
            Sum of each power [kW], consumption positive, NaN where no meter has a fresh
            value, 0 where there is no meter; ``net_electricity``, use and generation
            together [kW]; ``pv_power_expected`` and ``pv_power_residual`` [kW]
            over the buildings whose panels are freshly measured; ``points`` and
            ``points_fresh``, which say how much of the district the sums stand for; and
            the number of buildings of each status.
        """
        points = self._points_at(time)
        state = self.state_at(time)
        fresh = points[points["age"] <= self.stale_after]
        sums = fresh.groupby("quantity")["value"].sum()
        metered = set(points["quantity"])
        totals = {
            quantity.value: float(sums.get(quantity.value, np.nan))
            if quantity.value in metered
            else 0.0
            for quantity in BUILDING_QUANTITIES
            if quantity.is_power
        }
        measured = state.loc[
            state.index.isin(fresh.loc[fresh["quantity"] == Quantity.PV_POWER, "building"])
        ]
        totals["net_electricity"] = (
            totals[Quantity.ELECTRICITY_POWER] + totals[Quantity.PV_POWER]
        )
        for column in ("pv_power_expected", "pv_power_residual"):
            totals[column] = float(measured[column].sum(min_count=1))
        totals["points"] = float(len(points))
        totals["points_fresh"] = float(len(fresh))
        for status in Status:
            totals[f"buildings_{status}"] = float((state["status"] == status).sum())
        return pd.Series(totals, dtype=np.float64)

    def _points_at(self, time: pd.Timestamp) -> pd.DataFrame:
        """Return every point with its latest value, when it is from and its age."""
        if time.tzinfo is None:
            message = f"the time must be timezone-aware, got {time}; add tz='UTC'"
            raise TableError(message)
        seen = self.observations
        over = (seen["time"] + self.step <= time) & seen["value"].notna()
        latest = (
            seen[over]
            .sort_values("time", kind="stable")
            .drop_duplicates("point", keep="last")
        )
        columns = latest.set_index("point")[["time", "value", "source"]]
        points = _building_points(self.model).join(columns)
        return points.assign(age=time - (points["time"] + self.step))

    def _expected_at(self, points: pd.DataFrame, time: pd.Timestamp) -> "pd.Series[float]":
        """Return the expected power of each building with panels [kW], below zero."""
        panels = points[points["quantity"] == Quantity.PV_POWER].set_index("building")
        when = panels["time"].fillna(time.floor(self.step) - self.step)
        rows = self.expected_pv.index.get_indexer(pd.DatetimeIndex(when))
        columns = self.expected_pv.columns.get_indexer(panels.index)
        values = self.expected_pv.to_numpy(np.float64)
        known = (rows >= 0) & (columns >= 0)
        found = np.full(len(panels), np.nan)
        found[known] = 0.0 - values[rows[known], columns[known]]
        return pd.Series(found, index=panels.index)

    def _status(self, points: pd.DataFrame, state: pd.DataFrame) -> "pd.Series[str]":
        """Judge every building."""
        groups = points.assign(
            known=points["value"].notna(), fresh=points["age"] <= self.stale_after
        ).groupby("building")
        known = groups["known"].any().reindex(state.index, fill_value=False)
        fresh = groups["fresh"].all().reindex(state.index, fill_value=False)
        peak = self.expected_pv.max().reindex(state.index)
        departing = departs(
            state["pv_power_residual"].to_numpy(np.float64),
            state["pv_power_expected"].to_numpy(np.float64),
            peak.to_numpy(np.float64),
        )
        status = judge(
            known=known.to_numpy(bool), fresh=fresh.to_numpy(bool), departing=departing
        )
        return pd.Series([str(text) for text in status], index=state.index)


def expected_pv_power(model: Model, facet_kw: pd.DataFrame) -> pd.DataFrame:
    """Add up what the facets under each building's panels should yield.

    Parameters
    ----------
    model : Model
        Its photovoltaic systems name their facets.
    facet_kw : (t, f) DataFrame
        Expected yield of the panels on each facet [kW], 0 or positive; columns: facet ids.

    Returns
    -------
    (t, b) DataFrame
        Same index; one column per building with panels [kW].

    Raises
    ------
    UnknownIdError
        If a system lies on a facet without a column.
    """
    owner = {
        facet: system.building
        for system in model.systems
        if system.kind is SystemKind.PV and system.building
        for facet in system.facets
    }
    missing = [facet for facet in owner if facet not in facet_kw.columns]
    if missing:
        message = (
            f"yields must be given for every facet with panels, {len(missing)} missing: "
            f"{', '.join(missing[:5])}"
        )
        raise UnknownIdError(message)
    values = facet_kw[list(owner)].to_numpy(np.float64)
    number, buildings = pd.factorize(pd.Index(list(owner.values()), name="building"))
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(len(buildings)))
    sums = np.add.reduceat(values[:, order], starts, axis=1) if len(owner) else values
    return pd.DataFrame(sums, index=facet_kw.index, columns=buildings)


def _join(sources: "pd.Series[str]") -> str:
    """Name the different sources of some values."""
    return ", ".join(sorted(set(sources.dropna())))


def _building_points(model: Model) -> pd.DataFrame:
    """Return the rows of the point table that tell of buildings."""
    return model.point_table.loc[[point.id for point in model.building_points]]


def _check_model(model: Model) -> None:
    """Refuse models whose buildings have no single value of a quantity."""
    table = _building_points(model)
    repeated = table[table.duplicated(["building", "quantity"])]
    if len(repeated):
        message = (
            f"a building must have one point per quantity, {len(repeated)} are more, first "
            f"{repeated.index[0]}; add the meters up before"
        )
        raise TableError(message)


def _check_observations(table: pd.DataFrame, model: Model) -> None:
    """Refuse values that cannot be placed, dated or understood."""
    missing = [name for name in OBSERVATION_COLUMNS if name not in table.columns]
    if missing:
        message = (
            f"observations must have {', '.join(OBSERVATION_COLUMNS)}, {missing} missing"
        )
        raise TableError(message)
    _check_utc(table["time"].dtype, "observations")
    points = model.point_table
    unknown = table.loc[~table["point"].isin(points.index), "point"].unique()
    if len(unknown):
        message = (
            f"observations must be of the model's points, got {len(unknown)} unknown: "
            f"{', '.join(str(point) for point in unknown[:5])}"
        )
        raise UnknownIdError(message)
    units = points["unit"].reindex(table["point"]).to_numpy()
    wrong = table[table["unit"].to_numpy() != units]
    if len(wrong):
        first = wrong.iloc[0]
        message = (
            f"values must come in their quantity's unit, {len(wrong)} do not: "
            f"{first['point']} is in {first['unit']!r}, expected "
            f"{points.loc[first['point'], 'unit']!r}; convert when reading"
        )
        raise TableError(message)
    repeated = table[table.duplicated(["point", "time"])]
    if len(repeated):
        first = repeated.iloc[0]
        message = (
            f"a point must have one value per interval, {len(repeated)} repeat: "
            f"{first['point']} at {first['time']}; keep the latest version"
        )
        raise TableError(message)


def _check_expected(table: pd.DataFrame, model: Model, step: pd.Timedelta) -> None:
    """Refuse expected yields of other buildings, times or sign."""
    _check_utc(table.index.dtype, "expected yields")
    unknown = table.columns.difference([building.id for building in model.buildings])
    if len(unknown):
        message = (
            f"expected yields must be of known buildings, got {len(unknown)} unknown: "
            f"{', '.join(str(building) for building in unknown[:5])}"
        )
        raise UnknownIdError(message)
    if (table.index[1:] - table.index[:-1] != step).any():
        message = (
            f"expected yields must follow each other every {step}, as the meters do; "
            "aggregate one of them"
        )
        raise TableError(message)
    if (table.to_numpy(np.float64) < 0).any():
        lowest = float(np.nanmin(table.to_numpy(np.float64)))
        message = f"expected yields must be 0 kW or more, got {lowest:g} kW; turn the sign"
        raise TableError(message)


def _check_utc(dtype: object, what: str) -> None:
    """Refuse times that are not in UTC."""
    if not (isinstance(dtype, pd.DatetimeTZDtype) and str(dtype.tz) == "UTC"):
        message = f"times of {what} must be in UTC, got {dtype}; use tz_convert('UTC')"
        raise TableError(message)
